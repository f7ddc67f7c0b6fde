//! One ClusterSealedSecret and its copies in many namespaces, beside a bare client that creates as many Secrets.
//!
//! The controller runs already: the clock runs from the request that makes the object until its status says that all are
//! there. That of the bare client runs over its creates, by as many workers.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{Namespace, Secret};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{ListParams, PostParams};
use kube::core::DynamicObject;
use kube::discovery::ApiResource;
use kube::{Api, Client, ResourceExt as _};
use seal_core::key::Recipient;
use seal_core::kind::cluster_sealed::ClusterSealedSecret;
use seal_testing::{Cluster, eventually};
use serde_json::json;
use tokio::time::Instant;

use crate::Result;
use crate::cluster::Controller;
use crate::rounds::{self, VALUES, WORKERS};

/// Namespaces that one object goes to.
pub(crate) const COPIES: usize = 500;
const NAME: &str = "copied";

/// What it took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Copied {
    /// From the creation of the object until its status says that every namespace has it.
    pub(crate) all: Duration,
    /// The bare client's creates.
    pub(crate) bare: Duration,
    /// From the creation of one more namespace until its Secret is there.
    pub(crate) later: Duration,
    pub(crate) peak_kib: u64,
    /// Live Secrets and statuses that a restart over it wrote.
    pub(crate) writes: usize,
}

/// One round of each.
pub(crate) async fn measure(cluster: &Cluster, recipient: &Recipient) -> Result<Copied> {
    let client = cluster.client();
    let namespaces: Vec<String> = (0..COPIES).map(|number| format!("copy-{number:03}")).collect();
    each(&namespaces, |name| make_namespace(&client, name)).await?;
    let began = Instant::now();
    each(&namespaces, |name| make_secret(&client, name)).await?;
    let bare = began.elapsed();

    let controller = Controller::start_with(cluster, &["--allow-cluster-wide"]).await?;
    controller.until_ready().await?;
    let began = Instant::now();
    let object = object(recipient)?;
    objects(&client).create(&PostParams::default(), &object).await?;
    until_served(&client, COPIES).await;
    let all = began.elapsed();

    let began = Instant::now();
    make_namespace(&client, "copy-later").await?;
    let secrets: Api<Secret> = Api::namespaced(client.clone(), "copy-later");
    eventually("it is there", async || secrets.get_opt(NAME).await.ok().flatten()).await;
    let later = began.elapsed();
    until_served(&client, COPIES + 1).await;
    let peak_kib = controller.peak_kib()?;
    controller.stop().await?;

    let before = versions(&client).await?;
    let again = Controller::start_with(cluster, &["--allow-cluster-wide"]).await?;
    again.until_reconciled(1).await?;
    again.stop().await?; // what it was still writing is written now
    let after = versions(&client).await?;
    let writes = after.iter().filter(|(name, version)| before.get(*name) != Some(version)).count();
    Ok(Copied { all, bare, later, peak_kib, writes })
}

async fn each<F: Future<Output = Result<()>>>(
    names: &[String],
    act: impl Fn(&'static str) -> F,
) -> Result<()> {
    // The names live as long as the process: there are five hundred of them.
    let names: Vec<&'static str> = names.iter().map(|name| &*name.clone().leak()).collect();
    stream::iter(names).map(act).buffer_unordered(WORKERS).try_collect().await
}

async fn make_namespace(client: &Client, name: &str) -> Result<()> {
    let labels = BTreeMap::from([("copies".to_owned(), "yes".to_owned())]);
    let metadata =
        ObjectMeta { name: Some(name.to_owned()), labels: Some(labels), ..ObjectMeta::default() };
    let namespace = Namespace { metadata, ..Namespace::default() };
    Api::all(client.clone()).create(&PostParams::default(), &namespace).await?;
    Ok(())
}

async fn make_secret(client: &Client, namespace: &str) -> Result<()> {
    let value = |(key, value): (&str, &str)| (key.to_owned(), ByteString(value.into()));
    let secret = Secret {
        metadata: ObjectMeta { name: Some("bare".to_owned()), ..ObjectMeta::default() },
        data: Some(VALUES.map(value).into()),
        ..Secret::default()
    };
    let api: Api<Secret> = Api::namespaced(client.clone(), namespace);
    api.create(&PostParams::default(), &secret).await?;
    Ok(())
}

fn objects(client: &Client) -> Api<DynamicObject> {
    let resource = ApiResource::erase::<ClusterSealedSecret>(&());
    Api::all_with(client.clone(), &resource)
}

fn object(recipient: &Recipient) -> Result<DynamicObject> {
    let mut spec = serde_json::to_value(rounds::spec_everywhere(recipient, NAME)?)?;
    spec["namespaceSelector"] = json!({"matchLabels": {"copies": "yes"}});
    Ok(serde_json::from_value(json!({
        "apiVersion": "seal.dev/v1", "kind": "ClusterSealedSecret", "metadata": {"name": NAME}, "spec": spec,
    }))?)
}

async fn until_served(client: &Client, namespaces: usize) {
    let all = format!("{namespaces}/{namespaces}");
    eventually("every namespace is served", async || {
        let object = objects(client).get_opt(NAME).await.ok()??;
        (object.data["status"]["served"] == all.as_str()).then_some(())
    })
    .await;
}

async fn versions(client: &Client) -> Result<BTreeMap<String, String>> {
    let secrets: Api<Secret> = Api::all(client.clone());
    let listed = secrets.list_metadata(&ListParams::default()).await?.items;
    let copies = listed.iter().filter(|it| it.name_any() == NAME);
    let mut versions: BTreeMap<String, String> = copies
        .map(|it| (it.namespace().unwrap_or_default(), it.resource_version().unwrap_or_default()))
        .collect();
    let object = objects(client).get(NAME).await?;
    versions.insert(String::new(), object.resource_version().unwrap_or_default());
    Ok(versions)
}
