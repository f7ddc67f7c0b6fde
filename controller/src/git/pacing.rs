//! When a source takes its turns: a fetch at its interval or when it is woken, a repair when something was changed in the
//! cluster. Neither waits for the other.

use std::sync::Arc;
use std::time::{Duration, Instant};

use seal_core::kind::git_source::GitSource;
use tokio::sync::watch;

use super::Wake;
use super::turn::Again;
use crate::work::due::Due;
use crate::work::pace::{self, Repairs};

/// Between two repairs, however much is changed.
const LEAST_BETWEEN: Duration = Duration::from_secs(1);

/// When a source takes a turn: to fetch, or to put right what was changed in the cluster.
pub(super) struct Pace {
    due: Due,
    repairs: Repairs,
    repair: Option<Instant>,
    /// When the last turn began.
    turned: Instant,
}

impl Pace {
    /// The first turn is now, and fetches.
    pub(super) fn new(now: Instant) -> Self {
        Self { due: Due::now(now), repairs: Repairs::default(), repair: None, turned: now }
    }

    /// Until the next turn; none when the source is gone.
    pub(super) async fn wait(
        &mut self,
        latest: &mut watch::Receiver<Arc<GitSource>>,
        wake: &Wake,
    ) -> Option<()> {
        loop {
            let next = self.repair.map_or(self.due.next(), |repair| repair.min(self.due.next()));
            tokio::select! {
                () = tokio::time::sleep_until(next.into()) => return Some(()),
                fetch = wake.woken() => match fetch {
                    true => self.due.woken(Instant::now()),
                    false => self.to_repair(Instant::now()),
                },
                changed = latest.changed() => {
                    changed.ok()?;
                    self.due.changed(Instant::now());
                }
            }
        }
    }

    /// The first repair waits for nothing; what is undone again and again comes back ever later, and no fetch waits for it.
    fn to_repair(&mut self, now: Instant) {
        let wait = pace::repair(self.repairs, now).1.unwrap_or_default();
        let at = (now + wait).max(self.turned + LEAST_BETWEEN);
        self.repair = Some(self.repair.map_or(at, |repair| repair.min(at)));
    }

    /// A turn begins; says whether it fetches.
    pub(super) fn begin(&mut self, now: Instant) -> bool {
        let fetches = self.due.next() <= now;
        if fetches {
            self.due.begins(now);
        }
        (self.turned, self.repair) = (now, None);
        fetches
    }

    /// It has ended.
    pub(super) fn end(&mut self, again: Again, fetches: bool, interval: Duration) {
        let now = Instant::now();
        match again {
            Again::Sooner(retry_after) => self.due.failed(now, interval, retry_after, random()),
            Again::Later { .. } if fetches => self.due.succeeded(now, interval, random()),
            Again::Later { .. } => {}
        }
        if again == (Again::Later { repaired: true }) {
            self.repairs = pace::repair(self.repairs, now).0;
        }
    }
}

/// Chance enough for a jitter.
fn random() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(())
}
