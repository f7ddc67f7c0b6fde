//! When something is tried again: from what has happened so far and the present time to a delay.
//!
//! Pure: no clock, no randomness, no object. What fails and what is undone again come back ever later, so that
//! neither an API server in trouble nor two controllers that disagree are worn out.

use std::time::{Duration, Instant};

/// No delay is longer, a failure's jitter left out.
const MOST_SECONDS: u64 = 300;
/// The same for what the API server itself is the cause of: it may be well again at any time.
const OUTAGE_SECONDS: u64 = 8;
/// How long something stands in the way before people are told.
const LASTING: Duration = Duration::from_secs(60);

/// 1, 2, 4, … for the first, second, third time, and never more than `most`.
pub(crate) fn doubling(nth: u32, most: u64) -> u64 {
    1_u64.checked_shl(nth.saturating_sub(1)).unwrap_or(most).min(most)
}

/// How long a watch or an upkeep waits after so many errors in a row: nothing after none, 0.1 s doubling to 4 s.
pub(crate) fn after_errors(errors: u32) -> Duration {
    match errors {
        0 => Duration::ZERO,
        errors => Duration::from_millis(100 * doubling(errors, 40)),
    }
}

/// What stands in the way of an object for now: how often it has in a row, since when, and whether people know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Trouble {
    failures: u32,
    since: Option<Instant>,
    /// The sentence of the last one.
    pub sentence: String,
    /// Whether an Event has told of it.
    pub is_told: bool,
}

impl Trouble {
    /// One more failure: what is known then, and when to try again.
    ///
    /// 1 s doubling to 5 min, or to 8 s while the API server itself is the cause. Up to a quarter more, by `random`, so
    /// that what failed together does not return together.
    pub(crate) fn again(&self, is_outage: bool, random: u64, now: Instant) -> (Self, Duration) {
        let failures = self.failures.saturating_add(1);
        let most = if is_outage { OUTAGE_SECONDS } else { MOST_SECONDS };
        let delay = Duration::from_millis(doubling(failures, most) * (1000 + random % 251));
        let since = self.since.or(Some(now));
        (Self { failures, since, ..self.clone() }, delay)
    }

    /// Whether it has lasted for a minute and nobody has been told.
    pub(crate) fn is_to_be_told(&self, now: Instant) -> bool {
        !self.is_told && self.since.is_some_and(|since| now.duration_since(since) >= LASTING)
    }
}

/// Repairs of one live Secret that came one after the other, and when the next may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Repairs {
    in_a_row: u32,
    not_before: Option<Instant>,
    /// Whether people know that the next one waits.
    pub is_told: bool,
}

/// Whether a live Secret may be repaired `now`, or only after a delay. Spaced 1 s doubling to 5 min.
pub(crate) fn repair(before: Repairs, now: Instant) -> (Repairs, Option<Duration>) {
    let in_a_row = match before.not_before {
        Some(at) if now < at => return (before, Some(at - now)),
        Some(at) if now < at + spacing(before.in_a_row) => before.in_a_row.saturating_add(1),
        // Left alone for as long again as the spacing was: this one is a first one.
        _ => 1,
    };
    (Repairs { in_a_row, not_before: Some(now + spacing(in_a_row)), is_told: false }, None)
}

fn spacing(in_a_row: u32) -> Duration {
    Duration::from_secs(doubling(in_a_row, MOST_SECONDS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubling_begins_at_one_and_reaches_its_cap() {
        let first: Vec<u64> = (0..=11).map(|nth| doubling(nth, 300)).collect();
        assert_eq!(first, [1, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        for nth in [11, 63, 64, 65, 66, u32::MAX] {
            assert_eq!((doubling(nth, 300), doubling(nth, 60)), (300, 60), "{nth}");
        }
        assert_eq!((6..=7).map(|nth| doubling(nth, 60)).collect::<Vec<_>>(), [32, 60]);
    }

    #[test]
    fn failures_wait_one_second_to_five_minutes_and_up_to_a_quarter_more() {
        let now = Instant::now();
        let mut trouble = Trouble::default();
        for seconds in [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300] {
            let delay = |random| trouble.again(false, random, now).1;
            let (least, most) = (delay(0), (0..1000).map(delay).max().unwrap());
            assert_eq!(least, Duration::from_secs(seconds));
            assert_eq!(most, least + least / 4);
            trouble = trouble.again(false, 7, now).0;
        }
        let endless = Trouble { failures: u32::MAX, ..trouble };
        assert_eq!(endless.again(false, 0, now).1, Duration::from_secs(300));
        assert_eq!(endless.again(true, 0, now).1, Duration::from_secs(8));
    }

    #[test]
    fn people_are_told_once_of_what_has_lasted_for_a_minute() {
        let start = Instant::now();
        let (first, _) = Trouble::default().again(false, 0, start);
        let (mut second, _) = first.again(false, 0, start + Duration::from_secs(59));
        assert!(!second.is_to_be_told(start + Duration::from_secs(59)));
        assert!(second.is_to_be_told(start + Duration::from_secs(60)));
        second.is_told = true;
        assert!(!second.is_to_be_told(start + Duration::from_secs(90)));
    }

    #[test]
    fn repairs_that_are_undone_at_once_are_spaced_to_five_minutes() {
        let mut now = Instant::now();
        let mut repairs = Repairs::default();
        for seconds in [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300] {
            let (next, wait) = repair(repairs, now);
            assert_eq!(wait, None);
            let spacing = Duration::from_secs(seconds);
            assert_eq!(repair(next, now), (next, Some(spacing)));
            assert_eq!(repair(next, now + spacing / 4).1, Some(spacing - spacing / 4));
            (repairs, now) = (next, now + spacing);
        }
    }

    #[test]
    fn a_secret_that_was_left_alone_for_as_long_again_is_repaired_at_once_and_counts_anew() {
        let start = Instant::now();
        let (first, _) = repair(Repairs::default(), start);
        let (second, _) = repair(first, start + Duration::from_secs(1));
        assert_eq!(second.in_a_row, 2);
        let (later, wait) = repair(second, start + Duration::from_secs(1 + 2 + 2));
        assert_eq!((later.in_a_row, wait), (1, None));
    }
}
