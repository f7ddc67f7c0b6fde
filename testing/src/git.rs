//! The `git` command, with nobody's configuration and a committer of its own.

use std::path::Path;
use std::process::Command;

/// Runs `git` in a folder, and gives what it prints; fails with what git said where it fails.
pub fn git(folder: &Path, args: &[&str]) -> String {
    let mut command = Command::new("git");
    // A repository that is packed in the background is not the same from one moment to the next.
    command.current_dir(folder).args(["-c", "gc.auto=0"]).args(args);
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    for who in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{who}_NAME"), "test").env(format!("GIT_{who}_EMAIL"), "test@test");
    }
    let output = command.output().expect("these tests need git on the path");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {args:?}: {said}");
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}
