//! Why a text gave no manifest. Names objects, fields and keys, never a value.

use crate::yaml::ReadError;

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
        "Secret {object}: a key is empty, too long, begins with .. or has a character other than letters, digits, - . _"
    )]
    BadKey {
        /// `namespace/name`.
        object: String,
    },
    /// No values: most likely a typo or a manifest without its data.
    #[error("Secret {object} has no values")]
    NoValues {
        /// `namespace/name`.
        object: String,
    },
}
