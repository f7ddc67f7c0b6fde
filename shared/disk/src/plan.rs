//! Pure: what was found on disk and what should be there → what to do. [`crate::Out`] does it.

use std::collections::BTreeSet;

use seal_core::layout::LaidFile;
use seal_core::secret::SecretValue;

use crate::error::DiskError;
use crate::inventory::{Entry, Inventory};
use crate::rel_path::RelPath;

/// What stands at a path where a file of ours should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing.
    Absent,
    /// A regular file with one link that we own, with this content and mode.
    Same,
    /// The same kind of file, with another content or mode.
    Differs,
    /// Anything else, or a way to it that is not safe; never written.
    Odd(&'static str),
}

/// What is to be done for one object.
#[derive(Debug)]
pub enum Plan {
    /// All is as it should be.
    Leave,
    /// These writes, all or none.
    Write(Write),
    /// Something that is not ours stands in the way.
    Refuse(DiskError),
}

/// The writes of one object.
#[derive(Debug)]
pub struct Write {
    pub(crate) place: String,
    pub(crate) entry: Entry,
    pub(crate) put: Vec<Put>,
    pub(crate) remove: BTreeSet<RelPath>,
}

/// One file to be written.
#[derive(Debug)]
pub(crate) struct Put {
    pub(crate) path: RelPath,
    pub(crate) mode: u32,
    pub(crate) value: SecretValue,
    /// Planned against an empty spot, so that a file which appears there meanwhile is not replaced.
    pub(crate) absent: bool,
}

impl Write {
    /// Whose files these are.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Whether a file changes; otherwise only the inventory learns where the sealed file has moved.
    pub fn changes_files(&self) -> bool {
        !self.put.is_empty() || !self.remove.is_empty()
    }
}

/// Decides for one object; `known` is its entry in the inventory, `from` where its sealed file lies.
pub fn object(
    place: &str,
    from: &str,
    known: Option<&Entry>,
    files: Vec<(RelPath, LaidFile, Found)>,
) -> Plan {
    let ours = |path: &RelPath| known.is_some_and(|entry| entry.files.contains(path));
    let mut entry = Entry { from: from.to_owned(), files: BTreeSet::new() };
    let mut put = Vec::new();
    for (path, file, found) in files {
        let what = match found {
            Found::Odd(what) => Some(what),
            Found::Same | Found::Differs if !ours(&path) => Some("a file that is not ours"),
            _ => None,
        };
        if let Some(what) = what {
            return Plan::Refuse(DiskError::NotOurs { path: path.into(), what });
        }
        entry.files.insert(path.clone());
        if found != Found::Same {
            let absent = found == Found::Absent;
            put.push(Put { path, mode: file.mode, value: file.value, absent });
        }
    }
    let remove: BTreeSet<RelPath> = known
        .map(|known| known.files.difference(&entry.files).cloned().collect())
        .unwrap_or_default();
    if put.is_empty() && remove.is_empty() && known == Some(&entry) {
        return Plan::Leave;
    }
    Plan::Write(Write { place: place.to_owned(), entry, put, remove })
}

/// What is to go, or why nothing goes.
#[derive(Debug, PartialEq, Eq)]
pub enum Prune {
    /// The files of these places go.
    Remove(Vec<String>),
    /// So many went at once that a mistake is likelier than a wish.
    Blocked {
        /// How many are no longer in the source.
        vanished: usize,
        /// Of how many.
        total: usize,
    },
}

/// Decides what is removed: objects in the inventory that are no longer in the source.
///
/// `present` are all places in the source, refused ones too, and `unread` the paths of files that could not be
/// read: an object last seen there may still be in it. Nothing goes when the source has no object left, when
/// more than half of four or more go at once, or when more than one goes of fewer than four; `allow` overrides.
pub fn prune(
    inventory: &Inventory,
    present: &BTreeSet<String>,
    unread: &BTreeSet<String>,
    allow: bool,
) -> Prune {
    let gone = |(place, entry): &(&String, &Entry)| {
        !present.contains(*place) && !unread.contains(&entry.from)
    };
    let vanished: Vec<String> =
        inventory.objects.iter().filter(gone).map(|(place, _)| place.clone()).collect();
    let total = inventory.objects.len();
    let emptied = present.is_empty() && unread.is_empty();
    let too_many = if total < 4 { vanished.len() > 1 } else { vanished.len() * 2 > total };
    if !vanished.is_empty() && (emptied || too_many) && !allow {
        return Prune::Blocked { vanished: vanished.len(), total };
    }
    Prune::Remove(vanished)
}

#[cfg(test)]
mod tests;
