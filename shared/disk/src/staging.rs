//! How a file is written: finished beside the tree, synced, and renamed into place.
//!
//! Not in the folder where it will stand: whoever lists that one must not see half a file, and what a crash
//! leaves behind is found in one place, which holds nothing else. Uses the folders that [`Root`] opens.

use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, Dir, Mode, OFlags, RenameFlags};
use rustix::io::{self, Errno};

use crate::beneath::{Root, Stamp, open_beneath};
use crate::error::Blocked;

/// Where files are finished before they are renamed into place; no place's path begins with a dot.
pub(crate) const STAGING: &str = ".seal-staging";

impl Root {
    /// An empty folder to finish files in. Whatever lies in it was left by a run that did not end.
    pub(crate) fn staging(&self) -> Result<Staging<'_>, Blocked> {
        let fd = self.make_folder(&self.fd, STAGING, 0o700)?;
        let staging = Staging { root: self, fd };
        staging.empty()?;
        Ok(staging)
    }

    /// Clears what a run that did not end left behind: finished files that were not renamed hold values.
    pub(crate) fn clear_staging(&self) -> Result<(), Blocked> {
        match self.subfolder(&self.fd, STAGING) {
            Ok(fd) => Staging { root: self, fd }.empty(),
            Err(Blocked::System(Errno::NOENT)) => Ok(()),
            Err(blocked) => Err(blocked),
        }
    }
}

/// Files that are finished and not yet in place; dropped ones are removed.
#[derive(Debug)]
pub(crate) struct Staging<'a> {
    root: &'a Root,
    fd: OwnedFd,
}

impl Staging<'_> {
    /// Writes a whole file and waits until the disk has it.
    pub(crate) fn put(&self, number: usize, mode: u32, content: &[u8]) -> io::Result<Stamp> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
        let fd = open_beneath(&self.fd, &number.to_string(), flags, 0o600)?;
        let mut rest = content;
        while !rest.is_empty() {
            match rustix::io::write(&fd, rest) {
                Ok(written) => rest = &rest[written..],
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno),
            }
        }
        rustix::fs::fchmod(&fd, Mode::from_raw_mode(mode))?;
        rustix::fs::fsync(&fd)?;
        Ok(Stamp::of(&rustix::fs::fstat(&fd)?))
    }

    /// Renames a finished file into place; `absent`: only where nothing stands.
    pub(crate) fn rename(
        &self,
        number: usize,
        folder: &OwnedFd,
        name: &str,
        absent: bool,
    ) -> Result<(), Blocked> {
        let flags = if absent { RenameFlags::NOREPLACE } else { RenameFlags::empty() };
        match rustix::fs::renameat_with(&self.fd, number.to_string(), folder, name, flags) {
            Ok(()) => Ok(()),
            Err(Errno::EXIST) => Err(Blocked::Odd("a file that is not ours")),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Renames a finished file to a name at the top of the output folder.
    pub(crate) fn rename_to_top(&self, number: usize, name: &str) -> io::Result<()> {
        rustix::fs::renameat(&self.fd, number.to_string(), &self.root.fd, name)?;
        rustix::fs::fsync(&self.root.fd)
    }

    fn empty(&self) -> Result<(), Blocked> {
        for entry in Dir::read_from(&self.fd)? {
            let entry = entry?;
            if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
                rustix::fs::unlinkat(&self.fd, entry.file_name(), AtFlags::empty())?;
            }
        }
        Ok(())
    }
}

impl Drop for Staging<'_> {
    fn drop(&mut self) {
        // What cannot be removed now is removed at the next start.
        if self.empty().is_ok() {
            rustix::fs::unlinkat(&self.root.fd, STAGING, AtFlags::REMOVEDIR).ok();
        }
    }
}
