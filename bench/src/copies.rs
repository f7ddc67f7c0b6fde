//! One ClusterSealedSecret and its copies in many namespaces, beside a bare client that creates as many Secrets.
//!
//! In turns, since what a busy machine does to one of them it would else not do to the other. The controller runs already: the clock runs from the request that makes the object until its status says that all are
//! there. That of the bare client runs over its creates, by as many workers.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use k8s_openapi::api::core::v1::{Namespace, Secret};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{DeleteParams, ListParams, PostParams};
use kube::core::DynamicObject;
use kube::discovery::ApiResource;
use kube::runtime::wait::await_condition;
use kube::{Api, Client, ResourceExt as _};
use seal_core::key::Recipient;
use seal_core::kind::cluster_sealed::ClusterSealedSecret;
use seal_core::names::CLUSTER_SEALED_SECRET;
use seal_testing::{Cluster, DEADLINE, eventually};
use serde_json::json;
use tokio::time::Instant;

use crate::bare;
use crate::cluster::{ACCOUNT, Controller, HOME};
use crate::rounds::{self, WORKERS};
use crate::table::median;
use crate::{Result, say};

/// Namespaces that one object goes to.
pub(crate) const COPIES: usize = 500;
const NAME: &str = "copied";

/// Turns of each: between two of the same kind lies one of the other.
const TURNS: usize = 5;

/// What it took.
#[derive(Clone, Debug)]
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

/// Measures in turns; of the times the medians.
pub(crate) async fn measure(cluster: &Cluster, recipient: &Recipient) -> Result<Copied> {
    let client = cluster.client();
    let namespaces: Vec<String> = (0..COPIES).map(|number| format!("copy-{number:03}")).collect();
    each(&namespaces, |name| make_namespace(&client, name)).await?;
    let (mut all, mut bare) = (Vec::new(), Vec::new());
    for turn in 0..TURNS {
        bare.push(bare_client(cluster, recipient, &namespaces, &format!("bare-{turn}")).await?);
        let name = format!("copied-{turn}");
        all.push(copied(cluster, recipient, &name).await?);
        say(&format!("{COPIES} copies: {:?}, bare {:?}", all[turn], bare[turn]));
        objects(&client).delete(&name, &DeleteParams::default()).await?;
    }
    let all = median(all).unwrap_or_default();
    let bare = median(bare).unwrap_or_default();
    let (later, peak_kib) = later(cluster, recipient).await?;
    Ok(Copied { all, bare, later, peak_kib, writes: restart(cluster).await? })
}

/// The same Secrets by as many workers. Their owner is there, and suspended: no controller is to touch them.
async fn bare_client(
    cluster: &Cluster,
    recipient: &Recipient,
    namespaces: &[String],
    name: &str,
) -> Result<Duration> {
    let mut owner = object(recipient, name)?;
    owner.data["spec"]["suspend"] = json!(true);
    let owner = objects(&cluster.client()).create(&PostParams::default(), &owner).await?;
    let secret = &bare::secret(CLUSTER_SEALED_SECRET, &owner.metadata);
    let client = &cluster.client_for_service_account(HOME, ACCOUNT).await;
    let began = Instant::now();
    each(namespaces, |namespace| async move {
        let api: Api<Secret> = Api::namespaced(client.clone(), namespace);
        api.create(&PostParams::default(), secret).await?;
        Ok(())
    })
    .await?;
    Ok(began.elapsed())
}

/// One new object, with a controller that runs already.
async fn copied(cluster: &Cluster, recipient: &Recipient, name: &str) -> Result<Duration> {
    let controller = Controller::start_with(cluster, &["--allow-cluster-wide"]).await?;
    controller.until_ready().await?;
    let began = Instant::now();
    make_object(cluster, recipient, name).await?;
    until_served(cluster, name, COPIES).await?;
    let all = began.elapsed();
    controller.stop().await?;
    Ok(all)
}

/// How long a namespace waits that is made after the object was served, and the controller's memory.
async fn later(cluster: &Cluster, recipient: &Recipient) -> Result<(Duration, u64)> {
    let controller = Controller::start_with(cluster, &["--allow-cluster-wide"]).await?;
    controller.until_ready().await?;
    make_object(cluster, recipient, NAME).await?;
    until_served(cluster, NAME, COPIES).await?;
    let client = cluster.client();
    let began = Instant::now();
    make_namespace(&client, "copy-later").await?;
    let secrets: Api<Secret> = Api::namespaced(client, "copy-later");
    eventually("it is there", async || secrets.get_opt(NAME).await.ok().flatten()).await;
    let later = began.elapsed();
    until_served(cluster, NAME, COPIES + 1).await?;
    let peak_kib = controller.peak_kib()?;
    controller.stop().await?;
    Ok((later, peak_kib))
}

/// What a restart over all of it writes.
async fn restart(cluster: &Cluster) -> Result<usize> {
    let client = cluster.client();
    let before = versions(&client).await?;
    let again = Controller::start_with(cluster, &["--allow-cluster-wide"]).await?;
    again.until_reconciled(1).await?;
    again.stop().await?; // what it was still writing is written now
    let after = versions(&client).await?;
    Ok(after.iter().filter(|(name, version)| before.get(*name) != Some(version)).count())
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

fn objects(client: &Client) -> Api<DynamicObject> {
    let resource = ApiResource::erase::<ClusterSealedSecret>(&());
    Api::all_with(client.clone(), &resource)
}

async fn make_object(cluster: &Cluster, recipient: &Recipient, name: &str) -> Result<()> {
    let object = object(recipient, name)?;
    objects(&cluster.client()).create(&PostParams::default(), &object).await?;
    Ok(())
}

fn object(recipient: &Recipient, name: &str) -> Result<DynamicObject> {
    let mut spec = serde_json::to_value(rounds::spec_everywhere(recipient, name)?)?;
    spec["namespaceSelector"] = json!({"matchLabels": {"copies": "yes"}});
    Ok(serde_json::from_value(json!({
        "apiVersion": "seal.dev/v1", "kind": "ClusterSealedSecret", "metadata": {"name": name}, "spec": spec,
    }))?)
}

/// By a watch, as of a thousand objects: a look every so often would add half of the time between two.
async fn until_served(cluster: &Cluster, name: &str, namespaces: usize) -> Result<()> {
    let all = format!("{namespaces}/{namespaces}");
    let is_served = |object: Option<&DynamicObject>| {
        object.is_some_and(|object| object.data["status"]["served"] == all.as_str())
    };
    let served = await_condition(objects(&cluster.client()), name, is_served);
    tokio::time::timeout(DEADLINE, served).await??;
    Ok(())
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
