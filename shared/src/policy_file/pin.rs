//! The one edit of a `.seal.yaml`: a recipient is pinned in it, and every other line stays.

use super::{PolicyError, Source, read};
use crate::yaml::lines::{self, Edit};
use crate::yaml::{self, Node};

/// The same text with `recipient` under `name`: replaced where it stands, else added, also to each rule
/// without a path. Every other line stays; a layout that does not allow this is an error.
pub fn pin(text: &str, name: &str, recipient: &str) -> Result<String, PolicyError> {
    let before = read(text)?;
    let documents = yaml::documents(text)?;
    let document = documents.first().ok_or(PolicyError::Layout)?;
    let edits = match before.recipients.get(name) {
        Some(Source::File(_)) => return Err(PolicyError::Layout),
        Some(Source::Text(_)) => replace(document, name, recipient),
        None => add(text, document, name, recipient),
    };
    let written = lines::apply(text, edits.ok_or(PolicyError::Layout)?);
    let mut expected = before.clone();
    let known = expected.recipients.insert(name.to_owned(), Source::Text(recipient.to_owned()));
    for rule in expected.rules.iter_mut().filter(|rule| known.is_none() && rule.path.is_none()) {
        rule.to.insert(0, name.to_owned());
    }
    let as_meant = read(&written).is_ok_and(|read| read == expected);
    if as_meant { Ok(written) } else { Err(PolicyError::Layout) }
}

fn replace(document: &Node, name: &str, recipient: &str) -> Option<Vec<Edit>> {
    let node = document.get("recipients")?.get(name)?;
    Some(vec![(node.span.clone(), recipient.to_owned())])
}

fn begins_with(text: &str, node: &Node, bracket: char) -> bool {
    text.get(node.span.clone()).is_some_and(|flow| flow.starts_with(bracket))
}

fn add(text: &str, document: &Node, name: &str, recipient: &str) -> Option<Vec<Edit>> {
    let line_end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let recipients = document.get("recipients")?;
    let mut edits = Vec::new();
    if begins_with(text, recipients, '{') {
        let comma = if recipients.entries().is_empty() { "" } else { ", " };
        let at = recipients.span.start + 1;
        edits.push((at..at, format!("{name}: {recipient}{comma}")));
    } else {
        let last = recipients.entries().last()?;
        let at = lines::end_of_entry(text, last);
        let indent = &text[lines::line_start(text, last.span.start)..last.span.start];
        let before = if text[..at].ends_with('\n') { "" } else { line_end };
        edits.push((at..at, format!("{before}{indent}{name}: {recipient}{line_end}")));
    }
    let rules = document.get("rules").map(Node::items).unwrap_or_default();
    for to in
        rules.iter().filter(|rule| rule.get("path").is_none()).filter_map(|rule| rule.get("to"))
    {
        if begins_with(text, to, '[') {
            let comma = if to.items().is_empty() { "" } else { ", " };
            let at = to.span.start + 1;
            edits.push((at..at, format!("{name}{comma}")));
        } else {
            let start = to.items().first()?.span.start;
            let line = lines::line_start(text, start);
            let dash = &text[line..start];
            edits.push((line..line, format!("{dash}{name}{line_end}")));
        }
    }
    Some(edits)
}
