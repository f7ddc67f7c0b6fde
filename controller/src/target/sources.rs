//! Writes what Git sources apply: sealed objects, and the status of a GitSource. The only file that does.
//!
//! As live Secrets are written: absent → `POST`, ours → `PUT` of what was just read. Server-side apply would merge into an
//! object that others have made in the meantime.

use std::collections::BTreeMap;
use std::fmt::Debug;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use kube::{Api, Client, Resource};
use seal_core::kind::Kind;
use seal_core::kind::cluster_sealed::ClusterSealedSecret;
use seal_core::kind::git_source::{GitSource, GitSourceStatus};
use seal_core::kind::sealed::SealedSecret;
use seal_core::names::{API_VERSION, GIT_FIELD_MANAGER, GIT_SOURCE};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::api_error::ApiError;
use crate::object_id::ObjectName;

/// What an object is to say, and the labels and annotations that it said before and does not any more.
#[derive(Clone, Debug)]
pub(crate) struct Wanted<'a> {
    pub(crate) sealed: &'a SealedSecret,
    /// The annotation `seal.dev/git-source`.
    pub(crate) mark: String,
}

fn params() -> PostParams {
    PostParams { field_manager: Some(GIT_FIELD_MANAGER.to_owned()), ..PostParams::default() }
}

/// What the API server answers to a write, of which the metadata alone is looked at.
#[derive(Deserialize)]
struct Written {
    metadata: ObjectMeta,
}

/// Makes the object, and gives its metadata; a race where it is there already.
pub(crate) async fn create(
    client: &Client,
    name: &ObjectName,
    wanted: &Wanted<'_>,
) -> Result<ObjectMeta, ApiError> {
    let manifest = manifest(name, wanted);
    let made = match name.kind {
        Kind::SealedSecret => post::<SealedSecret>(namespaced(client, name), &manifest).await,
        Kind::ClusterSealedSecret => {
            post::<ClusterSealedSecret>(Api::all(client.clone()), &manifest).await
        }
    };
    made.map_err(|error| ApiError::new(asked(name.kind, "create"), name, error))
}

/// Writes the object over the one with this uid, whose labels and annotations of others stay.
pub(crate) async fn replace(
    client: &Client,
    name: &ObjectName,
    uid: &str,
    wanted: &Wanted<'_>,
    dropped: &[String],
) -> Result<ObjectMeta, ApiError> {
    let manifest = manifest(name, wanted);
    let put = match name.kind {
        Kind::SealedSecret => {
            put::<SealedSecret>(namespaced(client, name), name, uid, &manifest, dropped).await
        }
        Kind::ClusterSealedSecret => {
            let api: Api<ClusterSealedSecret> = Api::all(client.clone());
            put(api, name, uid, &manifest, dropped).await
        }
    };
    put.map_err(|error| ApiError::new(asked(name.kind, "update"), name, error))
}

/// Where a ClusterSealedSecret has live Secrets; nowhere, if it is gone.
pub(crate) async fn namespaces_of(
    client: &Client,
    name: &ObjectName,
) -> Result<Vec<String>, ApiError> {
    let api: Api<ClusterSealedSecret> = Api::all(client.clone());
    let live = api.get_opt(&name.name).await;
    let live = live.map_err(|error| ApiError::new(asked(name.kind, "get"), name, error))?;
    Ok(live.map(|live| live.0.spec.scope.namespaces).unwrap_or_default())
}

/// Deletes the object with this uid at this version.
pub(crate) async fn delete(
    client: &Client,
    name: &ObjectName,
    uid: &str,
    resource_version: &str,
) -> Result<(), ApiError> {
    let exactly = DeleteParams {
        preconditions: Some(Preconditions {
            uid: Some(uid.to_owned()),
            resource_version: Some(resource_version.to_owned()),
        }),
        ..DeleteParams::default()
    };
    let deleted = match name.kind {
        Kind::SealedSecret => {
            namespaced::<SealedSecret>(client, name).delete(&name.name, &exactly).await.map(drop)
        }
        Kind::ClusterSealedSecret => {
            let api: Api<ClusterSealedSecret> = Api::all(client.clone());
            api.delete(&name.name, &exactly).await.map(drop)
        }
    };
    match deleted {
        Err(error) if crate::api_error::code(&error) == 404 => Ok(()),
        deleted => deleted.map_err(|error| ApiError::new(asked(name.kind, "delete"), name, error)),
    }
}

