//! The watches of a cluster: sealed objects, the metadata of Secrets, the key Secrets and the ConfigMap.
//!
//! A watch only remembers and asks for work. Order at the start: keys, then sealed objects, then Secrets, so that
//! when work begins everything is known that the checks for unchanged objects need.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::{ConfigMap, ObjectReference, Secret};
use kube::core::{DeserializeGuard, PartialObjectMeta};
use kube::runtime::watcher::{self, Config, Event, watcher};
use kube::runtime::{WatchStreamExt, predicates};
use kube::{Api, Resource, ResourceExt};
use seal_core::kind::sealed::SealedSecret;
use seal_core::place::Place;
use seal_core::reason::Reason;
use tokio::sync::watch;

use crate::keyring::{self, KEY, RECIPIENTS, Rejected};
use crate::memory::Watched;
use crate::outcome::Outcome;
use crate::reconcile::Context;
use crate::target::status;
use crate::work::queue::Queue;

/// Objects per page of a first list: a page is in memory whole, and a sealed object may have 1.5 MB.
const PAGE: u32 = 50;

/// Told when a watch's first list is complete.
pub(crate) type Listed = watch::Sender<bool>;

/// Watches the sealed objects of one namespace or all.
pub(crate) async fn sealed_objects(
    ctx: Arc<Context>,
    queue: Arc<Queue>,
    watched: Watched,
    listed: Listed,
) {
    let api: Api<DeserializeGuard<SealedSecret>> = match &watched {
        Some(namespace) => Api::namespaced(ctx.client.clone(), namespace),
        None => Api::all(ctx.client.clone()),
    };
    let mut events = watcher(api, Config::default().page_size(PAGE)).default_backoff().boxed();
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Init) => ctx.index.sealed_list_begins(&watched),
            Ok(Event::InitApply(guard) | Event::Apply(guard)) => match guard.0 {
                Ok(mut sealed) => {
                    sealed.metadata.managed_fields = None;
                    if let Some(place) = ctx.index.sealed(&watched, sealed, &ctx.policy) {
                        queue.add(place);
                    }
                }
                Err(invalid) => unreadable(&ctx, &invalid.metadata).await,
            },
            Ok(Event::Delete(guard)) => {
                let metadata = guard.meta();
                let (namespace, name) = (metadata.namespace.as_deref(), metadata.name.as_deref());
                if let Ok(place) =
                    Place::new(namespace.unwrap_or_default(), name.unwrap_or_default())
                {
                    ctx.index.sealed_gone(&place);
                }
            }
            Ok(Event::InitDone) => {
                ctx.index.sealed_list_ends(&watched);
                listed.send_replace(true);
            }
            Err(error) => {
                watch_failed("SealedSecrets", &error);
                go_on_without(&watched, &error, &listed);
            }
        }
    }
}

/// An object that this version's type cannot hold: it is told so, and the watch goes on.
async fn unreadable(ctx: &Context, metadata: &kube::core::ObjectMeta) {
    let namespace = metadata.namespace.as_deref().unwrap_or_default();
    let name = metadata.name.as_deref().unwrap_or_default();
    let Ok(place) = Place::new(namespace, name) else { return };
    let outcome = Outcome {
        reason: Reason::Malformed,
        message: "the object does not have the shape this version of the controller knows".into(),
    };
    tracing::info!(%place, reason = %outcome.reason, "{}", outcome.message);
    ctx.index.sealed_gone(&place);
    let uid = metadata.uid.as_deref().unwrap_or_default();
    let status =
        status::next(&Default::default(), metadata.generation.unwrap_or_default(), &outcome);
    if status::write(&ctx.client, &place, uid, &status).await.is_ok() {
        status::tell(&ctx.client, &place, uid, &outcome).await;
    }
}

/// Watches the metadata of every Secret of one namespace or all; contents are never listed.
pub(crate) async fn secrets(
    ctx: Arc<Context>,
    queue: Arc<Queue>,
    watched: Watched,
    listed: Listed,
) {
    let api: Api<PartialObjectMeta<Secret>> = match &watched {
        Some(namespace) => Api::namespaced(ctx.client.clone(), namespace),
        None => Api::all(ctx.client.clone()),
    };
    // A Secret's annotations may have 256 KiB, and whoever makes sealed objects says what they are.
    let config = Config::default().page_size(100);
    let mut events = watcher(api, config).default_backoff().boxed();
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Init) => ctx.index.secret_list_begins(&watched),
            Ok(Event::InitApply(secret) | Event::Apply(secret)) => {
                if let Some(place) = ctx.index.secret(&watched, &secret.metadata) {
                    queue.add(place);
                }
            }
            Ok(Event::Delete(secret)) => {
                if let Some(place) = ctx.index.secret_gone(&watched, &secret.metadata) {
                    queue.add(place);
                }
            }
            Ok(Event::InitDone) => {
                ctx.index.secret_list_ends(&watched).into_iter().for_each(|place| queue.add(place));
                listed.send_replace(true);
            }
            Err(error) => {
                watch_failed("Secrets", &error);
                go_on_without(&watched, &error, &listed);
            }
        }
    }
}

