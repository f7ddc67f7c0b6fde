//! `packaging/release`: archives that hold what a laptop needs, the same bytes of the same commit, and krew's manifest of them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::helm::root;
use crate::run;

fn seal() -> PathBuf {
    seal_testing::programs::built("seal")
}

fn release(out: &Path, args: &[&str]) -> Vec<u8> {
    let mut command = Command::new(root().join("packaging/release"));
    command.args(args).env("SEAL_RELEASE_OUT", out).env("SEAL", seal());
    run(command.env("SOURCE_DATE_EPOCH", "1700000000"))
}

fn pack(out: &Path, name: &str) {
    release(out, &["pack", &seal().display().to_string(), name]);
}

#[test]
fn an_archive_holds_the_program_its_licence_pages_and_completions() {
    let out = tempfile::tempdir().unwrap();
    pack(out.path(), "linux-amd64");
    run(Command::new("tar").args(["-xzf", "seal-linux-amd64.tar.gz"]).current_dir(out.path()));
    let root = out.path().join("seal-linux-amd64");
    let version = run(Command::new(root.join("seal")).arg("--version"));
    assert_eq!(version, run(Command::new(seal()).arg("--version")));
    for file in ["LICENSE", "CHANGELOG.md", "man/seal.1", "man/seal-set.1"] {
        assert!(fs::metadata(root.join(file)).unwrap().len() > 100, "{file}");
    }
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let text = fs::read_to_string(root.join(format!("completions/seal.{shell}"))).unwrap();
        assert!(text.contains("rename-key"), "{shell}");
    }
}

#[test]
fn the_same_program_and_time_give_the_same_archive() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let archives = folders.map(|out| {
        pack(out.path(), "linux-arm64");
        fs::read(out.path().join("seal-linux-arm64.tar.gz")).unwrap()
    });
    assert!(archives[0] == archives[1]);
}

#[test]
fn krew_finds_each_archive_by_its_checksum() {
    let out = tempfile::tempdir().unwrap();
    let names = ["linux-amd64", "darwin-arm64", "windows-amd64"];
    names.iter().for_each(|name| pack(out.path(), name));
    release(out.path(), &["manifest", "v1.2.3", "https://example.invalid/seal"]);
    run(Command::new("sha256sum").args(["--strict", "-c", "SHA256SUMS"]).current_dir(out.path()));
    let sums = fs::read_to_string(out.path().join("SHA256SUMS")).unwrap();
    let manifest = fs::read_to_string(out.path().join("seal-secret.yaml")).unwrap();
    let manifest: Value = serde_saphyr::from_str(&manifest).unwrap();
    assert_eq!(manifest["metadata"]["name"], "seal-secret");
    assert_eq!(manifest["spec"]["version"], "v1.2.3");
    let mut seen = BTreeSet::new();
    for platform in manifest["spec"]["platforms"].as_array().unwrap() {
        let labels = &platform["selector"]["matchLabels"];
        let (os, arch) = (labels["os"].as_str().unwrap(), labels["arch"].as_str().unwrap());
        let file = platform["uri"].as_str().unwrap().rsplit('/').next().unwrap();
        assert!(sums.contains(&format!("{}  {file}\n", platform["sha256"].as_str().unwrap())));
        // What krew takes out of the archive is in it, under the name that it runs.
        let bin = platform["bin"].as_str().unwrap();
        let from = platform["files"][0]["from"].as_str().unwrap();
        assert_eq!(from, format!("seal-{os}-{arch}/{bin}"));
        seen.insert(format!("{os}-{arch}"));
    }
    assert_eq!(seen, names.into_iter().map(str::to_owned).collect());
    let refused =
        Command::new(root().join("packaging/release")).args(["manifest", "1.2", "x"]).output();
    assert_eq!(refused.unwrap().status.code(), Some(2));
}
