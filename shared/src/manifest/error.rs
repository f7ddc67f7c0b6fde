//! Why a text gave no manifest. Names objects, fields and keys, never a value.

use std::fmt;

use crate::yaml::ReadError;

/// Where a key is that cannot be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyAt {
    /// In this line, from 1.
    Line(usize),
    /// It is the key of this entry, from 1: JSON has no lines to name.
    Entry(usize),
}

impl fmt::Display for KeyAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "the key in line {line}"),
            Self::Entry(entry) => write!(f, "key number {entry}"),
        }
    }
}

/// Why a text gave no manifest. Names objects, fields and keys, never a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// Not YAML or JSON at all.
    #[error("{0}")]
    Text(#[from] ReadError),
    /// Nothing in it.
    #[error("there is no manifest in it")]
    Empty,
    /// A document that is no Secret.
    #[error("{kind} {object} is not a Secret")]
    NotASecret {
        /// Its kind.
        kind: String,
        /// `namespace/name`.
        object: String,
    },
    /// Sealed already.
    #[error("SealedSecret {object} is already sealed")]
    AlreadySealed {
        /// `namespace/name`.
        object: String,
    },
    /// A field that no Secret has: a typo would silently lose values.
    #[error("Secret {object}: unknown field {field}")]
    UnknownField {
        /// `namespace/name`.
        object: String,
        /// The field's path.
        field: String,
    },
    /// A field or value of a type that the API server refuses.
    #[error("Secret {object}: {field} is {found}, not {wanted}")]
    WrongType {
        /// `namespace/name`.
        object: String,
        /// The field's path.
        field: String,
        /// What it is.
        found: &'static str,
        /// What it must be.
        wanted: &'static str,
    },
    /// A value under `data` that is not base64.
    #[error("Secret {object}: data.{key} is not base64")]
    NotBase64 {
        /// `namespace/name`.
        object: String,
        /// Which key.
        key: String,
    },
    /// A key that no Secret can have.
    #[error(
        "Secret {object}: {at} under {field} is empty, too long, begins with .. or has a character other than letters, digits, - . _"
    )]
    BadKey {
        /// `namespace/name`.
        object: String,
        /// `data` or `stringData`.
        field: String,
        /// Where it is. A key that is none is often a value, so it is not shown.
        at: KeyAt,
    },
    /// No values: most likely a typo or a manifest without its data.
    #[error("Secret {object} has no values")]
    NoValues {
        /// `namespace/name`.
        object: String,
    },
}
