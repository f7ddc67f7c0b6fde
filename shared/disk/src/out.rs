//! [`Out`]: the output folder, what we know to be ours in it, and the one way files get there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use seal_core::layout::{FolderLayout, LaidOut};
use seal_core::place::Place;

use crate::beneath::{Root, Stamp};
use crate::error::Blocked;
use crate::error::DiskError;
use crate::inventory::{Entry, Inventory};
use crate::moving::{Moving, Unsynced, finish_files};
use crate::plan::{self, Plan, Write};
use crate::records::Records;
use crate::rel_path::RelPath;
use crate::staging::{STAGING, Staging};

/// The output folder of one layout, locked while this lives.
#[derive(Debug)]
pub struct Out {
    root: Root,
    layout: FolderLayout,
    inventory: Inventory,
    records: Records,
    /// What stood at each path that this pass looked at, before it did, or after it wrote there.
    seen: BTreeMap<RelPath, Stamp>,
}

/// How it went, by place.
pub type Results = Vec<(String, Result<(), DiskError>)>;

impl Out {
    /// Opens the folder at `path`, or makes it.
    ///
    /// It must be ours and writable by nobody else. Clears what a run that did not end left in staging.
    pub fn open(path: &Path, layout: FolderLayout) -> Result<Self, DiskError> {
        let root = Root::open(path, layout.folder_mode())?;
        root.clear_staging().map_err(|blocked| blocked.at("clear", STAGING))?;
        let records = Records::of_folder(&root, layout)?;
        let inventory = records.saved().clone();
        Ok(Self { root, layout, inventory, records, seen: BTreeMap::new() })
    }

    /// The folder that its path leads to now, where that is another one or none: then it is made. Nothing is written into the
    /// old one any more, nor into one that is not ours alone by now.
    pub fn moved(&self) -> Result<Option<Self>, DiskError> {
        match self.root.is_moved() {
            true => Self::open(self.root.path(), self.layout).map(Some),
            false => self.root.is_safe().map(|()| None),
        }
    }

    /// Where it was opened.
    pub fn path(&self) -> &Path {
        self.root.path()
    }

    /// How files are named in it.
    pub fn layout(&self) -> FolderLayout {
        self.layout
    }

    /// What is ours.
    pub fn inventory(&self) -> &Inventory {
        &self.inventory
    }

    /// Starts a pass: what earlier ones saw does not count any more. A path that another object claims than the one whose
    /// it was passes to that one; what `stays`, by its place and its sealed file, keeps its paths.
    pub fn begin(&mut self, claims: &BTreeMap<String, Place>, stays: &dyn Fn(&str, &str) -> bool) {
        self.seen.clear();
        self.inventory.hand_over(claims, stays);
    }

    /// Whether somebody changed, removed or planted something where this pass looked or wrote.
    pub fn has_drifted(&self) -> bool {
        self.seen.iter().any(|(path, stamp)| self.root.stamp(path) != *stamp)
    }

    /// Looks at every file of an object and decides what is to be done. Writes nothing.
    pub fn plan(&mut self, laid: LaidOut, from: &str) -> Result<Plan, DiskError> {
        let place = laid.place.to_string();
        let mut files = Vec::with_capacity(laid.files.len());
        for file in laid.files {
            let path = RelPath::of(&file.path)
                .ok_or_else(|| DiskError::BadName { place: place.clone() })?;
            // Before the look: what changes between the two shows as a drift, and is looked at again.
            self.seen.insert(path.clone(), self.root.stamp(&path));
            let found = self
                .root
                .look(&path, file.mode, file.value.expose())
                .map_err(|error| Blocked::System(error).at("look at", path.as_str()))?;
            files.push((path, file, found));
        }
        let known = self.inventory.objects.get(&place);
        Ok(plan::object(&place, from, known, files, self.layout.in_place()))
    }

    /// Writes some objects, each whole or not at all, and says for each how it went.
    ///
    /// All files of an object are finished and synced beside the tree, then renamed into it; the
    /// folders they came into are synced once for all objects. The inventory
    /// learns of them before the first rename, so that no file of ours is ever taken for somebody else's. A
    /// crash between two renames leaves an object with old and new files, each of them whole; the next run
    /// writes the rest. A layout that writes in place leaves what [`Root::write_over`] says instead.
    pub fn write(&mut self, writes: Vec<Write>) -> Result<Results, DiskError> {
        let staging = self.root.staging().map_err(|why| why.at("make", STAGING))?;
        let (next, staged) = finish(&self.root, &staging, &mut self.inventory, writes);
        if let Err(error) = self.records.save(&self.root, &staging, next, &self.inventory) {
            self.inventory.clone_from(self.records.saved()); // nothing has moved in
            return Err(error);
        }
        let mut unsynced = Unsynced::default();
        let mut moved = Vec::with_capacity(staged.len());
        for (first, write, before, finished) in staged {
            let mut moving = Moving::new(&self.root, &staging, self.layout, &mut unsynced);
            let result = finished.and_then(|stamps| moving.move_in(first, &write, stamps));
            let paths = moving.moved;
            let result = result.map(|stamps| {
                self.seen.extend(write.put.iter().map(|put| put.path.clone()).zip(stamps));
            });
            moved.push((write, before, paths, result));
        }
        let synced = unsynced.sync(&self.root);
        let mut results = Vec::with_capacity(moved.len());
        for (write, before, paths, result) in moved {
            // What is obsolete goes when the disk has what takes its place.
            let result = result
                .and_then(|()| synced.has(&paths))
                .and_then(|()| remove_files(&self.root, &mut self.seen, &write.remove));
            let entry = match &result {
                Ok(()) => Some(write.entry),
                Err(_) => what_is_ours(before, write.entry.from, paths),
            };
            note(&mut self.inventory, &write.place, entry);
            results.push((write.place, result));
        }
        Ok(results)
    }

