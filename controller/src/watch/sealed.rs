//! The watch of SealedSecrets. It takes no more of them than the workers can keep up with.

use kube::Api;
use kube::runtime::watcher::Event;

use super::events::Events;
use super::{Listed, Watching, go_on_without};
use crate::memory::Watched;
use crate::thin::Arrived;

/// Objects of a page: five times as large as the metadata of a Secret, and in memory several times.
const PAGE: u32 = 100;

/// Watches the sealed objects of one namespace or all.
pub(crate) async fn watch(watching: Watching, watched: Watched, listed: Listed) {
    let api: Api<Arrived> = match &watched.0 {
        Some(namespace) => Api::namespaced(watching.client.clone(), namespace),
        None => Api::all(watching.client.clone()),
    };
    let mut events = Events::of_foreign("SealedSecrets", api, PAGE, watching.listing.clone());
    loop {
        // Not polled meanwhile: what has not arrived yet waits at the API server.
        watching.memory.room().await;
        match events.next().await {
            Ok(event) => {
                let is_listed = matches!(event, Event::InitDone);
                remember(&watching, &watched, event);
                if is_listed {
                    listed.send_replace(true);
                }
            }
            Err(code) => go_on_without(&watched, code, &listed),
        }
    }
}

fn remember(watching: &Watching, watched: &Watched, event: Event<Arrived>) {
    let memory = &watching.memory;
    match event {
        Event::Init => memory.sealed_list_begins(watched),
        Event::InitApply(arrived) | Event::Apply(arrived) => {
            let work = memory.sealed(watched, arrived);
            work.into_iter().for_each(|object| watching.queue.add(object));
        }
        Event::Delete(arrived) => memory.sealed_gone(&arrived.sealed.metadata),
        Event::InitDone => memory.sealed_list_ends(watched),
    }
}
