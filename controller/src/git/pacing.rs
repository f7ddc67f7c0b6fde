//! When a source takes its turns: a fetch at its interval or when it is woken, a repair when something was changed in the
//! cluster. Neither waits for the other.

use std::sync::Arc;
use std::time::{Duration, Instant};

use seal_core::kind::git_source::GitSource;
use tokio::sync::watch;

use super::Wake;
use super::turn::Again;
use crate::work::due::Due;

/// Between two repairs, however much is changed.
const LEAST_BETWEEN: Duration = Duration::from_secs(1);
/// Between two reads of the webhook's token because of deliveries that are not signed with it.
const BETWEEN_DOUBTS: Duration = Duration::from_secs(5);

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    Turn,
    /// Read the webhook's token again.
    Token,
}

/// When a source takes a turn: to fetch, or to put right what was changed in the cluster.
pub(super) struct Pace {
    due: Due,
    repair: Option<Instant>,
    /// When the last turn began.
    turned: Instant,
    /// When the token was last read because a delivery was not signed with it.
    doubted: Option<Instant>,
    /// When it is to be read again.
    doubt: Option<Instant>,
}

impl Pace {
    /// The first turn is now, and fetches.
    pub(super) fn new(now: Instant) -> Self {
        Self { due: Due::now(now), repair: None, turned: now, doubted: None, doubt: None }
    }

    /// Until there is something to do; none when the source is gone.
    pub(super) async fn wait(
        &mut self,
        latest: &mut watch::Receiver<Arc<GitSource>>,
        wake: &Wake,
    ) -> Option<Next> {
        loop {
            let (at, next) = self.next();
            tokio::select! {
                () = tokio::time::sleep_until(at.into()) => {
                    if next == Next::Token {
                        (self.doubt, self.doubted) = (None, Some(Instant::now()));
                    }
                    return Some(next);
                }
                news = wake.woken() => {
                    let now = Instant::now();
                    if news.fetch {
                        self.due.woken(now);
                    }
                    if news.repair {
                        self.will_repair(now);
                    }
                    if news.doubt {
                        self.will_doubt(now);
                    }
                }
                changed = latest.changed() => {
                    changed.ok()?;
                    self.due.changed(Instant::now());
                }
            }
        }
    }

    /// The token is to be read again: at once, but whoever reaches the port has that done no more often than so.
    fn will_doubt(&mut self, now: Instant) {
        let at = self.doubted.map_or(now, |doubted| now.max(doubted + BETWEEN_DOUBTS));
        self.doubt = self.doubt.or(Some(at));
    }

    /// The first of what is to come.
    fn next(&self) -> (Instant, Next) {
        let turn = self.repair.map_or(self.due.next(), |repair| repair.min(self.due.next()));
        match self.doubt {
            Some(doubt) if doubt < turn => (doubt, Next::Token),
            _ => (turn, Next::Turn),
        }
    }

    /// The token is another one: a delivery that was signed with it went unheard.
    pub(super) fn unheard(&mut self) {
        self.due.woken(Instant::now());
    }

    /// Something was changed in the cluster: at once, however much it is. What is undone again and again waits by itself.
    fn will_repair(&mut self, now: Instant) {
        self.repair_at(now.max(self.turned + LEAST_BETWEEN));
    }

    fn repair_at(&mut self, at: Instant) {
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
        match again.sooner {
            Some(retry_after) => self.due.failed(now, interval, retry_after, random()),
            None if fetches => self.due.succeeded(now, interval, random()),
            None => {}
        }
        if let Some(wait) = again.repair_in {
            self.repair_at(now + wait);
        }
    }
}

/// Chance enough for a jitter.
fn random() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(())
}
