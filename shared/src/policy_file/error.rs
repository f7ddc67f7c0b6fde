//! Why a `.seal.yaml` is none.

use crate::yaml::{ReadError, escaped};

/// Why a `.seal.yaml` did not read, or was not edited. Names fields, never what stands in them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// Not YAML.
    #[error("{0}")]
    Text(#[from] ReadError),
    /// A field that no `.seal.yaml` has: a typo would silently lose a rule.
    #[error("unknown field {}", escaped(.0))]
    UnknownField(String),
    /// A field of another type than it must be.
    #[error("{} is {found}, not {wanted}", escaped(.field))]
    WrongType {
        /// The field's path.
        field: String,
        /// What it is.
        found: &'static str,
        /// What it must be.
        wanted: &'static str,
    },
    /// A name in `to` that `recipients` does not have.
    #[error("{rule}.to names {}, which recipients does not have", escaped(.name))]
    UnknownRecipient {
        /// Which rule.
        rule: String,
        /// The name.
        name: String,
    },
    /// A name under `created` that `recipients` does not have.
    #[error("created names {}, which recipients does not have", escaped(.0))]
    DateOfNobody(String),
    /// A name that cannot be one.
    #[error("{0}")]
    BadName(String),
    /// A path that could match no file.
    #[error("{rule}.path: {problem}")]
    BadPath {
        /// Which rule.
        rule: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A layout whose lines do not stand for themselves.
    #[error("its layout cannot be edited line by line")]
    Layout,
}
