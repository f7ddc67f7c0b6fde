//! [`Ledger`]: what was sent to an API, so that it is sent once and goes when its sealed file goes. No value is in it.

use std::path::Path;

use crate::beneath::Root;
use crate::error::DiskError;
use crate::inventory::{Entry, Inventory};
use crate::records::Records;
use crate::staging::STAGING;

const FOLDER_MODE: u32 = 0o700;

/// An inventory in a folder of its own, locked while this lives.
#[derive(Debug)]
pub struct Ledger {
    root: Root,
    given: String,
    inventory: Inventory,
    records: Records,
}

impl Ledger {
    /// Opens the folder at `path`, or makes it. `of` says what was sent to: an inventory of something else is refused.
    pub fn open(path: &Path, of: &str) -> Result<Self, DiskError> {
        let root = Root::open(path, FOLDER_MODE)?;
        root.clear_staging().map_err(|blocked| blocked.at("clear", STAGING))?;
        let records = Records::of_top(&root, of)?;
        let inventory = records.saved().clone();
        Ok(Self { root, given: path.display().to_string(), inventory, records })
    }

    /// What was sent, or is about to be.
    pub fn inventory(&self) -> &Inventory {
        &self.inventory
    }

    /// The folder as it was given, for messages.
    pub fn given(&self) -> &str {
        &self.given
    }

    /// Notes what an object is there, until [`Ledger::save`] in memory only.
    pub fn note(&mut self, place: String, entry: Entry) {
        self.inventory.objects.insert(place, entry);
    }

    /// Forgets an object that is there no more.
    pub fn forget(&mut self, place: &str) {
        self.inventory.objects.remove(place);
    }

    /// Notes whether objects that are gone from the source may not go until somebody says so.
    pub fn note_blocked(&mut self, is_blocked: bool) {
        self.inventory.prune_blocked = is_blocked;
    }

    /// Writes it to the disk where it is another than the one there.
    pub fn save(&mut self) -> Result<(), DiskError> {
        if self.inventory == *self.records.saved() {
            return Ok(());
        }
        let staging = self.root.staging().map_err(|why| why.at("make", STAGING))?;
        self.records.save(&self.root, &staging, 0, &self.inventory)
    }
}
