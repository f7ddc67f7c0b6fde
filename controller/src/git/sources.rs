//! The GitSources that there are, and the loop of each.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use futures::FutureExt;
use kube::Api;
use kube::runtime::watcher::{Config, Event};
use seal_core::kind::git_source::GitSource;
use tokio::sync::{Semaphore, watch};
use tokio::task::AbortHandle;

use super::credentials::reference;
use super::turn::{Again, Between, turn};
use super::{Shared, Wake};
use crate::watch::Events;
use crate::work::pace::doubling;

/// The first wait after a failure; it doubles up to the interval, which the server has agreed to.
const FIRST_RETRY: Duration = Duration::from_secs(2);
/// Between two looks at one repository, however often it is woken.
const LEAST_BETWEEN: Duration = Duration::from_secs(1);
/// No server is left alone for longer because it asks for it.
const MOST_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// One source that is served.
struct Running {
    uid: String,
    latest: watch::Sender<Arc<GitSource>>,
    task: AbortHandle,
}

/// Serves for ever.
pub(super) async fn serve(shared: Arc<Shared>, listing: Arc<Semaphore>) {
    shared.watches.start(&shared, listing);
    let api: Api<GitSource> = Api::namespaced(shared.client.clone(), &shared.namespace);
    let mut events = Events::of("GitSources", api, Config::default());
    let mut running: BTreeMap<String, Running> = BTreeMap::new();
    let mut listed: Option<Vec<GitSource>> = None;
    loop {
        match events.next().await {
            Ok(Event::Init) => listed = Some(Vec::new()),
            Ok(Event::InitApply(source)) => listed.get_or_insert_default().push(source),
            Ok(Event::InitDone) => {
                let sources = listed.take().unwrap_or_default();
                let is_there = |name: &String| {
                    sources.iter().any(|source| source.metadata.name.as_ref() == Some(name))
                };
                let gone: Vec<String> =
                    running.keys().filter(|name| !is_there(name)).cloned().collect();
                gone.iter().for_each(|name| forget(&shared, &mut running, name));
                // All are known before the first applies anything: an object may be another one's.
                let uids = sources.iter().filter_map(|it| it.metadata.uid.clone());
                shared.uids.lock().unwrap_or_else(PoisonError::into_inner).extend(uids);
                let store = |it: &GitSource| shared.fetches.store(&it.spec.url, &reference(it));
                shared.fetches.clean(&sources.iter().map(store).collect());
                sources.into_iter().for_each(|source| take(&shared, &mut running, source));
                shared.ready.store(true, Ordering::Release);
            }
            Ok(Event::Apply(source)) => take(&shared, &mut running, source),
            Ok(Event::Delete(source)) => {
                forget(&shared, &mut running, source.metadata.name.as_deref().unwrap_or_default());
            }
            Err(_) => {}
        }
        shared.counts.serves(running.len());
    }
}

fn take(shared: &Arc<Shared>, running: &mut BTreeMap<String, Running>, source: GitSource) {
    let (Some(name), Some(uid)) = (source.metadata.name.clone(), source.metadata.uid.clone())
    else {
        return;
    };
    if running.get(&name).is_some_and(|it| it.uid != uid || it.task.is_finished()) {
        forget(shared, running, &name);
    }
    let source = Arc::new(source);
    if let Some(running) = running.get(&name) {
        // What we write ourselves, the status, asks for nothing.
        running.latest.send_if_modified(|latest| {
            let is_new = latest.metadata.generation != source.metadata.generation
                || latest.metadata.annotations != source.metadata.annotations;
            *latest = source;
            is_new
        });
        return;
    }
    let wake = Arc::new(Wake::default());
    let woken = wake.clone();
    shared.hooks.add(&name, &uid, Arc::new(move || woken.to_fetch()));
    shared.uids.lock().unwrap_or_else(PoisonError::into_inner).insert(uid.clone());
    let mut wakes = shared.wakes.lock().unwrap_or_else(PoisonError::into_inner);
    wakes.insert(uid.clone(), wake.clone());
    let (latest, seen) = watch::channel(source);
    let looped = std::panic::AssertUnwindSafe(keep(shared.clone(), seen, wake)).catch_unwind();
    let task = tokio::spawn(looped.map(drop)).abort_handle();
    running.insert(name, Running { uid, latest, task });
}

