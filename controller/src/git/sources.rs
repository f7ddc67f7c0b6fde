//! The GitSources that there are; each has a loop of its own.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use futures::FutureExt;
use kube::Api;
use kube::runtime::watcher::{Config, Event};
use seal_core::kind::git_source::GitSource;
use tokio::sync::{Semaphore, watch};
use tokio::task::AbortHandle;

use super::credentials::reference;
use super::keeping::keep;
use super::{Shared, Wake};
use crate::watch::Events;
use crate::webhook::Delivery;

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
                sources.into_iter().for_each(|source| take(&shared, &mut running, source));
                clean(&shared, &running);
                shared.ready.store(true, Ordering::Release);
            }
            Ok(Event::Apply(source)) => take(&shared, &mut running, source),
            Ok(Event::Delete(source)) => {
                forget(&shared, &mut running, source.metadata.name.as_deref().unwrap_or_default());
                clean(&shared, &running);
            }
            Err(_) => {}
        }
        shared.counts.serves(running.len());
    }
}

/// Removes what was fetched for no source that is there.
fn clean(shared: &Shared, running: &BTreeMap<String, Running>) {
    let of = |it: &Running| {
        let source = it.latest.borrow();
        shared.fetches.store(&source.spec.url, &reference(&source))
    };
    shared.fetches.clean(&running.values().map(of).chain(shared.stores()).collect());
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
    let hear = move |delivery| match delivery {
        Delivery::Right => woken.to_fetch(),
        Delivery::Wrong => woken.to_doubt(),
    };
    shared.hooks.add(&name, &uid, Arc::new(hear));
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
