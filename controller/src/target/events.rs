//! Writes Events: the only file that does. Failing to tell never fails the work.
//!
//! An Event of its own each time: aggregation keeps the first text, and ours name what changed. Of the core's kind,
//! since kubectl sorts by `lastTimestamp`, which `events.k8s.io` refuses; and with names that sort by time.

use k8s_openapi::api::core::v1::{Event, EventSource, ObjectReference};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use k8s_openapi::jiff::Timestamp;
use kube::api::PostParams;
use kube::{Api, Client};
use seal_core::kind::git_source::GitSource;
use seal_core::names::{API_VERSION, GIT_FIELD_MANAGER};
use seal_core::reason::Reason;

use crate::mac;
use crate::object_id::ObjectId;
use crate::outcome::Outcome;

const CONTROLLER: &str = "seal-controller";
/// An Event's note may have 1 kB.
const MAX_NOTE: usize = 1000;
/// Room for the time at the end of a name of 253 characters.
const MAX_NAME: usize = 200;

/// Tells people that something happened to a sealed object.
pub(crate) async fn tell(client: &Client, id: &ObjectId, outcome: &Outcome) {
    let regarding = regarding(id);
    let name = timed(&regarding);
    publish(client, regarding, outcome, name).await;
}

/// The same, and not again while that Event is there.
pub(crate) async fn tell_once(client: &Client, id: &ObjectId, outcome: &Outcome) {
    let name = once(&id.at.name, &id.uid, outcome);
    publish(client, regarding(id), outcome, name).await;
}

fn regarding(id: &ObjectId) -> ObjectReference {
    ObjectReference {
        api_version: Some(API_VERSION.to_owned()),
        kind: Some(id.at.kind.as_str().to_owned()),
        namespace: id.at.namespace.clone(),
        name: Some(id.at.name.clone()),
        uid: Some(id.uid.clone()),
        ..ObjectReference::default()
    }
}

/// A name that says what is said, so that it is not there twice.
fn once(name: &str, of: &str, outcome: &Outcome) -> String {
    let said = format!("{of} {}: {}", outcome.reason, outcome.message);
    format!("{}.{}", beginning(name), hex::encode(&mac::sha256(said.as_bytes())[..8]))
}

/// Tells people that something is so about an object of the core that is no live Secret of ours, by its name.
pub(crate) async fn tell_of(
    client: &Client,
    kind: &str,
    namespace: &str,
    name: &str,
    outcome: &Outcome,
) {
    let regarding = ObjectReference {
        api_version: Some("v1".to_owned()),
        kind: Some(kind.to_owned()),
        namespace: Some(namespace.to_owned()),
        name: Some(name.to_owned()),
        ..ObjectReference::default()
    };
    let name = once(name, kind, outcome);
    publish(client, regarding, outcome, name).await;
}

/// Tells people that something happened to a GitSource.
pub(crate) async fn tell_of_source(client: &Client, source: &GitSource, outcome: &Outcome) {
    let regarding = ObjectReference {
        api_version: Some(API_VERSION.to_owned()),
        kind: Some("GitSource".to_owned()),
        namespace: source.metadata.namespace.clone(),
        name: source.metadata.name.clone(),
        uid: source.metadata.uid.clone(),
        ..ObjectReference::default()
    };
    let name = timed(&regarding);
    publish(client, regarding, outcome, name).await;
}

/// A name that sorts by time.
fn timed(regarding: &ObjectReference) -> String {
    let name = regarding.name.as_deref().unwrap_or_default();
    format!("{}.{:x}", beginning(name), Timestamp::now().as_nanosecond())
}

async fn publish(client: &Client, regarding: ObjectReference, outcome: &Outcome, name: String) {
    // The API server takes Events about cluster-scoped objects in this namespace only.
    let namespace = regarding.namespace.clone().unwrap_or_else(|| "default".to_owned());
    let component =
        if regarding.kind.as_deref() == Some("GitSource") { GIT_FIELD_MANAGER } else { CONTROLLER };
    let is_normal = matches!(
        outcome.reason,
        Reason::Applied | Reason::Repaired | Reason::Replaced | Reason::Adopted | Reason::Released
    );
    let now = Timestamp::now();
    let event = Event {
        metadata: ObjectMeta {
            namespace: Some(namespace.clone()),
            name: Some(name.clone()),
            ..ObjectMeta::default()
        },
        type_: Some(if is_normal { "Normal" } else { "Warning" }.to_owned()),
        reason: Some(outcome.reason.to_string()),
        message: Some(note(&outcome.message).to_owned()),
        involved_object: regarding,
        source: Some(EventSource { component: Some(component.to_owned()), host: None }),
        count: Some(1),
        first_timestamp: Some(Time(now)),
        last_timestamp: Some(Time(now)),
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
