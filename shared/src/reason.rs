//! The one word for every outcome: the same in condition, Event, metric, log and on the command line.
//!
//! With each word go an exit code and the next step, so that both binaries say the same.

use std::fmt;

/// How reconciling, opening or checking a sealed object ended. The words are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// The live Secret is what the sealed file says.
    Applied,
    /// A Secret or file of that name exists and was not made by us.
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
    /// The API server, a disk or their rules stand in the way for now.
    Retrying,
    /// Another writer keeps undoing what the file says; repairs are spaced.
    Contested,
    /// Some of the places of a ClusterSealedSecret are served, and others are not.
    Partial,
    /// It was suspended before it was ever brought to an end.
    Suspended,
    /// Without a cluster: two files seal one place.
    Duplicate,
    /// Without a cluster: too many objects left the source at once.
    PruneBlocked,
    /// The revision does not descend from the one that is live.
    NotFastForward,
    /// The commit is not signed by anybody who is allowed to.
    NotVerified,
    /// Event only: a live Secret that somebody changed was put right.
    Repaired,
    /// Event only: an immutable or retyped live Secret was made anew.
    Replaced,
    /// A Secret that was not made from a sealed file was taken over. Events only.
    Adopted,
    /// Event only: a live Secret will stay when its sealed object is deleted, or was deleted where it is no longer wanted.
    Released,
    /// Event only: a key Secret that is no key.
    KeyRejected,
}

impl Reason {
    /// Every reason there is.
    pub const ALL: [Self; 21] = [
        Self::Applied,
        Self::NotOurs,
        Self::NoMatchingKey,
        Self::WrongPlace,
        Self::NotSealedForThis,
        Self::Damaged,
        Self::Malformed,
        Self::NotAllowed,
        Self::Retrying,
        Self::Contested,
        Self::Partial,
        Self::Suspended,
        Self::Duplicate,
        Self::PruneBlocked,
        Self::NotFastForward,
        Self::NotVerified,
        Self::Repaired,
        Self::Replaced,
        Self::Adopted,
        Self::Released,
        Self::KeyRejected,
    ];

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
            Self::Contested => "Contested",
            Self::Partial => "Partial",
            Self::Suspended => "Suspended",
            Self::Duplicate => "Duplicate",
            Self::PruneBlocked => "PruneBlocked",
            Self::NotFastForward => "NotFastForward",
            Self::NotVerified => "NotVerified",
            Self::Repaired => "Repaired",
            Self::Replaced => "Replaced",
            Self::Adopted => "Adopted",
            Self::Released => "Released",
            Self::KeyRejected => "KeyRejected",
        }
    }

    /// What a person can do about it; empty where there is nothing to do.
    pub fn hint(self) -> &'static str {
        match self {
            Self::Applied | Self::Repaired | Self::Replaced | Self::Adopted | Self::Released => "",
            Self::NotOurs => "delete what is there, or give the sealed file another name",
            Self::NoMatchingKey => {
                "seal for the keys held here, or bring back the key it is sealed to"
            }
            Self::WrongPlace => "seal for that place, or with a wider scope",
            Self::NotSealedForThis => "seal that value again under its own name and key",
            Self::Damaged => {
                "put the lines of that value back as Git's history has them, or seal it again"
            }
            Self::Malformed => "put right what is named: Git's history has the lines as they were",
            Self::NotAllowed => "leave out what is reserved, or ask whoever runs the controller",
            Self::Retrying => "it is tried again",
            Self::Contested => "find out who else writes the live Secret, and stop one of the two",
            Self::Partial => {
                "status.failing or status.refused names each and what is in the way there"
            }
            Self::Suspended => "set spec.suspend to false to go on",
            Self::Duplicate => "delete one of them",
            Self::PruneBlocked => {
                "bring them back, or allow it once: --allow-prune, or on a GitSource seal.dev/allow-prune=COMMIT"
            }
            Self::NotFastForward => {
                "look at what was taken back, then annotate the GitSource seal.dev/accept-revision=COMMIT"
            }
            Self::NotVerified => "sign the commit by a key of spec.verify.allowedSigners",
            Self::KeyRejected => "put right what is named, or delete that Secret",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
