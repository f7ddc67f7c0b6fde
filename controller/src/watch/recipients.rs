//! The watch of the one ConfigMap that publishes the recipient: says that somebody touched it.

use std::sync::Arc;

use futures::StreamExt;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::runtime::watcher::{Config, watcher};
use kube::runtime::{WatchStreamExt, predicates};
use kube::{Api, Client};
use tokio::sync::Notify;

use super::watch_failed;
use seal_core::names::RECIPIENTS;

/// Watches the ConfigMap; `changed` is told whenever it is another one than before.
pub(crate) async fn watch(client: Client, namespace: String, changed: Arc<Notify>) {
    let api: Api<ConfigMap> = Api::namespaced(client, &namespace);
    let config = Config::default().fields(&format!("metadata.name={RECIPIENTS}"));
    let mut events = watcher(api, config)
        .default_backoff()
        .touched_objects()
        .predicate_filter(predicates::resource_version, Default::default())
        .boxed();
    while let Some(event) = events.next().await {
        match event {
            Ok(_) => changed.notify_one(),
            Err(error) => watch_failed(RECIPIENTS, &error),
        }
    }
}
