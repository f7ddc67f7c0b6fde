//! The loop of one source. A fetch is under way beside it, so that a server which does not answer holds up no repair.

use std::sync::Arc;
use std::time::{Duration, Instant};

use seal_core::kind::git_source::GitSource;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::accepting::{Fetched, fetch, read_token};
use super::fetching::Wanted;
use super::pacing::{Next, Pace};
use super::turn::{Between, turn};
use super::{Shared, Wake};

/// A fetch that is under way. It is a task of its own: when nobody waits for it any more its child is ended, and has the store for
/// itself until then.
struct Fetching {
    source: Arc<GitSource>,
    wanted: Wanted,
    task: JoinHandle<Fetched>,
    /// Whether the repository may have changed since it began.
    is_old: bool,
}

impl Drop for Fetching {
    fn drop(&mut self) {
        self.wanted.no_more();
    }
}

impl Fetching {
    /// Whether it asks for what the GitSource still says.
    fn is_of(&self, source: &GitSource) -> bool {
        self.source.metadata.generation == source.metadata.generation
            && self.source.metadata.annotations == source.metadata.annotations
    }
}

/// Serves one source until it is gone.
pub(super) async fn keep(
    shared: Arc<Shared>,
    mut latest: watch::Receiver<Arc<GitSource>>,
    wake: Arc<Wake>,
) {
    let (mut between, mut pace) = (Between::default(), Pace::new(Instant::now()));
    let mut fetching: Option<Fetching> = None;
    loop {
        let next = tokio::select! {
            fetched = ended(&mut fetching) => {
                let source = latest.borrow().clone();
                let again = turn(&shared, &source, &mut between, fetched).await;
                pace.end(again, true, interval(&source));
                if fetching.take().is_some_and(|it| it.is_old) {
                    pace.unheard();
                }
                continue;
            }
            next = pace.wait(&mut latest, &wake) => next,
        };
        match next {
            None => return,
            Some(Next::Token) => {
                let source = latest.borrow().clone();
                doubt(&shared, &source, &mut pace).await;
            }
            Some(Next::Turn) => {
                let source = latest.borrow_and_update().clone();
                let now = Instant::now();
                if pace.begin(now) {
                    begin(&shared, source, &between, &mut fetching, now);
                } else {
                    let again = turn(&shared, &source, &mut between, None).await;
                    pace.end(again, false, interval(&source));
                }
            }
        }
    }
}

/// A delivery was signed with another token: with one that is in the Secret by now, it went unheard.
async fn doubt(shared: &Shared, source: &GitSource, pace: &mut Pace) {
    if read_token(shared, source).await.is_ok_and(|is_another| is_another) {
        pace.unheard();
    }
}

/// Begins to fetch, unless that is under way already for the same.
fn begin(
    shared: &Arc<Shared>,
    source: Arc<GitSource>,
    between: &Between,
    fetching: &mut Option<Fetching>,
    now: Instant,
) {
    if let Some(fetching) = fetching.as_mut().filter(|it| it.is_of(&source)) {
        fetching.is_old = true;
        return;
    }
    let status = between.status.clone().or_else(|| source.status.clone()).unwrap_or_default();
    let wanted = Wanted::default();
    let good = between.has_good();
    let fetch = fetch(shared.clone(), source.clone(), status, good, now, wanted.clone());
    // What is suspended or wrong is told without asking a server.
    let is_idle = source.spec.suspend == Some(true) || source.problem().is_some();
    let task = tokio::spawn(async move { if is_idle { Fetched::nothing() } else { fetch.await } });
    *fetching = Some(Fetching { source, wanted, task, is_old: false });
}

/// Waits for the fetch that is under way, if one is; what it gave is for the source as it was then.
async fn ended(fetching: &mut Option<Fetching>) -> Option<Fetched> {
    match fetching {
        Some(fetching) => Some((&mut fetching.task).await.unwrap_or_else(|_| Fetched::nothing())),
        None => std::future::pending().await,
    }
}

fn interval(source: &GitSource) -> Duration {
    source.interval().unwrap_or(Duration::from_secs(60))
}
