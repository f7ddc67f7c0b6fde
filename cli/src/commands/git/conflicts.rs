//! Blocks that each side changed in its own way: out of the texts before their lines are merged, and back between marks.
//!
//! Lines alone would cut a block in pieces, and a piece of one side with a piece of the other opens nothing.

use std::collections::{BTreeMap, BTreeSet};

use seal_core::escape::printable;
use seal_core::kind::Kind;
use seal_core::kind::edit::{Change, block_lines, edit};
use seal_core::kind::file::{self, Document};
use seal_core::kind::sealed::{Block, SealedSecret};
use zeroize::Zeroizing;

/// Kind, and namespace and name.
pub(super) type ObjectName = (Kind, String);

/// The conflicts of a file.
#[derive(Default)]
pub(super) struct Conflicts(Vec<Conflict>);

struct Conflict {
    object: String,
    key: String,
    /// What stands in the merged text where the conflict is to be, a payload that no value has.
    place: String,
    /// The block as each side has it, every line of it; nothing where it took the key out.
    sides: [String; 2],
}

impl Conflicts {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each as a person calls it.
    pub(super) fn names(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(|it| format!("{} of {}", printable(&it.key), printable(&it.object)))
    }

    /// Takes the blocks of `keys` out of the texts of base, ours and theirs, and leaves the same place in all of them.
    pub(super) fn take_out(
        &mut self,
        texts: &mut [Zeroizing<String>; 3],
        name: &ObjectName,
        keys: &BTreeSet<String>,
    ) -> Option<()> {
        for key in keys {
            let lines = |text: &str| {
                let index = objects(text)?.get(name)?.0;
                Some(block_lines(text, index, key).unwrap_or_default().to_owned())
            };
            let sides = [lines(&texts[1])?, lines(&texts[2])?];
            let place = format!("seal/conflict/{:04}", self.0.len());
            for text in texts.iter_mut() {
                *text = with_place(text, name, key, &place)?;
            }
            self.0.push(Conflict { object: name.1.clone(), key: key.clone(), place, sides });
        }
        Some(())
    }

    /// Puts the blocks of both sides where their places are, between marks.
    pub(super) fn mark(&self, merged: &[u8], marker_size: usize) -> Vec<u8> {
        let mut text = String::from_utf8_lossy(merged).into_owned();
        for Conflict { place, sides: [ours, theirs], .. } in &self.0 {
            let Some(at) = text.find(place.as_str()) else { continue };
            // The key stands on the line above the payload, and the comment that ends the block on the one below.
            let payload = text[..at].rfind('\n').unwrap_or_default();
            let start = text[..payload].rfind('\n').map_or(0, |at| at + 1);
            let end = line_end(&text, line_end(&text, at));
            let line_break = if text.contains("\r\n") { "\r\n" } else { "\n" };
            let mark =
                |sign: &str, says: &str| format!("{}{says}{line_break}", sign.repeat(marker_size));
            let lines = [
                mark("<", " ours: keep these lines, all of them, or"),
                ended(ours, line_break),
                mark("=", ""),
                ended(theirs, line_break),
                mark(">", " theirs: these, and take the marks out"),
            ];
            text.replace_range(start..end, &lines.concat());
        }
        text.into_bytes()
    }
}

fn line_end(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |newline| at + newline + 1)
}

fn ended(lines: &str, line_break: &str) -> String {
    if lines.is_empty() || lines.ends_with('\n') {
        lines.to_owned()
    } else {
        format!("{lines}{line_break}")
    }
}

/// The text with a place in the stead of a block; where there was none, too.
fn with_place(text: &str, name: &ObjectName, key: &str, place: &str) -> Option<Zeroizing<String>> {
    let mut text = text.to_owned();
    let (index, object) = objects(&text)?.remove(name)?;
    if object.spec.values.contains_key(key) {
        let remove = BTreeSet::from([key.to_owned()]);
        text = edit(&text, index, &Change { remove, ..Change::default() }).ok()?;
    }
    let block = Block { payload: place.to_owned(), ..Block::default() };
    let put = BTreeMap::from([(key.to_owned(), block)]);
    edit(&text, index, &Change { put, ..Change::default() }).ok().map(Zeroizing::new)
}

/// The sealed objects of a text by kind and name; `None` where it has none, one twice, or is none of ours to read.
pub(super) fn objects(text: &str) -> Option<BTreeMap<ObjectName, (usize, SealedSecret)>> {
    let mut objects = BTreeMap::new();
    for (index, document) in file::read(text).ok()?.into_iter().enumerate() {
        if let Document::Sealed(object) = document {
            let name = (object.spec.kind, object.full_name());
            if objects.insert(name, (index, *object)).is_some() {
                return None;
            }
        }
    }
    Some(objects)
}
