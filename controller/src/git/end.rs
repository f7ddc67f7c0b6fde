//! How a look at a source ended, and what that says of the next one.

use std::time::Duration;

use seal_core::reason::Reason;

use super::tally::Tally;
use crate::outcome::Outcome;

/// How a look ended.
pub(super) struct End {
    pub(super) outcome: Outcome,
    pub(super) tally: Option<Tally>,
    pub(super) attempted: Option<String>,
    pub(super) applied: Option<String>,
    pub(super) retry_after: Duration,
}

impl End {
    pub(super) fn of(outcome: Outcome) -> Self {
        let retry_after = Duration::ZERO;
        Self { outcome, tally: None, attempted: None, applied: None, retry_after }
    }

    /// What is live is not here either.
    pub(super) fn and_no_repair(mut self) -> Self {
        self.outcome.message += "; what is live is not here either, so nothing is put right";
        self
    }

    pub(super) fn refused_for(&self, reason: Reason) -> bool {
        let refused = self.tally.iter().flat_map(|tally| &tally.refused);
        self.outcome.reason == reason || refused.into_iter().any(|it| it.reason == reason)
    }

    /// Whether trying again may help.
    pub(super) fn passes(&self) -> bool {
        self.tally.as_ref().is_some_and(|tally| tally.is_denied)
            || self.refused_for(Reason::Retrying)
    }
}
