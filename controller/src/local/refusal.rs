//! Why something was not opened or not written, in the words that are logged: never a value.

use seal_core::layout::LayoutError;
use seal_core::open::OpenError;
use seal_core::reason::Reason;
use seal_core::tree::collect::Refused;
use seal_disk::DiskError;

use crate::texts::SetupError;

/// One object or file that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The one word for it, which also says the exit code of `--once`.
    pub(crate) reason: Reason,
    /// Where in the source.
    pub(crate) path: String,
    pub(crate) message: String,
    pub(crate) hint: &'static str,
}

/// Why a run did not start.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The one word for it, which also says the exit code.
    pub(crate) reason: Reason,
    pub(crate) message: String,
    pub(crate) hint: &'static str,
}

impl Refusal {
    pub(crate) fn open(path: &str, error: &OpenError) -> Self {
        let reason = error.reason();
        let (path, message) = (path.to_owned(), error.to_string());
        Self { reason, path, message, hint: error.hint() }
    }

    pub(crate) fn layout(path: &str, error: &LayoutError) -> Self {
        let (path, message) = (path.to_owned(), error.to_string());
        Self { reason: error.reason(), path, message, hint: error.hint() }
    }

    pub(crate) fn disk(path: &str, error: &DiskError) -> Self {
        let (path, message) = (path.to_owned(), error.to_string());
        Self { reason: error.reason(), path, message, hint: error.hint() }
    }

    pub(crate) fn prune_blocked(vanished: usize, total: usize) -> Self {
        let reason = Reason::PruneBlocked;
        let message = format!(
            "{vanished} of {total} objects are gone from the source at once; their files stay"
        );
        Self { reason, path: String::new(), message, hint: reason.hint() }
    }

    /// Whether trying again without a change may help.
    pub(crate) fn is_passing(&self) -> bool {
        self.reason == Reason::Retrying
    }
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        let Refused { reason, path, message } = refused;
        Self { reason, path, message, hint: reason.hint() }
    }
}

impl Failure {
    pub(crate) fn usage(message: impl Into<String>, hint: &'static str) -> Self {
        Self { reason: Reason::NotAllowed, message: message.into(), hint }
    }

    pub(crate) fn disk(error: &DiskError) -> Self {
        Self { reason: error.reason(), message: error.to_string(), hint: error.hint() }
    }
}

impl From<SetupError> for Failure {
    fn from(error: SetupError) -> Self {
        Self { reason: error.reason(), message: error.to_string(), hint: error.hint() }
    }
}
