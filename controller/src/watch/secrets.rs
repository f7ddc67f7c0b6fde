//! The watch of Secrets: their metadata alone, contents are never listed.

use kube::Api;
use kube::runtime::watcher::Event;

use super::events::Events;
use super::{Listed, Watching, go_on_without};
use crate::memory::Watched;
use crate::thin::SecretMeta;

/// Objects of a page: their metadata has about a kilobyte each.
const PAGE: u32 = 500;

/// Watches every Secret of one namespace or all.
pub(crate) async fn watch(watching: Watching, watched: Watched, listed: Listed) {
    let api: Api<SecretMeta> = match &watched.0 {
        Some(namespace) => Api::namespaced(watching.client.clone(), namespace),
        None => Api::all(watching.client.clone()),
    };
    let mut events = Events::of_foreign("Secrets", api, PAGE, watching.listing.clone());
    loop {
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

fn remember(watching: &Watching, watched: &Watched, event: Event<SecretMeta>) {
    let Watching { memory, queue, .. } = watching;
    match event {
        Event::Init => memory.secret_list_begins(watched),
        Event::InitApply(secret) | Event::Apply(secret) => {
            let work = memory.secret(watched, &secret.0);
            work.into_iter().for_each(|object| queue.add(object));
        }
        Event::Delete(secret) => {
            let work = memory.secret_gone(watched, &secret.0);
            work.into_iter().for_each(|object| queue.add(object));
        }
        Event::InitDone => {
            memory.secret_list_ends(watched).into_iter().for_each(|object| queue.add(object));
        }
    }
}
