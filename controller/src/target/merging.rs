//! Writes keys into Secrets of others, and takes them out again: server-side apply under the field manager of one sealed object.
//! What to write was decided by [`crate::plan`].
//!
//! On the uid and version that were planned over, so that it makes no Secret and a race is a conflict.

use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{ListParams, Patch, PatchParams};
use kube::core::Request;
use kube::{Api, Client, Resource, ResourceExt};
use seal_core::names::MERGED;
use seal_core::place::Place;

use super::secret::read_meta;
use crate::api_error::ApiError;
use crate::object_id::ObjectId;
use crate::plan::Version;
use crate::thin::SecretMeta;

/// Secrets of a page.
const PAGE: u32 = 500;

/// Everything that `manager` applied before and that is not in `secret` goes.
pub(super) async fn merge(
    client: &Client,
    mut secret: Secret,
    over: Version,
    manager: &str,
) -> Result<ObjectMeta, ApiError> {
    secret.metadata.uid = over.uid;
    secret.metadata.resource_version = over.resource_version;
    let namespace = secret.metadata.namespace.clone().unwrap_or_default();
    let name = secret.name_any();
    // By force: a key of ours that somebody else has written over is drift, and was planned as such.
    let params = PatchParams::apply(manager).force();
    let request = Request::new(Secret::url_path(&(), Some(&namespace)))
        .patch(&name, &params, &Patch::Apply(secret))
        .expect("a name that the API server gave makes a path");
    let applied = client.request::<SecretMeta>(request).await;
    applied.map(|applied| applied.0).map_err(|error| {
        ApiError::new("write into the Secret", format!("{namespace}/{name}"), error)
    })
}

/// Takes out of the Secret at `place` whatever `manager` has merged into it.
pub(crate) async fn unmerge(client: &Client, place: &Place, manager: &str) -> Result<(), ApiError> {
    let Some(live) = read_meta(client, place).await? else { return Ok(()) };
    let metadata = ObjectMeta {
        namespace: Some(place.namespace.clone()),
        name: Some(place.name.clone()),
        ..ObjectMeta::default()
    };
    let none = Secret { metadata, ..Secret::default() };
    let over = Version { uid: live.uid, resource_version: live.resource_version };
    match merge(client, none, over, manager).await {
        Err(error) if error.code() == 404 => Ok(()),
        result => result.map(drop),
    }
}

/// Where, in every namespace, a Secret of the object's name has its mark.
pub(crate) async fn marked(client: &Client, owner: &ObjectId) -> Result<Vec<Place>, ApiError> {
    let api: Api<SecretMeta> = Api::all(client.clone());
    let mark = format!("{MERGED}{}", owner.uid);
    let of_name = format!("metadata.name={}", owner.at.name);
    let mut params = ListParams::default().fields(&of_name).limit(PAGE);
    let mut places = Vec::new();
    loop {
        let page = api.list(&params).await;
        let page = page.map_err(|error| ApiError::new("list the Secrets of", owner, error))?;
        let of_ours = page.items.into_iter().map(|secret| secret.0).filter(|metadata| {
            metadata.annotations.iter().flatten().any(|(name, _)| *name == mark)
        });
        let names = of_ours.filter_map(|metadata| metadata.namespace.zip(metadata.name));
        places.extend(names.map(|(namespace, name)| Place { namespace, name }));
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params = params.continue_token(&token),
            None => return Ok(places),
        }
    }
}
