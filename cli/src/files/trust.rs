//! Who besides the user could change a file: by its owner, its mode, and the folders that it lies in. What access
//! control lists say is not looked at.

use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};

use super::paths::folder_of;

/// Why a file may not be what the user believes it is.
#[derive(Debug, PartialEq, Eq)]
#[cfg_attr(not(unix), allow(dead_code))] // without owners and modes only a missing file is seen
pub(crate) enum Distrust {
    /// There is no regular file.
    NotAFile,
    /// This file, or this folder that it lies in, belongs to somebody else.
    NotOurs(PathBuf),
    /// This file, or this folder that it lies in, can be written by others.
    OpenToOthers(PathBuf),
}

/// Looks at the file at `path` and at every folder from its own up to `root`, which it lies in.
pub(crate) fn distrust(path: &Path, root: &Path) -> Option<Distrust> {
    let Ok(real) = fs::canonicalize(path) else { return Some(Distrust::NotAFile) };
    let metadata = fs::metadata(&real).ok().filter(Metadata::is_file);
    let Some(metadata) = metadata else { return Some(Distrust::NotAFile) };
    if let Some(problem) = system::problem(&metadata, &real) {
        return Some(problem);
    }
    let folders = folder_of(&real).ancestors().take_while(|folder| folder.starts_with(root));
    for folder in folders {
        let problem = fs::metadata(folder).ok().and_then(|it| system::problem(&it, folder));
        if problem.is_some() {
            return problem;
        }
    }
    None
}

#[cfg(unix)]
mod system {
    use std::fs::Metadata;
    use std::os::unix::fs::MetadataExt;
    use std::path::Path;

    use super::Distrust;

    const GROUP_WRITES: u32 = 0o020;
    const OTHERS_WRITE: u32 = 0o002;
    /// In a folder with this bit only the owner of a file replaces it.
    const STICKY: u32 = 0o1000;

    pub(super) fn problem(metadata: &Metadata, path: &Path) -> Option<Distrust> {
        let (mode, owner) = (metadata.mode(), metadata.uid());
        if owner != 0 && owner != rustix::process::geteuid().as_raw() {
            return Some(Distrust::NotOurs(path.to_owned()));
        }
        if metadata.is_dir() && mode & STICKY != 0 {
            return None;
        }
        // Many systems give each user a group of the same number, and a umask that lets it write.
        let own_group = metadata.gid() == owner;
        let open = mode & OTHERS_WRITE != 0 || (mode & GROUP_WRITES != 0 && !own_group);
        open.then(|| Distrust::OpenToOthers(path.to_owned()))
    }
}

/// Without owners and modes there is nothing to be seen.
#[cfg(not(unix))]
mod system {
    pub(super) fn problem(_: &std::fs::Metadata, _: &std::path::Path) -> Option<super::Distrust> {
        None
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_that_others_can_write_or_replace_is_not_trusted() {
        let root = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(root.path()).unwrap();
        let (folder, file) = (root.join("folder"), root.join("folder/file"));
        fs::create_dir(&folder).unwrap();
        fs::write(&file, "").unwrap();
        let open = |path: &Path| Some(Distrust::OpenToOthers(path.to_owned()));
        for (of_root, of_folder, of_file, want) in [
            (0o755, 0o755, 0o644, None),
            (0o755, 0o755, 0o666, open(&file)),
            (0o755, 0o777, 0o644, open(&folder)),
            (0o777, 0o755, 0o644, open(&root)),
            (0o1777, 0o755, 0o644, None),
        ] {
            for (path, mode) in [(&root, of_root), (&folder, of_folder), (&file, of_file)] {
                fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
            }
            assert_eq!(distrust(&file, &root), want, "{of_root:o} {of_folder:o} {of_file:o}");
        }
        assert_eq!(distrust(&folder, &root), Some(Distrust::NotAFile));
        assert_eq!(distrust(&root.join("absent"), &root), Some(Distrust::NotAFile));
    }
}
