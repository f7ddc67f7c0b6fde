//! The least that anybody could do: the same two writes for each object, by the same client, and nothing else.
//!
//! No watch, no queue, no keys. The bodies are those of the controller, a Secret with owner and annotation, and
//! the whole status by server-side apply; and so is who asks: the API server does more for a ServiceAccount, whose
//! requests are in its audit log here, than for an administrator.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, ObjectMeta, OwnerReference, Time};
use k8s_openapi::jiff::Timestamp;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client, ResourceExt as _};
use seal_core::kind::sealed::{SealedSecret, SealedSecretStatus, WrittenSecret};
use seal_core::names::{API_VERSION, SEALED_SECRET};
use serde_json::json;
use tokio::task::JoinSet;

use crate::Result;
use crate::rounds::{VALUES, WORKERS};

type Error = kube::Error;

/// Does both writes for each of `objects`, by as many workers as the controller has.
pub(crate) async fn write_all(client: Client, objects: Arc<Vec<SealedSecret>>) -> Result<()> {
    let next = Arc::new(AtomicUsize::new(0));
    let mut workers = JoinSet::new();
    for _ in 0..WORKERS {
        let (client, objects, next) = (client.clone(), objects.clone(), next.clone());
        workers.spawn(async move {
            while let Some(object) = objects.get(next.fetch_add(1, Ordering::Relaxed)) {
                write(&client, object).await?;
            }
            Ok::<_, Error>(())
        });
    }
    while let Some(worker) = workers.join_next().await {
        worker??;
    }
    Ok(())
}

async fn write(client: &Client, object: &SealedSecret) -> std::result::Result<(), Error> {
    let namespace = object.namespace().unwrap_or_default();
    let secrets: Api<Secret> = Api::namespaced(client.clone(), &namespace);
    let written = secrets
        .create(&PostParams::default(), &secret(SEALED_SECRET, &object.metadata))
        .await?
        .metadata;
    let sealed: Api<SealedSecret> = Api::namespaced(client.clone(), &namespace);
    let patch = json!({
        "apiVersion": API_VERSION,
        "kind": SEALED_SECRET,
        "metadata": {"name": object.name_any(), "uid": object.uid()},
        "status": status(object, written),
    });
    let params = PatchParams::apply("seal-controller").force();
    sealed.patch_status(&object.name_any(), &params, &Patch::Apply(patch)).await.map(drop)
}

/// The live Secret of a sealed object.
pub(crate) fn secret(kind: &str, object: &ObjectMeta) -> Secret {
    let name = object.name.clone().unwrap_or_default();
    let by = match &object.namespace {
        Some(namespace) => format!("{kind}/{namespace}/{name}"),
        None => format!("{kind}/{name}"),
    };
    let applied = json!({ "by": by }).to_string();
    let owner = OwnerReference {
        api_version: API_VERSION.to_owned(),
        kind: kind.to_owned(),
        name: name.clone(),
        uid: object.uid.clone().unwrap_or_default(),
        controller: Some(true),
        block_owner_deletion: None,
    };
    let value = |(key, value): (&str, &str)| (key.to_owned(), ByteString(value.into()));
    Secret {
        metadata: ObjectMeta {
            name: Some(name),
            annotations: Some(BTreeMap::from([("seal.dev/applied".to_owned(), applied)])),
            owner_references: Some(vec![owner]),
            ..ObjectMeta::default()
        },
        type_: Some("Opaque".to_owned()),
        data: Some(VALUES.map(value).into()),
        ..Secret::default()
    }
}

fn status(object: &SealedSecret, written: ObjectMeta) -> SealedSecretStatus {
    let generation = object.metadata.generation;
    let ready = Condition {
        type_: "Ready".to_owned(),
        status: "True".to_owned(),
        reason: "Applied".to_owned(),
        message: format!("the live Secret has the {} keys of this file", VALUES.len()),
        observed_generation: generation,
        last_transition_time: Time(Timestamp::now()),
    };
    let sealed_to: Vec<String> = object.sealed_to().into_iter().map(str::to_owned).collect();
    SealedSecretStatus {
        observed_generation: generation,
        conditions: vec![ready],
        keys: i64::try_from(VALUES.len()).ok(),
        opened_with: sealed_to.clone(),
        sealed_to,
        secret: Some(WrittenSecret {
            uid: written.uid.unwrap_or_default(),
            resource_version: written.resource_version.unwrap_or_default(),
        }),
        plan: Some(1),
        ..SealedSecretStatus::default()
    }
}
