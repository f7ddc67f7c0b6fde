//! A directory handle, and what may be looked at, made and removed beneath it.
//!
//! cap-std opens: one name at a time, never through a link. Ours is what it does not hold: no way leads over a mount point
//! or into a folder that others may write to, and a file is only ever read when it is a regular file with one link that
//! we own. What of that each system has is in [`crate::system`]; how a file is written in [`crate::staging`]. Decides
//! nothing about what should be there.

use std::fs::{File, TryLockError};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use cap_fs_ext::{DirExt, FollowSymlinks, MetadataExt, OpenOptionsFollowExt, OpenOptionsSyncExt};
use cap_std::ambient_authority;
use cap_std::fs::{Dir, Metadata, OpenOptions};
use zeroize::Zeroizing;

use crate::error::{Blocked, DiskError};
use crate::plan::Found;
use crate::rel_path::RelPath;
use crate::system::{self, Mount, Whose};

/// The output folder.
#[derive(Debug)]
pub(crate) struct Root {
    pub(crate) folder: Dir,
    path: PathBuf,
    given: String,
    mount: Mount,
    _lock: File,
}

/// An open folder beneath, or the output folder itself.
pub(crate) use cap_std::fs::Dir as Folder;

/// What tells a file from a changed or replaced one, without reading it. The time of the last change of the
/// inode is not in it: the rename that brings a file into place sets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stamp {
    Nothing,
    NoWay,
    There {
        inode: u64,
        size: u64,
        modified: Option<SystemTime>,
        rights: Option<u32>,
        is_file: bool,
        links: u64,
        ours: bool,
    },
}

/// What an open file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
}

impl Stamp {
    /// That of an open file.
    pub(crate) fn of_file(file: &File) -> io::Result<Self> {
        Ok(Self::of(&Metadata::from_file(file)?))
    }

    fn of(metadata: &Metadata) -> Self {
        Self::There {
            inode: metadata.ino(),
            size: metadata.len(),
            modified: metadata.modified().ok().map(cap_std::time::SystemTime::into_std),
            rights: system::rights(metadata),
            is_file: metadata.is_file(),
            links: metadata.nlink(),
            ours: system::is_ours(metadata),
        }
    }
}

