//! Finished files into place, object by object, and the folders that they came into synced once for all objects: a disk
//! takes as long for a folder with one new name as for one with a thousand.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use seal_core::layout::FolderLayout;

use crate::beneath::{Root, Stamp};
use crate::error::{Blocked, DiskError};
use crate::plan::{How, Put, Write};
use crate::rel_path::RelPath;
use crate::staging::Staging;
use crate::system;

/// Folders beneath, or the output folder itself, whose names the disk may not have yet.
#[derive(Debug, Default)]
pub(crate) struct Unsynced(BTreeSet<Option<RelPath>>);

/// What became of them.
#[derive(Debug)]
pub(crate) struct Synced {
    given: String,
    failed: BTreeMap<Option<RelPath>, io::ErrorKind>,
}

impl Unsynced {
    /// Waits until the disk has the names in all of them.
    pub(crate) fn sync(self, root: &Root) -> Synced {
        let mut failed = BTreeMap::new();
        for path in self.0 {
            let synced = match root.folder(path.as_ref()) {
                Ok(Some(folder)) => system::sync_folder(&folder),
                Ok(None) => Err(io::ErrorKind::NotFound.into()),
                Err(_) => Err(io::ErrorKind::Other.into()),
            };
            if let Err(error) = synced {
                failed.insert(path, error.kind());
            }
        }
        Synced { given: root.given().to_owned(), failed }
    }
}

impl Synced {
    /// Fails where one of these files, or a folder on its way, may not be on the disk.
    pub(crate) fn has(&self, paths: &BTreeSet<RelPath>) -> Result<(), DiskError> {
        if self.failed.is_empty() {
            return Ok(());
        }
        let folders = paths.iter().flat_map(|path| {
            let beneath = path.folders().into_iter().map(Some);
            std::iter::once(None).chain(beneath)
        });
        for folder in folders {
            if let Some(kind) = self.failed.get(&folder) {
                let named = folder.as_ref().map_or(self.given.as_str(), RelPath::as_str);
                return Err(Blocked::System((*kind).into()).at("sync", named));
            }
        }
        Ok(())
    }
}

/// The files of one object on their way.
pub(crate) struct Moving<'a> {
    root: &'a Root,
    staging: &'a Staging<'a>,
    layout: FolderLayout,
    unsynced: &'a mut Unsynced,
    /// Those that are in place.
    pub(crate) moved: BTreeSet<RelPath>,
}

impl<'a> Moving<'a> {
    pub(crate) fn new(
        root: &'a Root,
        staging: &'a Staging<'a>,
        layout: FolderLayout,
        unsynced: &'a mut Unsynced,
    ) -> Self {
        Self { root, staging, layout, unsynced, moved: BTreeSet::new() }
    }

    /// Moves them in. Returns the `stamps` with those of what was written in place.
    pub(crate) fn move_in(
        &mut self,
        first: usize,
        write: &Write,
        mut stamps: Vec<Stamp>,
    ) -> Result<Vec<Stamp>, DiskError> {
        // Every folder before any file: a folder that cannot be made must leave the object as it was.
        let mut folders = BTreeMap::new();
        for put in &write.put {
            let made = self
                .root
                .make_folders(&put.path, self.layout.folder_mode(), &mut self.unsynced.0)
                .map_err(|why| why.at("make the folder of", put.path.as_str()))?;
            folders.insert(put.path.folder(), made);
        }
        for (index, put) in write.put.iter().enumerate() {
            let folder = &folders[&put.path.folder()];
            let done = match put.how {
                How::InPlace => self
                    .root
                    .write_over(&put.path, put.mode, put.value.expose())
                    .map(|stamp| stamps[index] = stamp),
                how => {
                    self.unsynced.0.insert(put.path.folder());
                    self.staging.rename(first + index, folder, put.path.name(), how == How::New)
                }
            };
            done.map_err(|why| why.at("write", put.path.as_str()))?;
            self.moved.insert(put.path.clone());
        }
        Ok(stamps)
    }
}

/// The stamps of the finished files; those that are written in place have none yet.
pub(crate) fn finish_files(
    staging: &Staging<'_>,
    first: usize,
    put: &[Put],
) -> Result<Vec<Stamp>, DiskError> {
    let mut stamps = Vec::with_capacity(put.len());
    for (index, put) in put.iter().enumerate() {
        if put.how == How::InPlace {
            stamps.push(Stamp::Nothing);
            continue;
        }
        let stamp = staging
            .put(first + index, put.mode, put.value.expose())
            .map_err(|error| Blocked::System(error).at("write", put.path.as_str()))?;
        stamps.push(stamp);
    }
    Ok(stamps)
}
