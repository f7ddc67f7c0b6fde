//! What reading one text may take: bytes are counted, so that neither nodes nor one long scalar named many times cost
//! more than the text's size allows.

use super::{Entry, Node, Problem, ReadError, Value};

/// Bytes that a document's tree may always take.
const TREE_BASE: usize = 4 * 1024 * 1024;
/// Bytes of tree for each byte of text: JSON without a blank takes 13.
const TREE_PER_BYTE: usize = 24;
/// Bytes of tree however long the text is.
const TREE_MOST: usize = 512 * 1024 * 1024;
/// Bytes that aliases, anchors and merge keys may always copy.
const COPIES_BASE: usize = 256 * 1024;
/// Bytes of copies for each byte of text: its longest value and two aliases of it.
const COPIES_PER_BYTE: usize = 4;
/// Bytes that all texts of one source may copy.
const COPIES_OF_A_SOURCE: usize = 32 * 1024 * 1024;

/// What aliases may still copy over all texts of one source, whatever each of them may.
///
/// A source without aliases uses nothing of it; one that has used it up loses only those texts that have some.
#[derive(Debug)]
pub struct Copies(usize);

impl Default for Copies {
    fn default() -> Self {
        Self(COPIES_OF_A_SOURCE)
    }
}

/// What is left for one text.
///
/// A text of n bytes takes at most `4 MiB + 24 n`, and never more than 512 MiB, for the tree of the one document that is
/// in memory, plus `256 KiB + 4 n` over all of it for what aliases copy.
pub(super) struct Budget<'a> {
    text_len: usize,
    tree: usize,
    copies: usize,
    shared: &'a mut Copies,
}

impl<'a> Budget<'a> {
    pub(super) fn of(text: &str, shared: &'a mut Copies) -> Self {
        let copies = COPIES_BASE.saturating_add(text.len().saturating_mul(COPIES_PER_BYTE));
        let mut budget = Self { text_len: text.len(), tree: 0, copies, shared };
        budget.next_document();
        budget
    }

    /// The document before is gone by now, and its tree with it.
    pub(super) fn next_document(&mut self) {
        let tree = TREE_BASE.saturating_add(self.text_len.saturating_mul(TREE_PER_BYTE));
        self.tree = tree.min(TREE_MOST);
    }

    /// Counts a node with `bytes` of text of its own.
    pub(super) fn node(&mut self, bytes: usize, line: usize) -> Result<(), ReadError> {
        self.take(size_of::<Node>().saturating_add(bytes), line)
    }

    /// Counts the key of an entry, whose value was counted as a node.
    pub(super) fn key(&mut self, key: &str, line: usize) -> Result<(), ReadError> {
        // Once in the entry, once among the keys that were seen.
        self.take(size_of::<Entry>().saturating_add(key.len().saturating_mul(2)), line)
    }

    /// Counts a copy of `node`, before it is made.
    pub(super) fn copy(&mut self, node: &Node, line: usize) -> Result<(), ReadError> {
        self.copied(size_of_node(node), line)
    }

    /// The same of one entry that is merged into another map.
    pub(super) fn copy_entry(&mut self, entry: &Entry, line: usize) -> Result<(), ReadError> {
        self.copied(size_of_entry(entry), line)
    }

    fn copied(&mut self, bytes: usize, line: usize) -> Result<(), ReadError> {
        let too_large = ReadError { line, problem: Problem::TooLarge };
        self.copies = self.copies.checked_sub(bytes).ok_or_else(|| too_large.clone())?;
        self.shared.0 = self.shared.0.checked_sub(bytes).ok_or(too_large)?;
        self.take(bytes, line)
    }

    fn take(&mut self, bytes: usize, line: usize) -> Result<(), ReadError> {
        let too_large = ReadError { line, problem: Problem::TooLarge };
        self.tree = self.tree.checked_sub(bytes).ok_or(too_large)?;
        Ok(())
    }
}

fn size_of_node(node: &Node) -> usize {
    let inner: usize = match &node.value {
        Value::Null | Value::Bool(_) => 0,
        Value::Number(text) => text.len(),
        Value::String(text) => text.len(),
        Value::Sequence(items) => items.iter().map(size_of_node).sum(),
        Value::Mapping(entries) => entries.iter().map(size_of_entry).sum(),
    };
    size_of::<Node>() + inner
}

fn size_of_entry(entry: &Entry) -> usize {
    size_of::<Entry>() + entry.key.len() + size_of_node(&entry.value)
}
