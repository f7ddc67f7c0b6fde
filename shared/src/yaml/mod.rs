//! Text as kubectl reads it: YAML or JSON documents to a [`Node`] tree with positions.
//!
//! kubectl reads YAML 1.1 through sigs.k8s.io/yaml: `no` is a boolean and `0777` is 511. The parser gives
//! events and positions, [`resolve`] gives plain scalars the meaning that kubectl gives them. A text that begins
//! with `{` is JSON and nothing else, as it is to every kubectl before 1.33.
//!
//! Stricter than kubectl where one text could be two values: a key twice in one map, a tag that would be guessed at, a
//! line break within quotes within braces, and the characters that are line breaks to Go's YAML alone. What a text may
//! cost is in [`budget`].
//!
//! Errors name a line and our own words for what is wrong. They never quote the text, which may be a secret,
//! and never pass on the parser's words, which may quote it.

mod blame;
mod budget;
mod error;
mod json;
pub(crate) mod lines;
mod read;
mod resolve;
mod scalar;
pub(crate) mod write;

use std::ops::Range;

use base64::alphabet::STANDARD;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

pub(crate) use crate::escape::escaped;
pub(crate) use blame::around;
pub use budget::Copies;
pub use error::{Problem, ReadError};

/// Base64 as Go reads it: standard alphabet, padding required, loose last bits. Line breaks are to be taken out before.
pub(crate) const GO_BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// Line breaks to Go's YAML, and none to YAML 1.2, JSON or Git: one text, two values.
const UNSURE_BREAKS: [char; 3] = ['\u{85}', '\u{2028}', '\u{2029}'];

/// One value of a document, and where it stands.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) value: Value,
    /// Line of its first character, from 1; 0 where the text was JSON.
    pub(crate) line: usize,
    /// Bytes of the text it takes; empty where the text was JSON.
    pub(crate) span: Range<usize>,
}

/// What a node is, resolved as kubectl resolves it. Strings are wiped on drop: any may be a secret.
#[derive(Clone)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    /// As a JSON number's text.
    Number(String),
    String(Zeroizing<String>),
    Sequence(Vec<Node>),
    Mapping(Vec<Entry>),
}

/// One entry of a mapping. Keys are unique; `line` and `span` are those of the key.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) key: String,
    /// Line of the key, from 1; 0 where the text was JSON.
    pub(crate) line: usize,
    pub(crate) span: Range<usize>,
    pub(crate) value: Node,
    /// A number or boolean that is written otherwise than kubectl spells it: `y` is `true`, `012` is `10`.
    pub(crate) is_respelled: bool,
}

/// All documents of a text; empty ones are left out, as kubectl does.
pub(crate) fn documents(text: &str) -> Result<Vec<Node>, ReadError> {
    Documents::of(text, &mut Copies::default()).collect()
}

/// The documents of a text, each read when it is asked for, so that one tree is in memory at a time. An error is the last.
pub(crate) struct Documents<'a> {
    text: &'a str,
    reader: Reader<'a>,
    ended: bool,
}

enum Reader<'a> {
    Json(json::Reader<'a>),
    Yaml(Box<read::Reader<'a>>),
    Refused(ReadError),
}

impl<'a> Documents<'a> {
    /// What aliases copy counts against `copies`, too.
    pub(crate) fn of(text: &'a str, copies: &'a mut Copies) -> Self {
        let unmarked = text.strip_prefix('\u{feff}').unwrap_or(text);
        let reader = if let Some(line) = unsure_break(text) {
            Reader::Refused(ReadError { line, problem: Problem::LineBreak })
        } else if unmarked.trim_start().starts_with('{') {
            Reader::Json(json::Reader::new(unmarked, copies))
        } else {
            Reader::Yaml(Box::new(read::Reader::new(text, copies)))
        };
        Self { text, reader, ended: false }
    }

    fn read(&mut self) -> Option<Result<Node, ReadError>> {
        match &mut self.reader {
            Reader::Json(reader) => explained(self.text, reader.document()),
            Reader::Yaml(reader) => explained(self.text, reader.document()),
            Reader::Refused(error) => Some(Err(error.clone())),
        }
    }
}

impl Iterator for Documents<'_> {
    type Item = Result<Node, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.ended {
            let read = self.read();
            self.ended = !matches!(read, Some(Ok(_)));
            match read {
                Some(Ok(Node { value: Value::Null, .. })) => {}
                other => return other,
            }
        }
        None
    }
}

fn explained(text: &str, read: Option<Result<Node, ReadError>>) -> Option<Result<Node, ReadError>> {
    read.map(|read| read.map_err(|error| blame::explained(text, error)))
}

/// The line of the first character that is a line break to some readers only.
fn unsure_break(text: &str) -> Option<usize> {
    if text.is_ascii() {
        return None;
    }
    let at = text.find(UNSURE_BREAKS)?;
    Some(1 + text[..at].bytes().filter(|byte| *byte == b'\n').count())
}

/// The comments of each document, as they stand behind their `#`; those before a document are its own. Of a text that
/// reads; JSON has none.
pub(crate) fn comments(text: &str) -> Vec<Vec<String>> {
    read::comments(text)
}

impl Node {
    /// The value under `key`, when this is a mapping that has it.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The entries of a mapping; none of anything else.
    pub(crate) fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Mapping(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a sequence; none of anything else.
    pub(crate) fn items(&self) -> &[Node] {
        match &self.value {
            Value::Sequence(items) => items,
            _ => &[],
        }
    }

    /// The text of a string; `None` for what kubectl would not take as one.
    pub(crate) fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The string under `key`; empty where there is none, or something else.
    pub(crate) fn text(&self, key: &str) -> &str {
        self.get(key).and_then(Node::as_str).unwrap_or_default()
    }

    /// The items of the sequence under `key`, which has none then.
    pub(crate) fn take_items(&mut self, key: &str) -> Vec<Node> {
        let Value::Mapping(entries) = &mut self.value else { return Vec::new() };
        match entries.iter_mut().find(|entry| entry.key == key) {
            Some(Entry { value: Node { value: Value::Sequence(items), .. }, .. }) => {
                std::mem::take(items)
            }
            _ => Vec::new(),
        }
    }

    /// The same tree as serde's JSON. The strings in it are not wiped: only for what is no secret.
    pub(crate) fn into_json(self) -> serde_json::Value {
        use serde_json::Value as Json;
        match self.value {
            Value::Null => Json::Null,
            Value::Bool(value) => Json::Bool(value),
            // `08` or `.inf` is no JSON number. A null in its place would pass for an absent field; no field
            // of a sealed file takes a fraction.
            Value::Number(text) => serde_json::from_str(&text).unwrap_or_else(|_| Json::from(0.5)),
            Value::String(mut text) => Json::String(std::mem::take(&mut *text)),
            Value::Sequence(items) => items.into_iter().map(Self::into_json).collect(),
            Value::Mapping(entries) => {
                entries.into_iter().map(|entry| (entry.key, entry.value.into_json())).collect()
            }
        }
    }

    /// What a reader would call this value: for a message that must not quote it.
    pub(crate) fn kind(&self) -> &'static str {
        match &self.value {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::Sequence(_) => "a list",
            Value::Mapping(_) => "a map",
        }
    }
}

#[cfg(test)]
mod tests;
