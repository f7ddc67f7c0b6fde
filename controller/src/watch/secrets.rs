//! The watch of Secrets: their metadata alone, contents are never listed.

use futures::StreamExt;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::core::PartialObjectMeta;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{Config, Event, watcher};

use super::{Listed, Watching, go_on_without, watch_failed};
use crate::memory::Watched;

/// A Secret's annotations may have 256 KiB, and whoever makes sealed objects says what they are.
const PAGE: u32 = 100;

/// Watches every Secret of one namespace or all.
pub(crate) async fn watch(watching: Watching, watched: Watched, listed: Listed) {
    let api: Api<PartialObjectMeta<Secret>> = match &watched.0 {
        Some(namespace) => Api::namespaced(watching.client.clone(), namespace),
        None => Api::all(watching.client.clone()),
    };
    let mut events = watcher(api, Config::default().page_size(PAGE)).default_backoff().boxed();
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => {
                let is_listed = matches!(event, Event::InitDone);
                remember(&watching, &watched, event);
                if is_listed {
                    listed.send_replace(true);
                }
            }
            Err(error) => {
                watch_failed("Secrets", &error);
                go_on_without(&watched, &error, &listed);
            }
        }
    }
}

fn remember(watching: &Watching, watched: &Watched, event: Event<PartialObjectMeta<Secret>>) {
    let Watching { memory, queue, .. } = watching;
    match event {
        Event::Init => memory.secret_list_begins(watched),
        Event::InitApply(secret) | Event::Apply(secret) => {
            let work = memory.secret(watched, &secret.metadata);
            work.into_iter().for_each(|object| queue.add(object));
        }
        Event::Delete(secret) => {
            let work = memory.secret_gone(watched, &secret.metadata);
            work.into_iter().for_each(|object| queue.add(object));
        }
        Event::InitDone => {
            memory.secret_list_ends(watched).into_iter().for_each(|object| queue.add(object));
        }
    }
}
