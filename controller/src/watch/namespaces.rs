//! The watch of namespaces, for ClusterSealedSecrets: which there are, with which labels.

use kube::Api;
use kube::runtime::watcher::{Config, Event};

use super::events::Events;
use super::{Listed, Watching, follow};
use crate::thin::NamespaceMeta;

/// Watches all namespaces. Where the role of an earlier version does not let it, the controller goes on, and
/// ClusterSealedSecrets wait.
pub(crate) async fn watch(watching: Watching, listed: Listed) {
    let api: Api<NamespaceMeta> = Api::all(watching.client.clone());
    let events = Events::of("namespaces", api, Config::default());
    follow(events, listed, |code| code == 403, |event| remember(&watching, event)).await;
}

fn remember(watching: &Watching, event: Event<NamespaceMeta>) {
    let Watching { memory, queue, .. } = watching;
    let work = match event {
        Event::Init => {
            memory.namespace_list_begins();
            return;
        }
        Event::InitApply(namespace) | Event::Apply(namespace) => memory.namespace(&namespace.0),
        Event::Delete(namespace) => memory.namespace_gone(&namespace.0),
        Event::InitDone => memory.namespace_list_ends(),
    };
    work.into_iter().for_each(|object| queue.add(object));
}
