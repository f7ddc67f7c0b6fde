//! The watch of ServiceAccounts, where the controller attaches pull secrets: their metadata alone. One that is made later,
//! or that somebody changed, is looked at by the objects that name it.

use kube::Api;
use kube::runtime::watcher::Event;

use super::events::Events;
use super::{Listed, Watching, follow};
use crate::memory::Watched;
use crate::thin::account::AccountMeta;

/// Objects of a page: their metadata has less than a kilobyte each.
const PAGE: u32 = 500;

/// Watches every ServiceAccount of one namespace or all.
pub(crate) async fn watch(watching: Watching, watched: Watched, listed: Listed) {
    let api: Api<AccountMeta> = match &watched.0 {
        Some(namespace) => Api::namespaced(watching.client.clone(), namespace),
        None => Api::all(watching.client.clone()),
    };
    let events = Events::of_foreign("ServiceAccounts", api, PAGE, watching.listing.clone());
    // Without the right to list them nothing else is held up: what is attached says so.
    follow(events, listed, |code| code == 403, |event| remember(&watching, event)).await;
}

fn remember(watching: &Watching, event: Event<AccountMeta>) {
    let work = match event {
        Event::Init | Event::InitDone => Vec::new(),
        Event::InitApply(account) | Event::Apply(account) => watching.memory.account(&account.0),
        Event::Delete(account) => watching.memory.account_gone(&account.0),
    };
    work.into_iter().for_each(|object| watching.queue.add(object));
}
