//! The image: the same bytes every time, what a registry and its clients take, and what is refused.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use crate::registry::Registry;

const CREATED: &str = "1767225600"; // 2026-01-01T00:00:00Z
const AMD64: u16 = 0x3e;
const ARM64: u16 = 0xb7;

/// The smallest file that is a program for `machine`: an ELF header and one segment of the type `segment`.
fn elf(machine: u16, segment: u32) -> Vec<u8> {
    let mut elf = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    elf.extend(2u16.to_le_bytes());
    elf.extend(machine.to_le_bytes());
    elf.extend(1u32.to_le_bytes());
    [0x40_0078u64, 64, 0].iter().for_each(|word| elf.extend(word.to_le_bytes()));
    elf.extend(0u32.to_le_bytes());
    [64u16, 56, 1, 0, 0, 0].iter().for_each(|half| elf.extend(half.to_le_bytes()));
    [segment, 5].iter().for_each(|word| elf.extend(word.to_le_bytes()));
    [120u64, 0x40_0078, 0x40_0078, 8, 8, 1].iter().for_each(|word| elf.extend(word.to_le_bytes()));
    elf.extend(*b"/loader\0");
    elf
}

const LOADED: u32 = 1;
const INTERPRETER: u32 = 3;

struct Folder(TempDir);

impl Folder {
    /// With a program for each platform in it.
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        fs::write(folder.path("amd64"), elf(AMD64, LOADED)).unwrap();
        fs::write(folder.path("arm64"), elf(ARM64, LOADED)).unwrap();
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn packaging(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_seal-packaging"));
        command.current_dir(self.0.path()).env_remove("SOURCE_DATE_EPOCH");
        command.args(args).output().unwrap()
    }

    fn image(&self) {
        let both = ["--program", "linux/amd64=amd64", "--program", "linux/arm64=arm64"];
        let output = self.packaging(
            &[&both[..], &["--created", CREATED, "--revision", "abc", "--out", "out"]].concat(),
        );
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Every file beneath `out`, and the archive.
    fn written(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files =
            BTreeMap::from([("out.tar".into(), fs::read(self.path("out.tar")).unwrap())]);
        let mut folders = vec![self.path("out")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let name = path.strip_prefix(self.0.path()).unwrap().to_owned();
                    files.insert(name, fs::read(&path).unwrap());
                }
            }
        }
        files
    }
}

#[test]
fn the_same_programs_and_time_give_the_same_bytes() {
    let (one, other) = (Folder::new(), Folder::new());
    one.image();
    // Neither the mode nor the time of a file, nor what was written before, is in the image.
    fs::set_permissions(other.path("amd64"), fs::Permissions::from_mode(0o600)).unwrap();
    other.image();
    other.image();
    assert_eq!(one.written(), other.written());
}

#[test]
fn another_time_or_program_is_another_image_and_the_one_before_is_gone() {
    let folder = Folder::new();
    folder.image();
    let before = folder.written();
    fs::write(folder.path("amd64"), [elf(AMD64, LOADED), vec![1]].concat()).unwrap();
    folder.image();
    let after = folder.written();
    assert_ne!(before[Path::new("out/index.json")], after[Path::new("out/index.json")]);
    assert_eq!(before.len(), after.len(), "blobs of the image before are still there");
}

#[tokio::test]
async fn a_registry_takes_the_index_and_gives_each_platform_its_own_image() {
    let folder = Folder::new();
    folder.image();
    let test = seal_testing::test_name!();
    let Some(registry) = Registry::with(&folder.path("out"), test).await else { return };
    let (name, run) = (registry.name.as_str(), |args: &[&str]| registry.crane(args));
    run(&["validate", "--remote", name]);
    let index: Value = serde_json::from_slice(&run(&["manifest", name])).unwrap();
    assert_eq!(index["mediaType"], "application/vnd.oci.image.index.v1+json");
    assert_eq!(index["annotations"]["org.opencontainers.image.revision"], "abc");
    for platform in ["amd64", "arm64"] {
        let of = ["--platform", &format!("linux/{platform}")].map(ToOwned::to_owned);
        let config: Value =
            serde_json::from_slice(&run(&["config", &of[0], &of[1], name])).unwrap();
        assert_eq!(config["architecture"], platform);
        assert_eq!(config["config"]["User"], "65532:65532");
        assert_eq!(config["config"]["Entrypoint"][0], "/seal-controller");
        assert_eq!(config["created"], "2026-01-01T00:00:00Z");
        assert_eq!(config["config"]["Labels"]["org.opencontainers.image.version"], "0.1.0");
        let tar = run(&["export", &of[0], &of[1], name, "-"]);
        assert_eq!(files(&tar, &folder), ["-rwxr-xr-x 0/0 128 seal-controller"], "{platform}");
    }
}

