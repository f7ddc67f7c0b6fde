//! The watches of SealedSecrets and ClusterSealedSecrets. They take no more than the workers can keep up with.

use std::fmt::Debug;

use kube::runtime::watcher::Event;
use kube::{Api, Resource};
use serde::de::DeserializeOwned;

use super::events::Events;
use super::{Listed, Watching, is_of_one_of_several};
use crate::memory::Watched;
use crate::object_id::Kind;
use crate::thin::{Arrived, ArrivedInCluster};

/// Objects of a page: five times as large as the metadata of a Secret, and in memory several times.
const PAGE: u32 = 100;

/// Watches the SealedSecrets of one namespace or all.
pub(crate) async fn watch(watching: Watching, watched: Watched, listed: Listed) {
    let api: Api<Arrived> = match &watched.0 {
        Some(namespace) => Api::namespaced(watching.client.clone(), namespace),
        None => Api::all(watching.client.clone()),
    };
    let events = Events::of_foreign("SealedSecrets", api, PAGE, watching.listing.clone());
    follow(events, Kind::SealedSecret, watching, watched, listed).await;
}

/// Watches the ClusterSealedSecrets. An installation whose kinds or role are of an earlier version goes on without them.
pub(crate) async fn watch_cluster(watching: Watching, listed: Listed) {
    let api: Api<ArrivedInCluster> = Api::all(watching.client.clone());
    let events = Events::of_foreign("ClusterSealedSecrets", api, PAGE, watching.listing.clone());
    follow(events, Kind::ClusterSealedSecret, watching, Watched(None), listed).await;
}

async fn follow<K>(
    mut events: Events<K>,
    kind: Kind,
    watching: Watching,
    watched: Watched,
    listed: Listed,
) where
    K: Resource + Clone + DeserializeOwned + Debug + Send + Into<Arrived> + 'static,
{
    loop {
        // Not polled meanwhile: what has not arrived yet waits at the API server.
        watching.memory.room().await;
        match events.next().await {
            Ok(event) => {
                let is_listed = matches!(event, Event::InitDone);
                remember(&watching, kind, &watched, event);
                if is_listed {
                    listed.send_replace(true);
                }
            }
            Err(403 | 404) if kind == Kind::ClusterSealedSecret => drop(listed.send_replace(true)),
            Err(code) if is_of_one_of_several(&watched, code) => drop(listed.send_replace(true)),
            Err(_) => {}
        }
    }
}

fn remember<K: Into<Arrived>>(watching: &Watching, kind: Kind, watched: &Watched, event: Event<K>) {
    let memory = &watching.memory;
    match event {
        Event::Init => memory.sealed_list_begins(kind, watched),
        Event::InitApply(arrived) | Event::Apply(arrived) => {
            let work = memory.sealed(watched, arrived.into());
            work.into_iter().for_each(|object| watching.queue.add(object));
        }
        Event::Delete(arrived) => memory.sealed_gone(kind, &arrived.into().sealed.metadata),
        Event::InitDone => memory.sealed_list_ends(kind, watched),
    }
}
