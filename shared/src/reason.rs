//! The one word for every outcome: the same in condition, Event, metric, log and on the command line.

use std::fmt;

/// How reconciling, opening or checking a sealed object ended. The words are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// The live Secret is what the sealed file says.
    Applied,
    /// A Secret of that name exists and was not made by us.
    NotOurs,
    /// No identity held here is among the recipients.
    NoMatchingKey,
    /// Found where its scope does not admit it.
    WrongPlace,
    /// A value was sealed for another scope or key.
    NotSealedForThis,
    /// Header or payload changed after sealing.
    Damaged,
    /// Not a sealed file as the format defines it.
    Malformed,
    /// A reserved kind, or a permission that was not given.
    NotAllowed,
    /// The API server or its rules stand in the way for now.
    Retrying,
    /// Event only: a live Secret that somebody changed was put right.
    Repaired,
    /// Event only: an immutable or retyped live Secret was made anew.
    Replaced,
    /// Event only: a key Secret that is no key.
    KeyRejected,
}

impl Reason {
    /// The word itself.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "Applied",
            Self::NotOurs => "NotOurs",
            Self::NoMatchingKey => "NoMatchingKey",
            Self::WrongPlace => "WrongPlace",
            Self::NotSealedForThis => "NotSealedForThis",
            Self::Damaged => "Damaged",
            Self::Malformed => "Malformed",
            Self::NotAllowed => "NotAllowed",
            Self::Retrying => "Retrying",
            Self::Repaired => "Repaired",
            Self::Replaced => "Replaced",
            Self::KeyRejected => "KeyRejected",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
