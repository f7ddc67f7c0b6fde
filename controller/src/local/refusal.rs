//! Why something was not opened or not written, in the words that are logged: never a value.

use seal_core::kind::file::FileError;
use seal_core::open::OpenError;
use seal_core::reason::Reason;
use seal_disk::DiskError;

use crate::texts::SetupError;

/// One object or file that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The one word for it.
    pub(crate) reason: &'static str,
    /// Where in the source.
    pub(crate) path: String,
    pub(crate) message: String,
    pub(crate) hint: &'static str,
    /// Exit code of `--once`.
    pub(crate) code: u8,
}

/// Why a run did not start.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) reason: &'static str,
    pub(crate) message: String,
    pub(crate) hint: &'static str,
    pub(crate) code: u8,
}

impl Refusal {
    pub(crate) fn new(
        reason: Reason,
        path: &str,
        message: impl Into<String>,
        hint: &'static str,
    ) -> Self {
        let (path, message) = (path.to_owned(), message.into());
        Self { reason: reason.as_str(), path, message, hint, code: code(reason) }
    }

    pub(crate) fn open(path: &str, error: &OpenError) -> Self {
        Self::new(error.reason(), path, error.to_string(), error.reason().hint())
    }

    pub(crate) fn file(path: &str, error: &FileError) -> Self {
        let hint = "restore the file from Git, or seal the manifest again";
        Self::new(Reason::Malformed, path, error.to_string(), hint)
    }

    pub(crate) fn disk(path: &str, error: &DiskError) -> Self {
        Self::new(error.reason(), path, error.to_string(), error.hint())
    }

    /// `place` is sealed in another file too: nobody can say which of them is meant.
    pub(crate) fn duplicate(path: &str, place: &str, other: &str) -> Self {
        Self {
            reason: "Duplicate",
            path: path.to_owned(),
            message: format!("{place} is sealed here and in {other}; neither is opened"),
            hint: "delete one of them",
            code: 2,
        }
    }

    pub(crate) fn prune_blocked(vanished: usize, total: usize) -> Self {
        Self {
            reason: "PruneBlocked",
            path: String::new(),
            message: format!(
                "{vanished} of {total} objects are gone from the source at once; their files stay"
            ),
            hint: "bring them back, or run once with --allow-prune",
            code: 1,
        }
    }

    /// Whether trying again without a change may help.
    pub(crate) fn is_passing(&self) -> bool {
        self.reason == Reason::Retrying.as_str()
    }
}

impl Failure {
    pub(crate) fn usage(message: impl Into<String>, hint: &'static str) -> Self {
        Self { reason: "NotAllowed", message: message.into(), hint, code: 2 }
    }

    pub(crate) fn disk(error: &DiskError) -> Self {
        let (reason, hint) = (error.reason(), error.hint());
        Self { reason: reason.as_str(), message: error.to_string(), hint, code: code(reason) }
    }
}

impl From<SetupError> for Failure {
    fn from(error: SetupError) -> Self {
        Self::usage(error.to_string(), error.hint())
    }
}

/// The exit codes of the command line.
fn code(reason: Reason) -> u8 {
    match reason {
        Reason::Malformed | Reason::NotAllowed => 2,
        Reason::NoMatchingKey => 4,
        Reason::WrongPlace | Reason::NotSealedForThis => 5,
        _ => 1,
    }
}
