//! Changes blocks of one sealed file's text and leaves every other line byte-identical, comments included; in JSON every
//! other character.
//!
//! The positions come from the parser; what comes out is read again and must be exactly the object that was
//! meant, or the edit is refused. So a layout that this code does not expect costs an error, never a file.

use std::collections::{BTreeMap, BTreeSet};

use crate::kind::Kind;
use crate::kind::file::{self, Document, FileError};
use crate::kind::sealed::{Block, SealedSecret};
use crate::yaml::{self, Node, lines};

use super::edit_json;
use super::edit_lines::Editor;
use super::resealed;

/// Why a text could not be edited in place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// Not a sealed file.
    #[error("{0}")]
    File(#[from] FileError),
    /// A List, flow style, anchors or anything else whose lines do not stand for themselves.
    #[error("{object}: its layout cannot be edited line by line")]
    Layout {
        /// Which object.
        object: String,
    },
}

/// What is to become of one sealed file. The default changes nothing.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// Keys whose blocks are taken out; where `put` has a block of that key as well, all lines of the old one are.
    pub remove: BTreeSet<String>,
    /// Blocks to be, where a block of that key stands or in sorted place.
    pub put: BTreeMap<String, Block>,
    /// A new shared header in the old one's place: only where `put` has every block that is left.
    pub shared: Option<SharedHeader>,
}

impl Change {
    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.remove.is_empty() && self.put.is_empty() && self.shared.is_none()
    }

    /// The object that it makes of `before`.
    pub fn applied_to(&self, before: &SealedSecret) -> SealedSecret {
        let mut after = before.clone();
        after.spec.values.retain(|key, _| !self.remove.contains(key));
        after.spec.values.extend(self.put.clone());
        if let Some(shared) = &self.shared {
            after.spec.sealed_to.clone_from(&shared.sealed_to);
            after.spec.header = Some(shared.header.clone());
        }
        after
    }
}

/// The header that blocks without one of their own are under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedHeader {
    /// Fingerprints of its recipients.
    pub sealed_to: Vec<String>,
    /// The age header without its final line feed.
    pub header: String,
    /// The marks of values that were only sealed anew; see [`resealed`](super::resealed).
    pub resealed: Vec<String>,
}

/// Makes `change` in document `index` of `text`.
///
/// Only the lines of the named blocks change, and those of the shared header where `change` has a new one. A shared
/// header that no block is under any more stays: a commit that is reverted or picked later may bring a block back
/// that is under it.
pub fn edit(text: &str, index: usize, change: &Change) -> Result<String, EditError> {
    edit_each(text, &BTreeMap::from([(index, change)]))
}

/// The same for several documents of one text, by their index: it is read once, however many there are.
pub fn edit_each(text: &str, changes: &BTreeMap<usize, &Change>) -> Result<String, EditError> {
    // The parser counts from behind byte order marks.
    let (mark, text) = text.split_at(text.len() - text.trim_start_matches('\u{feff}').len());
    let documents = file::read(text)?;
    let mut expected = documents.clone();
    let mut object = "the file".to_owned();
    for (index, change) in changes {
        let Some(Document::Sealed(before)) = documents.get(*index) else {
            return Err(EditError::Layout { object: "the file".to_owned() });
        };
        expected[*index] = Document::Sealed(Box::new(change.applied_to(before)));
        object = before.full_name();
    }
    let written = if is_json(text) {
        write_json(text, &documents, changes)
    } else {
        write(text, &documents, changes)
    };
    match written {
        Some(written) if reads_as(&written, &expected) => Ok(mark.to_owned() + &written),
        _ => Err(EditError::Layout { object }),
    }
}

/// Whether a text is JSON, whose lines say nothing.
pub fn is_json(text: &str) -> bool {
    text.trim_start_matches('\u{feff}').trim_start().starts_with('{')
}

/// The blocks of some documents of `text` by index and key, each from its key to the comment that ends it, as they stand.
pub fn block_lines<'t>(
    text: &'t str,
    documents: &BTreeSet<usize>,
) -> Option<BTreeMap<(usize, String), &'t str>> {
    let text = text.trim_start_matches('\u{feff}');
    let nodes = yaml::documents(text).ok()?;
    let line_break = lines::line_break(text);
    let mut blocks = BTreeMap::new();
    for index in documents {
        let spec = nodes.get(*index)?.get("spec")?;
        let editor = Editor::new(text, line_break, spec)?;
        for entry in spec.get("values").map(Node::entries).unwrap_or_default() {
            blocks.insert((*index, entry.key.clone()), &text[editor.lines_of_block(entry)?]);
        }
    }
    Some(blocks)
}

