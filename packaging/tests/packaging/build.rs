//! `packaging/build` with a stand-in for cargo: what it passes on, wherever it lies, and what it refuses before it builds.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::helm::root;

/// Writes down its flags, and puts there what cargo would.
const CARGO: &str = r#"#!/bin/sh
printf '%s\n' "$CARGO_ENCODED_RUSTFLAGS" | tr '\037' '\n' >> "$SAID"
echo "cargo $* at $SOURCE_DATE_EPOCH" >> "$SAID"
while [ $# -gt 0 ]; do
  case $1 in --target) mkdir -p "target/$2/debug" && touch "target/$2/debug/seal-controller" ;; esac
  shift
done
"#;

/// A folder with a space in its name, and in it the script and stand-ins for all that it starts.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        let script = fs::read_to_string(root().join("packaging/build")).unwrap();
        let here = folder.path();
        put(&here.join("packaging/build"), &script);
        put(&here.join("testing/tools/build"), "#!/bin/sh\nprintf '%s\n' \"$PWD/bin\"\n");
        put(&here.join("bin/cargo"), CARGO);
        put(&here.join("bin/rustc"), "#!/bin/sh\npwd\n");
        folder
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("a folder")
    }

    fn build(&self, args: &[&str], time: Option<&str>) -> Output {
        let path =
            format!("{}:{}", self.path().join("bin").display(), std::env::var("PATH").unwrap());
        let mut command = Command::new(self.path().join("packaging/build"));
        command.args(args).env("PATH", path).env("SAID", self.path().join("said"));
        command
            .env_remove("SOURCE_DATE_EPOCH")
            .env_remove("CARGO_TARGET_DIR")
            .env("CARGO_HOME", "/my cargo");
        command.envs(time.map(|time| ("SOURCE_DATE_EPOCH", time))).output().unwrap()
    }

    fn said(&self) -> String {
        fs::read_to_string(self.path().join("said")).unwrap_or_default()
    }
}

fn put(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn paths_of_the_machine_are_left_out_wherever_it_lies_and_the_time_is_passed_on() {
    let folder = Folder::new();
    let output = folder.build(&["--debug", "--platform", "linux/arm64"], Some("1767225600"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = folder.said();
    let here = folder.path().canonicalize().unwrap().display().to_string();
    for line in [
        format!("--remap-path-prefix={here}=/seal"),
        "--remap-path-prefix=/my cargo=/cargo".to_owned(),
        "cargo zigbuild --quiet --locked --profile dev --target aarch64-unknown-linux-musl -p=seal-controller at 1767225600".to_owned(),
    ] {
        assert!(said.lines().any(|it| it == line), "{line}: {said}");
    }
    let image = "--program linux/arm64=target/image-debug/linux/arm64/seal-controller --out target/image-debug/seal-controller";
    assert!(said.contains(image), "{said}");
    assert!(!said.contains("--revision"), "there is no commit: {said}");
}

/// The time and the commit of another repository that it lies in would be wrong.
#[test]
fn without_a_commit_of_its_own_it_asks_for_the_time_before_it_builds() {
    let folder = Folder::new();
    seal_testing::git(folder.0.path(), &["init", "--quiet"]);
    seal_testing::git(
        folder.0.path(),
        &["commit", "--quiet", "--allow-empty", "--message=another"],
    );
    for time in [None, Some("yesterday")] {
        let output = folder.build(&["--debug"], time);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("SOURCE_DATE_EPOCH"), "{said}");
    }
    assert_eq!(folder.said(), "");
}

#[test]
fn wrong_use_is_refused_before_it_builds() {
    let folder = Folder::new();
    for args in [
        &["--platform", "linux/s390x"][..],
        &["--platform"],
        &["--platform", "linux/amd64", "--platform", "linux/amd64"],
        &["--release"],
    ] {
        assert_eq!(folder.build(args, Some("1")).status.code(), Some(2), "{args:?}");
    }
    assert_eq!(folder.said(), "");
}
