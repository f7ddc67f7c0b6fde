//! Writes the finalizer [`DETACH`] of sealed objects: the only file that does, and the only write to anything of a sealed
//! object but its status.
//!
//! The list belongs to everybody, so it is read and put back on the version that was read: no finalizer of others is lost.

use kube::api::{Patch, PatchParams};
use kube::core::{PartialObjectMeta, Request};
use kube::{Client, Resource};
use seal_core::kind::sealed::SealedSecret;
use seal_core::names::DETACH;
use serde_json::json;

use crate::api_error::{ApiError, code};
use crate::object_id::{Kind, ObjectId};
use crate::thin::ArrivedInCluster;

/// How often somebody else may be faster.
const RACES: usize = 4;

/// Sets it; says whether the object is there, not being deleted, and has it now.
pub(crate) async fn set(client: &Client, id: &ObjectId) -> Result<bool, ApiError> {
    write(client, id, true).await
}

/// Takes it away. An object that is gone has none.
pub(crate) async fn clear(client: &Client, id: &ObjectId) -> Result<(), ApiError> {
    write(client, id, false).await.map(drop)
}

async fn write(client: &Client, id: &ObjectId, wanted: bool) -> Result<bool, ApiError> {
    let mut races = 0;
    loop {
        match write_once(client, id, wanted).await {
            Err(error) if code(&error) == 404 => return Ok(false),
            Err(error) if code(&error) == 409 && races < RACES => races += 1,
            result => {
                return result.map_err(|error| ApiError::new("set the finalizer of", id, error));
            }
        }
    }
}

async fn write_once(client: &Client, id: &ObjectId, wanted: bool) -> Result<bool, kube::Error> {
    let path = url_path(id);
    let name = &id.at.name;
    let read = Request::new(path.clone()).get_metadata(name, &Default::default());
    let read = read.expect("a name that the API server gave makes a path");
    let metadata = client.request::<PartialObjectMeta<SealedSecret>>(read).await?.metadata;
    let is_deleted = metadata.deletion_timestamp.is_some();
    let mut finalizers = metadata.finalizers.unwrap_or_default();
    let is_set = finalizers.iter().any(|finalizer| finalizer == DETACH);
    if metadata.uid.as_ref() != Some(&id.uid) || (wanted && is_deleted && !is_set) {
        return Ok(false);
    }
    if is_set == wanted {
        return Ok(wanted);
    }
    if wanted {
        finalizers.push(DETACH.to_owned());
    } else {
        finalizers.retain(|finalizer| finalizer != DETACH);
    }
    let change = json!({"metadata": {
        "uid": id.uid, "resourceVersion": metadata.resource_version, "finalizers": finalizers,
    }});
    let patch = Request::new(path)
        .patch_metadata(name, &PatchParams::default(), &Patch::Merge(change))
        .expect("a name that the API server gave makes a path");
    client.request::<PartialObjectMeta<SealedSecret>>(patch).await?;
    Ok(wanted)
}

fn url_path(id: &ObjectId) -> String {
    match id.at.kind {
        Kind::SealedSecret => SealedSecret::url_path(&(), id.at.namespace.as_deref()),
        Kind::ClusterSealedSecret => ArrivedInCluster::url_path(&(), None),
    }
}
