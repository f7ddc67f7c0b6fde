//! `make install`, with a stand-in for cargo: a release build of everything takes longer than all other tests together.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

/// Takes `cargo install … --root ROOT … --path CRATE` and puts there what cargo would, from the build of this test.
const CARGO: &str = r#"#!/bin/sh
echo "cargo $*" >> "$SAID"
while [ $# -gt 0 ]; do
  case $1 in --root) root=$2; shift ;; --path) crate=$2; shift ;; esac
  shift
done
mkdir -p "$root/bin"
case $crate in cli) ln -s "$BUILT/seal" "$root/bin/" ;; controller) ln -s "$BUILT/seal-controller" "$root/bin/" ;; esac
"#;

#[test]
fn make_install_puts_both_programs_under_the_prefix_and_says_where() {
    let folder = TempDir::new().unwrap();
    let (bin, prefix, said) =
        (folder.path().join("bin"), folder.path().join("a prefix"), folder.path().join("said"));
    fs::create_dir(&bin).unwrap();
    fs::write(bin.join("cargo"), CARGO).unwrap();
    fs::set_permissions(bin.join("cargo"), fs::Permissions::from_mode(0o755)).unwrap();
    let built = seal_testing::programs::built("seal");
    let output = Command::new("make")
        .args(["--no-print-directory", "install"])
        .arg(format!("PREFIX={}", prefix.display()))
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap())
        .env("PATH", format!("{}:{}", bin.display(), std::env::var("PATH").unwrap()))
        .env("BUILT", built.parent().unwrap())
        .env("SAID", &said)
        .env_remove("MAKEFLAGS")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).unwrap();
    for program in ["seal", "seal-controller"] {
        let path = prefix.join("bin").join(program);
        assert!(printed.contains(&path.display().to_string()), "{printed}");
        let version = Command::new(&path).arg("--version").output().unwrap();
        assert!(version.status.success());
    }
    let asked = fs::read_to_string(&said).unwrap();
    assert!(
        asked.lines().count() == 2 && asked.lines().all(|line| line.contains("install --locked")),
        "{asked}"
    );
}
