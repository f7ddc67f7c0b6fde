//! Text of sealed files → each document with the line where it begins, and where in it something stands.

use super::file::{Document, FileError, document, is_list};
use crate::yaml::{Copies, Documents, Node, Value};

/// What one document of a text is, or why it is no sealed file.
#[derive(Debug)]
pub struct Located {
    /// Line of its first character, from 1; 1 where the text is JSON, which has no positions here.
    pub line: usize,
    /// What it is.
    pub document: Result<Document, FileError>,
}

/// Reads every document of `text` as [`read`](super::file::read) does, and goes on behind one that is no sealed file.
pub fn read_each(text: &str, copies: &mut Copies) -> Vec<Located> {
    let mut all = Vec::new();
    for node in Documents::of(text, copies) {
        match node {
            Ok(node) => each(node, &mut |node| {
                let line = node.line.max(1);
                all.push(Located { line, document: document(node) });
            }),
            Err(error) => {
                let line = error.line.max(1);
                all.push(Located { line, document: Err(FileError::text(text, error)) });
            }
        }
    }
    all
}

/// The line where `path` stands in a document of `text`, or the last part of it that is there. `document` counts as
/// [`read_each`] does. For messages: the text is read a second time.
pub fn line_of(text: &str, document: usize, path: &[&str]) -> usize {
    let mut found = Vec::new();
    for node in Documents::of(text, &mut Copies::default()).map_while(Result::ok) {
        each(node, &mut |node| found.push(line_in(&node, path)));
    }
    found.get(document).copied().unwrap_or_default().max(1)
}

fn line_in(node: &Node, path: &[&str]) -> usize {
    let (mut node, mut line) = (node, node.line);
    for field in path {
        let Some(entry) = node.entry(field) else { break };
        (node, line) = (&entry.value, entry.line);
    }
    line
}

/// A document, or each item of a `List`.
fn each(mut node: Node, take: &mut impl FnMut(Node)) {
    if is_list(&node) {
        node.take_items("items").into_iter().for_each(|item| each(item, take));
    } else if !matches!(node.value, Value::Null) {
        take(node);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# first\napiVersion: v1\nkind: ConfigMap\n---\napiVersion: seal.dev/v1\nkind: SealedSecret\nmetadata: {name: a,\n  namespace: b}\nspec:\n  scope: {namespaces: [b], name: a}\n  value: {}\n---\napiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Secret, metadata: {name: c}}\n- {apiVersion: v1, kind: Secret, metadata: {name: d}, data: {a: YQ==}}\n";

    #[test]
    fn a_document_that_is_wrong_does_not_hide_those_behind_it() {
        let all = read_each(TEXT, &mut Copies::default());
        let lines: Vec<usize> = all.iter().map(|it| it.line).collect();
        assert_eq!(lines, [2, 5, 16, 17]);
        assert!(all[1].document.is_err(), "an unknown field");
        let plain = |has_values| move |it: &Located| matches!(&it.document, Ok(Document::Plaintext { has_values: found, .. }) if *found == has_values);
        assert!(plain(false)(&all[2]) && plain(true)(&all[3]));
        let cut = read_each("a: 1\n---\nb: [\n", &mut Copies::default());
        assert!(cut.len() == 2 && cut[0].document.is_ok() && cut[1].document.is_err());
    }

    #[test]
    fn something_in_a_document_is_found_by_its_path() {
        assert_eq!(line_of(TEXT, 1, &["metadata", "namespace"]), 8);
        assert_eq!(line_of(TEXT, 1, &["spec", "scope"]), 10);
        assert_eq!(line_of(TEXT, 1, &["spec", "template", "type"]), 9, "as far as it is there");
        assert_eq!(line_of(TEXT, 3, &[]), 17);
        assert_eq!(line_of("{\"a\": 1}", 0, &["a"]), 1);
    }
}
