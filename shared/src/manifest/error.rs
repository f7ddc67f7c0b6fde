//! Why a text gave no manifest. Names objects, fields and keys, never a value.

use std::fmt;

use crate::kind::file_error::{at_line, in_what};
use crate::yaml::{ReadError, around};

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
    #[error("{error}{}", in_what(.within.as_deref()))]
    Text {
        /// Where and why.
        error: ReadError,
        /// What it is in, where that can be seen.
        within: Option<String>,
    },
    /// Nothing in it.
    #[error("there is no manifest: nothing but space and comments was read")]
    Empty,
    /// A document that is no Secret.
    #[error("{} {object} is not a Secret", if kind.is_empty() { "an object without kind:" } else { kind })]
    NotASecret {
        /// Its kind.
        kind: String,
        /// `namespace/name`.
        object: String,
    },
    /// A Secret in all but its `apiVersion`.
    #[error("Secret {object}: apiVersion {found}, and that of a Secret is v1")]
    NotV1 {
        /// `namespace/name`.
        object: String,
        /// `is missing`, or what it is.
        found: String,
    },
    /// Ciphertext of sops, which nothing in a cluster decrypts.
    #[error("{}{object} is encrypted by sops", at_line(*.line))]
    Sops {
        /// `namespace/name`.
        object: String,
        /// Line of what shows it; 0 where the text was JSON.
        line: usize,
    },
    /// Sealed already.
    #[error("SealedSecret {object} is already sealed")]
    AlreadySealed {
        /// `namespace/name`.
        object: String,
    },
    /// A field that no Secret has: a typo would silently lose values.
    #[error("{}Secret {object}: unknown field {field}", at_line(*.line))]
    UnknownField {
        /// Its line; 0 where the text was JSON.
        line: usize,
        /// `namespace/name`.
        object: String,
        /// The field's path.
        field: String,
    },
    /// A field or value of a type that the API server refuses.
    #[error("{}Secret {object}: {field} is {found}, not {wanted}", at_line(*.line))]
    WrongType {
        /// Its line; 0 where the text was JSON.
        line: usize,
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
    #[error("{}Secret {object}: data.{key} is not base64", at_line(*.line))]
    NotBase64 {
        /// Its line; 0 where the text was JSON.
        line: usize,
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
    /// A key without quotes that YAML reads as a number or boolean, and kubectl spells otherwise: `y`, `012`.
    #[error("{}Secret {object}: a key under {field} has no quotes, and YAML reads it as {key}", at_line(*.line))]
    RespelledKey {
        /// Its line.
        line: usize,
        /// `namespace/name`.
        object: String,
        /// `data` or `stringData`.
        field: String,
        /// What the key would be.
        key: String,
    },
    /// A key under `data` and `stringData` both, of which the API server would silently keep the second.
    #[error("{}Secret {object}: {key} is in data and in stringData", at_line(*.line))]
    InBoth {
        /// Line of the second; 0 where the text was JSON.
        line: usize,
        /// `namespace/name`.
        object: String,
        /// Which key.
        key: String,
    },
    /// No values: most likely a typo or a manifest without its data.
    #[error("Secret {object} has no values")]
    NoValues {
        /// `namespace/name`.
        object: String,
    },
}

impl ManifestError {
    pub(super) fn text(text: &str, error: ReadError) -> Self {
        let within = around(text, error.line);
        Self::Text { error, within }
    }
}
