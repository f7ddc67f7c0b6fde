//! The edits of a `.seal.yaml`: a recipient is pinned in it, and when its key was made is noted. Every other line stays.

use super::{PolicyError, Rule, Source, read};
use crate::yaml::lines::{self, Edit};
use crate::yaml::{self, Node};

/// The same text with `recipient` under `name`: replaced where it stands, else added, also to each rule
/// without a path. Every other line stays; a layout that does not allow this is an error.
pub fn pin(text: &str, name: &str, recipient: &str) -> Result<String, PolicyError> {
    pinned(text, name, recipient, true)
}

/// The same, but added to no rule: a recipient for some namespaces would else open what is sealed everywhere.
pub fn pin_apart(text: &str, name: &str, recipient: &str) -> Result<String, PolicyError> {
    pinned(text, name, recipient, false)
}

/// The same text, which says that the key of `name` was made on `day`.
pub fn date(text: &str, name: &str, day: &str) -> Result<String, PolicyError> {
    let before = read(text)?;
    let documents = yaml::documents(text)?;
    let document = documents.first().ok_or(PolicyError::Layout)?;
    let edits = match before.created.contains_key(name) {
        true => replace(document, "created", name, day),
        false if document.get("created").is_none() => Some(vec![new_field(text, name, day)]),
        false => add(text, document, "created", (name, day)),
    };
    let written = lines::apply(text, edits.ok_or(PolicyError::Layout)?);
    let mut expected = before;
    expected.created.insert(name.to_owned(), day.to_owned());
    let as_meant = read(&written).is_ok_and(|read| read == expected);
    if as_meant { Ok(written) } else { Err(PolicyError::Layout) }
}

/// A field `created` of its own at the end.
fn new_field(text: &str, name: &str, day: &str) -> Edit {
    let line_end = line_end(text);
    let before = if text.is_empty() || text.ends_with('\n') { "" } else { line_end };
    let comment = "# When the keys were made: `seal check --max-key-age 365d` goes by it.";
    let field = format!("{before}{comment}{line_end}created:{line_end}  {name}: {day}{line_end}");
    (text.len()..text.len(), field)
}

fn pinned(text: &str, name: &str, recipient: &str, in_rules: bool) -> Result<String, PolicyError> {
    let before = read(text)?;
    let documents = yaml::documents(text)?;
    let document = documents.first().ok_or(PolicyError::Layout)?;
    let edits = match before.recipients.get(name) {
        Some(Source::File(_)) => return Err(PolicyError::Layout),
        Some(Source::Text(_)) => replace(document, "recipients", name, recipient),
        None => add(text, document, "recipients", (name, recipient)),
    };
    let mut edits = edits.ok_or(PolicyError::Layout)?;
    let is_new = !before.recipients.contains_key(name);
    if is_new && in_rules {
        edits.extend(add_to_rules(text, document, name).ok_or(PolicyError::Layout)?);
    }
    let written = lines::apply(text, edits);
    let mut expected = before.clone();
    expected.recipients.insert(name.to_owned(), Source::Text(recipient.to_owned()));
    let is_added_to = |rule: &&mut Rule| is_new && in_rules && rule.path.is_none();
    for rule in expected.rules.iter_mut().filter(is_added_to) {
        rule.to.insert(0, name.to_owned());
    }
    let as_meant = read(&written).is_ok_and(|read| read == expected);
    if as_meant { Ok(written) } else { Err(PolicyError::Layout) }
}

fn replace(document: &Node, field: &str, name: &str, text: &str) -> Option<Vec<Edit>> {
    let node = document.get(field)?.get(name)?;
    Some(vec![(node.span.clone(), text.to_owned())])
}

fn line_end(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

fn begins_with(text: &str, node: &Node, bracket: char) -> bool {
    text.get(node.span.clone()).is_some_and(|flow| flow.starts_with(bracket))
}

/// An entry more in the map of that field.
fn add(text: &str, document: &Node, field: &str, (name, new): (&str, &str)) -> Option<Vec<Edit>> {
    let line_end = line_end(text);
    let map = document.get(field)?;
    let mut edits = Vec::new();
    if begins_with(text, map, '{') {
        let comma = if map.entries().is_empty() { "" } else { ", " };
        let at = map.span.start + 1;
        edits.push((at..at, format!("{name}: {new}{comma}")));
    } else {
        let last = map.entries().last()?;
        let at = lines::end_of_entry(text, last);
        let indent = &text[lines::line_start(text, last.span.start)..last.span.start];
        let before = if text[..at].ends_with('\n') { "" } else { line_end };
        edits.push((at..at, format!("{before}{indent}{name}: {new}{line_end}")));
    }
    Some(edits)
}

fn add_to_rules(text: &str, document: &Node, name: &str) -> Option<Vec<Edit>> {
    let line_end = line_end(text);
    let mut edits = Vec::new();
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
