//! Text as kubectl reads it: YAML or JSON documents to a [`Node`] tree with positions.
//!
//! kubectl reads YAML 1.1 through sigs.k8s.io/yaml: `no` is a boolean and `0777` is 511. The parser gives
//! events and positions, [`resolve`] gives plain scalars the meaning that kubectl gives them. Stricter than
//! kubectl in one thing: a key twice in one map is an error.
//!
//! Errors name a line and our own words for what is wrong. They never quote the text, which may be a secret,
//! and never pass on the parser's words, which may quote it.

mod json;
pub(crate) mod lines;
mod read;
mod resolve;
pub(crate) mod write;

use std::fmt;
use std::ops::Range;

use zeroize::Zeroizing;

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

/// One entry of a mapping. Keys are unique; `span` is that of the key.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) span: Range<usize>,
    pub(crate) value: Node,
}

/// Why a text is not YAML or JSON as it stands.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ReadError {
    /// Line, from 1; 0 when it is not known.
    pub line: usize,
    /// What is wrong, in our own words.
    pub problem: Problem,
}

/// The ways in which a text can fail to be a manifest at all.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// Not YAML: cut short, a merge conflict, a stray character.
    Syntax(&'static str),
    /// The lines that Git leaves where both sides changed the same place.
    Conflict,
    /// The same key twice in one map; kubectl would silently take one of them.
    KeyTwice,
    /// A key that is no string and has no one spelling as one.
    Key,
    /// A tag that kubectl would ignore or guess at.
    Tag,
    /// An alias that expands without end, or further than any manifest does.
    TooLarge,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "line {}: ", self.line)?;
        }
        match &self.problem {
            Problem::Syntax(what) => write!(f, "not valid YAML or JSON: {what}"),
            Problem::Conflict => {
                f.write_str("not valid YAML or JSON: a merge conflict that is not resolved")
            }
            Problem::KeyTwice => f.write_str("the same key stands twice in one map"),
            Problem::Key => {
                f.write_str("a map's key is neither a string, an integer nor a boolean")
            }
            Problem::Tag => f.write_str("a tag other than !!str or !!binary"),
            Problem::TooLarge => f.write_str("aliases or nesting expand too far"),
        }
    }
}

/// All documents of a text; empty ones are left out, as kubectl does.
pub(crate) fn documents(text: &str) -> Result<Vec<Node>, ReadError> {
    if text.trim_start().starts_with('{')
        && let Ok(nodes) = json::documents(text)
    {
        return Ok(nodes);
    }
    let nodes = read::documents(text).map_err(|error| conflict(text).unwrap_or(error))?;
    Ok(nodes.into_iter().filter(|node| !matches!(node.value, Value::Null)).collect())
}

/// What Git left in a text that does not read: where its first conflict begins.
fn conflict(text: &str) -> Option<ReadError> {
    let begins = text.lines().position(|line| line.starts_with("<<<<<<< "))?;
    let ends = text.lines().skip(begins).any(|line| line.starts_with(">>>>>>> "));
    ends.then_some(ReadError { line: begins + 1, problem: Problem::Conflict })
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

    /// The same tree as serde's JSON. The strings in it are not wiped: only for what is no secret.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        use serde_json::Value as Json;
        match &self.value {
            Value::Null => Json::Null,
            Value::Bool(value) => Json::Bool(*value),
            // `08` or `.inf` is no JSON number. A null in its place would pass for an absent field; no field
            // of a sealed file takes a fraction.
            Value::Number(text) => serde_json::from_str(text).unwrap_or_else(|_| Json::from(0.5)),
            Value::String(text) => Json::String(text.as_str().to_owned()),
            Value::Sequence(items) => items.iter().map(Self::to_json).collect(),
            Value::Mapping(entries) => {
                entries.iter().map(|entry| (entry.key.clone(), entry.value.to_json())).collect()
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

/// A name out of a text, for a message: it may hold line feeds, escape sequences or megabytes.
pub fn escaped(name: &str) -> String {
    name.chars().take(253).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests;