/// The numbers of the lines with comments that go when the block of `key` does: those above it, behind its name and in it.
pub fn comments_of_block(text: &str, index: usize, key: &str) -> Vec<usize> {
    let text = text.trim_start_matches('\u{feff}');
    let Ok(nodes) = yaml::documents(text) else { return Vec::new() };
    let lines = nodes.get(index).and_then(|node| node.get("spec")).and_then(|spec| {
        let entry = spec.get("values")?.entry(key)?;
        Editor::new(text, lines::line_break(text), spec)?.lines_of_block_and_above(entry)
    });
    let Some(lines) = lines else { return Vec::new() };
    let first = text[..lines.start].matches('\n').count() + 1;
    let numbered = text[lines].lines().zip(first..);
    numbered.filter(|(line, _)| is_comment(line)).map(|(_, number)| number).collect()
}

/// Whether a line of a block has a comment that somebody wrote: not one that ends a block or says how it was sealed.
fn is_comment(line: &str) -> bool {
    let line = line.trim();
    let is_ours = line.starts_with("# end of ") || line.starts_with(resealed::COMMENT);
    !is_ours && (line.starts_with('#') || line.contains(" #"))
}

/// Whether [`edit`] could change any block of any sealed object of `text`, and add one: tried with all of them at once.
pub fn is_editable(text: &str) -> Result<bool, FileError> {
    let documents = file::read(text)?;
    let mut expected = documents.clone();
    Ok(all_changed(text, &mut expected).is_some_and(|written| reads_as(&written, &expected)))
}

/// Whether a text is JSON of which [`edit`] could change any block, and add one.
pub fn is_editable_json(text: &str) -> bool {
    let documents = file::read(text).unwrap_or_default();
    let [Document::Sealed(object)] = documents.as_slice() else { return false };
    is_json(text) && change_of_all(object).is_some_and(|change| edit(text, 0, &change).is_ok())
}

/// The text with the comment behind each block of each object that [`is_editable`]; no other line changes.
pub(super) fn with_ends(text: &str) -> Option<String> {
    let mut edits = Vec::new();
    let line_break = lines::line_break(text);
    let nodes = yaml::documents(text).ok()?;
    for node in nodes.iter().filter(|node| Kind::of(node.text("kind")).is_some()) {
        let mut editor = Editor::new(text, line_break, node.get("spec")?)?;
        editor.end_blocks()?;
        edits.append(&mut editor.edits);
    }
    Some(lines::apply(text, edits))
}

/// The text with every block of every object changed; `expected` becomes what it must read as.
fn all_changed(text: &str, expected: &mut [Document]) -> Option<String> {
    let nodes = yaml::documents(text).ok().filter(|nodes| nodes.len() == expected.len())?;
    let mut edits = Vec::new();
    let line_break = lines::line_break(text);
    for (node, document) in nodes.iter().zip(expected) {
        let Document::Sealed(object) = document else { continue };
        let change = change_of_all(object)?;
        let mut editor = Editor::new(text, line_break, node.get("spec")?)?;
        editor.change_blocks(object, &change)?;
        edits.append(&mut editor.edits);
        **object = change.applied_to(object);
    }
    Some(lines::apply(text, edits))
}

/// Another block for each key, and a new one.
fn change_of_all(object: &SealedSecret) -> Option<Change> {
    let block = Block {
        sealed_to: vec!["sha256:0".to_owned()],
        header: Some("age\n---".to_owned()),
        payload: "AAAA".to_owned(),
    };
    let mut change = Change::default();
    change.put.extend(object.spec.values.keys().map(|key| (key.clone(), block.clone())));
    let mut names = (0..).map(|number| format!("new-{number}"));
    let new = names.find(|key| !change.put.contains_key(key))?;
    change.put.insert(new, block);
    Some(change)
}

fn write(text: &str, documents: &[Document], changes: &BTreeMap<usize, &Change>) -> Option<String> {
    // In a List the documents are not the nodes, and its items' lines are not a file's.
    let nodes = yaml::documents(text).ok().filter(|nodes| nodes.len() == documents.len())?;
    let line_break = lines::line_break(text);
    let mut edits = Vec::new();
    for (index, change) in changes {
        let Document::Sealed(before) = documents.get(*index)? else { return None };
        let mut editor = Editor::new(text, line_break, nodes.get(*index)?.get("spec")?)?;
        if let Some(shared) = &change.shared {
            editor.put_shared_header(shared)?;
        }
        editor.change_blocks(before, change)?;
        edits.append(&mut editor.edits);
    }
    Some(lines::apply(text, edits))
}

/// Of the one document that a text of JSON has.
fn write_json(
    text: &str,
    documents: &[Document],
    changes: &BTreeMap<usize, &Change>,
) -> Option<String> {
    let [Document::Sealed(before)] = documents else { return None };
    edit_json::edit(text, before, changes.get(&0)?)
}

fn reads_as(text: &str, expected: &[Document]) -> bool {
    let Ok(read) = file::read(text) else { return false };
    read.len() == expected.len() && read.iter().zip(expected).all(is_same)
}

fn is_same(pair: (&Document, &Document)) -> bool {
    match pair {
        (Document::Sealed(a), Document::Sealed(b)) => a == b,
        (a, b) => a.to_string() == b.to_string(),
    }
}