/// Mode, owner, size and name of each file of an archive, by the system's own tar.
fn files(archive: &[u8], folder: &Folder) -> Vec<String> {
    let path = folder.path("exported.tar");
    fs::write(&path, archive).unwrap();
    let listed = Command::new("tar").args(["--numeric-owner", "-tvf"]).arg(path).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let line = |line: &str| -> String {
        let words: Vec<&str> = line.split_whitespace().collect();
        [words[0], words[1], words[2], words[5]].join(" ")
    };
    listed.lines().map(line).collect()
}

#[test]
fn a_file_that_would_not_run_there_is_refused_and_nothing_is_written() {
    let folder = Folder::new();
    fs::write(folder.path("dynamic"), elf(AMD64, INTERPRETER)).unwrap();
    fs::write(folder.path("text"), "#!/bin/sh\n").unwrap();
    for (programs, said) in [
        (&["linux/amd64=arm64"][..], "arm64: it is no program for linux/amd64"),
        (&["linux/amd64=text"], "text: it is no program for linux/amd64"),
        (&["linux/amd64=dynamic"], "dynamic: it asks for a loader"),
        (&["linux/amd64=absent"], "absent: No such file"),
        (&["linux/s390x=amd64"], "with linux/amd64 or linux/arm64"),
        (&["amd64"], "is not PLATFORM=FILE"),
        (&["linux/amd64=amd64", "linux/amd64=amd64"], "two programs for linux/amd64"),
    ] {
        let mut args = vec!["--created", CREATED, "--out", "out"];
        programs.iter().for_each(|program| args.extend(["--program", program]));
        let output = folder.packaging(&args);
        let printed = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && printed.contains(said), "{programs:?}: {printed}");
        assert!(!folder.path("out").exists() && !folder.path("out.tar").exists());
    }
}

#[test]
fn only_what_it_has_written_itself_is_replaced() {
    let args = ["--program", "linux/amd64=amd64", "--created", CREATED, "--out", "out/"];
    for path in ["out/mine", "out.tar", "out.tar/mine"] {
        let folder = Folder::new();
        let path = folder.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "1").unwrap();
        let output = folder.packaging(&args);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains("is left alone"), "{said}");
        assert_eq!(fs::read(&path).unwrap(), b"1");
        assert!(!folder.path("out/index.json").exists());
    }
    // Beside a layout there was something else: the layout is not ours alone.
    let folder = Folder::new();
    folder.image();
    fs::write(folder.path("out/mine"), "1").unwrap();
    assert!(!folder.packaging(&args).status.success());
    fs::remove_file(folder.path("out/mine")).unwrap();
    let before = folder.written();
    assert!(folder.packaging(&args).status.success());
    let after = folder.written();
    assert_ne!(before[Path::new("out.tar")], after[Path::new("out.tar")]);
    assert!(!folder.path("out/.tar").exists());
}

#[test]
fn a_tag_is_one_that_registries_take() {
    let folder = Folder::new();
    for tag in ["", "a b", "1.0+x", "-1", ".1", &"a".repeat(129)] {
        let tag = format!("--tag={tag}");
        let args = ["--program", "linux/amd64=amd64", "--created", CREATED, "--out", "out", &tag];
        let output = folder.packaging(&args);
        assert!(String::from_utf8_lossy(&output.stderr).contains("is no tag"), "{tag}");
    }
}