/// Watches the key Secrets of the controller's namespace; a key that comes or goes acts at once.
///
/// Found by type and by label, so that one that lost either is named and no other is made in its place. Nothing is
/// known before both lists are complete: an empty keyring would look like one that lost its keys.
pub(crate) async fn keys(ctx: Arc<Context>, queue: Arc<Queue>, namespace: String, listed: Listed) {
    let api: Api<Secret> = Api::namespaced(ctx.client.clone(), &namespace);
    let by_type = Config::default().fields(&format!("type={KEY}"));
    let by_label = Config::default().labels(KEY);
    let by_type = watcher(api.clone(), by_type).default_backoff().map(|event| (0, event));
    let by_label = watcher(api, by_label).default_backoff().map(|event| (1, event));
    let mut events = futures::stream::select(by_type.boxed(), by_label.boxed());
    let mut found = [KeySecrets::default(), KeySecrets::default()];
    while let Some((list, event)) = events.next().await {
        let changed = match event {
            Ok(event) => found[list].changed_by(event),
            Err(error) => {
                watch_failed("keys", &error);
                false
            }
        };
        if changed && found.iter().all(|list| list.complete) {
            take_keys(&ctx, &queue, &namespace, &found).await;
            listed.send_replace(true);
        }
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

async fn take_keys(ctx: &Context, queue: &Queue, namespace: &str, found: &[KeySecrets]) {
    let secrets: BTreeMap<&String, &Secret> = found.iter().flat_map(|it| &it.secrets).collect();
    let keys = keyring::read(secrets.into_values());
    let before = ctx.keys.now();
    for key in keys.rejected.iter().filter(|key| !before.rejected.contains(key)) {
        reject(ctx, namespace, key).await;
    }
    let held = keys.keyring.fingerprints().len();
    if ctx.keys.set(keys) {
        tracing::info!(held, "the keyring changed");
        ctx.index.places().into_iter().for_each(|place| queue.add(place));
    }
}

async fn reject(ctx: &Context, namespace: &str, key: &Rejected) {
    let outcome = Outcome {
        reason: Reason::KeyRejected,
        message: format!("the Secret {namespace}/{} is not used as a key: {}", key.name, key.why),
    };
    tracing::warn!(reason = %outcome.reason, "{}", outcome.message);
    let regarding = ObjectReference {
        api_version: Some("v1".to_owned()),
        kind: Some("Secret".to_owned()),
        namespace: Some(namespace.to_owned()),
        name: Some(key.name.clone()),
        ..ObjectReference::default()
    };
    status::publish(&ctx.client, namespace, &key.name, regarding, true, &outcome).await;
}

/// Keeps the ConfigMap as it must be: whenever the published key or the map changes.
pub(crate) async fn recipients(
    ctx: Arc<Context>,
    namespace: String,
    mut keys_changed: watch::Receiver<bool>,
) {
    let api: Api<ConfigMap> = Api::namespaced(ctx.client.clone(), &namespace);
    let config = Config::default().fields(&format!("metadata.name={RECIPIENTS}"));
    let mut map_changed = watcher(api, config)
        .default_backoff()
        .touched_objects()
        .predicate_filter(predicates::resource_version, Default::default())
        .map_ok(drop)
        .boxed();
    loop {
        if let Some(published) = ctx.keys.now().published.clone()
            && let Err(error) = keyring::publish(&ctx.client, &namespace, &published).await
        {
            let why = crate::api_error::sentence(&error);
            tracing::warn!("{RECIPIENTS} could not be written: {why}");
            tokio::time::sleep(std::time::Duration::from_secs(2)).await;
            continue;
        }
        tokio::select! {
            changed = keys_changed.changed() => if changed.is_err() { return },
            _ = map_changed.next() => {}
        }
    }
}

/// One of several namespaces that is gone, or whose owner took our role away, does not hold up the others; its
/// watch begins again until it is let. Without the list nothing is unsafe: what is there refuses a `POST`.
fn go_on_without(watched: &Watched, error: &watcher::Error, listed: &Listed) {
    if watched.is_some() && code(error) == 403 {
        listed.send_replace(true);
    }
}

fn code(error: &watcher::Error) -> u16 {
    use watcher::Error;
    match error {
        Error::InitialListFailed(error)
        | Error::WatchStartFailed(error)
        | Error::WatchFailed(error) => crate::api_error::code(error),
        Error::WatchError(status) => status.code,
        _ => 0,
    }
}

fn watch_failed(what: &str, error: &watcher::Error) {
    let code = code(error);
    let hint = match code {
        404 => "; is the kind installed? seal install | kubectl apply --server-side -f -",
        403 => "; the controller's role does not allow it",
        _ => "",
    };
    tracing::warn!(code, "the watch of {what} was interrupted and begins again{hint}");
}
