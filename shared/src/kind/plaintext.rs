//! Secrets in clear: which object is one, and which of its texts are values.

use super::file::full_name_of;
use crate::yaml::Node;

pub(super) fn is_secret(node: &Node) -> bool {
    node.text("apiVersion") == "v1" && node.text("kind") == "Secret"
}

/// Whether a text says somewhere that something is a Secret: in block or flow style, with or without quotes.
pub(crate) fn names_a_secret(text: &str) -> bool {
    const AROUND: [char; 5] = [' ', '\t', '\r', '"', '\''];
    text.match_indices("Secret").any(|(at, word)| {
        let behind =
            text[at + word.len()..].strip_prefix("List").unwrap_or(&text[at + word.len()..]);
        let is_whole = !behind.starts_with(|c: char| c.is_alphanumeric());
        let before = text[..at].trim_end_matches(AROUND);
        let field = before.strip_suffix(':').map(|it| it.trim_end_matches(AROUND));
        is_whole && field.is_some_and(|field| field.ends_with("kind"))
    })
}

/// What messages call a Secret that has values in clear.
pub(super) fn of_plaintext(node: &Node) -> Option<String> {
    (is_secret(node) && has_values(node)).then(|| full_name_of(node))
}

/// Whether a Secret has values in clear: not what sops has encrypted each by itself, nor what a chart or Flux will fill in.
pub(super) fn has_values(node: &Node) -> bool {
    let fields = ["data", "stringData"].into_iter().filter_map(|field| node.get(field));
    fields.flat_map(|values| values.entries()).any(|entry| is_in_clear(&entry.value))
}

fn is_in_clear(value: &Node) -> bool {
    is_value(value.as_str().unwrap_or_default())
}

/// Whether a text is a value in clear.
pub(super) fn is_value(text: &str) -> bool {
    const OTHERS: [(&str, &str); 3] = [("ENC[AES256_GCM,data:", "]"), ("{{", "}}"), ("${", "}")];
    let text = text.trim();
    !text.is_empty() && !OTHERS.iter().any(|(a, b)| text.starts_with(a) && text.ends_with(b))
}
