//! The watch of SealedSecrets. It takes no more of them than the workers can keep up with.

use futures::StreamExt;
use kube::core::DeserializeGuard;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{Config, Event, watcher};
use kube::{Api, Resource};
use seal_core::kind::sealed::SealedSecret;

use super::{Listed, Watching, go_on_without, watch_failed};
use crate::memory::Watched;

/// Objects per page of a first list: a page is in memory whole, and a sealed object may have 1.5 MB.
const PAGE: u32 = 50;

/// Watches the sealed objects of one namespace or all.
pub(crate) async fn watch(watching: Watching, watched: Watched, listed: Listed) {
    let api: Api<DeserializeGuard<SealedSecret>> = match &watched.0 {
        Some(namespace) => Api::namespaced(watching.client.clone(), namespace),
        None => Api::all(watching.client.clone()),
    };
    let mut events = watcher(api, Config::default().page_size(PAGE)).default_backoff().boxed();
    loop {
        // Not polled meanwhile: what has not arrived yet waits at the API server.
        watching.memory.room().await;
        let Some(event) = events.next().await else { return };
        match event {
            Ok(event) => {
                let is_listed = matches!(event, Event::InitDone);
                remember(&watching, &watched, event);
                if is_listed {
                    listed.send_replace(true);
                }
            }
            Err(error) => {
                watch_failed("SealedSecrets", &error);
                go_on_without(&watched, &error, &listed);
            }
        }
    }
}

fn remember(watching: &Watching, watched: &Watched, event: Event<DeserializeGuard<SealedSecret>>) {
    let memory = &watching.memory;
    match event {
        Event::Init => memory.sealed_list_begins(watched),
        Event::InitApply(guard) | Event::Apply(guard) => {
            let work = match guard.0 {
                Ok(mut sealed) => {
                    sealed.metadata.managed_fields = None;
                    memory.sealed(watched, Box::new(sealed))
                }
                // One that this version's type cannot hold is told so, and the watch goes on.
                Err(invalid) => memory.unreadable(watched, &invalid.metadata),
            };
            work.into_iter().for_each(|object| watching.queue.add(object));
        }
        Event::Delete(guard) => memory.sealed_gone(guard.meta()),
        Event::InitDone => memory.sealed_list_ends(watched),
    }
}
