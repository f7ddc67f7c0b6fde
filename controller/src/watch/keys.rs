//! The watch of the key Secrets in the controller's namespace; a key that comes or goes acts at once.
//!
//! Found by type and by label, so that one that lost either is named and no other is made in its place. Nothing is
//! known before both lists are complete: an empty keyring would look like one that lost its keys.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::StreamExt;
use k8s_openapi::api::core::v1::Secret;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{Config, Event, watcher};
use kube::{Api, ResourceExt};
use tokio::sync::Notify;

use super::{Listed, Watching, watch_failed};
use seal_core::names::KEY;

use crate::keyring::{self, SharedKeys};

/// Watches the keys; `changed` is told whenever they were read anew.
pub(crate) async fn watch(
    watching: Watching,
    namespace: String,
    keys: Arc<SharedKeys>,
    changed: Arc<Notify>,
    listed: Listed,
) {
    let api: Api<Secret> = Api::namespaced(watching.client.clone(), &namespace);
    let by_type = watcher(api.clone(), Config::default().fields(&format!("type={KEY}")));
    let by_label = watcher(api, Config::default().labels(KEY));
    let mut events = futures::stream::select(
        by_type.default_backoff().map(|event| (0, event)).boxed(),
        by_label.default_backoff().map(|event| (1, event)).boxed(),
    );
    let mut found = [KeySecrets::default(), KeySecrets::default()];
    while let Some((list, event)) = events.next().await {
        let is_other_list = match event {
            Ok(event) => found[list].changed_by(event),
            Err(error) => {
                watch_failed("keys", &error);
                false
            }
        };
        if is_other_list && found.iter().all(|list| list.complete) {
            remember(&watching, &keys, &found);
            changed.notify_one();
            listed.send_replace(true);
        }
    }
}

fn remember(watching: &Watching, keys: &SharedKeys, found: &[KeySecrets]) {
    let secrets: BTreeMap<&String, &Secret> = found.iter().flat_map(|it| &it.secrets).collect();
    let read = keyring::read(secrets.into_values());
    let held = read.keyring.fingerprints().len();
    if keys.set(read) {
        if held == 0 {
            tracing::warn!(held, "the keyring changed: no key is held, and nothing can be opened");
        } else {
            tracing::info!(held, "the keyring changed");
        }
        watching.memory.names().into_iter().for_each(|object| watching.queue.add(object));
    }
}

/// The key Secrets that one watch has seen, by name.
#[derive(Default)]
struct KeySecrets {
    secrets: BTreeMap<String, Secret>,
    listing: BTreeMap<String, Secret>,
    complete: bool,
}

impl KeySecrets {
    /// Takes an event over; says whether `secrets` is another list now. A list under way changes nothing.
    fn changed_by(&mut self, event: Event<Secret>) -> bool {
        match event {
            Event::Init => {
                self.listing.clear();
                return false;
            }
            Event::InitApply(secret) => {
                self.listing.insert(secret.name_any(), secret);
                return false;
            }
            Event::InitDone => {
                self.secrets = std::mem::take(&mut self.listing);
                self.complete = true;
            }
            Event::Apply(secret) => drop(self.secrets.insert(secret.name_any(), secret)),
            Event::Delete(secret) => drop(self.secrets.remove(&secret.name_any())),
        }
        true
    }
}
