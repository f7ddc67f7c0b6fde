//! One round each of the controller and of the bare client, over a thousand sealed objects of their own.
//!
//! The clock of the controller runs from the start of its process, so start-up, TLS and the first lists are in
//! it; that of the bare client from its first connection. Both stop when the same watch has seen the last
//! object Ready. The objects are there before: making them is neither's work.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{DeleteParams, ListParams, PostParams};
use kube::{Api, ResourceExt as _};
use seal_core::key::Recipient;
use seal_core::kind::sealed::{SealedSecret, SealedSecretSpec, Template};
use seal_core::manifest::Manifest;
use seal_core::place::{Place, Scope};
use seal_core::seal::seal;
use seal_core::secret::SecretValue;
use seal_testing::{Cluster, Namespace};
use tokio::time::Instant;

use crate::Result;
use crate::bare;
use crate::cluster::{ACCOUNT, Controller, HOME};
use crate::observer::Observer;

/// Sealed objects in a round.
pub(crate) const OBJECTS: usize = 1000;
/// Sealed objects over which a controller starts again that has nothing to do.
pub(crate) const MANY: usize = 10_000;
/// What the controller has unless told otherwise.
pub(crate) const WORKERS: usize = 16;
/// What each of them seals.
pub(crate) const VALUES: [(&str, &str); 3] =
    [("host", "db.prod.svc"), ("password", "correct horse battery staple"), ("username", "app")];

/// What a round of the controller took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Applied {
    /// From the start of the process until all are Ready.
    pub(crate) all: Duration,
    /// Of that, until its caches were full and its workers began.
    pub(crate) start: Duration,
    pub(crate) peak_kib: u64,
    /// What it had when all was done.
    pub(crate) rests_at_kib: u64,
    pub(crate) cpu: Duration,
    pub(crate) restart: Restart,
}

/// What many objects took, once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Many {
    /// From the start of the process until all were Ready, and its peak memory.
    pub(crate) all: Duration,
    pub(crate) peak_kib: u64,
    /// The same writes of the bare client.
    pub(crate) bare: Duration,
    pub(crate) restart: Restart,
}

/// What it took to start again over what it had applied.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Restart {
    /// Until every object was looked at.
    pub(crate) all: Duration,
    pub(crate) peak_kib: u64,
    /// Objects that were written.
    pub(crate) writes: usize,
    /// Objects on which a private key was tried.
    pub(crate) opens: usize,
}

/// The controller's round.
pub(crate) async fn controller(cluster: &Cluster, recipient: &Recipient) -> Result<Applied> {
    let ns = cluster.namespace().await;
    create_all(&ns, sealed(&ns, recipient, false, OBJECTS)?).await?;
    let observer = Observer::start(cluster.client(), &ns.name, OBJECTS).await?;

    let running = Controller::start(cluster).await?;
    let ready_at = observer.all_ready().await?;
    let (peak_kib, cpu) = (running.peak_kib()?, running.cpu()?);
    let (began, start) = (running.began, running.until_ready().await?);
    running.until_idle().await;
    let rests_at_kib = running.rests_at_kib()?;
    running.stop().await?;

    let restart = restart(cluster, &ns, OBJECTS).await?;
    clear(&ns).await?;
    Ok(Applied { all: ready_at - began, start, peak_kib, rests_at_kib, cpu, restart })
}

/// Many new objects, and a start over them once they are applied.
pub(crate) async fn many(cluster: &Cluster, recipient: &Recipient) -> Result<Many> {
    let bare = bare_client(cluster, recipient, MANY).await?;
    let ns = cluster.namespace().await;
    create_all(&ns, sealed(&ns, recipient, false, MANY)?).await?;
    let observer = Observer::start(cluster.client(), &ns.name, MANY).await?;
    let first = Controller::start(cluster).await?;
    let all = observer.all_ready().await? - first.began;
    let peak_kib = first.peak_kib()?;
    first.stop().await?;
    let restart = restart(cluster, &ns, MANY).await?;
    clear(&ns).await?;
    Ok(Many { all, peak_kib, bare, restart })
}

