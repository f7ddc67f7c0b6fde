//! Changes one sealed file's text and leaves every other line byte-identical, comments included.
//!
//! The positions come from the parser; what comes out is read again and must be exactly the object that was
//! meant, or the edit is refused. So a layout that this code does not expect costs an error, never a file.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::kind::file::{self, Document, FileError};
use crate::kind::sealed::{Envelope, SealedSecret};
use crate::yaml::{self, Node};

/// Why a text could not be edited in place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// Not a sealed file.
    #[error("{0}")]
    File(#[from] FileError),
    /// JSON, flow style, anchors or anything else whose lines do not stand for themselves.
    #[error("{label}: its layout cannot be edited line by line")]
    Layout {
        /// Which object.
        label: String,
    },
}

/// Takes the values of `remove` out of document `index` of `text`, and appends `add` as a new envelope.
///
/// An envelope left empty goes with its header. A key of `add` is taken out wherever it was sealed before.
pub fn edit(
    text: &str,
    index: usize,
    remove: &BTreeSet<String>,
    add: Option<&Envelope>,
) -> Result<String, EditError> {
    // The parser counts from behind byte order marks.
    let (mark, text) = text.split_at(text.len() - text.trim_start_matches('\u{feff}').len());
    let documents = file::read(text)?;
    let Some(Document::Sealed(before)) = documents.get(index) else {
        return Err(EditError::Layout { label: "the file".to_owned() });
    };
    let layout = || EditError::Layout { label: before.label() };
    let mut gone = remove.clone();
    gone.extend(add.iter().flat_map(|envelope| envelope.values.keys().cloned()));
    let after = edited(before, &gone, add);

    let nodes = yaml::documents(text).map_err(FileError::from)?;
    // In a List the documents are not the nodes, and its items' lines are not a file's.
    let node = nodes.get(index).filter(|_| nodes.len() == documents.len()).ok_or_else(layout)?;
    let edits = plan(text, node, &gone, add).ok_or_else(layout)?;
    let written = apply(text, edits);

    let mut expected = documents.clone();
    expected[index] = Document::Sealed(Box::new(after));
    let same = file::read(&written).is_ok_and(|read| same_documents(&read, &expected));
    if same { Ok(mark.to_owned() + &written) } else { Err(layout()) }
}

fn edited(before: &SealedSecret, gone: &BTreeSet<String>, add: Option<&Envelope>) -> SealedSecret {
    let mut after = before.clone();
    for envelope in &mut after.spec.envelopes {
        envelope.values.retain(|key, _| !gone.contains(key));
    }
    after.spec.envelopes.retain(|envelope| !envelope.values.is_empty());
    after.spec.envelopes.extend(add.cloned());
    after
}

fn same_documents(read: &[Document], expected: &[Document]) -> bool {
    let same = |pair: (&Document, &Document)| match pair {
        (Document::Sealed(a), Document::Sealed(b)) => a == b,
        (a, b) => a.to_string() == b.to_string(),
    };
    read.len() == expected.len() && read.iter().zip(expected).all(same)
}

/// A range of the text and what takes its place.
pub(crate) type Edit = (Range<usize>, String);

fn plan(
    text: &str,
    document: &Node,
    gone: &BTreeSet<String>,
    add: Option<&Envelope>,
) -> Option<Vec<Edit>> {
    let list = document.get("spec")?.entry("envelopes")?;
    let items = list.value.items();
    let mut edits = Vec::new();
    let mut kept = 0;
    let mut insert_at = None;
    let mut indent = String::new();
    for item in items {
        let lines = item_lines(text, item)?;
        indent = text[lines.start..].chars().take_while(|c| *c == ' ').collect();
        insert_at = Some(lines.end);
        let values = item.get("values")?.entries();
        if values.iter().all(|value| gone.contains(&value.key)) {
            edits.push((lines, String::new()));
            continue;
        }
        kept += 1;
        for value in values.iter().filter(|value| gone.contains(&value.key)) {
            edits.push((entry_lines(text, value)?, String::new()));
        }
    }
    let line_end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    match (add, insert_at) {
        (Some(envelope), Some(at)) => {
            let mut item = indented(envelope, &indent, line_end);
            if !text[..at].ends_with('\n') {
                item.insert_str(0, line_end);
            }
            edits.push((at..at, item));
        }
        (Some(envelope), None) => {
            let indent = " ".repeat(column(text, list.span.start));
            let item = line_end.to_owned() + &indented(envelope, &indent, line_end);
            edits.push((list.value.span.clone(), item.trim_end().to_owned()));
        }
        (None, _) if kept == 0 && !items.is_empty() => {
            let after_colon = list.span.end + 1;
            edits.push((after_colon..after_colon, " []".to_owned()));
        }
        (None, _) => {}
    }
    Some(edits)
}

/// The lines of a list item in block style: from its `- ` to the end of its last entry.
fn item_lines(text: &str, item: &Node) -> Option<Range<usize>> {
    let start = line_start(text, item.span.start);
    let dash = text[start..item.span.start].trim();
    let ends = item.entries().iter().map(|entry| end_of(text, entry));
    (dash == "-" && !item.span.is_empty()).then_some(start..ends.max()?)
}

/// The lines of a mapping entry that has them to itself.
fn entry_lines(text: &str, entry: &yaml::Entry) -> Option<Range<usize>> {
    let start = line_start(text, entry.span.start);
    let alone = text[start..entry.span.start].trim().is_empty();
    let end = line_end(text, entry.value.span.end);
    let rest = text[entry.value.span.end..end].trim();
    (alone && !entry.span.is_empty() && (rest.is_empty() || rest.starts_with('#')))
        .then_some(start..end)
}

pub(crate) fn end_of(text: &str, entry: &yaml::Entry) -> usize {
    let node = &entry.value;
    let inner = node.entries().iter().map(|entry| end_of(text, entry));
    let items = node.items().iter().map(|item| line_end(text, item.span.end));
    // A collection in block style ends where its last part ends; the parser says where the next token is.
    let parts = inner.chain(items).max();
    parts.unwrap_or_else(|| line_end(text, trimmed_end(text, &node.span)))
}

/// A block scalar's span reaches into the line breaks behind it.
fn trimmed_end(text: &str, span: &Range<usize>) -> usize {
    span.start + text[span.clone()].trim_end().len()
}

pub(crate) fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |newline| newline + 1)
}

pub(crate) fn line_end(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |newline| at + newline + 1)
}

fn column(text: &str, at: usize) -> usize {
    at - line_start(text, at)
}

fn indented(envelope: &Envelope, indent: &str, line_end: &str) -> String {
    let yaml = file::write_envelope(envelope);
    yaml.lines().map(|line| format!("{indent}{line}{line_end}")).collect()
}

pub(crate) fn apply(text: &str, mut edits: Vec<Edit>) -> String {
    edits.sort_by_key(|(range, _)| (range.start, range.end));
    let mut written = String::with_capacity(text.len());
    let mut at = 0;
    for (range, new) in edits {
        written.push_str(&text[at..range.start.max(at)]);
        written.push_str(&new);
        at = range.end.max(at);
    }
    written + &text[at..]
}
