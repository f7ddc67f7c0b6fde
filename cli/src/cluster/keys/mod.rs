//! The cluster's key Secrets as who runs the controller sees them: their metadata, and their contents only for a backup.
//!
//! Each function needs no right that it does not use, and says which one is missing.

mod list;
mod making;
mod retire;
mod rotate;

use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Api;
use kube::api::{ListParams, Patch, PatchParams};
use kube::core::{ListMeta, PartialObjectMeta};
use seal_core::backup;
use seal_core::exit_code::ExitCode;
use seal_core::key::fingerprints_of;
use seal_core::names::{
    CREATED, KEY, KEY_FINGERPRINT, KEY_FOLLOWS, KEY_NAME, KEY_NAMESPACES, KEY_ROTATE,
};
use serde_json::Value;

use super::ClusterArgs;
use super::connect::{Cluster, connect};
use super::key_secrets::KeySecret;
use crate::error::Failure;

pub(crate) use list::list;
pub(crate) use making::{create, read_all};
pub(crate) use retire::retire;
pub(crate) use rotate::rotate;

/// Most key Secrets of a cluster.
const MOST: u32 = 5000;

/// The key Secrets of one controller.
struct Keys {
    cluster: Cluster,
    api: Api<Secret>,
    namespace: String,
}

impl Keys {
    async fn connect(args: &ClusterArgs) -> Result<Self, Failure> {
        let cluster = connect(&args.context, true).await?;
        let namespace = args.controller_namespace.clone();
        let api = Api::namespaced(cluster.client.clone(), &namespace);
        Ok(Self { cluster, api, namespace })
    }

    /// All of them, by name; no content is asked for.
    async fn all(&self) -> Result<Vec<KeySecret>, Failure> {
        let params = ListParams::default().fields(&format!("type={KEY}")).limit(MOST);
        let listed = self.api.list_metadata(&params).await;
        let listed = listed.map_err(|error| self.refused(&error, "list"))?;
        not_cut(&listed.metadata)?;
        let mut all: Vec<KeySecret> = listed.items.into_iter().map(key_secret).collect();
        for key in all.iter_mut().filter(|key| key.fingerprint.is_none()) {
            key.fingerprint = self.read_fingerprint(&key.name).await?;
        }
        Ok(all)
    }

    /// The fingerprints of a key whose Secret does not say them, as one made by hand does not: of these the content is read.
    async fn read_fingerprint(&self, name: &str) -> Result<Option<String>, Failure> {
        let params = ListParams::default().fields(&format!("type={KEY},metadata.name={name}"));
        let listed = self.api.list(&params).await;
        let listed = listed.map_err(|error| self.refused(&error, "list"))?;
        Ok(backup::read(&backup::manifest_of(listed.items)).ok().and_then(|keys| {
            let key = keys.first()?;
            Some(fingerprints_of(&key.identities)).filter(|all| !all.is_empty())
        }))
    }

    /// The one of this name.
    async fn named(&self, name: &str) -> Result<KeySecret, Failure> {
        let all = self.all().await?;
        let names: Vec<String> = all.iter().map(|key| key.name.clone()).collect();
        all.into_iter().find(|key| key.name == name).ok_or_else(|| {
            Failure::new(
                ExitCode::Missing,
                format!("there is no key Secret of that name in {}", self.namespace),
            )
            .hint(format!("there are {}", names.join(", ")))
        })
    }

    /// Changes labels and annotations, and nothing else.
    async fn patch(&self, key: &KeySecret, metadata: Value) -> Result<(), Failure> {
        let patch = Patch::Merge(serde_json::json!({"metadata": metadata}));
        let patched = self.api.patch_metadata(&key.name, &PatchParams::default(), &patch).await;
        patched.map(drop).map_err(|error| self.refused(&error, "patch"))
    }

    /// Why the cluster does not let this be done to its key Secrets.
    fn refused(&self, error: &kube::Error, verb: &str) -> Failure {
        let what = format!("Secrets of the namespace {}", self.namespace);
        match error {
            kube::Error::Api(status) if status.code == 403 && status.message.contains("deletion guard") => {
                Failure::new(ExitCode::Failed, "the deletion guard refuses it")
                    .hint("annotate the Secret with seal.dev/allow-delete=true first, if it is meant")
            }
            kube::Error::Api(status) if status.code == 403 => Failure::new(
                ExitCode::Missing,
                format!("{} does not let you {verb} {what}", self.cluster.name),
            )
            .hint(format!("this needs the right to {verb} secrets there, as whoever runs the controller has it")),
            kube::Error::Api(status) if verb != "list" && status.code != 401 => Failure::new(
                ExitCode::Failed,
                format!("{} refuses to {verb} {what} (HTTP {})", self.cluster.name, status.code),
            )
            .hint("an admission policy, a webhook or a quota may forbid it: ask whoever runs the cluster"),
            error => self.cluster.refused(error, &what),
        }
    }
}

/// A part of the keys would look like all of them.
fn not_cut(list: &ListMeta) -> Result<(), Failure> {
    match list.continue_.as_deref() {
        None | Some("") => Ok(()),
        Some(_) => Err(Failure::input(format!("there are more than {MOST} key Secrets"))
            .hint("`kubectl get secrets --field-selector type=seal.dev/key` lists them")),
    }
}

fn key_secret(secret: PartialObjectMeta<Secret>) -> KeySecret {
    let ObjectMeta { name, uid, labels, annotations, creation_timestamp, .. } = secret.metadata;
    // As the controller has it: what is noted, else when the Secret was made.
    let made = creation_timestamp.map(|it| it.0.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    let (labels, mut annotations) = (labels.unwrap_or_default(), annotations.unwrap_or_default());
    let mut noted = |name: &str| annotations.remove(name);
    KeySecret {
        name: name.unwrap_or_default(),
        uid: uid.unwrap_or_default(),
        state: labels.get(KEY).cloned().unwrap_or_default(),
        fingerprint: noted(KEY_FINGERPRINT),
        created: noted(CREATED).or(made),
        namespaces: noted(KEY_NAMESPACES),
        called: noted(KEY_NAME),
        follows: noted(KEY_FOLLOWS),
        rotate: noted(KEY_ROTATE),
        objects: None,
    }
}
