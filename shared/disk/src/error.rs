//! Why nothing was written. Names paths, never a value.

use std::io;
use std::path::Path;

use seal_core::layout::BadFile;
use seal_core::reason::Reason;

use crate::system;

/// Why files were not written, looked at or removed. One variant, one thing a person can do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DiskError {
    /// Something that we did not make is in the way.
    #[error("{path}: {what}")]
    NotOurs {
        /// Beneath the output folder.
        path: String,
        /// What stands there.
        what: &'static str,
    },
    /// The output folder would let others plant links or swap files.
    #[error("the output folder {path} {what}")]
    UnsafeOut {
        /// As it was given.
        path: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// Two writers would prune each other's files.
    #[error("another process is writing to the output folder {path}")]
    Locked {
        /// As it was given.
        path: String,
    },
    /// The inventory was edited, cut or made by another layout: what is ours is not known.
    #[error("the inventory {path} {what}")]
    BadInventory {
        /// Its name.
        path: String,
        /// What is wrong with it.
        what: String,
    },
    /// The file that all objects share is not one that can be read and written again.
    #[error("{path} {what}")]
    BadFile {
        /// As it was given.
        path: String,
        /// What is wrong with it.
        what: BadFile,
    },
    /// The entry of an object that cannot be opened for now, and that another one wants.
    #[error(
        "{entry} is wanted by {one}, and is {other}'s, which is not opened and keeps its last good values"
    )]
    Kept {
        /// Variable or registry.
        entry: String,
        /// Who wants it.
        one: String,
        /// Whose it is.
        other: String,
    },
    /// A name that no file of ours may have. `seal-core` refuses these first.
    #[error("{place}: a name in it cannot be a file's")]
    BadName {
        /// Which object.
        place: String,
    },
    /// The system refused: a full disk, a missing folder, a permission.
    #[error("cannot {doing} {path}: {cause}")]
    System {
        /// The verb.
        doing: &'static str,
        /// What it was done to.
        path: String,
        /// The system's own word.
        cause: String,
    },
}

impl DiskError {
    pub(crate) fn system(doing: &'static str, path: &Path, error: &io::Error) -> Self {
        Self::System { doing, path: path.display().to_string(), cause: error.to_string() }
    }

    /// The one word for it.
    pub fn reason(&self) -> Reason {
        match self {
            Self::NotOurs { .. } => Reason::NotOurs,
            Self::UnsafeOut { .. } | Self::BadName { .. } => Reason::NotAllowed,
            Self::BadInventory { .. } | Self::BadFile { .. } => Reason::Malformed,
            Self::Kept { .. } => Reason::Duplicate,
            Self::Locked { .. } | Self::System { .. } => Reason::Retrying,
        }
    }

    /// What a person can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotOurs { .. } => "move it away, and the value is written at once",
            Self::UnsafeOut { .. } => {
                "choose a folder that you own, with `chmod go-w`, or one that is not there yet"
            }
            Self::Locked { .. } => "stop the other one, or choose another output folder",
            Self::BadInventory { .. } => {
                "bring it back from a backup, or start with an output that is not there yet"
            }
            Self::BadFile { .. } => {
                "put it right, or move it away: as it is, docker fails too or would not see the entries; nothing of it was changed"
            }
            Self::Kept { .. } => {
                "delete one of the two, or put right what the log says of the other"
            }
            Self::BadName { .. } => "seal it under another name",
            Self::System { .. } => "put right what the system names; it is tried again",
        }
    }
}

/// A way that is not ours to walk, or a system call that failed.
#[derive(Debug)]
pub(crate) enum Blocked {
    Odd(&'static str),
    System(io::Error),
}

impl Blocked {
    pub(crate) fn at(self, doing: &'static str, path: &str) -> DiskError {
        match self {
            Self::Odd(what) => DiskError::NotOurs { path: path.to_owned(), what },
            Self::System(error) => {
                DiskError::System { doing, path: path.to_owned(), cause: error.to_string() }
            }
        }
    }

    /// Nothing of that name is there.
    pub(crate) fn is_absence(&self) -> bool {
        matches!(self, Self::System(error) if error.kind() == io::ErrorKind::NotFound)
    }
}

impl From<io::Error> for Blocked {
    fn from(error: io::Error) -> Self {
        system::odd(&error).map_or(Self::System(error), Self::Odd)
    }
}
