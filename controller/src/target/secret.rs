//! Reads and writes Secrets: the only file that does. What to write was decided by [`crate::plan`].
//!
//! Absent → `POST`; ours → `PUT` on the version that was read; frozen → a dry run, then delete with
//! preconditions and `POST`. Into Secrets of others writes [`merging`] alone.

use std::pin::pin;

use futures::AsyncReadExt;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{DeleteParams, PostParams, Preconditions};
use kube::core::Request;
use kube::{Api, Client, Resource, ResourceExt};
use seal_core::names::FIELD_MANAGER;
use seal_core::place::Place;
use zeroize::Zeroizing;

use super::merging;
use crate::api_error::{self, ApiError};
use crate::object_id::ObjectId;
use crate::plan::{Plan, Refusal, Stray, Version, Waiting};
use crate::thin::SecretMeta;
use crate::work::bytes::{Bytes, Taken};

/// Bytes of JSON that are read before there is room for them, by each worker. What has more waits until nobody else has any.
const READ_AT_ONCE: usize = 256 << 10;

/// Why a plan was not carried out.
pub(crate) enum Undone {
    /// It was to leave the Secret alone.
    Refused(Refusal),
    /// It was to wait until something is gone.
    Waiting(Waiting),
    /// The API server did not do it. A conflict or `AlreadyExists` is a race, to be planned again.
    Api(ApiError),
}

impl From<ApiError> for Undone {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

/// The live Secret at `place`, whole, and the room that it takes.
pub(crate) async fn read(
    client: &Client,
    bytes: &Bytes,
    place: &Place,
) -> Result<(Option<Secret>, Taken), ApiError> {
    let failed = |error| ApiError::new("get the Secret", place, error);
    let begun = match text(client, place, READ_AT_ONCE).await {
        Ok(begun) => begun,
        Err(error) if api_error::code(&error) == 404 => return Ok((None, None)),
        Err(error) => return Err(failed(error)),
    };
    let (text, room) = if begun.len() <= READ_AT_ONCE {
        let room = bytes.of_live(begun.len()).await;
        (begun, room)
    } else {
        drop(begun);
        let room = bytes.of_live(usize::MAX).await;
        (text(client, place, usize::MAX).await.map_err(failed)?, room)
    };
    let live = serde_json::from_slice(&text);
    Ok((Some(live.map_err(|error| failed(kube::Error::SerdeError(error)))?), room))
}

/// The JSON of the live Secret; of a longer one than `most` bytes its beginning, which is longer than that too.
async fn text(
    client: &Client,
    place: &Place,
    most: usize,
) -> Result<Zeroizing<Vec<u8>>, kube::Error> {
    let request = Request::new(Secret::url_path(&(), Some(&place.namespace)))
        .get(&place.name, &Default::default())
        .expect("the names of a place make a path");
    let stream = client.request_stream(request).await?;
    let mut text = Zeroizing::new(Vec::new());
    let most = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    pin!(stream.take(most))
        .read_to_end(&mut text)
        .await
        .map_err(|error| kube::Error::Service(Box::new(error)))?;
    Ok(text)
}

/// The same without anything but what tells its version and whose it is.
pub(crate) async fn read_meta(
    client: &Client,
    place: &Place,
) -> Result<Option<ObjectMeta>, ApiError> {
    let api: Api<SecretMeta> = Api::namespaced(client.clone(), &place.namespace);
    let read = api.get_opt(&place.name).await;
    let read = read.map_err(|error| ApiError::new("get the Secret", place, error))?;
    Ok(read.map(|secret| secret.0))
}

/// Does what was decided. Returns the metadata of the live Secret as it then is.
pub(crate) async fn carry_out(client: &Client, plan: Plan) -> Result<ObjectMeta, Undone> {
    match plan {
        Plan::Leave(metadata) => Ok(*metadata),
        Plan::Create { secret, .. } => Ok(create(client, &secret).await?),
        Plan::Update { secret, over, .. } => Ok(update(client, *secret, over).await?),
        Plan::Replace { secret, over, .. } => Ok(replace(client, &secret, over).await?),
        Plan::Merge { secret, over, manager, .. } | Plan::Unmerge { secret, over, manager } => {
            Ok(merging::merge(client, *secret, over, &manager).await?)
        }
        Plan::Wait(waiting) => Err(Undone::Waiting(waiting)),
        Plan::Refuse(refusal) => Err(Undone::Refused(refusal)),
    }
}

/// Makes the first key's Secret. Its name is always the same, so that of two processes that start together only
/// one makes a key: the other is answered with a conflict.
pub(crate) async fn create_key(
    client: &Client,
    namespace: &str,
    secret: &Secret,
) -> Result<(), ApiError> {
    let created = post(client, namespace, secret, &by_us()).await;
    created.map(drop).map_err(|error| failed("create the Secret", namespace, secret, error))
}

async fn create(client: &Client, secret: &Secret) -> Result<ObjectMeta, ApiError> {
    let created = post(client, namespace_of(secret), secret, &by_us()).await;
    created.map_err(|error| failed("create the Secret", namespace_of(secret), secret, error))
}

async fn update(
    client: &Client,
    mut secret: Secret,
    over: Version,
) -> Result<ObjectMeta, ApiError> {
    secret.metadata.uid = over.uid;
    secret.metadata.resource_version = over.resource_version;
    let namespace = namespace_of(&secret);
    let request = Request::new(Secret::url_path(&(), Some(namespace)))
        .replace(&secret.name_any(), &by_us(), body(&secret))
        .expect("a name that the API server gave makes a path");
    let put = client.request::<SecretMeta>(request).await;
    put.map(|put| put.0).map_err(|error| failed("update the Secret", namespace, &secret, error))
}

/// The new one must pass the API server's checks first, under a name of its own and without being kept: were it
/// refused afterwards, the old one would be gone for nothing.
async fn replace(client: &Client, secret: &Secret, over: Version) -> Result<ObjectMeta, ApiError> {
    let namespace = namespace_of(secret);
    let mut rehearsal = secret.clone();
    rehearsal.metadata.name = None;
    rehearsal.metadata.generate_name = Some("seal-dry-run-".to_owned());
    let dry_run = PostParams { dry_run: true, ..by_us() };
    let rehearsed = post(client, namespace, &rehearsal, &dry_run).await;
    rehearsed
        .map_err(|error| failed("create a Secret in the place of", namespace, secret, error))?;

    let preconditions = Preconditions { uid: over.uid, resource_version: over.resource_version };
    let exactly = DeleteParams::default().preconditions(preconditions);
    let api: Api<Secret> = Api::namespaced(client.clone(), namespace);
    let deleted = api.delete(&secret.name_any(), &exactly).await;
    deleted.map_err(|error| failed("delete the Secret", namespace, secret, error))?;
    create(client, secret).await
}

/// What was done with a Secret that is no longer wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Removed {
    Deleted,
    /// Somebody else has made or written it.
    Left,
    /// There was none of ours.
    Nothing,
}

