//! Writes the status of sealed objects: the only file that does.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{Patch, PatchParams};
use kube::core::PartialObjectMeta;
use kube::{Api, Client};
use seal_core::kind::cluster_sealed::ClusterSealedSecret;
use seal_core::kind::sealed::{SealedSecret, SealedSecretStatus};
use seal_core::names::{API_VERSION, FIELD_MANAGER};
use serde_json::{Map, Value, json};

use crate::api_error::{self, ApiError};
use crate::object_id::{Kind, ObjectId};

/// Writes the status by server-side apply, on the object with this uid only. Returns the version of the object that
/// has it.
///
/// An object that its kind's schema no longer admits, as after a schema that was looser for a while, cannot be applied to:
/// the API server fails to read what it has (HTTP 500). A merge patch it takes, for what it does not touch stays as it is.
pub(crate) async fn write(
    client: &Client,
    id: &ObjectId,
    status: &SealedSecretStatus,
) -> Result<Option<String>, ApiError> {
    let applied = json!({
        "apiVersion": API_VERSION,
        "kind": id.at.kind.as_str(),
        "metadata": {"name": id.at.name, "uid": id.uid},
        "status": status,
    });
    let params = PatchParams::apply(FIELD_MANAGER).force();
    let mut written = patch(client, id, &params, &Patch::Apply(applied)).await;
    if written.as_ref().is_err_and(|error| api_error::code(error) == 500) {
        let merged = json!({"metadata": {"uid": id.uid}, "status": whole(status)});
        let params =
            PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..Default::default() };
        written = patch(client, id, &params, &Patch::Merge(merged)).await;
    }
    let written = written.map_err(|error| ApiError::new("write the status of", id, error))?;
    Ok(written.resource_version)
}

/// Of the answer, which has the whole object, the metadata alone.
async fn patch(
    client: &Client,
    id: &ObjectId,
    params: &PatchParams,
    patch: &Patch<Value>,
) -> Result<ObjectMeta, kube::Error> {
    let name = &id.at.name;
    match id.at.kind {
        Kind::SealedSecret => {
            let namespace = id.at.namespace.as_deref().unwrap_or_default();
            let api: Api<PartialObjectMeta<SealedSecret>> =
                Api::namespaced(client.clone(), namespace);
            api.patch_status(name, params, patch).await.map(|it| it.metadata)
        }
        Kind::ClusterSealedSecret => {
            let api: Api<PartialObjectMeta<ClusterSealedSecret>> = Api::all(client.clone());
            api.patch_status(name, params, patch).await.map(|it| it.metadata)
        }
    }
}

/// The status with a null for each field that it has not: a merge leaves what is not named.
fn whole(status: &SealedSecretStatus) -> Value {
    let mut whole: Map<String, Value> =
        FIELDS.iter().map(|field| ((*field).to_owned(), Value::Null)).collect();
    if let Ok(Value::Object(fields)) = serde_json::to_value(status) {
        whole.extend(fields);
    }
    whole.into()
}

/// The fields of a status, as JSON has them.
const FIELDS: [&str; 14] = [
    "observedGeneration",
    "conditions",
    "keys",
    "sealedTo",
    "openedWith",
    "secret",
    "served",
    "secrets",
    "failing",
    "kept",
    "attachedTo",
    "mergedKeys",
    "plan",
    "lastHandledReconcileAt",
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_field_of_a_status_is_named_where_it_is_absent() {
        use seal_core::kind::{Kind, crd::definition};
        let known: BTreeSet<String> = [Kind::SealedSecret, Kind::ClusterSealedSecret]
            .into_iter()
            .flat_map(|kind| {
                let schema = &definition(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
                let fields = schema["properties"]["status"]["properties"].as_object().unwrap();
                fields.keys().cloned().collect::<Vec<_>>()
            })
            .collect();
        let empty = whole(&SealedSecretStatus::default());
        assert!(known.iter().all(|field| empty.get(field.as_str()).is_some()), "{known:?}");
        assert_eq!(known.len(), FIELDS.len(), "{known:?}");
    }
}
