//! Reads and writes live Secrets: the only file that does. What to write was decided by [`crate::plan`].
//!
//! Absent → `POST`; ours → `PUT` on the version that was read; frozen → a dry run, then delete with
//! preconditions and `POST`. Never server-side apply: it would merge into Secrets of others.

use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{DeleteParams, PostParams, Preconditions};
use kube::{Api, Client};
use seal_core::place::Place;

/// The live Secret at `place`.
pub(crate) async fn read(client: &Client, place: &Place) -> Result<Option<Secret>, kube::Error> {
    api(client, place).get_opt(&place.name).await
}

/// Makes a Secret that is not there. `AlreadyExists` is a race, to be planned again.
pub(crate) async fn create(
    client: &Client,
    place: &Place,
    secret: &Secret,
) -> Result<ObjectMeta, kube::Error> {
    Ok(api(client, place).create(&PostParams::default(), secret).await?.metadata)
}

/// Puts `secret` in the place of the version it carries.
pub(crate) async fn update(
    client: &Client,
    place: &Place,
    secret: &Secret,
) -> Result<ObjectMeta, kube::Error> {
    Ok(api(client, place).replace(&place.name, &PostParams::default(), secret).await?.metadata)
}

/// Deletes exactly the version that was read and makes `secret` in its place.
///
/// The new one must pass the API server's checks first, under a name of its own and without being kept: were
/// it refused afterwards, the old one would be gone for nothing.
pub(crate) async fn replace(
    client: &Client,
    place: &Place,
    read: &ObjectMeta,
    secret: &Secret,
) -> Result<ObjectMeta, kube::Error> {
    let api = api(client, place);
    let mut rehearsal = secret.clone();
    rehearsal.metadata.name = None;
    rehearsal.metadata.generate_name = Some("seal-dry-run-".to_owned());
    let dry_run = PostParams { dry_run: true, ..PostParams::default() };
    api.create(&dry_run, &rehearsal).await?;

    let preconditions =
        Preconditions { uid: read.uid.clone(), resource_version: read.resource_version.clone() };
    let exactly = DeleteParams::default().preconditions(preconditions);
    api.delete(&place.name, &exactly).await?;
    Ok(api.create(&PostParams::default(), secret).await?.metadata)
}

fn api(client: &Client, place: &Place) -> Api<Secret> {
    Api::namespaced(client.clone(), &place.namespace)
}
