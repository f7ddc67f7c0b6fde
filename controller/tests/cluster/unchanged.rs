//! What has not changed costs no write and no key operation.

use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;
use seal_core::kind::sealed::SealedSecret;
use serde_json::json;

use crate::support::{Controller, ends, get};

#[tokio::test]
async fn a_restart_over_unchanged_objects_writes_nothing() {
    let Some(cluster) =
        crate::support::quiet("a_restart_over_unchanged_objects_writes_nothing").await
    else {
        return;
    };
    let ns = cluster.namespace().await;
    let controller = Controller::own(cluster, &ns, &[]).await;
    for n in 0..20 {
        ns.create(controller.seal(&ns, &format!("s{n}"), &[("a", "1")])).await;
    }
    for n in 0..20 {
        ends(&ns, &format!("s{n}"), "Applied").await;
    }
    let before = versions(&ns).await;
    let home = controller.namespace.clone();
    controller.process.terminate().await;
    let again = Controller::start(cluster, &home, &["--namespaces", &ns.name]).await;
    // One more object is through: all that were listed before it have had their turn.
    ns.create(again.seal(&ns, "zz-last", &[("a", "1")])).await;
    ends(&ns, "zz-last", "Applied").await;
    let (_, metrics) = get(&format!("{}/metrics", again.url)).await;
    assert!(
        metrics.contains(r#"reconciles_total{result="applied",reason="Applied"} 1"#),
        "{metrics}"
    );
    let mut after = versions(&ns).await;
    after.retain(|(name, _)| name != "zz-last");
    assert_eq!(after, before);
}

#[tokio::test]
async fn a_refused_object_is_not_written_again_by_a_restart() {
    let Some(cluster) =
        crate::support::quiet("a_refused_object_is_not_written_again_by_a_restart").await
    else {
        return;
    };
    let ns = cluster.namespace().await;
    let controller = Controller::own(cluster, &ns, &[]).await;
    let mut moved = controller.seal(&ns, "db", &[("a", "1")]);
    moved.metadata.name = Some("moved".into());
    ns.create(moved).await;
    let before = ends(&ns, "moved", "WrongPlace").await;
    let home = controller.namespace.clone();
    controller.process.terminate().await;
    let again = Controller::start(cluster, &home, &["--namespaces", &ns.name]).await;
    ns.create(again.seal(&ns, "zz-last", &[("a", "1")])).await;
    ends(&ns, "zz-last", "Applied").await;
    let after: SealedSecret = ns.get("moved").await;
    assert_eq!(after.resource_version(), before.resource_version());
}

#[tokio::test]
async fn a_label_that_somebody_adds_is_kept_and_only_the_status_learns_of_it() {
    let Some(cluster) = crate::support::quiet(
        "a_label_that_somebody_adds_is_kept_and_only_the_status_learns_of_it",
    )
    .await
    else {
        return;
    };
    let ns = cluster.namespace().await;
    let controller = Controller::own(cluster, &ns, &[]).await;
    ns.create(controller.seal(&ns, "db", &[("a", "1")])).await;
    ends(&ns, "db", "Applied").await;
    let touched = ns.patch::<Secret>("db", json!({"metadata": {"labels": {"team": "a"}}})).await;
    ns.eventually("the status knows the version", "db", |sealed: &SealedSecret| {
        let written = sealed.status.as_ref().and_then(|it| it.secret.clone());
        written.map(|it| it.resource_version) == touched.resource_version()
    })
    .await;
    assert_eq!(ns.get::<Secret>("db").await, touched);
}

async fn versions(ns: &seal_testing::Namespace) -> Vec<(String, Option<String>)> {
    let secrets: Vec<Secret> = ns.list().await;
    let sealed: Vec<SealedSecret> = ns.list().await;
    let secrets = secrets.iter().map(|it| (it.name_any(), it.resource_version()));
    secrets.chain(sealed.iter().map(|it| (it.name_any(), it.resource_version()))).collect()
}
