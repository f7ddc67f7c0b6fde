//! What has not changed costs no write and no key operation.

use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;
use seal_core::key::Identity;
use seal_core::kind::sealed::SealedSecret;
use seal_core::place::{Place, Scope};
use seal_testing::{Cluster, Namespace};
use serde_json::json;

use crate::keys::add_key;
use crate::support::{Controller, ends, get, quiet, seal_for};

#[tokio::test]
async fn a_restart_over_unchanged_objects_writes_nothing() {
    let Some(cluster) = quiet!() else { return };
    let (ns, home) = (cluster.namespace().await, cluster.namespace().await);
    let controller = Controller::start_in(cluster, &home, &ns, &[]).await;
    for n in 0..20 {
        ns.create(controller.seal(&ns, &format!("s{n}"), &[("a", "1")])).await;
    }
    for n in 0..20 {
        ends(&ns, &format!("s{n}"), "Applied").await;
    }
    let before = versions(&ns).await;
    controller.process.terminate().await;
    let again = Controller::start_in(cluster, &home, &ns, &[]).await;
    again.is_idle().await;
    let (_, metrics) = get(&format!("{}/metrics", again.url)).await;
    assert!(metrics.contains("reconcile_duration_seconds_count 20\n"), "{metrics}");
    assert!(!metrics.contains("reconciles_total{"), "nothing was brought to an end: {metrics}");
    assert!(metrics.contains("seal_controller_opens_total 0\n"), "no key was tried: {metrics}");
    assert_eq!(versions(&ns).await, before);
    assert_eq!(reads(cluster, &home), 0);
}

#[tokio::test]
async fn a_refused_object_is_not_written_again_by_a_restart() {
    let Some(cluster) = quiet!() else { return };
    let ns = cluster.namespace().await;
    let controller = Controller::own(cluster, &ns, &[]).await;
    let mut moved = controller.seal(&ns, "db", &[("a", "1")]);
    moved.metadata.name = Some("moved".into());
    ns.create(moved).await;
    let before = ends(&ns, "moved", "WrongPlace").await;
    let home = controller.namespace.clone();
    controller.process.terminate().await;
    let again = Controller::start(cluster, &home, &["--namespaces", &ns.name]).await;
    again.is_idle().await;
    let after: SealedSecret = ns.get("moved").await;
    assert_eq!(after.resource_version(), before.resource_version());
}

#[tokio::test]
async fn a_label_that_somebody_adds_is_kept_and_wakes_nobody_by_a_status() {
    let Some(cluster) = quiet!() else { return };
    let ns = cluster.namespace().await;
    let controller = Controller::own(cluster, &ns, &[]).await;
    ns.create(controller.seal(&ns, "db", &[("a", "1")])).await;
    let before = ends(&ns, "db", "Applied").await;
    let touched = ns.patch::<Secret>("db", json!({"metadata": {"labels": {"team": "a"}}})).await;
    controller.is_idle().await;
    assert_eq!(ns.get::<Secret>("db").await, touched);
    assert_eq!(ns.get::<SealedSecret>("db").await.resource_version(), before.resource_version());
}

#[tokio::test]
async fn a_cold_start_over_more_than_is_kept_reads_no_object_a_second_time() {
    const OBJECTS: usize = 40;
    let Some(cluster) = quiet!() else { return };
    let (ns, home) = (cluster.namespace().await, cluster.namespace().await);
    let identity = Identity::generate();
    add_key(cluster, &home.name, "restored", &identity, "active").await;
    let recipient = identity.recipient().parse().unwrap();
    // About 200 kB of text each, 8 MB together: twice as much as is kept of objects that have just arrived.
    let value = "x".repeat(150_000);
    for n in 0..OBJECTS {
        let place = Place::new(&ns.name, &format!("s{n}")).unwrap();
        ns.create(seal_for(&recipient, &place, Scope::of(&place), &[("a", &value)])).await;
    }
    let controller = Controller::start_in(cluster, &home, &ns, &[]).await;
    for n in 0..OBJECTS {
        ends(&ns, &format!("s{n}"), "Applied").await;
    }
    controller.is_idle().await;
    assert_eq!(reads(cluster, &home), 0);
}

/// How often the controller of `home` has read a sealed object by its name.
fn reads(cluster: &Cluster, home: &Namespace) -> usize {
    let requests = cluster.requests_by(&home.name, "seal-controller");
    requests.iter().filter(|it| it.verb == "get" && it.resource == "sealedsecrets").count()
}

async fn versions(ns: &Namespace) -> Vec<(String, Option<String>)> {
    let secrets: Vec<Secret> = ns.list().await;
    let sealed: Vec<SealedSecret> = ns.list().await;
    let secrets = secrets.iter().map(|it| (it.name_any(), it.resource_version()));
    secrets.chain(sealed.iter().map(|it| (it.name_any(), it.resource_version()))).collect()
}
