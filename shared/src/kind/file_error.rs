//! Why a text is no sealed file, and what a person can do about it. Names lines, fields and objects, never a value.

use crate::reason::Reason;
use crate::yaml::{Problem, ReadError, around};

/// Why a text is no sealed file. Names lines, fields and objects, never a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// Not YAML or JSON at all.
    #[error("{error}{}", in_what(.within.as_deref()))]
    Text {
        /// Where and why.
        error: ReadError,
        /// What it is in, where that can be seen.
        within: Option<String>,
    },
    /// A field that no sealed file has.
    #[error("{object}: unknown field {path}")]
    UnknownField {
        /// Which object.
        object: String,
        /// Where, from the root.
        path: String,
    },
    /// A field of another type than it must be.
    #[error(
        "{object}: {path} is of the wrong type; text that looks like a number or boolean must be quoted"
    )]
    WrongType {
        /// Which object.
        object: String,
        /// Where, from the root.
        path: String,
    },
    /// A list where the fields of a map belong.
    #[error("{object}: {path} is of the wrong type: a list, and must be a map")]
    ListForMap {
        /// Which object.
        object: String,
        /// Where, from the root.
        path: String,
    },
    /// Something else where a block belongs, such as the payload itself.
    #[error(
        "{}{object}: the block of {key} is of the wrong type: it must be a map with a payload", at_line(*.line)
    )]
    NotABlock {
        /// Line of the key; 0 where the text was JSON.
        line: usize,
        /// Which object.
        object: String,
        /// The key under `values`.
        key: String,
    },
    /// A block of which the payload is gone.
    #[error("{}{object}: the block of {key} has no payload", at_line(*.line))]
    NoPayload {
        /// Line of the key; 0 where the text was JSON.
        line: usize,
        /// Which object.
        object: String,
        /// The key under `values`.
        key: String,
    },
    /// An `apiVersion` of our group that this version does not know.
    #[error("{object}: apiVersion or kind is not known to this version")]
    UnknownVersion {
        /// Which object.
        object: String,
    },
}

impl FileError {
    /// What a person can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Text { error, .. } => match error.problem {
                Problem::Conflict => {
                    "of one key keep one side's block whole, sealedTo, header and payload together; of two different keys keep both blocks; and take the marks out"
                }
                Problem::KeyTwice(_) => {
                    "keep one of the two whole: of a block that stands twice, one with its header and payload"
                }
                Problem::Template => "name the file that the template makes",
                _ => "put that line right; `git diff FILE` shows what changed last",
            },
            Self::NotABlock { .. } | Self::NoPayload { .. } => {
                "put the lines of that block back, as `git show HEAD:FILE` has them, or take its key out as well"
            }
            Self::UnknownField { .. } => {
                "take the field out, or put its spelling or indentation right"
            }
            Self::WrongType { .. } | Self::ListForMap { .. } => {
                "put that field right; `git diff FILE` shows what changed last"
            }
            Self::UnknownVersion { .. } => Reason::Malformed.hint(),
        }
    }

    /// The line that it names, and the path in its document where it names none.
    pub fn at(&self) -> (usize, Vec<&str>) {
        match self {
            Self::Text { error, .. } => (error.line, Vec::new()),
            Self::NotABlock { line, .. } | Self::NoPayload { line, .. } => (*line, Vec::new()),
            Self::UnknownField { path, .. }
            | Self::WrongType { path, .. }
            | Self::ListForMap { path, .. } => (0, path.split('.').collect()),
            Self::UnknownVersion { .. } => (0, Vec::new()),
        }
    }

    /// Whether it is a template of another program, which makes the file that is meant.
    pub fn is_template(&self) -> bool {
        matches!(self, Self::Text { error, .. } if error.problem == Problem::Template)
    }

    pub(super) fn text(text: &str, error: ReadError) -> Self {
        let within = around(text, error.line);
        Self::Text { error, within }
    }
}

/// Behind an error of the text: which object it is in.
pub(crate) fn in_what(within: Option<&str>) -> String {
    within.map(|within| format!(", in {within}")).unwrap_or_default()
}

/// Before an error: its line, where it is known.
pub(crate) fn at_line(line: usize) -> String {
    if line > 0 { format!("line {line}: ") } else { String::new() }
}
