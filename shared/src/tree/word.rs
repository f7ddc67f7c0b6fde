//! The words for what is found in a tree: stable, and each in docs/how-to/check.md.

use std::fmt;

use crate::reason::Reason;

/// The one word for a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// What opening it would end with.
    Reason(Reason),
    /// A Secret in clear.
    Plaintext,
    /// A private key, which opens whatever is sealed to it.
    PrivateKey,
    /// The platform that it was made for would not find or would misread it.
    WrongShape,
    /// The rule for its path is for another place or platform.
    NotByPolicy,
    /// A key that is older than it may be, or whose age nothing says.
    OldKey,
    /// A `.seal.yaml` by which nothing can be sealed.
    BadPolicy,
    /// A file that could not be read.
    Unread,
}

impl Word {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reason(reason) => reason.as_str(),
            Self::Plaintext => "Plaintext",
            Self::PrivateKey => "PrivateKey",
            Self::WrongShape => "WrongShape",
            Self::NotByPolicy => "NotByPolicy",
            Self::OldKey => "OldKey",
            Self::BadPolicy => "BadPolicy",
            Self::Unread => "Unread",
        }
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
