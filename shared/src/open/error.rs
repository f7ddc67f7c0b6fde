//! Why a sealed file did not open.
//!
//! No variant says anything about decrypted bytes, not even how many there were.

use crate::key::Fingerprint;
use crate::place::{Place, Scope};
use crate::reason::Reason;

/// Fingerprints of one list that a message names.
const MOST_NAMED: usize = 8;

/// Why a sealed file did not open. One variant, one thing a person can do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Not a sealed file as the format defines it: a bad merge, a hand edit, a limit.
    #[error("{object}: {problem}")]
    Malformed {
        /// Which object.
        object: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Reserved, or a permission that this installation does not give.
    #[error("{object}: {problem}")]
    NotAllowed {
        /// Which object.
        object: String,
        /// What it asked for.
        problem: String,
    },
    /// Copied, renamed or moved after it was sealed.
    #[error(
        "sealed for {sealed_for}, found at {found_at}; a Kustomize namespace or prefix, or a chart, may have moved it"
    )]
    WrongPlace {
        /// Where it may be opened.
        sealed_for: Scope,
        /// Where it is.
        found_at: Place,
    },
    /// Sealed to keys that are not held here, or no longer.
    #[error("{object}: {}", no_key(.what, .sealed_to, .holding, .elsewhere.as_ref()))]
    NoMatchingKey {
        /// Which object.
        object: String,
        /// The shared header, or the header of a key.
        what: String,
        /// The hints of the header that did not open.
        sealed_to: Vec<Fingerprint>,
        /// What is held for the namespace of its place.
        holding: Vec<Fingerprint>,
        /// One of the hints that is held, and for other namespaces only.
        elsewhere: Option<Fingerprint>,
    },
    /// Intact, but its scope or key was changed after sealing, or it was moved from another file or key.
    #[error("{object}: the value of {key} was sealed for another namespace, name or key")]
    NotSealedForThis {
        /// Which object.
        object: String,
        /// Which value.
        key: String,
    },
    /// Changed after it was sealed; by accident or on purpose cannot be told.
    #[error("{object}: {what} is damaged ({check})")]
    Damaged {
        /// Which object.
        object: String,
        /// The shared header, the header of a key, or the value of a key.
        what: String,
        /// Which check failed: `stanza`, `mac`, `header`, `payload`, `padding`.
        check: &'static str,
    },
}

impl OpenError {
    /// The one word for it.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Malformed { .. } => Reason::Malformed,
            Self::NotAllowed { .. } => Reason::NotAllowed,
            Self::WrongPlace { .. } => Reason::WrongPlace,
            Self::NoMatchingKey { .. } => Reason::NoMatchingKey,
            Self::NotSealedForThis { .. } => Reason::NotSealedForThis,
            Self::Damaged { .. } => Reason::Damaged,
        }
    }

    /// What a person can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoMatchingKey { sealed_to, .. } if sealed_to.is_empty() => {
                "put the sealedTo of that header back, as `git show HEAD:FILE` has it, or seal its values again"
            }
            Self::NoMatchingKey { elsewhere: Some(_), .. } => {
                "seal it again to a key that opens in this namespace, or ask who keeps the cluster's keys for that key's annotation seal.dev/namespaces"
            }
            other => other.reason().hint(),
        }
    }
}

/// Without hints nobody can say whose key it is: keys are never tried.
fn no_key(
    what: &str,
    sealed_to: &[Fingerprint],
    holding: &[Fingerprint],
    elsewhere: Option<&Fingerprint>,
) -> String {
    if sealed_to.is_empty() {
        return format!(
            "no key here opens it: {what} has no sealedTo beside it, which says whose key does"
        );
    }
    let only = elsewhere
        .map(|key| format!("; {key} is held for other namespaces only"))
        .unwrap_or_default();
    format!("no key here opens it (sealed to {}; holding {}{only})", list(sealed_to), list(holding))
}

fn list(fingerprints: &[Fingerprint]) -> String {
    if fingerprints.is_empty() {
        return "nothing".to_owned();
    }
    let named: Vec<&str> = fingerprints.iter().take(MOST_NAMED).map(Fingerprint::as_str).collect();
    match fingerprints.len() - named.len() {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}
