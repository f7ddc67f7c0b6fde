//! The watch of the one ConfigMap that publishes the recipient: says that somebody touched it.

use std::sync::Arc;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::runtime::watcher::{Config, Event};
use kube::{Api, Client};
use seal_core::names::RECIPIENTS;
use tokio::sync::Notify;

use super::events::Events;

/// Watches the ConfigMap; `changed` is told whenever it may be another one than before.
pub(crate) async fn watch(client: Client, namespace: String, changed: Arc<Notify>) {
    let api: Api<ConfigMap> = Api::namespaced(client, &namespace);
    let config = Config::default().fields(&format!("metadata.name={RECIPIENTS}"));
    let mut events = Events::of(RECIPIENTS, api, config);
    loop {
        match events.next().await {
            Ok(Event::Init | Event::InitApply(_)) | Err(_) => {}
            Ok(Event::InitDone | Event::Apply(_) | Event::Delete(_)) => changed.notify_one(),
        }
    }
}
