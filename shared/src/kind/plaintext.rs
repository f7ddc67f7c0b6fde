//! Secrets in clear: which object is one, and which of its texts are values.

use super::file::full_name_of;
use crate::yaml::{self, Node};

const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

pub(super) fn is_secret(node: &Node) -> bool {
    // The core group has no name, with or without the slash behind it.
    node.text("apiVersion").trim_start_matches('/') == "v1" && node.text("kind") == "Secret"
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
        || was_applied_with_values(node)
}

/// Whether the annotation of `kubectl apply`, which is the whole manifest once more, has values in clear.
fn was_applied_with_values(node: &Node) -> bool {
    let annotations = node.get("metadata").and_then(|metadata| metadata.get("annotations"));
    let applied = annotations.and_then(|it| it.get(LAST_APPLIED)).and_then(Node::as_str);
    let documents = applied.and_then(|text| yaml::documents(text).ok()).unwrap_or_default();
    // It has no such annotation of its own.
    documents.first().is_some_and(|manifest| {
        let fields = ["data", "stringData"].into_iter().filter_map(|field| manifest.get(field));
        fields.flat_map(|values| values.entries()).any(|entry| is_in_clear(&entry.value))
    })
}

fn is_in_clear(value: &Node) -> bool {
    is_value(value.as_str().unwrap_or_default())
}

/// Whether a text is a value in clear.
pub fn is_value(text: &str) -> bool {
    const OTHERS: [(&str, &str); 3] = [("ENC[AES256_GCM,data:", "]"), ("{{", "}}"), ("${", "}")];
    let text = text.trim();
    // What Flux takes where nothing is given, `${NAME:=value}`, is a value.
    let has_default = text.starts_with("${") && [":=", ":-"].iter().any(|it| text.contains(it));
    let is_of_others = OTHERS.iter().any(|(a, b)| text.starts_with(a) && text.ends_with(b));
    !text.is_empty() && (has_default || !is_of_others)
}