async fn restart(cluster: &Cluster, ns: &Namespace, objects: usize) -> Result<Restart> {
    let before = versions(ns).await?;
    let running = Controller::start(cluster).await?;
    let all = running.until_reconciled(objects).await?;
    let (peak_kib, opens) = (running.peak_kib()?, running.opens().await?);
    running.stop().await?; // what it was still writing is written now
    let after = versions(ns).await?;
    let writes = after.iter().filter(|(name, version)| before.get(*name) != Some(version)).count();
    Ok(Restart { all, peak_kib, writes, opens })
}

/// The bare client's round. Its sealed objects are suspended, as no controller is to touch them.
pub(crate) async fn bare_client(
    cluster: &Cluster,
    recipient: &Recipient,
    objects: usize,
) -> Result<Duration> {
    let ns = cluster.namespace().await;
    let made = create_all(&ns, sealed(&ns, recipient, true, objects)?).await?;
    let observer = Observer::start(cluster.client(), &ns.name, objects).await?;
    let client = cluster.client_for_service_account(HOME, ACCOUNT).await;
    let began = Instant::now();
    bare::write_all(client, Arc::new(made)).await?;
    let ready_at = observer.all_ready().await?;
    clear(&ns).await?;
    Ok(ready_at - began)
}

/// So many of them.
pub(crate) fn sealed(
    ns: &Namespace,
    recipient: &Recipient,
    suspend: bool,
    objects: usize,
) -> Result<Vec<SealedSecret>> {
    (0..objects).map(|number| one(ns, recipient, suspend, number)).collect()
}

/// One of them, sealed anew.
pub(crate) fn one(
    ns: &Namespace,
    recipient: &Recipient,
    suspend: bool,
    number: usize,
) -> Result<SealedSecret> {
    let place = Place::new(&ns.name, &format!("sealed-{number:04}"))?;
    let recipients = std::slice::from_ref(recipient);
    let mut sealed = seal(manifest(), &place, Scope::of(&place), &BTreeSet::new(), recipients)?;
    sealed.spec.suspend = suspend.then_some(true);
    Ok(sealed)
}

/// `VALUES` sealed for this name in every namespace.
pub(crate) fn spec_everywhere(recipient: &Recipient, name: &str) -> Result<SealedSecretSpec> {
    let place = Place::new("default", name)?;
    let scope = Scope { namespaces: vec!["*".to_owned()], name: name.to_owned() };
    let recipients = std::slice::from_ref(recipient);
    Ok(seal(manifest(), &place, scope, &BTreeSet::new(), recipients)?.spec)
}

fn manifest() -> Manifest {
    let value = |(key, value): (&str, &str)| (key.to_owned(), SecretValue::from(value.as_bytes()));
    Manifest {
        namespace: None,
        name: None,
        template: Template::default(),
        values: VALUES.map(value).into(),
        dropped: vec![],
        empty: vec![],
    }
}

pub(crate) async fn create_all(
    ns: &Namespace,
    objects: Vec<SealedSecret>,
) -> Result<Vec<SealedSecret>> {
    let api: Api<SealedSecret> = ns.api();
    let create = |object: SealedSecret| {
        let api = api.clone();
        async move { api.create(&PostParams::default(), &object).await }
    };
    Ok(stream::iter(objects).map(create).buffered(WORKERS).try_collect().await?)
}

/// `kind/name` to version, of everything that the controller writes.
async fn versions(ns: &Namespace) -> Result<BTreeMap<String, String>> {
    let sealed = ns.api::<SealedSecret>().list_metadata(&ListParams::default()).await?.items;
    let secrets = ns.api::<Secret>().list_metadata(&ListParams::default()).await?.items;
    let sealed =
        sealed.iter().map(|it| (format!("sealed/{}", it.name_any()), it.resource_version()));
    let secrets =
        secrets.iter().map(|it| (format!("live/{}", it.name_any()), it.resource_version()));
    Ok(sealed.chain(secrets).map(|(name, version)| (name, version.unwrap_or_default())).collect())
}

/// The next round must find nothing of this one.
pub(crate) async fn clear(ns: &Namespace) -> Result<()> {
    let (now, all) = (DeleteParams::default(), ListParams::default());
    let _ = ns.api::<SealedSecret>().delete_collection(&now, &all).await?;
    let _ = ns.api::<Secret>().delete_collection(&now, &all).await?;
    Ok(())
}