impl Root {
    /// Opens the output folder, makes it when it is missing, and locks it against a second writer.
    pub(crate) fn open(path: &Path, mode: u32) -> Result<Self, DiskError> {
        let given = path.display().to_string();
        if let Some(what) = system::refused_output(path) {
            return Err(DiskError::UnsafeOut { path: given, what });
        }
        let is_new = match system::make_private_folder(path) {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
            Err(error) => return Err(DiskError::system("make", path, &error)),
        };
        let folder = Dir::open_ambient_dir(path, ambient_authority())
            .map_err(|error| DiskError::system("open", path, &error))?;
        if is_new {
            system::set_folder_mode(&folder, mode)
                .map_err(|error| DiskError::system("make", path, &error))?;
        }
        is_safe(&folder, path)?;
        let mount =
            system::mount(&folder).map_err(|error| DiskError::system("look at", path, &error))?;
        match system::lock(&folder) {
            Ok(lock) => Ok(Self { folder, path: path.to_owned(), given, mount, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(DiskError::Locked { path: given }),
            Err(TryLockError::Error(error)) => Err(DiskError::system("lock", path, &error)),
        }
    }

    /// Refuses a folder that has come to be another user's or writable by others since it was opened.
    pub(crate) fn is_safe(&self) -> Result<(), DiskError> {
        is_safe(&self.folder, &self.path)
    }

    /// Whether the path leads to another folder now, or to none: this one was moved, removed or mounted over.
    pub(crate) fn is_moved(&self) -> bool {
        let number = |metadata: Metadata| (metadata.dev(), metadata.ino());
        let here = self.folder.dir_metadata().map(number).ok();
        let there = Dir::open_ambient_dir(&self.path, ambient_authority());
        let there = there.and_then(|folder| folder.dir_metadata()).map(number).ok();
        here != there
    }

    /// The path that it was opened at.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The output folder as it was given, for messages.
    pub(crate) fn given(&self) -> &str {
        &self.given
    }

    /// A folder beneath, or the output folder itself; `None` when it is not there.
    pub(crate) fn folder(&self, path: Option<&RelPath>) -> Result<Option<Dir>, Blocked> {
        let mut folder = self.folder.try_clone()?;
        for name in path.iter().flat_map(|path| path.names()) {
            match self.subfolder(&folder, name) {
                Ok(next) => folder = next,
                Err(blocked) if blocked.is_absence() => return Ok(None),
                Err(blocked) => return Err(blocked),
            }
        }
        Ok(Some(folder))
    }

    pub(crate) fn subfolder(&self, folder: &Dir, name: &str) -> Result<Dir, Blocked> {
        let next = folder.open_dir_nofollow(name)?;
        if system::mount(&next)? != self.mount {
            return Err(Blocked::Odd(system::OUTSIDE));
        }
        match system::whose(&next.dir_metadata()?) {
            Whose::AnotherUsers => Err(Blocked::Odd("a folder of another user")),
            Whose::WritableByOthers => Err(Blocked::Odd("a folder that others may write to")),
            Whose::Ours => Ok(next),
        }
    }

    /// Compares what stands at `path` with what should be there.
    pub(crate) fn look(&self, path: &RelPath, mode: u32, value: &[u8]) -> io::Result<Found> {
        match self.open_ours(path, Access::Read) {
            Ok(None) => Ok(Found::Absent),
            Ok(Some((file, metadata))) => {
                let has_mode = system::rights(&metadata).is_none_or(|rights| rights == mode);
                let same = has_mode && same_content(file, &metadata, value)?;
                Ok(if same { Found::Same } else { Found::Differs })
            }
            Err(Blocked::Odd(what)) => Ok(Found::Odd(what)),
            Err(Blocked::System(error)) => Err(error),
        }
    }

    /// Opens a regular file with one link that we own; `None` when nothing is there.
    pub(crate) fn open_ours(
        &self,
        path: &RelPath,
        access: Access,
    ) -> Result<Option<(File, Metadata)>, Blocked> {
        let Some(folder) = self.folder(path.folder().as_ref())? else { return Ok(None) };
        self.open_ours_in(&folder, path.name(), access)
    }

    /// The same in an open folder.
    pub(crate) fn open_ours_in(
        &self,
        folder: &Dir,
        name: &str,
        access: Access,
    ) -> Result<Option<(File, Metadata)>, Blocked> {
        let mut options = OpenOptions::new();
        // Opening a pipe that somebody planted must not wait for its other end.
        system::private(&mut options).read(true).nonblock(true).follow(FollowSymlinks::No);
        options.write(access == Access::Write);
        let file = match folder.open_with(name, &options) {
            Ok(file) => file.into_std(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                return Err(Blocked::Odd("a file that cannot be read or written"));
            }
            Err(error) => return Err(error.into()),
        };
        if system::mount(&file)? != self.mount {
            return Err(Blocked::Odd(system::OUTSIDE));
        }
        let metadata = Metadata::from_file(&file)?;
        if !metadata.is_file() {
            return Err(Blocked::Odd("not a regular file"));
        }
        if metadata.nlink() != 1 {
            return Err(Blocked::Odd("a file with more than one link"));
        }
        if !system::is_ours(&metadata) {
            return Err(Blocked::Odd("a file of another user"));
        }
        Ok(Some((file, metadata)))
    }

    /// The stamp of whatever stands at `path`.
    pub(crate) fn stamp(&self, path: &RelPath) -> Stamp {
        let folder = match self.folder(path.folder().as_ref()) {
            Ok(Some(folder)) => folder,
            Ok(None) => return Stamp::Nothing,
            Err(_) => return Stamp::NoWay,
        };
        match folder.symlink_metadata(path.name()) {
            Ok(metadata) => Stamp::of(&metadata),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Stamp::Nothing,
            Err(_) => Stamp::NoWay,
        }
    }

    /// Removes a file of ours; one that is gone already is no error.
    pub(crate) fn remove(&self, path: &RelPath) -> Result<(), Blocked> {
        let Some(folder) = self.folder(path.folder().as_ref())? else { return Ok(()) };
        if self.open_ours_in(&folder, path.name(), Access::Read)?.is_some() {
            folder.remove_file(path.name())?;
            system::sync_folder(&folder)?;
        }
        Ok(())
    }
}

fn same_content(mut file: File, metadata: &Metadata, wanted: &[u8]) -> io::Result<bool> {
    if metadata.len() != wanted.len() as u64 {
        return Ok(false);
    }
    let mut buffer = Zeroizing::new([0; 8192]);
    let mut rest = wanted;
    loop {
        match file.read(&mut buffer[..]) {
            Ok(0) => return Ok(rest.is_empty()),
            Ok(read) => match rest.strip_prefix(&buffer[..read]) {
                Some(after) => rest = after,
                None => return Ok(false),
            },
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn is_safe(folder: &Dir, path: &Path) -> Result<(), DiskError> {
    let metadata =
        folder.dir_metadata().map_err(|error| DiskError::system("look at", path, &error))?;
    let what = match system::whose(&metadata) {
        Whose::AnotherUsers => "belongs to another user",
        Whose::WritableByOthers => "is writable by others",
        Whose::Ours => return Ok(()),
    };
    Err(DiskError::UnsafeOut { path: path.display().to_string(), what })
}

#[cfg(unix)]
#[cfg(test)]
mod tests;
