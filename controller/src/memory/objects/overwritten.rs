//! A status that somebody else writes, and when ours is written over it again.

use std::time::{Duration, Instant};

use seal_core::kind::sealed::SealedSecretStatus;

use super::Tracked;
use crate::work::pace::{self, Repairs};

/// Whether somebody else has written the status, and how often ours was written over it.
#[derive(Clone, Debug, Default)]
pub(super) struct Overwritten {
    is_so: bool,
    repairs: Repairs,
}

impl Overwritten {
    /// The object has arrived again, perhaps with a status of somebody else's, or because it asks for something new.
    pub(super) fn then(self, again: bool, is_news: bool) -> Self {
        Self { is_so: !is_news && (again || self.is_so), ..self }
    }
}

/// How long a status is left as somebody else has written it.
pub(crate) struct Wait {
    /// From now on.
    pub(crate) time: Duration,
    /// Whether this is known from before.
    pub(crate) is_known: bool,
}

impl Tracked {
    /// Whether a status that an event of this version carries was written by somebody else.
    pub(super) fn is_overwritten_by(&self, status: &SealedSecretStatus, version: u64) -> bool {
        self.status_version > 0
            && version > self.status_version
            && self.status != *status
            && self.pending.as_deref() != Some(status)
    }

    /// Whether the status is somebody else's, and ours is to be written over it.
    pub(crate) fn is_overwritten(&self) -> bool {
        self.overwritten.is_so
    }

    /// How long somebody else's status stays, where another one has written it again and again: another controller that serves
    /// the same namespace would answer each of ours with its own. Spaced as repairs of live Secrets are.
    pub(crate) fn waits_to_overwrite(&mut self, now: Instant) -> Option<Wait> {
        let (mut repairs, time) = pace::repair(self.overwritten.repairs, now);
        let is_known = repairs.is_told;
        repairs.is_told = time.is_some();
        self.overwritten = Overwritten { is_so: time.is_some(), repairs };
        time.map(|time| Wait { time, is_known })
    }
}
