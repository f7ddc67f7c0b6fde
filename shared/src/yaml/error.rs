//! Why a text did not read: a line and our own words, never the text.

use std::fmt;

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
    /// `{{ … }}` of Helm or another program, which has not filled it in yet.
    Template,
    /// The same key twice in one map; kubectl would silently take one of them. The key, escaped.
    KeyTwice(String),
    /// A key that is no string and has no one spelling as one.
    Key,
    /// A tag that kubectl would ignore or guess at; most often a value that begins with `!`.
    Tag,
    /// A value under `!!binary` that is not base64 of UTF-8 text.
    Binary,
    /// Text that begins with `{` and is no JSON.
    Json(&'static str),
    /// A line break within quotes within braces, which YAML reads as a space.
    Folded,
    /// U+0085, U+2028 or U+2029 as itself.
    LineBreak,
    /// Deeper, or more than its own size allows: aliases that expand, keys and values without text.
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
            Problem::Template => f.write_str("a template: {{ … }} is not filled in yet"),
            Problem::KeyTwice(key) => write!(f, "the key {key} stands twice in one map"),
            Problem::Key => {
                f.write_str("a map's key is neither a string, an integer nor a boolean")
            }
            Problem::Tag => f.write_str(
                "a tag other than !!str or !!binary; a value that begins with ! must be quoted",
            ),
            Problem::Binary => f.write_str("a value under !!binary is not base64 of UTF-8 text"),
            Problem::Json(what) => write!(
                f,
                "not valid JSON: {what} (what begins with {{ is JSON; YAML in braces begins with a line ---)"
            ),
            Problem::Folded => f.write_str(
                "a line break within quotes within braces, which YAML reads as a space; write it as \\n",
            ),
            Problem::LineBreak => f.write_str(
                "U+0085, U+2028 or U+2029, which is a line break to some readers only; write it as \\u0085, \\u2028 or \\u2029 in double quotes",
            ),
            Problem::TooLarge => f.write_str("aliases or nesting expand too far"),
        }
    }
}