/// Deletes the live Secret at `place`, in the version that was looked at, if it was made for `owner`; else leaves it.
pub(crate) async fn remove(
    client: &Client,
    owner: &ObjectId,
    place: &Place,
) -> Result<Removed, ApiError> {
    let api: Api<Secret> = Api::namespaced(client.clone(), &place.namespace);
    let read = api.get_metadata_opt(&place.name).await;
    let read = read.map_err(|error| ApiError::new("get the Secret", place, error))?;
    let stray = read.map_or(Stray::Foreign, |secret| Stray::of(&secret.metadata, owner));
    let over = match stray {
        Stray::Ours(over) => over,
        Stray::Mixed => return Ok(Removed::Left),
        Stray::Foreign => return Ok(Removed::Nothing),
    };
    let preconditions = Preconditions { uid: over.uid, resource_version: over.resource_version };
    let exactly = DeleteParams::default().preconditions(preconditions);
    let api: Api<SecretMeta> = Api::namespaced(client.clone(), &place.namespace);
    match api.delete(&place.name, &exactly).await {
        Ok(_) => Ok(Removed::Deleted),
        Err(error) if api_error::code(&error) == 404 => Ok(Removed::Nothing),
        Err(error) => Err(ApiError::new("delete the Secret", place, error)),
    }
}

/// Whether the API server takes no new object in this namespace because it is being deleted.
pub(crate) async fn is_terminating(client: &Client, namespace: &str) -> bool {
    let metadata =
        ObjectMeta { generate_name: Some("seal-dry-run-".to_owned()), ..ObjectMeta::default() };
    let rehearsal = Secret { metadata, ..Secret::default() };
    let dry_run = PostParams { dry_run: true, ..by_us() };
    match post(client, namespace, &rehearsal, &dry_run).await {
        Ok(_) => false,
        Err(error) => ApiError::new("create a Secret in", namespace, error).is_terminating(),
    }
}

/// The answer has the whole Secret again: its metadata alone is taken.
async fn post(
    client: &Client,
    namespace: &str,
    secret: &Secret,
    params: &PostParams,
) -> Result<ObjectMeta, kube::Error> {
    let request = Request::new(Secret::url_path(&(), Some(namespace)))
        .create(params, body(secret))
        .expect("a namespace makes a path");
    Ok(client.request::<SecretMeta>(request).await?.0)
}

fn body(secret: &Secret) -> Vec<u8> {
    serde_json::to_vec(secret).expect("a Secret is a map with text for keys")
}

/// Under our name in `managedFields`, by which a later look tells whether anybody else has written.
fn by_us() -> PostParams {
    PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() }
}

fn failed(asked: &'static str, namespace: &str, secret: &Secret, error: kube::Error) -> ApiError {
    ApiError::new(asked, format!("{namespace}/{}", secret.name_any()), error)
}

fn namespace_of(secret: &Secret) -> &str {
    secret.metadata.namespace.as_deref().unwrap_or_default()
}
