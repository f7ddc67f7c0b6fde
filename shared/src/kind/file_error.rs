//! Why a text is no sealed file, and what a person can do about it.

use crate::reason::Reason;
use crate::yaml::{Problem, ReadError};

/// Why a text is no sealed file. Names lines, fields and objects, never a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// Not YAML or JSON at all.
    #[error("{0}")]
    Text(#[from] ReadError),
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
        "{object}: a field is of the wrong type, such as a number or boolean where a string must be quoted"
    )]
    WrongType {
        /// Which object.
        object: String,
    },
    /// Something else where a block belongs, such as the payload itself.
    #[error("{object}: the block of {key} is of the wrong type: it must be a map with a payload")]
    NotABlock {
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
            Self::Text(ReadError { problem: Problem::Conflict, .. }) => {
                "keep one side of it whole, sealedTo, header and payload together, and take its marks out"
            }
            Self::Text(ReadError { problem: Problem::KeyTwice, .. }) => {
                "keep one of the two whole: of a block that stands twice, one with its header and payload"
            }
            Self::NotABlock { .. } => {
                "bring that block back from Git, or seal the value with `seal set`"
            }
            _ => Reason::Malformed.hint(),
        }
    }
}
