//! How something ended, for people: the word and the sentence of a condition, an Event and a log line.
//!
//! No sentence carries a value, its length, or an API server's own text over a Secret.

use seal_core::reason::Reason;

/// One word and one sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub reason: Reason,
    pub message: String,
}

impl Outcome {
    pub(crate) fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into() }
    }
}
