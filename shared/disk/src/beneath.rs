//! A directory handle, and what may be looked at, made and removed beneath it.
//!
//! Paths are walked one name at a time with `openat2`, never through a symbolic link, a mount point or a folder
//! that others may write to. A file is only ever read when it is a regular file with one link that we own.
//! How a file is written is in [`crate::staging`]. Decides nothing about what should be there.

use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{AtFlags, FileType, FlockOperation, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::{self, Errno};
use zeroize::Zeroizing;

use crate::error::{Blocked, DiskError};
use crate::plan::Found;
use crate::rel_path::RelPath;

const WRITABLE_BY_OTHERS: u32 = 0o022;

/// The output folder.
#[derive(Debug)]
pub(crate) struct Root {
    pub(crate) fd: OwnedFd,
    given: String,
    uid: u32,
}

/// What tells a file from a changed or replaced one, without reading it. The time of the last change of the
/// inode is not in it: the rename that brings a file into place sets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stamp {
    Nothing,
    NoWay,
    There { inode: u64, size: i64, modified: (i64, u64), mode: u32, links: u64, uid: u32 },
}

impl Stamp {
    #[allow(clippy::useless_conversion)] // the number of links is 32 bits wide on arm64
    pub(crate) fn of(stat: &Stat) -> Self {
        Self::There {
            inode: stat.st_ino,
            size: stat.st_size,
            modified: (stat.st_mtime, stat.st_mtime_nsec),
            mode: stat.st_mode,
            links: u64::from(stat.st_nlink),
            uid: stat.st_uid,
        }
    }
}

impl Root {
    /// Opens the output folder, makes it (0700) when it is missing, and locks it against a second writer.
    pub(crate) fn open(path: &Path) -> Result<Self, DiskError> {
        match rustix::fs::mkdir(path, Mode::from_raw_mode(0o700)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(DiskError::system("make", path, errno)),
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = rustix::fs::open(path, flags, Mode::empty())
            .map_err(|errno| DiskError::system("open", path, errno))?;
        let stat =
            rustix::fs::fstat(&fd).map_err(|errno| DiskError::system("look at", path, errno))?;
        let given = path.display().to_string();
        let uid = rustix::process::geteuid().as_raw();
        if stat.st_uid != uid {
            return Err(DiskError::UnsafeOut { path: given, what: "belongs to another user" });
        }
        if stat.st_mode & WRITABLE_BY_OTHERS != 0 {
            return Err(DiskError::UnsafeOut { path: given, what: "is writable by others" });
        }
        match rustix::fs::flock(&fd, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self { fd, given, uid }),
            Err(Errno::WOULDBLOCK) => Err(DiskError::Locked { path: given }),
            Err(errno) => Err(DiskError::system("lock", path, errno)),
        }
    }

    /// The output folder as it was given, for messages.
    pub(crate) fn given(&self) -> &str {
        &self.given
    }

    /// A folder beneath, or the output folder itself; `None` when it is not there.
    pub(crate) fn folder(&self, path: Option<&RelPath>) -> Result<Option<OwnedFd>, Blocked> {
        let mut folder = self.fd.try_clone().map_err(|_| Errno::MFILE)?;
        for name in path.iter().flat_map(|path| path.names()) {
            match self.subfolder(&folder, name) {
                Ok(next) => folder = next,
                Err(Blocked::System(Errno::NOENT)) => return Ok(None),
                Err(blocked) => return Err(blocked),
            }
        }
        Ok(Some(folder))
    }

    pub(crate) fn subfolder(&self, folder: &OwnedFd, name: &str) -> Result<OwnedFd, Blocked> {
        let next = open_beneath(folder, name, OFlags::RDONLY | OFlags::DIRECTORY, 0)?;
        let stat = rustix::fs::fstat(&next)?;
        if stat.st_uid != self.uid {
            return Err(Blocked::Odd("a folder of another user"));
        }
        if stat.st_mode & WRITABLE_BY_OTHERS != 0 {
            return Err(Blocked::Odd("a folder that others may write to"));
        }
        Ok(next)
    }

    /// Makes the folders that `path` lies in, as far as they are missing, and opens the last one.
    pub(crate) fn make_folders(&self, path: &RelPath, mode: u32) -> Result<OwnedFd, Blocked> {
        let mut folder = self.fd.try_clone().map_err(|_| Errno::MFILE)?;
        for name in path.folder().iter().flat_map(|path| path.names()) {
            folder = self.make_folder(&folder, name, mode)?;
        }
        Ok(folder)
    }

