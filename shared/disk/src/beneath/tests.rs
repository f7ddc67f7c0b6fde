//! The rules of paths, against a real disk: what is planted in the way is neither read nor written through.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::PathBuf;

use super::*;
use crate::records::read_private;
use crate::staging::STAGING;

struct Fixture {
    folder: tempfile::TempDir,
    root: Root,
}

fn fixture() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let root = Root::open(&folder.path().join("out"), 0o700).unwrap();
    Fixture { folder, root }
}

impl Fixture {
    fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join("out").join(path)
    }

    fn outside(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn put(&self, at: &str, content: &[u8]) -> Result<(), Blocked> {
        let path = path(at);
        let staging = self.root.staging()?;
        let finished = staging.put(0, 0o600, content)?;
        let folder = self.root.make_folders(&path, 0o700, &mut BTreeSet::new())?;
        staging.rename(0, &folder, path.name(), true)?;
        assert_eq!(self.root.stamp(&path), finished, "moving a file in does not change its stamp");
        Ok(())
    }
}

fn path(text: &str) -> RelPath {
    RelPath::try_from(text.to_owned()).unwrap()
}

#[test]
fn a_file_arrives_whole_with_its_mode_in_folders_of_ours() {
    let f = fixture();
    f.put("a/b/k", b"value").unwrap();
    assert_eq!(fs::read(f.at("a/b/k")).unwrap(), b"value");
    assert_eq!(fs::metadata(f.at("a/b/k")).unwrap().mode() & 0o7777, 0o600);
    for folder in ["", "a", "a/b"] {
        assert_eq!(fs::metadata(f.at(folder)).unwrap().mode() & 0o7777, 0o700, "{folder}");
    }
    assert!(!f.at(STAGING).exists(), "nothing is left beside the tree");
    assert_eq!(f.root.look(&path("a/b/k"), 0o600, b"value").unwrap(), Found::Same);
    assert_eq!(f.root.look(&path("a/b/k"), 0o600, b"other").unwrap(), Found::Differs);
    assert_eq!(f.root.look(&path("a/b/k"), 0o644, b"value").unwrap(), Found::Differs);
    assert_eq!(f.root.look(&path("a/b/l"), 0o600, b"value").unwrap(), Found::Absent);
}

#[test]
fn content_of_any_length_is_compared_to_its_end() {
    let f = fixture();
    let long: Vec<u8> = (0..20_001_u32).map(|n| n.to_le_bytes()[0]).collect();
    f.put("k", &long).unwrap();
    assert_eq!(f.root.look(&path("k"), 0o600, &long).unwrap(), Found::Same);
    let mut changed = long.clone();
    changed[20_000] ^= 1;
    assert_eq!(f.root.look(&path("k"), 0o600, &changed).unwrap(), Found::Differs);
    assert_eq!(f.root.look(&path("k"), 0o600, &long[..20_000]).unwrap(), Found::Differs);
}

#[test]
fn a_symbolic_link_is_never_followed_as_a_folder_or_as_a_file() {
    let f = fixture();
    fs::create_dir(f.outside("elsewhere")).unwrap();
    symlink(f.outside("elsewhere"), f.at("a")).unwrap();
    assert!(matches!(f.put("a/b/k", b"value"), Err(Blocked::Odd(_))));
    assert!(fs::read_dir(f.outside("elsewhere")).unwrap().next().is_none());
    assert!(matches!(f.root.look(&path("a/k"), 0o600, b"").unwrap(), Found::Odd(_)));

    // A link that stays inside is refused as well.
    fs::create_dir(f.at("real")).unwrap();
    symlink("real", f.at("inside")).unwrap();
    assert!(matches!(f.root.folder(Some(&path("inside"))), Err(Blocked::Odd(_))));

    fs::write(f.outside("target"), "theirs").unwrap();
    symlink(f.outside("target"), f.at("k")).unwrap();
    assert_eq!(f.root.look(&path("k"), 0o600, b"theirs").unwrap(), Found::Odd("a symbolic link"));
    assert!(matches!(f.root.remove(&path("k")), Err(Blocked::Odd(_))));
    assert_eq!(fs::read(f.outside("target")).unwrap(), b"theirs");
}

#[test]
fn a_magic_link_is_a_symbolic_link() {
    let f = fixture();
    symlink("/proc/self/root", f.at("a")).unwrap();
    assert!(matches!(f.root.folder(Some(&path("a/tmp"))), Err(Blocked::Odd(_))));
}

