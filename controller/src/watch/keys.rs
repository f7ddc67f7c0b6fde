//! The watch of the key Secrets in the controller's namespace; a key that comes or goes acts at once.
//!
//! Found by type and by label, so that one that lost either is named and no other is made in its place. Nothing is
//! known before both lists are complete: an empty keyring would look like one that lost its keys.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::api::core::v1::Secret;
use kube::runtime::watcher::{Config, Event};
use kube::{Api, ResourceExt};
use seal_core::key::{Fingerprint, Namespaces};
use seal_core::names::{KEY, KEY_NAMESPACES};
use tokio::sync::Notify;

use super::events::Events;
use super::{Listed, Watching};
use crate::keyring::{self, KeySecret, Published, SharedKeys};

/// Watches the keys; `changed` is told whenever they were read anew.
pub(crate) async fn watch(
    watching: Watching,
    namespace: String,
    keys: Arc<SharedKeys>,
    changed: Arc<Notify>,
    listed: Listed,
) {
    let api: Api<Secret> = Api::namespaced(watching.client.clone(), &namespace);
    let mut by_type =
        Events::of("keys", api.clone(), Config::default().fields(&format!("type={KEY}")));
    let mut by_label = Events::of("labelled keys", api, Config::default().labels(KEY));
    let mut found = [KeySecrets::default(), KeySecrets::default()];
    loop {
        let (list, event) = tokio::select! {
            event = by_type.next() => (0, event),
            event = by_label.next() => (1, event),
        };
        let Ok(event) = event else { continue };
        if found[list].changed_by(event) && found.iter().all(|list| list.complete) {
            remember(&watching, &keys, &found);
            changed.notify_one();
            listed.send_replace(true);
        }
    }
}

fn remember(watching: &Watching, keys: &SharedKeys, found: &[KeySecrets]) {
    let secrets: BTreeMap<&String, &KeySecret> = found.iter().flat_map(|it| &it.secrets).collect();
    let read = keyring::read(secrets.into_values());
    let held = read.keyring.held();
    let published = read.published.clone();
    let before = keys.set(read);
    if published != before.published {
        tell_of_published(published.as_ref(), before.published.as_ref());
    }
    let held_before = before.keyring.held();
    if held != held_before {
        tell_of_held(&held, &held_before);
        watching.memory.names().into_iter().for_each(|object| watching.queue.add(object));
    }
}

type Held = BTreeMap<Fingerprint, Namespaces>;

fn tell_of_held(held: &Held, before: &Held) {
    for (key, namespaces) in before {
        match held.get(key) {
            None => {
                tracing::warn!(lost = %key, "this key is no longer held: what is sealed for it alone does not open any more");
            }
            Some(now) if is_wider(now, namespaces) => {
                tracing::warn!(%key, "this key opens in more namespaces than before: its annotation {KEY_NAMESPACES} was changed");
            }
            Some(_) => {}
        }
    }
    let held = held.len();
    if held == 0 {
        tracing::warn!(held, "the keyring changed: no key is held, and nothing can be opened");
    } else {
        tracing::info!(held, "the keyring changed");
    }
}

fn is_wider(now: &Namespaces, before: &Namespaces) -> bool {
    match (now, before) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(now), Some(before)) => !now.is_subset(before),
    }
}

fn tell_of_published(now: Option<&Published>, before: Option<&Published>) {
    let before = before.map(|it| it.fingerprint.to_string()).unwrap_or_default();
    match now {
        Some(now) => tracing::info!(now = %now.fingerprint, before, "this is the key to seal to"),
        None => tracing::warn!(before, "no key is active: none is published to seal to"),
    }
}

/// The key Secrets that one watch has seen, by name.
#[derive(Default)]
struct KeySecrets {
    secrets: BTreeMap<String, KeySecret>,
    listing: BTreeMap<String, KeySecret>,
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
                self.listing.insert(secret.name_any(), KeySecret::take(secret));
                return false;
            }
            Event::InitDone => {
                self.secrets = std::mem::take(&mut self.listing);
                self.complete = true;
            }
            Event::Apply(secret) => {
                self.secrets.insert(secret.name_any(), KeySecret::take(secret));
            }
            Event::Delete(secret) => drop(self.secrets.remove(&secret.name_any())),
        }
        true
    }
}
