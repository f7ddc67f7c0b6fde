//! How much is said: nothing but warnings and errors with `--quiet`, and progress on a terminal alone.

use std::process::{Command, Stdio};

use crate::world::World;

#[test]
fn quiet_leaves_warnings_and_errors() {
    let world = World::new();
    let said = world.seal(&["secret.json", "-o", "db.yaml", "--quiet"]).exits(0);
    assert_eq!(said.stderr, "");
    let wide = ["secret.json", "-o", "wide.yaml", "--scope-name", "*", "--quiet"];
    let said = world.seal(&wide).exits(0);
    assert!(said.stderr.lines().all(|line| line.starts_with("seal: warning: ")), "{}", said.stderr);
    assert!(!said.stderr.is_empty());
    world.seal(&["set", "absent.yaml", "key", "--quiet"]).exits(2).says("seal: error: ");
    assert_eq!(world.seal(&["check", "db.yaml", "--quiet"]).exits(0).stderr, "");
}

#[test]
fn nothing_is_said_of_progress_where_no_terminal_is() {
    let world = World::sealed();
    let said = world.seal(&["check", "."]);
    assert!(!said.stderr.contains('\r') && !said.stderr.contains('\u{1b}'), "{:?}", said.stderr);
}

/// With a terminal that util-linux's `script` gives, and a walk that waits for what it reads: a pipe that nobody writes to
/// would be skipped, so many files must do.
#[test]
fn on_a_terminal_the_line_of_progress_is_gone_at_the_end() {
    let world = World::sealed();
    let mut command = Command::new("script");
    let line = format!("{} check db.sealed.yaml", env!("CARGO_BIN_EXE_seal"));
    command.args(["-qec", &line, "/dev/null"]).current_dir(world.path("."));
    let output = command
        .env("HOME", world.path("../home"))
        .stdin(Stdio::null())
        .output()
        .expect("util-linux has `script`");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("\r\u{1b}[Kseal: nothing found"), "{said:?}");
}
