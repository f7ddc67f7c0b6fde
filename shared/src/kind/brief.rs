//! Text of a sealed file without its ciphertext, for people who read a difference: every header and payload is a few
//! digits of its digest, and every other character is as it was.

use sha2::{Digest, Sha256};

use super::Kind;
use super::file::{self, Document};
use crate::yaml::lines::{self, Edit};
use crate::yaml::{self, Entry, Node};

/// Digits that stand for a header or a payload: they tell that it is another one.
const DIGITS: usize = 12;

/// The text with each header and payload of each sealed object cut to a digest; `None` where it has no sealed object, or
/// is none of ours to read.
///
/// What lies between the digests is untouched, comments and other documents as well. Says nothing of any value: a
/// digest is of ciphertext, which is another one whenever a value is sealed anew.
pub fn brief(text: &str) -> Option<String> {
    let documents = file::read(text).ok()?;
    let objects = documents.iter().filter_map(|document| match document {
        Document::Sealed(object) => Some(object),
        _ => None,
    });
    let count = objects.clone().count();
    if count == 0 {
        return None;
    }
    if let Some(brief) = in_place(text, count) {
        return Some(brief);
    }
    // JSON, or a layout whose lines do not stand for themselves: as it would be written.
    let written: Vec<String> = objects.map(|object| file::write(object)).collect();
    in_place(&written.join("---\n"), count)
}

fn in_place(text: &str, objects: usize) -> Option<String> {
    let mark = text.len() - text.trim_start_matches('\u{feff}').len();
    let (mark, text) = text.split_at(mark);
    let nodes = yaml::documents(text).ok()?;
    let sealed: Vec<&Node> =
        nodes.iter().filter(|node| Kind::of(node.text("kind")).is_some()).collect();
    if sealed.len() != objects {
        return None;
    }
    let mut edits = Vec::new();
    for node in sealed {
        let spec = node.get("spec")?;
        shorten(text, spec.entry("header"), &mut edits)?;
        for entry in spec.entry("values").iter().flat_map(|values| values.value.entries()) {
            shorten(text, entry.value.entry("header"), &mut edits)?;
            shorten(text, entry.value.entry("payload"), &mut edits)?;
        }
    }
    Some(mark.to_owned() + &lines::apply(text, edits))
}

/// Puts a digest in the place of an entry's value.
fn shorten(text: &str, entry: Option<&Entry>, edits: &mut Vec<Edit>) -> Option<()> {
    let Some(entry) = entry else { return Some(()) };
    let lines = lines::of_entry(text, entry)?;
    let value = entry.value.as_str()?;
    let digest = hex::encode(Sha256::digest(value));
    let line_break = lines::line_break(text);
    let indent = &text[lines.start..entry.span.start];
    let key = &text[entry.span.clone()];
    edits.push((lines, format!("{indent}{key}: <{}>{line_break}", &digest[..DIGITS])));
    Some(())
}
