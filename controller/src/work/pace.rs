//! When something is tried again: from what has happened so far and the present time to a delay.
//!
//! Pure: no clock, no randomness, no object. What fails and what is undone again come back ever later, so that
//! neither an API server in trouble nor two controllers that disagree are worn out.

use std::time::{Duration, Instant};

/// No delay is longer, a failure's jitter left out.
const MOST_SECONDS: u64 = 300;

/// 1, 2, 4, … for the first, second, third time, and never more than `most`.
pub(crate) fn doubling(nth: u32, most: u64) -> u64 {
    1_u64.checked_shl(nth.saturating_sub(1)).unwrap_or(most).min(most)
}

/// After `failures` in a row one more: how many that makes, and when to try again.
///
/// 1 s doubling to 5 min. Up to a quarter more, by `random`, so that what failed together does not return
/// together.
pub(crate) fn after_failure(failures: u32, random: u64) -> (u32, Duration) {
    let failures = failures.saturating_add(1);
    let thousandths = 1000 + random % 251;
    (failures, Duration::from_millis(doubling(failures, MOST_SECONDS) * thousandths))
}

/// Repairs of one live Secret that came one after the other, and when the next may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Repairs {
    in_a_row: u32,
    not_before: Option<Instant>,
}

/// Whether a live Secret may be repaired `now`, or only after a delay. Spaced 1 s doubling to 5 min.
pub(crate) fn repair(before: Repairs, now: Instant) -> (Repairs, Option<Duration>) {
    let in_a_row = match before.not_before {
        Some(at) if now < at => return (before, Some(at - now)),
        Some(at) if now < at + spacing(before.in_a_row) => before.in_a_row.saturating_add(1),
        // Left alone for as long again as the spacing was: this one is a first one.
        _ => 1,
    };
    (Repairs { in_a_row, not_before: Some(now + spacing(in_a_row)) }, None)
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
        let mut failures = 0;
        for seconds in [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300] {
            let least = after_failure(failures, 0).1;
            let most = (0..1000).map(|random| after_failure(failures, random).1).max().unwrap();
            assert_eq!(least, Duration::from_secs(seconds));
            assert_eq!(most, least + least / 4);
            failures = after_failure(failures, 7).0;
        }
        assert_eq!(failures, 11);
        assert_eq!(after_failure(u32::MAX, 0), (u32::MAX, Duration::from_secs(300)));
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
