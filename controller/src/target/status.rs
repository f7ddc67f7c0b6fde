//! What people see of an outcome: conditions on the sealed object, and Events when it changed.
//!
//! The same reason word everywhere. No message carries a value, its length, or an API server's own text.

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, MicroTime, ObjectMeta, Time};
use k8s_openapi::jiff::Timestamp;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client};
use seal_core::kind::sealed::{API_VERSION, KIND, SealedSecret, SealedSecretStatus};
use seal_core::place::Place;
use seal_core::reason::Reason;
use serde_json::json;

use crate::outcome::Outcome;

/// Field manager of everything that is written by server-side apply.
pub(crate) const MANAGER: &str = "seal-controller";
/// An Event's note may have 1 kB.
const MAX_NOTE: usize = 1000;

/// The status that `outcome` makes of `before`. Times change only where a condition's status does.
pub(crate) fn next(
    before: &SealedSecretStatus,
    generation: i64,
    outcome: &Outcome,
) -> SealedSecretStatus {
    let mut conditions = vec![condition(
        before,
        "Ready",
        if outcome.reason == Reason::Applied { "True" } else { "False" },
        generation,
        outcome,
    )];
    match outcome.reason {
        Reason::Applied => {}
        Reason::Retrying => {
            conditions.push(condition(before, "Reconciling", "True", generation, outcome));
        }
        _ => conditions.push(condition(before, "Stalled", "True", generation, outcome)),
    }
    SealedSecretStatus { observed_generation: Some(generation), conditions, ..before.clone() }
}

fn condition(
    before: &SealedSecretStatus,
    type_: &str,
    status: &str,
    generation: i64,
    outcome: &Outcome,
) -> Condition {
    let same = before.conditions.iter().find(|it| it.type_ == type_ && it.status == status);
    let since = same.map_or_else(|| Time(Timestamp::now()), |it| it.last_transition_time.clone());
    Condition {
        type_: type_.to_owned(),
        status: status.to_owned(),
        reason: outcome.reason.to_string(),
        message: outcome.message.clone(),
        observed_generation: Some(generation),
        last_transition_time: since,
    }
}

/// The reason of the Ready condition, when there is one.
pub(crate) fn reason(status: &SealedSecretStatus) -> Option<&str> {
    let ready = status.conditions.iter().find(|it| it.type_ == "Ready");
    ready.map(|it| it.reason.as_str())
}

/// Writes the status by server-side apply, on the object with this uid only.
pub(crate) async fn write(
    client: &Client,
    place: &Place,
    uid: &str,
    status: &SealedSecretStatus,
) -> Result<(), kube::Error> {
    let api: Api<SealedSecret> = Api::namespaced(client.clone(), &place.namespace);
    let patch = json!({
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": place.name, "uid": uid},
        "status": status,
    });
    let params = PatchParams::apply(MANAGER).force();
    api.patch_status(&place.name, &params, &Patch::Apply(patch)).await.map(drop)
}

/// Tells people that something happened to the sealed object. Failing to tell never fails the work.
pub(crate) async fn tell(client: &Client, place: &Place, uid: &str, outcome: &Outcome) {
    let regarding = ObjectReference {
        api_version: Some(API_VERSION.to_owned()),
        kind: Some(KIND.to_owned()),
        namespace: Some(place.namespace.clone()),
        name: Some(place.name.clone()),
        uid: Some(uid.to_owned()),
        ..ObjectReference::default()
    };
    let warning = !matches!(outcome.reason, Reason::Applied | Reason::Repaired | Reason::Replaced);
    publish(client, &place.namespace, &place.name, regarding, warning, outcome).await;
}

/// Publishes one Event about any object.
pub(crate) async fn publish(
    client: &Client,
    namespace: &str,
    name: &str,
    regarding: ObjectReference,
    warning: bool,
    outcome: &Outcome,
) {
    // An Event of its own each time: aggregation keeps the first text, and ours name what changed.
    let cut_name: String = name.chars().take(200).collect();
    let cut_name = cut_name.trim_end_matches(['.', '-']);
    let event = Event {
        metadata: ObjectMeta {
            namespace: Some(namespace.to_owned()),
            generate_name: Some(format!("{cut_name}-")),
            ..ObjectMeta::default()
        },
        type_: Some(if warning { "Warning" } else { "Normal" }.to_owned()),
        reason: Some(outcome.reason.to_string()),
        note: Some(cut(&outcome.message)),
        action: Some("Reconcile".to_owned()),
        regarding: Some(regarding),
        reporting_controller: Some("seal.dev/controller".to_owned()),
        reporting_instance: Some(MANAGER.to_owned()),
        event_time: Some(MicroTime(Timestamp::now())),
        ..Event::default()
    };
    let api: Api<Event> = Api::namespaced(client.clone(), namespace);
    if let Err(error) = api.create(&PostParams::default(), &event).await {
        let code = crate::api_error::code(&error);
        tracing::debug!(namespace, name, code, "an Event was not taken");
    }
}

fn cut(message: &str) -> String {
    let end = (0..=MAX_NOTE.min(message.len())).rev().find(|at| message.is_char_boundary(*at));
    message[..end.unwrap_or(0)].to_owned()
}
