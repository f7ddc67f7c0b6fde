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

/// The number of a user.
pub(crate) type Owner = u32;

/// Who owns what is at a path; nobody where there are no owners.
pub(crate) fn owner_of(path: &Path) -> Option<Owner> {
    fs::metadata(path).ok().and_then(|metadata| system::owner(&metadata))
}

/// Looks at the file at `path` and at every folder from its own up to `root`, which it lies in. They are to be the user's own, root's,
/// or those of `also`.
pub(crate) fn distrust(path: &Path, root: &Path, also: Option<Owner>) -> Option<Distrust> {
    let Ok(real) = fs::canonicalize(path) else { return Some(Distrust::NotAFile) };
    let metadata = fs::metadata(&real).ok().filter(Metadata::is_file);
    let Some(metadata) = metadata else { return Some(Distrust::NotAFile) };
    if let Some(problem) = system::problem(&metadata, &real, also) {
        return Some(problem);
    }
    let folders = folder_of(&real).ancestors().take_while(|folder| folder.starts_with(root));
    for folder in folders {
        let problem = fs::metadata(folder).ok().and_then(|it| system::problem(&it, folder, also));
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

    use super::{Distrust, Owner};

    const GROUP_WRITES: u32 = 0o020;
    const OTHERS_WRITE: u32 = 0o002;
    /// In a folder with this bit only the owner of a file replaces it.
    const STICKY: u32 = 0o1000;

    pub(super) fn owner(metadata: &Metadata) -> Option<Owner> {
        Some(metadata.uid())
    }

    pub(super) fn problem(
        metadata: &Metadata,
        path: &Path,
        also: Option<Owner>,
    ) -> Option<Distrust> {
        let (mode, owner) = (metadata.mode(), metadata.uid());
        if owner != 0 && Some(owner) != also && owner != rustix::process::geteuid().as_raw() {
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
    pub(super) fn owner(_: &std::fs::Metadata) -> Option<super::Owner> {
        None
    }

    pub(super) fn problem(
        _: &std::fs::Metadata,
        _: &std::path::Path,
        _: Option<super::Owner>,
    ) -> Option<super::Distrust> {
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
            assert_eq!(distrust(&file, &root, None), want, "{of_root:o} {of_folder:o} {of_file:o}");
        }
        assert_eq!(distrust(&folder, &root, None), Some(Distrust::NotAFile));
        assert_eq!(distrust(&root.join("absent"), &root, None), Some(Distrust::NotAFile));
    }
}
