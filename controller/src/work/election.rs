//! Who may lead: from a Lease as it is seen and the present time. Pure.
//!
//! The semantics of client-go's leader election: what counts is how long *this* process has seen a Lease unchanged, by a clock
//! that never jumps, and never the times that stand in it, which another machine's clock wrote.

use std::time::{Duration, Instant};

/// How long a Lease that is not renewed is another's.
pub(crate) const LASTS: Duration = Duration::from_secs(15);
/// How long after its last renewal the leader writes: the rest of [`LASTS`] is for what is under way and for clocks that do
/// not run alike.
pub(crate) const WRITES_FOR: Duration = Duration::from_secs(10);
/// Between two looks, and two renewals.
pub(crate) const EVERY: Duration = Duration::from_secs(2);

/// What a Lease says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Record {
    /// Who holds it; empty where it was given back.
    pub(crate) holder: String,
    pub(crate) lasts: Duration,
    /// Another one after each write.
    pub(crate) version: String,
}

/// A Lease, and since when it has been seen so.
#[derive(Clone, Debug)]
pub(crate) struct Observed {
    record: Record,
    since: Instant,
}

impl Observed {
    /// What is known after another look.
    pub(crate) fn after(before: Option<Self>, record: Record, now: Instant) -> Self {
        match before {
            Some(before) if before.record == record => before,
            _ => Self { record, since: now },
        }
    }

    /// Whether `me` may take it: it was given back, was mine before, or has not been renewed for as long as it lasts.
    pub(crate) fn may_be_taken(&self, me: &str, now: Instant) -> bool {
        let Record { holder, lasts, .. } = &self.record;
        holder.is_empty() || holder == me || now.duration_since(self.since) >= *lasts
    }

    pub(crate) fn holder(&self) -> &str {
        &self.record.holder
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(holder: &str, version: &str) -> Record {
        Record { holder: holder.to_owned(), lasts: LASTS, version: version.to_owned() }
    }

    #[test]
    fn a_lease_is_another_s_until_it_was_seen_unchanged_for_as_long_as_it_lasts() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut seen = Observed::after(None, record("b", "1"), at(100));
        assert!(!seen.may_be_taken("a", at(114)));
        assert!(seen.may_be_taken("a", at(115)));
        seen = Observed::after(Some(seen), record("b", "1"), at(110));
        assert!(seen.may_be_taken("a", at(115)), "a look at the same changes nothing");
        seen = Observed::after(Some(seen), record("b", "2"), at(114));
        assert!(!seen.may_be_taken("a", at(128)), "a renewal begins it anew");
        assert!(seen.may_be_taken("a", at(129)));
    }

    #[test]
    fn one_that_was_given_back_or_is_one_s_own_is_taken_at_once() {
        let now = Instant::now();
        for holder in ["", "a"] {
            assert!(Observed::after(None, record(holder, "1"), now).may_be_taken("a", now));
        }
        assert!(!Observed::after(None, record("b", "1"), now).may_be_taken("a", now));
    }
}
