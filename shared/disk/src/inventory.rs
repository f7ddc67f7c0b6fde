//! Which files beneath the output folder are ours: objects, their places and file names.
//!
//! No value, no hash and no length of one: whoever reads it learns what a listing of the folder tells.

use std::collections::{BTreeMap, BTreeSet};

use seal_core::layout::Layout;
use serde::{Deserialize, Serialize};

use crate::error::DiskError;
use crate::rel_path::RelPath;

/// The inventory's name in the output folder.
pub(crate) const FILE: &str = ".seal-inventory.json";
const VERSION: u32 = 1;

/// The objects we wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inventory {
    version: u32,
    layout: String,
    /// By place, `namespace/name`.
    pub objects: BTreeMap<String, Entry>,
    /// Folders we made, which go when they are empty.
    pub(crate) folders: BTreeSet<RelPath>,
}

/// One object's files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Where in the source its sealed file was seen last.
    pub from: String,
    /// Its files; while a write is under way also those that are about to be.
    pub files: BTreeSet<RelPath>,
}

impl Inventory {
    pub(crate) fn new(layout: Layout) -> Self {
        Self {
            version: VERSION,
            layout: layout.as_str().to_owned(),
            objects: BTreeMap::new(),
            folders: BTreeSet::new(),
        }
    }

    /// Every place with an object of ours, and the path its sealed file was last seen at.
    pub fn places(&self) -> impl Iterator<Item = (&String, &String)> {
        self.objects.iter().map(|(place, entry)| (place, &entry.from))
    }

    pub(crate) fn read(text: &[u8], layout: Layout) -> Result<Self, DiskError> {
        let inventory: Self = serde_json::from_slice(text)
            .map_err(|_| wrong("is not one that this version wrote"))?;
        if inventory.version != VERSION {
            return Err(wrong("was written by another version"));
        }
        if inventory.layout != layout.as_str() {
            return Err(wrong("is of another layout: one output folder has one layout"));
        }
        Ok(inventory)
    }

    pub(crate) fn to_json(&self) -> Vec<u8> {
        let mut json = serde_json::to_vec_pretty(self)
            .expect("strings, maps with string keys and sets of strings are JSON");
        json.push(b'\n');
        json
    }
}

fn wrong(what: &str) -> DiskError {
    DiskError::BadInventory { path: FILE.to_owned(), what: what.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inventory_that_points_out_of_the_folder_is_refused() {
        let text = |path: &str| {
            format!(
                r#"{{"version":1,"layout":"tree","objects":{{"a/b":{{"from":"x","files":["{path}"]}}}},"folders":[]}}"#
            )
        };
        assert!(Inventory::read(text("a/b/c").as_bytes(), Layout::Tree).is_ok());
        for path in ["../c", "/etc/passwd", "a/../../c", "", ".seal-inventory.json"] {
            let refused = Inventory::read(text(path).as_bytes(), Layout::Tree).unwrap_err();
            assert!(matches!(refused, DiskError::BadInventory { .. }), "{path}");
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        let mut inventory = Inventory::new(Layout::Tree);
        let file = RelPath::try_from("prod/db/password".to_owned()).unwrap();
        inventory.folders.extend(file.folders());
        let entry = Entry { from: "db.yaml".into(), files: BTreeSet::from([file]) };
        inventory.objects.insert("prod/db".into(), entry);
        assert_eq!(Inventory::read(&inventory.to_json(), Layout::Tree).unwrap(), inventory);
    }
}