fn forget(shared: &Arc<Shared>, running: &mut BTreeMap<String, Running>, name: &str) {
    let Some(Running { uid, task, .. }) = running.remove(name) else { return };
    task.abort();
    shared.hooks.remove(name, &uid);
    shared.uids.lock().unwrap_or_else(PoisonError::into_inner).remove(&uid);
    shared.wakes.lock().unwrap_or_else(PoisonError::into_inner).remove(&uid);
}

/// The loop of one source.
async fn keep(shared: Arc<Shared>, mut latest: watch::Receiver<Arc<GitSource>>, wake: Arc<Wake>) {
    let mut between = Between::default();
    let (mut fetches, mut failures, mut repairs) = (true, 0_u32, 0_u32);
    loop {
        // A change that comes while a repair waits for its turn asks for a fetch all the same.
        fetches |= latest.has_changed().unwrap_or_default();
        let source = latest.borrow_and_update().clone();
        let began = Instant::now();
        let again = turn(&shared, &source, &mut between, fetches, began).await;
        let interval = source.interval().unwrap_or(Duration::from_secs(60));
        failures =
            if matches!(again, Again::Later { .. }) { 0 } else { failures.saturating_add(1) };
        repairs = if again == (Again::Later { repaired: true }) { repairs + 1 } else { repairs };
        tokio::select! {
            () = tokio::time::sleep(wait(&again, interval, failures, random())) => {
                (fetches, repairs) = (true, 0);
            }
            fetch = wake.woken() => {
                fetches = fetch;
                // A storm of deliveries is one look, and the first of them waits for nothing. Nor does a first repair;
                // what is undone again and again comes back ever later.
                let least = if fetch { LEAST_BETWEEN } else { between_repairs(repairs).max(LEAST_BETWEEN) };
                tokio::time::sleep(least.saturating_sub(began.elapsed())).await;
                fetches |= wake.take();
            }
            changed = latest.changed() => {
                if changed.is_err() {
                    return;
                }
                fetches = true;
            }
        }
    }
}

/// None before the first; then a second, doubling to five minutes.
fn between_repairs(repairs: u32) -> Duration {
    match repairs {
        0 => Duration::ZERO,
        _ => Duration::from_secs(doubling(repairs, 300)),
    }
}

/// How long to wait: the interval with up to a tenth more, so that what began together does not stay together; after a
/// failure from two seconds on ever longer, and as long as the server asks for.
fn wait(again: &Again, interval: Duration, failures: u32, random: u64) -> Duration {
    let jitter = |time: Duration| time + time.mul_f64(f64::from((random % 101) as u32) / 1000.0);
    match again {
        Again::Later { .. } => jitter(interval),
        Again::Sooner(retry_after) => {
            let doubled = FIRST_RETRY * u32::try_from(doubling(failures, 1 << 16)).unwrap_or(1);
            jitter(doubled.min(interval)).max((*retry_after).min(MOST_RETRY_AFTER))
        }
    }
}

/// Chance enough for a jitter.
fn random() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_wait_ever_longer_and_a_server_that_asks_for_time_has_it() {
        let minute = Duration::from_secs(60);
        let sooner = |seconds| Again::Sooner(Duration::from_secs(seconds));
        assert_eq!(wait(&Again::Later { repaired: false }, minute, 0, 0), minute);
        assert_eq!(
            wait(&Again::Later { repaired: false }, minute, 0, 100),
            Duration::from_secs(66)
        );
        assert_eq!(wait(&sooner(0), minute, 1, 0), Duration::from_secs(2));
        assert_eq!(wait(&sooner(0), minute, 4, 0), Duration::from_secs(16));
        assert_eq!(wait(&sooner(0), minute, 40, 0), minute);
        assert_eq!(wait(&sooner(900), minute, 1, 0), Duration::from_secs(900));
        assert_eq!(wait(&sooner(u64::MAX), minute, 1, 0), MOST_RETRY_AFTER);
    }
}