    /// Removes the files of objects that are no longer in the source, and folders of ours that are then empty.
    pub fn prune(&mut self, places: Vec<String>) -> Results {
        let mut results = Vec::with_capacity(places.len());
        for place in places {
            let Some(entry) = self.inventory.objects.get(&place) else { continue };
            let removed = remove_files(&self.root, &mut self.seen, &entry.files);
            if removed.is_ok() {
                self.inventory.objects.remove(&place);
            }
            results.push((place, removed));
        }
        self.remove_empty_folders();
        results
    }

    fn remove_empty_folders(&mut self) {
        let files = self.inventory.objects.values().flat_map(|entry| &entry.files);
        let needed: BTreeSet<RelPath> = files.flat_map(RelPath::folders).collect();
        let unneeded: Vec<RelPath> = self.inventory.folders.difference(&needed).cloned().collect();
        // The innermost first: a folder sorts before what lies in it.
        for folder in unneeded.into_iter().rev() {
            if self.root.remove_empty(&folder) {
                self.inventory.folders.remove(&folder);
            }
        }
    }

    /// Notes whether objects that are gone from the source may not go until somebody says so.
    pub fn note_blocked(&mut self, is_blocked: bool) {
        self.inventory.prune_blocked = is_blocked;
    }

    /// Writes the inventory when it is another than the one on disk.
    pub fn finish(&mut self) -> Result<(), DiskError> {
        if self.inventory == *self.records.saved() {
            return Ok(());
        }
        let staging = self.root.staging().map_err(|why| why.at("make", STAGING))?;
        self.records.save(&self.root, &staging, 0, &self.inventory)
    }

    /// The folder as it was given, for messages.
    pub fn given(&self) -> &str {
        self.root.given()
    }
}

/// An object whose files are finished, or are not: the number of its first one, what was known of it, their stamps.
type Finished = (usize, Write, Option<Entry>, Result<Vec<Stamp>, DiskError>);

/// Finishes the files of all objects in staging, and notes in the inventory what is about to be made. Returns their number.
fn finish(
    root: &Root,
    staging: &Staging<'_>,
    inventory: &mut Inventory,
    writes: Vec<Write>,
) -> (usize, Vec<Finished>) {
    let mut next = 0;
    let mut staged = Vec::with_capacity(writes.len());
    for write in writes {
        let first = next;
        next += write.put.len();
        let finished = finish_files(staging, first, &write.put);
        let before = inventory.objects.get(&write.place).cloned();
        if finished.is_ok() {
            foresee(root, inventory, &write);
        }
        staged.push((first, write, before, finished));
    }
    (next, staged)
}

/// Notes in the inventory what a write has left of an object.
fn note(inventory: &mut Inventory, place: &str, entry: Option<Entry>) {
    match entry.filter(|entry| !entry.is_empty()) {
        Some(entry) => inventory.objects.insert(place.to_owned(), entry),
        None => inventory.objects.remove(place),
    };
}

/// Notes in the inventory what a write is about to make, beside what is there already.
fn foresee(root: &Root, inventory: &mut Inventory, write: &Write) {
    for put in &write.put {
        for folder in put.path.folders() {
            if matches!(root.folder(Some(&folder)), Ok(None)) {
                inventory.folders.insert(folder);
            }
        }
    }
    let entry = inventory.objects.entry(write.place.clone()).or_default();
    entry.from.clone_from(&write.entry.from);
    entry.files.extend(write.entry.files.iter().cloned());
}

/// The entry of an object whose write failed: what was ours before, and what did move in.
fn what_is_ours(before: Option<Entry>, from: String, moved: BTreeSet<RelPath>) -> Option<Entry> {
    if before.is_none() && moved.is_empty() {
        return None;
    }
    let mut files = before.map(|entry| entry.files).unwrap_or_default();
    files.extend(moved);
    Some(Entry { from, files, ..Entry::default() })
}

fn remove_files(
    root: &Root,
    seen: &mut BTreeMap<RelPath, Stamp>,
    paths: &BTreeSet<RelPath>,
) -> Result<(), DiskError> {
    for path in paths {
        seen.insert(path.clone(), root.stamp(path));
        root.remove(path).map_err(|why| why.at("remove", path.as_str()))?;
        seen.remove(path);
    }
    Ok(())
}
