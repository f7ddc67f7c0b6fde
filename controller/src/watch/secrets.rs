//! The watch of Secrets: their metadata alone, contents are never listed.

use kube::Api;
use kube::runtime::watcher::Event;

use super::events::Events;
use super::{Listed, Watching, follow, is_of_one_of_several};
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
    let events = Events::of_foreign("Secrets", api, PAGE, watching.listing.clone());
    follow(
        events,
        listed,
        |code| is_of_one_of_several(&watched, code),
        |event| remember(&watching, &watched, event),
    )
    .await;
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
