//! A sealed file's Secret as a text that a person edits: each value as it is, or a word in its place where it is not open.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::place::Place;
use crate::secret::SecretValue;
use crate::yaml;
use crate::yaml::write::{LitStr, to_yaml};

/// What stands where a value is sealed.
pub const SEALED: &str = "<sealed>";

/// The Secret at `place` with `keys`: of each the value in `opened`, else [`SEALED`].
///
/// The text is plaintext where `opened` has anything: the caller answers for where it goes. [`read`](super::read) reads it.
pub fn editable(
    place: &Place,
    type_: Option<&str>,
    keys: &BTreeSet<&str>,
    opened: &BTreeMap<String, SecretValue>,
) -> Zeroizing<String> {
    let (mut texts, mut data) = (BTreeMap::new(), BTreeMap::new());
    for key in keys {
        match opened.get(*key).map(|value| (value, std::str::from_utf8(value.expose()))) {
            None => drop(texts.insert(*key, Text::Plain(SEALED))),
            Some((_, Ok(text))) => drop(texts.insert(*key, Text::of(text))),
            Some((value, Err(_))) => {
                drop(data.insert(*key, Zeroizing::new(STANDARD.encode(value.expose()))));
            }
        }
    }
    let data = data.iter().map(|(key, value)| (*key, value.as_str())).collect();
    let metadata = Metadata { name: &place.name, namespace: &place.namespace };
    let view =
        View { api_version: "v1", kind: "Secret", metadata, type_, string_data: texts, data };
    Zeroizing::new(to_yaml(&view))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct View<'a> {
    api_version: &'a str,
    kind: &'a str,
    metadata: Metadata<'a>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    type_: Option<&'a str>,
    string_data: BTreeMap<&'a str, Text<'a>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    data: BTreeMap<&'a str, &'a str>,
}

/// A value as it is written.
#[derive(Serialize)]
#[serde(untagged)]
enum Text<'a> {
    Plain(&'a str),
    /// Line by line, as people edit a file.
    Lines(LitStr<'a>),
}

impl<'a> Text<'a> {
    /// Lines where they can be read back as they are.
    fn of(text: &'a str) -> Self {
        let begins_at_the_margin = !text.starts_with([' ', '\t', '\n']);
        let is_printable =
            text.chars().all(|c| c == '\n' || c == '\t' || !c.is_control() && c != '\u{feff}');
        let is_lines = text.contains('\n') && begins_at_the_margin && is_printable;
        if is_lines && read_back(text) { Self::Lines(LitStr(text)) } else { Self::Plain(text) }
    }
}

/// Whether a text comes back as it is, written line by line.
fn read_back(text: &str) -> bool {
    let written = Zeroizing::new(to_yaml(&BTreeMap::from([("k", LitStr(text))])));
    let read = yaml::documents(&written).ok();
    read.is_some_and(|it| it.first().is_some_and(|node| node.text("k") == text))
}

#[derive(Serialize)]
struct Metadata<'a> {
    name: &'a str,
    namespace: &'a str,
}
