//! Linux and macOS: owners and modes are seen, folders are synced.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::{
    DirBuilderExt as _, FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _,
    PermissionsExt as _,
};
use std::path::Path;

use cap_std::fs::{
    Dir, DirBuilder, DirBuilderExt as _, Metadata, MetadataExt as _, OpenOptions,
    OpenOptionsExt as _,
};
use rustix::fs::{OFlags, RenameFlags};
use rustix::io::Errno;

use super::Whose;

/// How a file is closed to others.
pub const CLOSE_TO_OTHERS: &str = "take that from them with `chmod 600`";

const CREDENTIAL: u32 = 0o440;
const OTHERS: u32 = 0o077;
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// The user that this process acts for.
pub fn current_user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Whose a file is.
pub fn owner(metadata: &fs::Metadata) -> u32 {
    metadata.uid()
}

/// The mode of a file: who may read, write and run it.
pub fn mode(metadata: &fs::Metadata) -> Option<u32> {
    Some(metadata.mode() & 0o7777)
}

/// Gives an open file or folder its mode, whatever the umask left.
pub fn set_mode(file: &File, mode: u32) -> io::Result<()> {
    file.set_permissions(fs::Permissions::from_mode(mode))
}

/// Whether nobody but the owner has a right on the file that was opened at this path.
///
/// So is one of root and its group with exactly 0440: as such a service sees the credentials that systemd gives it, whose
/// access list names the service's user. Who else may read them is root's to say.
pub fn is_private(_path: &Path, metadata: &fs::Metadata) -> bool {
    let is_credential =
        metadata.uid() == 0 && metadata.gid() == 0 && metadata.mode() & 0o7777 == CREDENTIAL;
    is_credential || metadata.mode() & OTHERS == 0
}

/// Whether a new file at this path can be closed to others: its mode does that.
pub fn can_be_private(_path: &Path) -> bool {
    true
}

/// A pipe with or without a name.
pub fn is_pipe(metadata: &fs::Metadata) -> bool {
    metadata.file_type().is_fifo()
}

/// Opens a new file that only its owner can read, never an existing one.
pub fn create_private(path: &Path) -> io::Result<File> {
    fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// Opens for reading without waiting for the other end of a pipe.
pub fn open_at_once(path: &Path) -> io::Result<File> {
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    fs::OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)
}

/// Lets what was opened at once be read to its end, however long its writer takes.
pub fn wait_from_now(file: &File) -> io::Result<()> {
    let flags = rustix::fs::fcntl_getfl(file)?;
    Ok(rustix::fs::fcntl_setfl(file, flags - OFlags::NONBLOCK)?)
}

/// Whether a path is a descriptor that a shell opened and hands over, such as `<(…)`: a pipe there has a writer.
pub fn is_handed_over(path: &Path) -> bool {
    let is_of_descriptors = |folder: &Path| {
        folder == Path::new("/dev/fd") || (folder.starts_with("/proc") && folder.ends_with("fd"))
    };
    path == Path::new("/dev/stdin") || path.parent().is_some_and(is_of_descriptors)
}

/// Makes a folder that only its owner can enter.
pub(crate) fn make_private_folder(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().mode(0o700).create(path)
}

/// The same beneath a folder.
pub(crate) fn make_private_folder_in(folder: &Dir, name: &str) -> io::Result<()> {
    folder.create_dir_with(name, DirBuilder::new().mode(0o700))
}

/// A new file is its owner's alone; a terminal that somebody planted does not become ours.
pub(crate) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options.mode(0o600).custom_flags(OFlags::NOCTTY.bits().cast_signed())
}

pub(crate) fn whose(folder: &Metadata) -> Whose {
    if folder.uid() != current_user() {
        Whose::AnotherUsers
    } else if folder.mode() & WRITABLE_BY_OTHERS != 0 {
        Whose::WritableByOthers
    } else {
        Whose::Ours
    }
}

pub(crate) fn is_ours(file: &Metadata) -> bool {
    file.uid() == current_user()
}

pub(crate) fn rights(file: &Metadata) -> Option<u32> {
    Some(file.mode() & 0o7777)
}

/// Why no output folder can be at this path: the mode of the folder says it.
pub(crate) fn refused_output(path: &Path) -> Option<&'static str> {
    use std::os::unix::fs::MetadataExt;
    const ROOT: u32 = 0;
    let metadata = path.symlink_metadata().ok()?;
    let is_theirs = ![current_user(), ROOT].contains(&metadata.uid());
    (metadata.is_symlink() && is_theirs).then_some("is a link of another user")
}

/// What a folder or file is mounted on: two that differ have a mount point between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mount {
    device: u64,
    /// Tells a bind mount of the same device; Linux has it since 5.8.
    number: Option<u64>,
}

pub(crate) fn mount(file: impl std::os::fd::AsFd) -> io::Result<Mount> {
    let device = rustix::fs::fstat(&file)?.st_dev;
    #[allow(clippy::unnecessary_cast, clippy::cast_sign_loss)] // signed and 32 bits wide on macOS
    Ok(Mount { device: device as u64, number: mount_number(file)? })
}

#[cfg(target_os = "linux")]
fn mount_number(file: impl std::os::fd::AsFd) -> io::Result<Option<u64>> {
    use rustix::fs::{AtFlags, StatxFlags};
    match rustix::fs::statx(file, "", AtFlags::EMPTY_PATH, StatxFlags::MNT_ID) {
        Ok(stat) => {
            let has_number = stat.stx_mask & StatxFlags::MNT_ID.bits() != 0;
            Ok(has_number.then_some(stat.stx_mnt_id))
        }
        Err(Errno::NOSYS) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}

#[cfg(not(target_os = "linux"))]
fn mount_number(_file: impl std::os::fd::AsFd) -> io::Result<Option<u64>> {
    Ok(None)
}

/// Keeps a second writer out for as long as the file that is returned is open.
pub(crate) fn lock(folder: &Dir) -> Result<File, TryLockError> {
    let file = folder.open(".").map_err(TryLockError::Error)?.into_std();
    file.try_lock()?;
    Ok(file)
}

/// Gives a folder its mode, whatever the umask left.
pub(crate) fn set_folder_mode(folder: &Dir, mode: u32) -> io::Result<()> {
    set_mode(&folder.open(".")?.into_std(), mode)
}

/// Waits until the disk has the names in a folder.
pub(crate) fn sync_folder(folder: &Dir) -> io::Result<()> {
    folder.open(".")?.into_std().sync_all()
}

/// Renames, and fails where the new name is taken.
pub(crate) fn rename_new(from: &Dir, old: &str, to: &Dir, new: &str) -> io::Result<()> {
    Ok(rustix::fs::renameat_with(from, old, to, new, RenameFlags::NOREPLACE)?)
}

/// What stands in the way, where an error says so.
pub(crate) fn odd(error: &io::Error) -> Option<&'static str> {
    match Errno::from_io_error(error)? {
        Errno::LOOP => Some("a symbolic link"),
        Errno::XDEV => Some(super::OUTSIDE),
        Errno::NOTDIR => Some("a link or a file where a folder belongs"),
        Errno::ISDIR => Some("a folder where a file belongs"),
        Errno::NXIO => Some("not a regular file"),
        _ => None,
    }
}
