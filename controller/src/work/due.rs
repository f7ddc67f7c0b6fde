//! When a git server is asked again: at the interval, sooner when somebody wakes it, later after failures.
//!
//! Pure: no clock, no randomness.

use std::time::{Duration, Instant};

use super::pace::doubling;

/// The first wait after a failure; it doubles up to the interval, which the server has agreed to.
const FIRST_RETRY: Duration = Duration::from_secs(2);
/// Between two fetches of one repository, however often it is woken.
const LEAST_BETWEEN: Duration = Duration::from_secs(1);
/// Longer than any fetch: each has a timeout.
const NO_FETCH_LASTS: Duration = Duration::from_secs(86_400);
/// No server is left alone for longer because it asks for it.
const MOST_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// When the next fetch is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Due {
    /// By the interval, or after a failure.
    regular: Instant,
    /// When it was woken.
    woken: Option<Instant>,
    /// When the last one began.
    began: Option<Instant>,
    /// Until when the server asks to be left alone.
    not_before: Option<Instant>,
    failures: u32,
}

impl Due {
    /// The first fetch is now.
    pub(crate) fn now(now: Instant) -> Self {
        Self { regular: now, woken: None, began: None, not_before: None, failures: 0 }
    }

    pub(crate) fn next(&self) -> Instant {
        self.woken.map_or(self.regular, |woken| woken.min(self.regular))
    }

    /// A fetch begins. Until it has ended none is due but one that somebody asks for.
    pub(crate) fn begins(&mut self, now: Instant) {
        (self.began, self.woken, self.not_before) = (Some(now), None, None);
        self.regular = now + NO_FETCH_LASTS;
    }

    /// It went well: the next one is after the interval, with up to a tenth more, so that what began together does not stay
    /// together.
    pub(crate) fn succeeded(&mut self, now: Instant, interval: Duration, random: u64) {
        self.failures = 0;
        self.regular = now + jittered(interval, random);
    }

    /// It did not: from two seconds on ever later, and as late as the server asks for.
    pub(crate) fn failed(
        &mut self,
        now: Instant,
        interval: Duration,
        retry_after: Duration,
        random: u64,
    ) {
        self.failures = self.failures.saturating_add(1);
        let doubled = FIRST_RETRY * u32::try_from(doubling(self.failures, 1 << 16)).unwrap_or(1);
        let retry_after = retry_after.min(MOST_RETRY_AFTER);
        self.not_before = Some(now + retry_after).filter(|_| !retry_after.is_zero());
        self.regular = now + jittered(doubled.min(interval), random).max(retry_after);
    }

    /// The repository may have changed. A storm of such news is one fetch, and the first of them waits for nothing but a
    /// server that asked to be left alone.
    pub(crate) fn woken(&mut self, now: Instant) {
        let least = self.began.map_or(now, |began| began + LEAST_BETWEEN);
        let at = now.max(least).max(self.not_before.unwrap_or(now));
        self.woken = Some(self.woken.map_or(at, |woken| woken.min(at)));
    }

    /// Somebody has changed what is to be fetched: at once.
    pub(crate) fn changed(&mut self, now: Instant) {
        self.woken = Some(now);
    }
}

fn jittered(time: Duration, random: u64) -> Duration {
    time + time.mul_f64(f64::from((random % 101) as u32) / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn while_a_fetch_is_under_way_nothing_is_due_but_what_is_asked_for() {
        let now = Instant::now();
        let mut due = Due::now(now);
        due.begins(now);
        assert!(due.next() > now + 60 * MINUTE);
        due.woken(now);
        assert_eq!(due.next(), now + LEAST_BETWEEN);
        due.begins(now + seconds(1));
        due.changed(now + seconds(2));
        assert_eq!(due.next(), now + seconds(2));
        due.begins(now + seconds(2));
        due.succeeded(now + seconds(3), MINUTE, 0);
        assert_eq!(due.next(), now + seconds(3) + MINUTE);
    }

    #[test]
    fn failures_wait_ever_longer_and_a_server_that_asks_for_time_has_it() {
        let now = Instant::now();
        let mut due = Due::now(now);
        assert_eq!(due.next(), now);
        due.succeeded(now, MINUTE, 100);
        assert_eq!(due.next() - now, seconds(66));
        for wait in [2, 4, 8, 16, 32, 60, 60] {
            due.failed(now, MINUTE, Duration::ZERO, 0);
            assert_eq!(due.next() - now, seconds(wait));
        }
        for (asks, wait) in [(900, 900), (u64::MAX, 3600), (1, 60)] {
            due.failed(now, MINUTE, seconds(asks), 0);
            assert_eq!(due.next() - now, seconds(wait));
        }
        due.succeeded(now, MINUTE, 0);
        due.failed(now, MINUTE, Duration::ZERO, 0);
        assert_eq!(due.next() - now, seconds(2));
    }

    #[test]
    fn a_storm_is_one_fetch_a_second_and_its_first_waits_for_nothing() {
        let start = Instant::now();
        let mut due = Due::now(start);
        due.begins(start);
        due.succeeded(start, MINUTE, 0);
        let later = start + seconds(5);
        due.woken(later);
        assert_eq!(due.next(), later);
        due.begins(later);
        due.succeeded(later, MINUTE, 0);
        for milliseconds in [0, 10, 900] {
            due.woken(later + Duration::from_millis(milliseconds));
            assert_eq!(due.next(), later + seconds(1), "{milliseconds}");
        }
        due.begins(due.next());
        due.succeeded(later + seconds(1), MINUTE, 0);
        assert_eq!(due.next(), later + seconds(1) + MINUTE);
    }

    #[test]
    fn a_server_that_asked_to_be_left_alone_is_woken_by_a_person_alone() {
        let now = Instant::now();
        let mut due = Due::now(now);
        due.begins(now);
        due.failed(now, MINUTE, seconds(30), 0);
        due.woken(now + seconds(3));
        assert_eq!(due.next(), now + seconds(30));
        due.changed(now + seconds(4));
        assert_eq!(due.next(), now + seconds(4));
    }
}
