//! How a file is written: finished beside the tree, synced, and renamed into place.
//!
//! Not in the folder where it will stand: whoever lists that one must not see half a file, and what a crash
//! leaves behind is found in one place, which holds nothing else. Uses the folders that [`Root`] opens.

use std::io::{self, Write};

use cap_fs_ext::{FollowSymlinks, OpenOptionsFollowExt};
use cap_std::fs::{Dir, OpenOptions};

use crate::beneath::{Root, Stamp};
use crate::error::Blocked;
use crate::system;

/// Where files are finished before they are renamed into place; no place's path begins with a dot.
pub(crate) const STAGING: &str = ".seal-staging";

impl Root {
    /// An empty folder to finish files in. Whatever lies in it was left by a run that did not end.
    pub(crate) fn staging(&self) -> Result<Staging<'_>, Blocked> {
        let folder = self.make_folder(&self.folder, STAGING, 0o700)?;
        empty(&folder)?;
        Ok(Staging { folder, _cleared: Cleared(self) })
    }

    /// Clears what a run that did not end left behind: finished files that were not renamed hold values.
    pub(crate) fn clear_staging(&self) -> Result<(), Blocked> {
        match self.subfolder(&self.folder, STAGING) {
            Ok(folder) => empty(&folder)?,
            Err(blocked) if blocked.is_absence() => return Ok(()),
            Err(blocked) => return Err(blocked),
        }
        Ok(self.folder.remove_dir(STAGING)?)
    }
}

/// Files that are finished and not yet in place; dropped ones are removed.
#[derive(Debug)]
pub(crate) struct Staging<'a> {
    // Closed before the folder is removed, as Windows asks for: fields are dropped in this order.
    folder: Dir,
    _cleared: Cleared<'a>,
}

#[derive(Debug)]
struct Cleared<'a>(&'a Root);

impl Staging<'_> {
    /// Writes a whole file and waits until the disk has it.
    pub(crate) fn put(&self, number: usize, mode: u32, content: &[u8]) -> io::Result<Stamp> {
        let mut options = OpenOptions::new();
        system::private(&mut options).write(true).create_new(true).follow(FollowSymlinks::No);
        let mut file = self.folder.open_with(number.to_string(), &options)?.into_std();
        file.write_all(content)?;
        system::set_mode(&file, mode)?;
        file.sync_all()?;
        Stamp::of_file(&file)
    }

    /// Renames a finished file into place; `absent`: only where nothing stands.
    pub(crate) fn rename(
        &self,
        number: usize,
        folder: &Dir,
        name: &str,
        absent: bool,
    ) -> Result<(), Blocked> {
        let number = number.to_string();
        if !absent {
            return Ok(self.folder.rename(number, folder, name)?);
        }
        match system::rename_new(&self.folder, &number, folder, name) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(Blocked::Odd("a file that is not ours"))
            }
            renamed => Ok(renamed?),
        }
    }
}

fn empty(folder: &Dir) -> Result<(), Blocked> {
    for entry in folder.entries()? {
        folder.remove_file(entry?.file_name())?;
    }
    Ok(())
}

impl Drop for Cleared<'_> {
    fn drop(&mut self) {
        // What cannot be removed now is removed at the next start.
        self.0.clear_staging().ok();
    }
}
