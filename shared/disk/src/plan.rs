//! Pure: what was found on disk and what should be there → what to do. [`crate::Out`] does it.

use std::collections::BTreeSet;

use seal_core::layout::LaidFile;
use seal_core::secret::SecretValue;

use crate::error::DiskError;
use crate::inventory::Entry;
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
    pub(crate) how: How,
}

/// How a file gets there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// Where nothing stood: a file that appears there meanwhile is not replaced.
    New,
    /// In the place of one of ours.
    Replace,
    /// Into one of ours, which stays the same file.
    InPlace,
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

/// Decides for one object; `known` is its entry in the inventory, `from` where its sealed file lies. `in_place`: a file that
/// is there is written over.
pub fn object(
    place: &str,
    from: &str,
    known: Option<&Entry>,
    files: Vec<(RelPath, LaidFile, Found)>,
    in_place: bool,
) -> Plan {
    let mut entry = Entry { from: from.to_owned(), ..Entry::default() };
    let mut put = Vec::new();
    for (path, file, found) in files {
        let what = match found {
            Found::Odd(what) => Some(what),
            Found::Same | Found::Differs if !is_known(known, &path) => {
                Some("a file that is not ours")
            }
            _ => None,
        };
        if let Some(what) = what {
            return Plan::Refuse(DiskError::NotOurs { path: path.into(), what });
        }
        entry.files.insert(path.clone());
        if found != Found::Same {
            let how = match found {
                Found::Absent => How::New,
                _ if in_place => How::InPlace,
                _ => How::Replace,
            };
            put.push(Put { path, mode: file.mode, value: file.value, how });
        }
    }
    let remove: BTreeSet<RelPath> = known
        .map(|known| known.files.difference(&entry.files).cloned().collect())
        .unwrap_or_default();
    let is_noted = known.unwrap_or(&Entry::default()).files == entry.files
        && known.is_none_or(|known| known.from == entry.from);
    if put.is_empty() && remove.is_empty() && is_noted {
        return Plan::Leave;
    }
    Plan::Write(Write { place: place.to_owned(), entry, put, remove })
}

fn is_known(known: Option<&Entry>, path: &RelPath) -> bool {
    known.is_some_and(|entry| entry.files.contains(path))
}

#[cfg(test)]
mod tests;
