//! The programs under test, by name, for tests of more than one crate.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::SystemTime;

/// A program of ours: where `cargo test --workspace` has put it, or built now where a source is newer. Asking cargo each
/// time would build the dependencies a second time, for this selection of crates turns other features on.
pub fn built(program: &str) -> PathBuf {
    static STALE: OnceLock<()> = OnceLock::new();
    let folder = env::current_exe()
        .expect("a test knows its own path")
        .ancestors()
        .nth(2)
        .expect("it lies in a folder of the target directory")
        .to_owned();
    STALE.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
        let newest = [
            "cli/src",
            "controller/src",
            "controller/deploy",
            "shared/src",
            "shared/disk/src",
            "Cargo.lock",
        ]
        .iter()
        .map(|path| newest(&root.join(path)))
        .max();
        let is_fresh = |program| changed(&folder.join(program)) >= newest;
        if !(is_fresh("seal") && is_fresh("seal-controller")) {
            let built = Command::new(env!("CARGO"))
                .args(["build", "--locked", "--quiet", "-p", "seal", "-p", "seal-controller"])
                .status();
            assert!(
                built.is_ok_and(|status| status.success()),
                "seal and seal-controller do not build"
            );
        }
    });
    folder.join(program)
}

fn changed(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).ok()?.modified().ok()
}

fn newest(path: &Path) -> SystemTime {
    if path.is_file() {
        return changed(path).unwrap_or(SystemTime::UNIX_EPOCH);
    }
    let entries = fs::read_dir(path)
        .expect("it is a folder of sources")
        .flatten()
        .map(|entry| newest(&entry.path()));
    entries.max().unwrap_or(SystemTime::UNIX_EPOCH)
}
