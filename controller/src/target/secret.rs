//! Reads and writes Secrets: the only file that does. What to write was decided by [`crate::plan`].
//!
//! Absent → `POST`; ours → `PUT` on the version that was read; frozen → a dry run, then delete with
//! preconditions and `POST`. Never server-side apply: it would merge into Secrets of others.

use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{DeleteParams, PostParams, Preconditions};
use kube::{Api, Client, ResourceExt};
use seal_core::place::Place;

use crate::plan::{Plan, Refusal, Version};

/// Why a plan was not carried out.
pub(crate) enum Undone {
    /// It was to leave the Secret alone.
    Refused(Refusal),
    /// The API server did not do it. A conflict or `AlreadyExists` is a race, to be planned again.
    Api(kube::Error),
}

impl From<kube::Error> for Undone {
    fn from(error: kube::Error) -> Self {
        Self::Api(error)
    }
}

/// The live Secret at `place`.
pub(crate) async fn read(client: &Client, place: &Place) -> Result<Option<Secret>, kube::Error> {
    api(client, &place.namespace).get_opt(&place.name).await
}

/// Does what was decided. Returns the metadata of the live Secret as it then is.
pub(crate) async fn carry_out(client: &Client, plan: Plan) -> Result<ObjectMeta, Undone> {
    match plan {
        Plan::Leave(metadata) => Ok(*metadata),
        Plan::Create { secret, .. } => Ok(create(client, &secret).await?),
        Plan::Update { secret, over, .. } => Ok(update(client, *secret, over).await?),
        Plan::Replace { secret, over, .. } => Ok(replace(client, &secret, over).await?),
        Plan::Refuse(refusal) => Err(Undone::Refused(refusal)),
    }
}

/// Makes the first key's Secret. Its name is always the same, so that of two processes that start together only
/// one makes a key: the other is answered with a conflict.
pub(crate) async fn create_key(
    client: &Client,
    namespace: &str,
    secret: &Secret,
) -> Result<(), kube::Error> {
    api(client, namespace).create(&PostParams::default(), secret).await.map(drop)
}

async fn create(client: &Client, secret: &Secret) -> Result<ObjectMeta, kube::Error> {
    Ok(api_of(client, secret).create(&PostParams::default(), secret).await?.metadata)
}

async fn update(
    client: &Client,
    mut secret: Secret,
    over: Version,
) -> Result<ObjectMeta, kube::Error> {
    secret.metadata.uid = over.uid;
    secret.metadata.resource_version = over.resource_version;
    let put = api_of(client, &secret)
        .replace(&secret.name_any(), &PostParams::default(), &secret)
        .await?;
    Ok(put.metadata)
}

/// The new one must pass the API server's checks first, under a name of its own and without being kept: were it
/// refused afterwards, the old one would be gone for nothing.
async fn replace(
    client: &Client,
    secret: &Secret,
    over: Version,
) -> Result<ObjectMeta, kube::Error> {
    let api = api_of(client, secret);
    let mut rehearsal = secret.clone();
    rehearsal.metadata.name = None;
    rehearsal.metadata.generate_name = Some("seal-dry-run-".to_owned());
    let dry_run = PostParams { dry_run: true, ..PostParams::default() };
    api.create(&dry_run, &rehearsal).await?;

    let preconditions = Preconditions { uid: over.uid, resource_version: over.resource_version };
    let exactly = DeleteParams::default().preconditions(preconditions);
    api.delete(&secret.name_any(), &exactly).await?;
    create(client, secret).await
}

fn api_of(client: &Client, secret: &Secret) -> Api<Secret> {
    api(client, secret.metadata.namespace.as_deref().unwrap_or_default())
}

fn api(client: &Client, namespace: &str) -> Api<Secret> {
    Api::namespaced(client.clone(), namespace)
}
