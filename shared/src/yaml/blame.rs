//! What a text that does not read is about, found in its lines alone: which object an error lies in, whether Git left a
//! conflict, whether it is a template of another program.

use super::{Problem, ReadError};
use crate::place::{is_key, is_label, is_subdomain};

/// The error in the words for what the text turns out to be.
pub(super) fn explained(text: &str, error: ReadError) -> ReadError {
    conflict(text).or_else(|| template(text)).unwrap_or(error)
}

/// Where Git's first conflict begins.
fn conflict(text: &str) -> Option<ReadError> {
    let begins = text.lines().position(|line| line.starts_with("<<<<<<< "))?;
    let ends = text.lines().skip(begins).any(|line| line.starts_with(">>>>>>> "));
    ends.then_some(ReadError { line: begins + 1, problem: Problem::Conflict })
}

/// Where the first `{{ … }}` stands that is neither quoted nor in a comment.
fn template(text: &str) -> Option<ReadError> {
    let at = text.lines().position(|line| {
        let code = line.split_once("{{").map(|(before, rest)| (before, rest.contains("}}")));
        code.is_some_and(|(before, closed)| closed && !before.contains(['"', '\'', '#']))
    })?;
    Some(ReadError { line: at + 1, problem: Problem::Template })
}

/// What a line is in: the object, and the block of a sealed file, as far as they are plain to see.
pub(crate) fn around(text: &str, line: usize) -> Option<String> {
    let object = object_at(text, line)?;
    Some(match block_at(text, line) {
        Some(key) => format!("the block of {key} of {object}"),
        None => object,
    })
}

/// The key whose block a line is in: two levels below `spec.values`.
fn block_at(text: &str, line: usize) -> Option<&str> {
    let lines: Vec<&str> = text.lines().take(line).filter(|line| !line.trim().is_empty()).collect();
    let mut indent = indent_of(lines.last()?);
    let mut above = Vec::new();
    for line in lines.iter().rev().take_while(|line| !is_separator(line)) {
        if indent_of(line) < indent {
            indent = indent_of(line);
            above.push(line.split(':').next()?.trim().trim_matches(['"', '\'']));
        }
    }
    match above.as_slice() {
        [key, "values", "spec"] if is_key(key) => Some(key),
        _ => None,
    }
}

/// `namespace/name` of the document that holds a line, as far as they are plain to see.
///
/// For a text that does not read: the names are looked for beneath `metadata`, and what could not be one is left out.
fn object_at(text: &str, line: usize) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    let before = lines.get(..line.min(lines.len()))?;
    let start = before.iter().rposition(|line| is_separator(line)).unwrap_or(0);
    let length = lines[start..].iter().skip(1).position(|line| is_separator(line));
    let document = &lines[start..length.map_or(lines.len(), |length| start + 1 + length)];
    let metadata = document.iter().position(|line| line.trim_start().starts_with("metadata:"))?;
    let indent = indent_of(document[metadata]);
    let below = document[metadata + 1..].iter().take_while(|line| indent_of(line) > indent);
    let fields: Vec<&str> = std::iter::once(&document[metadata])
        .chain(below)
        .flat_map(|line| line.split(['{', ',', '}']))
        .collect();
    let name = field(&fields, "name:").filter(|name| is_subdomain(name))?;
    match field(&fields, "namespace:").filter(|namespace| is_label(namespace)) {
        Some(namespace) => Some(format!("{namespace}/{name}")),
        None => Some(format!("?/{name}")),
    }
}

fn is_separator(line: &str) -> bool {
    line.starts_with("---")
}

fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

fn field<'t>(fields: &[&'t str], name: &str) -> Option<&'t str> {
    let value = fields.iter().find_map(|field| field.trim().strip_prefix(name))?;
    let word = value.split('#').next().unwrap_or_default();
    Some(word.trim().trim_matches(['"', '\'']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_block_of_a_line_is_named_where_its_lines_say_it() {
        let text = "metadata:\n  name: a\nspec:\n  values:\n    pass:\n      payload: x\n\n      payload: y\n    b: [\n";
        let block = Some("the block of pass of ?/a");
        for (line, found) in [(6, block), (8, block), (9, Some("?/a")), (4, Some("?/a"))] {
            assert_eq!(around(text, line).as_deref(), found, "line {line}");
        }
    }

    #[test]
    fn the_object_of_a_line_is_that_of_its_document() {
        let text = "# a\nkind: A\nmetadata:\n  labels:\n    x: y\n  name: \"one\" # x\n  namespace: prod\nspec:\n  \
                    broken: [\n---\nmetadata: {name: two, namespace: dev}\nspec: [\n---\nkind: B\nx: [\n";
        for (line, object) in
            [(1, Some("prod/one")), (9, Some("prod/one")), (12, Some("dev/two")), (15, None)]
        {
            assert_eq!(object_at(text, line).as_deref(), object, "line {line}");
        }
        assert_eq!(object_at("metadata:\n  name: a b\n", 1), None);
        assert_eq!(object_at("metadata:\n  name: a\n", 9).as_deref(), Some("?/a"));
        assert_eq!(object_at("", 1), None);
    }
}