/// Writes the status of the source with this uid.
pub(crate) async fn status(
    client: &Client,
    source: &GitSource,
    status: &GitSourceStatus,
) -> Result<(), ApiError> {
    let namespace = source.metadata.namespace.as_deref().unwrap_or_default();
    let name = source.metadata.name.as_deref().unwrap_or_default();
    let patch = json!({
        "apiVersion": API_VERSION,
        "kind": "GitSource",
        "metadata": {"name": name, "uid": source.metadata.uid},
        "status": status,
    });
    let api: Api<GitSource> = Api::namespaced(client.clone(), namespace);
    let params = PatchParams::apply(GIT_FIELD_MANAGER).force();
    let written = api.patch_status(name, &params, &Patch::Apply(patch)).await;
    written.map(drop).map_err(|error| ApiError::new("write the status of", name, error))
}

fn namespaced<K>(client: &Client, name: &ObjectName) -> Api<K>
where
    K: Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>,
{
    Api::namespaced(client.clone(), name.namespace.as_deref().unwrap_or_default())
}

/// The object as it is to be: names, spec, and the labels and annotations of its file.
fn manifest(name: &ObjectName, wanted: &Wanted<'_>) -> Value {
    let metadata = &wanted.sealed.metadata;
    let mut annotations: BTreeMap<String, String> =
        metadata.annotations.clone().unwrap_or_default();
    annotations.insert(GIT_SOURCE.to_owned(), wanted.mark.clone());
    let mut manifest = json!({
        "apiVersion": API_VERSION,
        "kind": name.kind.as_str(),
        "metadata": {
            "name": name.name,
            "labels": metadata.labels.clone().unwrap_or_default(),
            "annotations": annotations,
        },
        "spec": wanted.sealed.spec,
    });
    if let Some(namespace) = &name.namespace {
        manifest["metadata"]["namespace"] = json!(namespace);
    }
    manifest
}

async fn post<K>(api: Api<K>, manifest: &Value) -> Result<ObjectMeta, kube::Error>
where
    K: Resource + Clone + Debug + DeserializeOwned,
{
    let body = serde_json::to_vec(manifest).map_err(kube::Error::SerdeError)?;
    let request = kube::core::Request::new(api.resource_url()).create(&params(), body);
    let request = request.map_err(kube::Error::BuildRequest)?;
    let written: Written = api.into_client().request(request).await?;
    Ok(written.metadata)
}

async fn put<K>(
    api: Api<K>,
    name: &ObjectName,
    uid: &str,
    manifest: &Value,
    dropped: &[String],
) -> Result<ObjectMeta, kube::Error>
where
    K: Resource + Clone + Debug + DeserializeOwned,
{
    let url = api.resource_url().to_owned();
    let client = api.into_client();
    let get = kube::core::Request::new(url.as_str()).get(&name.name, &Default::default());
    let mut live: Value = client.request(get.map_err(kube::Error::BuildRequest)?).await?;
    if live["metadata"]["uid"] != *uid {
        return Err(kube::Error::Api(Box::new(
            kube::core::Status::failure("another object", "Conflict").with_code(409),
        )));
    }
    for part in ["labels", "annotations"] {
        let of_live = live["metadata"][part].as_object().cloned().unwrap_or_default();
        let mut all: serde_json::Map<String, Value> = of_live
            .into_iter()
            .filter(|(key, _)| !dropped.contains(&format!("{part}/{key}")))
            .collect();
        let ours = manifest["metadata"][part].as_object().cloned().unwrap_or_default();
        all.extend(ours);
        live["metadata"][part] = Value::Object(all);
    }
    live["spec"] = manifest["spec"].clone();
    let body = serde_json::to_vec(&live).map_err(kube::Error::SerdeError)?;
    let put = kube::core::Request::new(url).replace(&name.name, &params(), body);
    let written: Written = client.request(put.map_err(kube::Error::BuildRequest)?).await?;
    Ok(written.metadata)
}

fn asked(kind: Kind, verb: &'static str) -> &'static str {
    match (kind, verb) {
        (Kind::SealedSecret, "create") => "create the SealedSecret",
        (Kind::SealedSecret, "update") => "update the SealedSecret",
        (Kind::SealedSecret, _) => "delete the SealedSecret",
        (Kind::ClusterSealedSecret, "create") => "create the ClusterSealedSecret",
        (Kind::ClusterSealedSecret, "update") => "update the ClusterSealedSecret",
        (Kind::ClusterSealedSecret, _) => "delete the ClusterSealedSecret",
    }
}
