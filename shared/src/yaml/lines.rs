//! The lines that a node of a text takes, for edits that keep every other line. Positions are the parser's.

use std::ops::Range;

use super::{Entry, Node};

/// A range of the text and what takes its place.
pub(crate) type Edit = (Range<usize>, String);

/// Makes all `edits`, which do not overlap.
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

/// What ends the text's lines.
pub(crate) fn line_break(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

/// Where the line that holds `at` begins.
pub(crate) fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |newline| newline + 1)
}

/// Where the line after the one that holds `at` begins.
pub(crate) fn line_end(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |newline| at + newline + 1)
}

/// The lines of a mapping's entry in block style, from its key to the end of its value; `None` where it shares them.
pub(crate) fn of_entry(text: &str, entry: &Entry) -> Option<Range<usize>> {
    let start = line_start(text, entry.span.start);
    let alone = text[start..entry.span.start].trim().is_empty() && !entry.span.is_empty();
    let last = last_end(text, &entry.value).max(entry.span.end);
    let end = line_end(text, last);
    // Behind a block scalar its line break belongs to it; behind a key without a value stands its colon.
    let rest = text[last..end].trim_start_matches(':').trim();
    (alone && (rest.is_empty() || rest.starts_with('#'))).then_some(start..end)
}

/// Where the line after the last of an entry begins, whatever shares its lines.
pub(crate) fn end_of_entry(text: &str, entry: &Entry) -> usize {
    line_end(text, last_end(text, &entry.value).max(entry.span.end))
}

/// A block collection ends where its last part ends: the parser says where the next token is.
fn last_end(text: &str, node: &Node) -> usize {
    let in_flow = text[node.span.clone()].starts_with(['[', '{']);
    let entries = node.entries().iter().map(|entry| last_end(text, &entry.value));
    let items = node.items().iter().map(|item| last_end(text, item));
    match entries.chain(items).max() {
        Some(last) if !in_flow => last,
        // A block scalar's span reaches into the line breaks behind it.
        _ => node.span.start + text[node.span.clone()].trim_end().len(),
    }
}
