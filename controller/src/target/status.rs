//! Writes the status of sealed objects: the only file that does.

use kube::api::{Patch, PatchParams};
use kube::{Api, Client};
use seal_core::kind::sealed::{SealedSecret, SealedSecretStatus};
use serde_json::json;

use crate::object_id::{Kind, ObjectId};

/// Field manager of everything that is written by server-side apply.
const MANAGER: &str = "seal-controller";

/// Writes the status by server-side apply, on the object with this uid only.
pub(crate) async fn write(
    client: &Client,
    id: &ObjectId,
    status: &SealedSecretStatus,
) -> Result<(), kube::Error> {
    let patch = json!({
        "apiVersion": id.at.kind.api_version(),
        "kind": id.at.kind.as_str(),
        "metadata": {"name": id.at.name, "uid": id.uid},
        "status": status,
    });
    let params = PatchParams::apply(MANAGER).force();
    match id.at.kind {
        Kind::SealedSecret => {
            let namespace = id.at.namespace.as_deref().unwrap_or_default();
            let api: Api<SealedSecret> = Api::namespaced(client.clone(), namespace);
            api.patch_status(&id.at.name, &params, &Patch::Apply(patch)).await.map(drop)
        }
    }
}
