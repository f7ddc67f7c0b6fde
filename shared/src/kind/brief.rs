//! Text of a sealed file without its ciphertext, for people who read a difference: every header and payload is a few
//! digits of its digest, and every other character is as it was.
//!
//! Where that cannot be done nothing is made: a text in which anything else were missing would hide a change.

use std::ops::Range;

use sha2::{Digest, Sha256};

use super::edit::is_json;
use super::edit_json;
use super::file::{self, Document};
use crate::yaml::lines::{self, Edit};
use crate::yaml::{self, Node};

/// Digits that stand for a header or a payload: they tell that it is another one.
const DIGITS: usize = 12;

/// The text with each header and payload of each sealed object cut to a digest; `None` where it has no sealed object, is
/// none of ours to read, or has one that cannot be cut where it stands, as behind an alias.
///
/// What lies between the digests is untouched, comments and other documents as well. Says nothing of any value: a
/// digest is of ciphertext, which is another one whenever a value is sealed anew.
pub fn brief(text: &str) -> Option<String> {
    let documents = file::read(text).ok()?;
    let count = documents.iter().filter(|it| matches!(it, Document::Sealed(_))).count();
    if count == 0 {
        return None;
    }
    let (mark, text) = text.split_at(text.len() - text.trim_start_matches('\u{feff}').len());
    let brief = if is_json(text) { edit_json::brief(text)? } else { in_place(text, count)? };
    Some(mark.to_owned() + &brief)
}

/// What stands for a header or a payload.
pub(super) fn digest(ciphertext: &str) -> String {
    let digest = hex::encode(Sha256::digest(ciphertext));
    format!("<{}>", &digest[..DIGITS])
}

fn in_place(text: &str, objects: usize) -> Option<String> {
    let nodes = yaml::documents(text).ok()?;
    let mut sealed = Vec::new();
    nodes.iter().for_each(|node| collect_sealed(node, &mut sealed));
    if sealed.len() != objects {
        return None;
    }
    let mut edits = Vec::new();
    for node in sealed {
        shorten_object(text, node, &mut edits)?;
    }
    edits.sort_by_key(|(range, _)| range.start);
    let is_apart = |pair: &[Edit]| pair[0].0.end <= pair[1].0.start;
    edits.windows(2).all(is_apart).then(|| lines::apply(text, edits))
}

/// A document that is a sealed object, or the items of a `List` that are.
fn collect_sealed<'n>(node: &'n Node, sealed: &mut Vec<&'n Node>) {
    if file::is_list(node) {
        let items = node.get("items").map(Node::items).unwrap_or_default();
        items.iter().for_each(|item| collect_sealed(item, sealed));
    } else if file::sealed_kind(node).is_some() {
        sealed.push(node);
    }
}

fn shorten_object(text: &str, node: &Node, edits: &mut Vec<Edit>) -> Option<()> {
    let Some(spec) = node.get("spec") else { return Some(()) };
    shorten(text, spec, "header", edits)?;
    let Some(values) = spec.get("values") else { return Some(()) };
    for entry in values.entries() {
        let block = &entry.value;
        is_within(&block.span, &values.span).then_some(())?;
        shorten(text, block, "header", edits)?;
        shorten(text, block, "payload", edits)?;
    }
    is_within(&spec.span, &node.span).then_some(())?;
    is_within(&values.span, &spec.span).then_some(())
}

/// Puts a digest in the place of a field's value, where that stands in the mapping itself and not where an alias leads.
fn shorten(text: &str, within: &Node, name: &str, edits: &mut Vec<Edit>) -> Option<()> {
    let Some(entry) = within.entry(name) else { return Some(()) };
    let Some(value) = entry.value.as_str() else { return Some(()) };
    let span = &entry.value.span;
    let written = text.get(span.clone())?.trim_end();
    if written.is_empty() || !is_within(span, &within.span) || entry.span.end > span.start {
        return None;
    }
    let end = span.start + written.len();
    let between = text.get(entry.span.end..span.start)?;
    let (start, comment) = match sign_of_block(between) {
        Some((at, comment)) => (entry.span.end + at, comment),
        None => (span.start, ""),
    };
    edits.push((start..end, digest(value) + comment));
    Some(())
}

/// Where in what stands between a key and its value the sign of a block scalar is, and the comment behind it.
fn sign_of_block(between: &str) -> Option<(usize, &str)> {
    let (line, _) = between.split_once('\n')?;
    let comment = line.find(" #").unwrap_or(line.len());
    let at = line[..comment].trim_end().rfind([' ', ':'])? + 1;
    line[at..].starts_with(['|', '>']).then(|| (at, line[comment..].trim_end()))
}

fn is_within(inner: &Range<usize>, outer: &Range<usize>) -> bool {
    outer.start <= inner.start && inner.end <= outer.end && !inner.is_empty()
}