    pub(crate) fn make_folder(
        &self,
        folder: &OwnedFd,
        name: &str,
        mode: u32,
    ) -> Result<OwnedFd, Blocked> {
        match rustix::fs::mkdirat(folder, name, Mode::from_raw_mode(0o700)) {
            Ok(()) => {
                let made = self.subfolder(folder, name)?;
                rustix::fs::fchmod(&made, Mode::from_raw_mode(mode))?; // whatever the umask left
                rustix::fs::fsync(folder)?;
                Ok(made)
            }
            Err(Errno::EXIST) => self.subfolder(folder, name),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Compares what stands at `path` with what should be there.
    pub(crate) fn look(&self, path: &RelPath, mode: u32, value: &[u8]) -> Result<Found, Errno> {
        match self.open_ours(path) {
            Ok(None) => Ok(Found::Absent),
            Ok(Some((fd, stat))) => {
                let same = stat.st_mode & 0o7777 == mode && same_content(&fd, &stat, value)?;
                Ok(if same { Found::Same } else { Found::Differs })
            }
            Err(Blocked::Odd(what)) => Ok(Found::Odd(what)),
            Err(Blocked::System(errno)) => Err(errno),
        }
    }

    fn open_ours(&self, path: &RelPath) -> Result<Option<(OwnedFd, Stat)>, Blocked> {
        let Some(folder) = self.folder(path.folder().as_ref())? else { return Ok(None) };
        self.open_ours_in(&folder, path.name())
    }

    fn open_ours_in(
        &self,
        folder: &OwnedFd,
        name: &str,
    ) -> Result<Option<(OwnedFd, Stat)>, Blocked> {
        // NONBLOCK: opening a pipe that somebody planted must not wait for its other end.
        let fd = match open_beneath(folder, name, OFlags::RDONLY | OFlags::NONBLOCK, 0) {
            Ok(fd) => fd,
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::ACCESS) => return Err(Blocked::Odd("a file that cannot be read")),
            Err(errno) => return Err(errno.into()),
        };
        let stat = rustix::fs::fstat(&fd)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(Blocked::Odd("not a regular file"));
        }
        if stat.st_nlink != 1 {
            return Err(Blocked::Odd("a file with more than one link"));
        }
        if stat.st_uid != self.uid {
            return Err(Blocked::Odd("a file of another user"));
        }
        Ok(Some((fd, stat)))
    }

    /// The stamp of whatever stands at `path`.
    pub(crate) fn stamp(&self, path: &RelPath) -> Stamp {
        let folder = match self.folder(path.folder().as_ref()) {
            Ok(Some(folder)) => folder,
            Ok(None) => return Stamp::Nothing,
            Err(_) => return Stamp::NoWay,
        };
        match rustix::fs::statat(&folder, path.name(), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Stamp::of(&stat),
            Err(Errno::NOENT) => Stamp::Nothing,
            Err(_) => Stamp::NoWay,
        }
    }

    /// Removes a file of ours; one that is gone already is no error.
    pub(crate) fn remove(&self, path: &RelPath) -> Result<(), Blocked> {
        let Some(folder) = self.folder(path.folder().as_ref())? else { return Ok(()) };
        if self.open_ours_in(&folder, path.name())?.is_some() {
            rustix::fs::unlinkat(&folder, path.name(), AtFlags::empty())?;
            rustix::fs::fsync(&folder)?;
        }
        Ok(())
    }

    /// Removes a folder when nothing is in it; says whether it is gone.
    pub(crate) fn remove_empty(&self, path: &RelPath) -> bool {
        let Ok(parent) = self.folder(path.folder().as_ref()) else { return false };
        let Some(parent) = parent else { return true };
        let removed = rustix::fs::unlinkat(&parent, path.name(), AtFlags::REMOVEDIR);
        matches!(removed, Ok(()) | Err(Errno::NOENT | Errno::NOTDIR))
    }

    /// Reads a file of ours that nobody else may read or write.
    pub(crate) fn read_private(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, Blocked> {
        let Some((fd, stat)) = self.open_ours_in(&self.fd, name)? else { return Ok(None) };
        if stat.st_mode & 0o077 != 0 {
            return Err(Blocked::Odd("a file that others may read or write"));
        }
        let size = u64::try_from(stat.st_size).unwrap_or(u64::MAX);
        if size > limit {
            return Err(Blocked::Odd("a file larger than we write"));
        }
        let mut content = vec![0; usize::try_from(size).unwrap_or(0)];
        let read = read_full(&fd, &mut content)?;
        content.truncate(read);
        Ok(Some(content))
    }
}

pub(crate) fn open_beneath(
    folder: &OwnedFd,
    name: &str,
    flags: OFlags,
    mode: u32,
) -> io::Result<OwnedFd> {
    let resolve = ResolveFlags::BENEATH
        | ResolveFlags::NO_SYMLINKS
        | ResolveFlags::NO_MAGICLINKS
        | ResolveFlags::NO_XDEV;
    let flags = flags | OFlags::NOFOLLOW | OFlags::NOCTTY | OFlags::CLOEXEC;
    loop {
        match rustix::fs::openat2(folder, name, flags, Mode::from_raw_mode(mode), resolve) {
            // AGAIN: something was renamed meanwhile and the kernel could not tell whether we stayed beneath.
            Err(Errno::INTR | Errno::AGAIN) => {}
            result => return result,
        }
    }
}

fn same_content(fd: &OwnedFd, stat: &Stat, wanted: &[u8]) -> Result<bool, Errno> {
    if u64::try_from(stat.st_size) != Ok(wanted.len() as u64) {
        return Ok(false);
    }
    let mut buffer = Zeroizing::new([0; 8192]);
    let mut rest = wanted;
    loop {
        let read = read_full(fd, &mut buffer[..])?;
        if read == 0 {
            return Ok(rest.is_empty());
        }
        match rest.strip_prefix(&buffer[..read]) {
            Some(after) => rest = after,
            None => return Ok(false),
        }
    }
}

fn read_full(fd: &OwnedFd, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match rustix::io::read(fd, &mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests;
