//! Which files beneath the output folder, or which entries of a file, are ours: objects, their places and names.
//!
//! No value, no hash and no length of one: whoever reads it learns what a listing of the folder tells.

use std::collections::{BTreeMap, BTreeSet};

use seal_core::place::Place;
use serde::{Deserialize, Serialize};

use crate::rel_path::RelPath;

const VERSION: u32 = 1;

/// The objects we wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inventory {
    version: u32,
    layout: String,
    /// By place, `namespace/name`.
    pub objects: BTreeMap<String, Entry>,
    /// Whether objects are gone from the source that may not go until somebody says so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub prune_blocked: bool,
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
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub files: BTreeSet<RelPath>,
    /// Its entries, where all objects share one file; likewise.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub entries: BTreeSet<String>,
    /// Which sealing of it was sent, where it went to an API: a hash of ciphertext.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealing: Option<String>,
}

impl Entry {
    pub(crate) fn is_empty(&self) -> bool {
        self.files.is_empty() && self.entries.is_empty()
    }
}

impl Inventory {
    pub(crate) fn new(layout: &str) -> Self {
        Self {
            version: VERSION,
            layout: layout.to_owned(),
            objects: BTreeMap::new(),
            prune_blocked: false,
            folders: BTreeSet::new(),
        }
    }

    /// Every place with an object of ours, and the path its sealed file was last seen at.
    pub fn places(&self) -> impl Iterator<Item = (&String, &String)> {
        self.objects.iter().map(|(place, entry)| (place, &entry.from))
    }

    /// Gives files to the objects that claim them now: what one sealed file does not name any more, another may. An object
    /// that `stays` keeps its files, since what it names now is not known.
    pub(crate) fn hand_over(
        &mut self,
        claims: &BTreeMap<String, Place>,
        stays: &dyn Fn(&str, &str) -> bool,
    ) {
        let mut passed: Vec<(String, RelPath, String)> = Vec::new();
        for (old, entry) in self.objects.iter().filter(|(place, entry)| !stays(place, &entry.from))
        {
            for file in &entry.files {
                let new = claims.get(file.as_str()).map(ToString::to_string);
                if let Some(new) = new.filter(|new| new != old) {
                    passed.push((old.clone(), file.clone(), new));
                }
            }
        }
        for (old, file, new) in passed {
            let mut from = String::new();
            if let Some(entry) = self.objects.get_mut(&old) {
                entry.files.remove(&file);
                from.clone_from(&entry.from);
            }
            let entry = self.objects.entry(new).or_insert(Entry { from, ..Entry::default() });
            entry.files.insert(file);
        }
        self.objects.retain(|_, entry| !entry.is_empty());
    }

    /// This one, and what another has besides.
    pub(crate) fn with(&self, other: &Self) -> Self {
        let mut both = self.clone();
        for (place, entry) in &other.objects {
            let known = both.objects.entry(place.clone()).or_default();
            known.from.clone_from(&entry.from);
            known.entries.extend(entry.entries.iter().cloned());
        }
        both
    }

    /// Reads the text of one; the error says what is wrong with it.
    pub(crate) fn read(text: &[u8], layout: &str) -> Result<Self, &'static str> {
        let inventory: Self =
            serde_json::from_slice(text).map_err(|_| "is not one that this version wrote")?;
        if inventory.version != VERSION {
            return Err("was written by another version");
        }
        if inventory.layout != layout {
            return Err("is of another layout: one output has one layout");
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
        assert!(Inventory::read(text("a/b/c").as_bytes(), "tree").is_ok());
        for path in ["../c", "/etc/passwd", "a/../../c", "", ".seal-inventory.json"] {
            assert!(Inventory::read(text(path).as_bytes(), "tree").is_err(), "{path}");
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        let mut inventory = Inventory::new("tree");
        let file = RelPath::try_from("prod/db/password".to_owned()).unwrap();
        inventory.folders.extend(file.folders());
        let entry =
            Entry { from: "db.yaml".into(), files: BTreeSet::from([file]), ..Entry::default() };
        inventory.objects.insert("prod/db".into(), entry);
        assert_eq!(Inventory::read(&inventory.to_json(), "tree").unwrap(), inventory);
    }
}
