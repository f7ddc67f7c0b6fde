//! Folders beneath: made where they are missing, removed where nothing is in them.

use std::collections::BTreeSet;
use std::io;

use crate::beneath::{Folder, Root};
use crate::error::Blocked;
use crate::rel_path::RelPath;
use crate::system;

impl Root {
    /// Makes the folders that `path` lies in, as far as they are missing, and opens the last one. Those with a new name in
    /// them are not synced, and noted.
    pub(crate) fn make_folders(
        &self,
        path: &RelPath,
        mode: u32,
        unsynced: &mut BTreeSet<Option<RelPath>>,
    ) -> Result<Folder, Blocked> {
        let mut folder = self.folder.try_clone()?;
        let mut above = None;
        for path in path.folders() {
            let (next, is_new) = self.make(&folder, path.name(), mode)?;
            if is_new {
                unsynced.insert(above);
            }
            (folder, above) = (next, Some(path));
        }
        Ok(folder)
    }

    /// Makes one folder where it is missing, and opens it.
    pub(crate) fn make_folder(
        &self,
        folder: &Folder,
        name: &str,
        mode: u32,
    ) -> Result<Folder, Blocked> {
        let (made, is_new) = self.make(folder, name, mode)?;
        if is_new {
            system::sync_folder(folder)?;
        }
        Ok(made)
    }

    fn make(&self, folder: &Folder, name: &str, mode: u32) -> Result<(Folder, bool), Blocked> {
        match system::make_private_folder_in(folder, name) {
            Ok(()) => {
                let made = self.subfolder(folder, name)?;
                system::set_folder_mode(&made, mode)?;
                Ok((made, true))
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Ok((self.subfolder(folder, name)?, false))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Removes a folder when nothing is in it; says whether it is gone.
    pub(crate) fn remove_empty(&self, path: &RelPath) -> bool {
        let Ok(parent) = self.folder(path.folder().as_ref()) else { return false };
        let Some(parent) = parent else { return true };
        match parent.remove_dir(path.name()) {
            Ok(()) => true,
            Err(error) => {
                matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
            }
        }
    }
}