#[test]
#[cfg(target_os = "linux")]
fn a_mount_point_is_no_folder_of_ours() {
    if rustix::process::geteuid().as_raw() != 0 {
        eprintln!(
            "a_mount_point_is_no_folder_of_ours: not checked, for only root owns what / has mounted"
        );
        return;
    }
    let root = Root::open(std::path::Path::new("/"), 0o700).unwrap();
    let over = root.folder(Some(&path("proc/sys")));
    assert!(matches!(over, Err(Blocked::Odd(system::OUTSIDE))), "{over:?}");
}

#[test]
fn a_second_link_a_pipe_and_a_folder_are_not_files_of_ours() {
    let f = fixture();
    fs::write(f.outside("theirs"), "theirs").unwrap();
    fs::hard_link(f.outside("theirs"), f.at("linked")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, f.at("pipe"), rustix::fs::Mode::from_raw_mode(0o600))
        .unwrap();
    fs::create_dir(f.at("folder")).unwrap();
    for name in ["linked", "pipe", "folder"] {
        let found = f.root.look(&path(name), 0o600, b"theirs").unwrap();
        assert!(matches!(found, Found::Odd(_)), "{name}: {found:?}");
        assert!(matches!(f.root.remove(&path(name)), Err(Blocked::Odd(_))), "{name}");
        assert!(f.at(name).exists(), "{name}");
    }
}

#[test]
fn a_folder_that_others_may_write_to_is_not_entered() {
    let f = fixture();
    fs::create_dir(f.at("a")).unwrap();
    fs::set_permissions(f.at("a"), PermissionsExt::from_mode(0o770)).unwrap();
    assert!(matches!(f.put("a/k", b"value"), Err(Blocked::Odd(_))));
    assert!(fs::read_dir(f.at("a")).unwrap().next().is_none());
}

#[test]
fn an_output_folder_that_others_may_write_to_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for mode in [0o720, 0o702, 0o777, 0o1777] {
        fs::set_permissions(folder.path(), PermissionsExt::from_mode(mode)).unwrap();
        let refused = Root::open(folder.path(), 0o700).unwrap_err();
        assert!(matches!(refused, DiskError::UnsafeOut { .. }), "{mode:o}");
    }
    fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
    assert!(Root::open(folder.path(), 0o700).is_ok(), "reading the listing is no danger");
}

#[test]
fn two_writers_never_share_an_output_folder() {
    let f = fixture();
    let second = Root::open(&f.at(""), 0o700).unwrap_err();
    assert!(matches!(second, DiskError::Locked { .. }));
}

#[test]
fn a_file_that_appears_after_the_look_is_not_replaced() {
    let f = fixture();
    fs::write(f.at("k"), "theirs").unwrap();
    assert!(matches!(f.put("k", b"value"), Err(Blocked::Odd("a file that is not ours"))));
    assert_eq!(fs::read(f.at("k")).unwrap(), b"theirs");
}

#[test]
fn what_an_interrupted_run_staged_is_cleared() {
    let f = fixture();
    fs::create_dir(f.at(STAGING)).unwrap();
    fs::write(f.at(STAGING).join("0"), "left").unwrap();
    f.root.clear_staging().unwrap();
    assert!(fs::read_dir(f.at(STAGING)).is_err(), "the folder went with what was in it");
}

#[test]
fn a_staging_folder_planted_as_a_link_stops_everything() {
    let f = fixture();
    fs::create_dir(f.outside("elsewhere")).unwrap();
    fs::write(f.outside("elsewhere/0"), "theirs").unwrap();
    symlink(f.outside("elsewhere"), f.at(STAGING)).unwrap();
    assert!(matches!(f.root.clear_staging(), Err(Blocked::Odd(_))));
    assert!(matches!(f.put("k", b"value"), Err(Blocked::Odd(_))));
    assert_eq!(fs::read(f.outside("elsewhere/0")).unwrap(), b"theirs");
}

#[test]
fn an_inventory_that_others_may_read_or_write_is_not_believed() {
    let f = fixture();
    fs::write(f.at("i"), "{}").unwrap();
    for mode in [0o640, 0o604, 0o622] {
        fs::set_permissions(f.at("i"), PermissionsExt::from_mode(mode)).unwrap();
        assert!(
            matches!(read_private(&f.root, &f.root.folder, "i", 100), Err(Blocked::Odd(_))),
            "{mode:o}"
        );
    }
    fs::set_permissions(f.at("i"), PermissionsExt::from_mode(0o600)).unwrap();
    assert_eq!(read_private(&f.root, &f.root.folder, "i", 100).unwrap().unwrap(), b"{}");
    assert!(read_private(&f.root, &f.root.folder, "i", 1).is_err());
    assert!(read_private(&f.root, &f.root.folder, "j", 1).unwrap().is_none());
}
