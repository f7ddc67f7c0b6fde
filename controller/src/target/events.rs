//! Writes Events: the only file that does. Failing to tell never fails the work.
//!
//! An Event of its own each time: aggregation keeps the first text, and ours name what changed.

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use k8s_openapi::jiff::Timestamp;
use kube::api::PostParams;
use kube::{Api, Client};
use seal_core::reason::Reason;

use crate::object_id::ObjectId;
use crate::outcome::Outcome;

const CONTROLLER: &str = "seal.dev/controller";
const INSTANCE: &str = "seal-controller";
/// An Event's note may have 1 kB.
const MAX_NOTE: usize = 1000;
/// Room for the generated end of a name of 253 characters.
const MAX_NAME: usize = 200;

/// Tells people that something happened to a sealed object.
pub(crate) async fn tell(client: &Client, id: &ObjectId, outcome: &Outcome) {
    let regarding = ObjectReference {
        api_version: Some(id.at.kind.api_version().to_owned()),
        kind: Some(id.at.kind.as_str().to_owned()),
        namespace: id.at.namespace.clone(),
        name: Some(id.at.name.clone()),
        uid: Some(id.uid.clone()),
        ..ObjectReference::default()
    };
    publish(client, regarding, outcome).await;
}

/// Tells people that something is so about a Secret which is not a live Secret of ours, by its name.
pub(crate) async fn tell_of_secret(
    client: &Client,
    namespace: &str,
    name: &str,
    outcome: &Outcome,
) {
    let regarding = ObjectReference {
        api_version: Some("v1".to_owned()),
        kind: Some("Secret".to_owned()),
        namespace: Some(namespace.to_owned()),
        name: Some(name.to_owned()),
        ..ObjectReference::default()
    };
    publish(client, regarding, outcome).await;
}

async fn publish(client: &Client, regarding: ObjectReference, outcome: &Outcome) {
    // The API server takes Events about cluster-scoped objects in this namespace only.
    let namespace = regarding.namespace.clone().unwrap_or_else(|| "default".to_owned());
    let name = regarding.name.clone().unwrap_or_default();
    let is_normal = matches!(outcome.reason, Reason::Applied | Reason::Repaired | Reason::Replaced);
    let event = Event {
        metadata: ObjectMeta {
            namespace: Some(namespace.clone()),
            generate_name: Some(format!("{}-", beginning(&name))),
            ..ObjectMeta::default()
        },
        type_: Some(if is_normal { "Normal" } else { "Warning" }.to_owned()),
        reason: Some(outcome.reason.to_string()),
        note: Some(note(&outcome.message).to_owned()),
        action: Some("Reconcile".to_owned()),
        regarding: Some(regarding),
        reporting_controller: Some(CONTROLLER.to_owned()),
        reporting_instance: Some(INSTANCE.to_owned()),
        event_time: Some(MicroTime(Timestamp::now())),
        ..Event::default()
    };
    let api: Api<Event> = Api::namespaced(client.clone(), &namespace);
    if let Err(error) = api.create(&PostParams::default(), &event).await {
        let code = crate::api_error::code(&error);
        tracing::debug!(namespace, name, code, "an Event was not taken");
    }
}

fn beginning(name: &str) -> String {
    let cut: String = name.chars().take(MAX_NAME).collect();
    cut.trim_end_matches(['.', '-']).to_owned()
}

fn note(message: &str) -> &str {
    let end = (0..=MAX_NOTE.min(message.len())).rev().find(|at| message.is_char_boundary(*at));
    &message[..end.unwrap_or(0)]
}
