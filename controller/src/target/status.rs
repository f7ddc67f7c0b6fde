//! Writes the status of sealed objects: the only file that does.

use kube::api::{Patch, PatchParams};
use kube::core::PartialObjectMeta;
use kube::{Api, Client};
use seal_core::kind::cluster_sealed::ClusterSealedSecret;
use seal_core::kind::sealed::{SealedSecret, SealedSecretStatus};
use seal_core::names::{API_VERSION, FIELD_MANAGER};
use serde_json::json;

use crate::api_error::ApiError;
use crate::object_id::{Kind, ObjectId};

/// Writes the status by server-side apply, on the object with this uid only. Returns the version of the object that
/// has it.
pub(crate) async fn write(
    client: &Client,
    id: &ObjectId,
    status: &SealedSecretStatus,
) -> Result<Option<String>, ApiError> {
    let patch = json!({
        "apiVersion": API_VERSION,
        "kind": id.at.kind.as_str(),
        "metadata": {"name": id.at.name, "uid": id.uid},
        "status": status,
    });
    let params = PatchParams::apply(FIELD_MANAGER).force();
    let name = &id.at.name;
    // Of the answer, which has the whole object, the metadata alone.
    let written = match id.at.kind {
        Kind::SealedSecret => {
            let namespace = id.at.namespace.as_deref().unwrap_or_default();
            let api: Api<PartialObjectMeta<SealedSecret>> =
                Api::namespaced(client.clone(), namespace);
            api.patch_status(name, &params, &Patch::Apply(patch)).await.map(|it| it.metadata)
        }
        Kind::ClusterSealedSecret => {
            let api: Api<PartialObjectMeta<ClusterSealedSecret>> = Api::all(client.clone());
            api.patch_status(name, &params, &Patch::Apply(patch)).await.map(|it| it.metadata)
        }
    };
    let written = written.map_err(|error| ApiError::new("write the status of", id, error))?;
    Ok(written.resource_version)
}
