//! The folder of a repository, and the only way to its files: regular ones within it, opened without waiting.
//!
//! Whoever writes to the repository can put a pipe, a device or a link in the place of any file. A pipe would hold up the
//! reader until somebody writes, a device would never end, and a link leads to files of others. What gix opens by itself,
//! packs and loose objects, is looked at right before; whoever swaps a file in between is met by the second way out of
//! a wait, in `local/stop.rs`.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::super::{SourceError, printable};

/// Packs that are looked at. A repository of more is to be packed anew.
const MAX_PACKS: usize = 4096;

#[derive(Debug)]
pub(super) struct Inside {
    folder: OwnedFd,
    path: PathBuf,
}

impl Inside {
    /// Opens the folder, following links to it: that path was given by whoever runs this.
    pub(super) fn open(path: &Path) -> Option<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = rustix::fs::open(path, flags, Mode::empty()).ok()?;
        Some(Self { folder, path: path.to_owned() })
    }

    /// What a file beneath holds; none where there is none.
    pub(super) fn read(&self, below: &Path, most: u64) -> Result<Option<Vec<u8>>, SourceError> {
        let Some(folder) = self.folder_of(below)? else { return Ok(None) };
        let name = below.file_name().unwrap_or_default();
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let opened = match rustix::fs::openat(&folder, name, flags, Mode::empty()) {
            Ok(opened) => opened,
            Err(Errno::NOENT) => return Ok(None),
            Err(errno) => return Err(self.refused(below, errno)),
        };
        let stat = rustix::fs::fstat(&opened).map_err(|errno| self.refused(below, errno))?;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => {}
            // A reference's name may be the folder of others.
            FileType::Directory => return Ok(None),
            _ => return Err(self.not_regular(below)),
        }
        let mut bytes = Vec::new();
        let read = File::from(opened).take(most + 1).read_to_end(&mut bytes);
        read.map_err(|error| SourceError::Unreadable(self.name(below), error.kind()))?;
        if bytes.len() as u64 > most {
            return Err(SourceError::TooMuch("bytes of a file of the repository"));
        }
        Ok(Some(bytes))
    }

    /// Whether a folder is there, itself and no link.
    pub(super) fn has_folder(&self, below: &str) -> bool {
        self.kind(&self.folder, OsStr::new(below)) == Ok(FileType::Directory)
    }

    /// That every file of the object store which gix opens by itself is a regular one: packs and their indices.
    pub(super) fn check_packs(&self) -> Result<(), SourceError> {
        let below = Path::new("objects/pack");
        let Some(folder) = self.folder_of(&below.join("x"))? else { return Ok(()) };
        let entries = Dir::read_from(&folder).map_err(|errno| self.refused(below, errno))?;
        for (count, entry) in entries.enumerate() {
            let entry = entry.map_err(|errno| self.refused(below, errno))?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if count > 4 * MAX_PACKS {
                return Err(SourceError::TooMuch("packs"));
            }
            if name != "." && name != ".." {
                self.check(&folder, name, &below.join(name))?;
            }
        }
        Ok(())
    }

    /// The same of one loose object, if it is there.
    pub(super) fn check_loose(&self, id: &gix::oid) -> Result<(), SourceError> {
        let hex = id.to_hex().to_string();
        let below = Path::new("objects").join(&hex[..2]).join(&hex[2..]);
        let Some(folder) = self.folder_of(&below)? else { return Ok(()) };
        self.check(&folder, OsStr::new(&hex[2..]), &below)
    }

    fn check(&self, folder: &OwnedFd, name: &OsStr, below: &Path) -> Result<(), SourceError> {
        match self.kind(folder, name) {
            Ok(FileType::RegularFile) | Err(Errno::NOENT) => Ok(()),
            Ok(_) => Err(self.not_regular(below)),
            Err(errno) => Err(self.refused(below, errno)),
        }
    }

    fn kind(&self, folder: &OwnedFd, name: &OsStr) -> Result<FileType, Errno> {
        let stat = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
        Ok(FileType::from_raw_mode(stat.st_mode))
    }

    /// The folder that `below` lies in, through no link; none where one of them is not there.
    fn folder_of(&self, below: &Path) -> Result<Option<OwnedFd>, SourceError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut folder = self
            .folder
            .try_clone()
            .map_err(|error| SourceError::Unreadable(self.name(below), error.kind()))?;
        for name in below.parent().into_iter().flatten() {
            folder = match rustix::fs::openat(&folder, name, flags, Mode::empty()) {
                Ok(next) => next,
                Err(Errno::NOENT) => return Ok(None),
                // A file in a folder's place: no reference of that name.
                Err(Errno::NOTDIR) if self.kind(&folder, name) == Ok(FileType::RegularFile) => {
                    return Ok(None);
                }
                Err(errno) => return Err(self.refused(below, errno)),
            };
        }
        Ok(Some(folder))
    }

    fn refused(&self, below: &Path, errno: Errno) -> SourceError {
        match errno {
            // What O_NOFOLLOW says of a link, and what a socket or a device without a driver answers.
            Errno::LOOP | Errno::NOTDIR | Errno::NXIO | Errno::NODEV => self.not_regular(below),
            errno => SourceError::Unreadable(self.name(below), errno.kind()),
        }
    }

    fn not_regular(&self, below: &Path) -> SourceError {
        SourceError::NotRegular(self.name(below))
    }

    fn name(&self, below: &Path) -> String {
        printable(self.path.join(below).as_os_str().as_bytes())
    }
}
