//! Windows: who may use a file stands in access lists, which no safe interface of the standard library or of cap-std
//! reads. The user's profile folder is closed to other users by Windows itself, and what is made in it inherits that:
//! so what is private lies there, and everything else is taken for open to others.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;

use cap_fs_ext::{DirExt as _, MetadataExt as _};
use cap_std::fs::{Dir, Metadata, OpenOptions};

use super::Whose;

/// How a file is closed to others.
pub const CLOSE_TO_OTHERS: &str =
    "move it into your profile folder: only there Windows is known to close it to others";

/// Names at the top of the output folder that start with `.seal-` are ours.
const LOCK: &str = ".seal-lock";

/// `ERROR_STOPPED_ON_SYMLINK`.
const STOPPED_ON_LINK: i32 = 681;

/// Users have no number here; [`owner`] says the same.
pub fn current_user() -> u32 {
    0
}

/// Not seen here.
pub fn owner(_metadata: &fs::Metadata) -> u32 {
    0
}

/// There are no modes here.
pub fn mode(_metadata: &fs::Metadata) -> Option<u32> {
    None
}

/// There are no modes here.
pub fn set_mode(_file: &File, _mode: u32) -> io::Result<()> {
    Ok(())
}

/// Whether the file at this path lies in the user's profile folder.
pub fn is_private(path: &Path, _metadata: &fs::Metadata) -> bool {
    lies_in_profile(path)
}

/// Whether a new file at this path would lie in the user's profile folder.
pub fn can_be_private(path: &Path) -> bool {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => lies_in_profile(folder),
        _ => lies_in_profile(Path::new(".")),
    }
}

fn lies_in_profile(path: &Path) -> bool {
    let profile = std::env::home_dir().and_then(|profile| fs::canonicalize(profile).ok());
    match (profile, fs::canonicalize(path)) {
        (Some(profile), Ok(path)) => path.starts_with(profile),
        _ => false,
    }
}

/// Pipes have names of their own here and are never found among files.
pub fn is_pipe(_metadata: &fs::Metadata) -> bool {
    false
}

/// Opens a new file that inherits its access list, never an existing one; nothing outside of the profile folder.
pub fn create_private(path: &Path) -> io::Result<File> {
    if !can_be_private(path) {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    fs::OpenOptions::new().write(true).create_new(true).open(path)
}

/// Opens for reading.
pub fn open_at_once(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Nothing that is opened here by a path has a writer to wait for.
pub fn wait_from_now(_file: &File) -> io::Result<()> {
    Ok(())
}

/// Shells hand over no files here.
pub fn is_handed_over(_path: &Path) -> bool {
    false
}

/// Makes a folder, which inherits its access list.
pub(crate) fn make_private_folder(path: &Path) -> io::Result<()> {
    fs::create_dir(path)
}

/// The same beneath a folder.
pub(crate) fn make_private_folder_in(folder: &Dir, name: &str) -> io::Result<()> {
    folder.create_dir(name)
}

/// A new file inherits its access list.
pub(crate) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

/// Whatever lies beneath the output folder is as private as that one.
pub(crate) fn whose(_folder: &Metadata) -> Whose {
    Whose::Ours
}

pub(crate) fn is_ours(_file: &Metadata) -> bool {
    true
}

pub(crate) fn rights(_file: &Metadata) -> Option<u32> {
    None
}

/// Why no output folder can be at this path.
pub(crate) fn refused_output(path: &Path) -> Option<&'static str> {
    let is_closed = if path.exists() { lies_in_profile(path) } else { can_be_private(path) };
    (!is_closed).then_some(
        "lies outside of your profile folder, and who may write there is not seen on Windows",
    )
}

/// The volume that a folder or file lies on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mount(u64);

pub(crate) fn mount(file: impl std::os::windows::io::AsHandle) -> io::Result<Mount> {
    let file = File::from(file.as_handle().try_clone_to_owned()?);
    Ok(Mount(Metadata::from_file(&file)?.dev()))
}

/// Keeps a second writer out for as long as the file that is returned is open. A folder cannot be locked here.
pub(crate) fn lock(folder: &Dir) -> Result<File, TryLockError> {
    let file = folder
        .open_with(LOCK, OpenOptions::new().write(true).create(true))
        .map_err(TryLockError::Error)?
        .into_std();
    file.try_lock()?;
    Ok(file)
}

/// There are no modes here.
pub(crate) fn set_folder_mode(_folder: &Dir, _mode: u32) -> io::Result<()> {
    Ok(())
}

/// Windows has no sync of folders; the file itself was synced before it was renamed.
pub(crate) fn sync_folder(_folder: &Dir) -> io::Result<()> {
    Ok(())
}

/// Gives the file its new name beside the old one, which fails where it is taken, and removes the old one.
pub(crate) fn rename_new(from: &Dir, old: &str, to: &Dir, new: &str) -> io::Result<()> {
    from.hard_link(old, to, new)?;
    from.remove_file_or_symlink(old)
}

/// What stands in the way, where an error says so.
pub(crate) fn odd(error: &io::Error) -> Option<&'static str> {
    if error.raw_os_error() == Some(STOPPED_ON_LINK) {
        return Some("a symbolic link");
    }
    match error.kind() {
        io::ErrorKind::NotADirectory => Some("a link or a file where a folder belongs"),
        io::ErrorKind::IsADirectory => Some("a folder where a file belongs"),
        _ => None,
    }
}
