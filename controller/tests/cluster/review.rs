//! What a hostile reviewer tried: one tenant or one namespace against the others.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;
use seal_core::kind::sealed::SealedSecret;
use seal_core::place::{Place, Scope};
use seal_core::secret::SecretValue;
use serde_json::json;

use crate::support::{Controller, ends, map, quiet, shared};

#[tokio::test]
async fn a_namespace_that_took_our_role_away_does_not_hold_up_the_others() {
    let Some(cluster) = quiet!() else { return };
    let ns = cluster.namespace().await;
    let first = Controller::own(cluster, &ns, &[]).await;
    let home = first.namespace.clone();
    first.process.terminate().await;
    let closed = cluster.namespace().await;
    let served = format!("{},{}", closed.name, ns.name);
    let controller = Controller::start(cluster, &home, &["--namespaces", &served]).await;
    ns.create(controller.seal(&ns, "db", &[("a", "1")])).await;
    ends(&ns, "db", "Applied").await;
}

#[tokio::test]
async fn a_file_that_names_thousands_of_recipients_does_not_grow_its_status() {
    let Some((cluster, controller)) = shared!() else { return };
    let ns = cluster.namespace().await;
    let place = Place::new(&ns.name, "db").unwrap();
    let mut sealed = controller.seal(&ns, "db", &[]);
    for n in 0..100 {
        let key = format!("k{n}");
        let values = BTreeMap::from([(key, SecretValue::from(b"1".as_slice()))]);
        let also = seal_core::key::Identity::generate();
        let recipients = [controller.recipient(), also.recipient().parse().unwrap()];
        let blocks = seal_core::seal::seal_blocks(&values, &Scope::of(&place), &recipients);
        sealed.spec.values.extend(blocks.unwrap());
    }
    assert_eq!(sealed.sealed_to().len(), 101);
    ns.create(sealed).await;
    let sealed = ends(&ns, "db", "Applied").await;
    assert_eq!(sealed.status.unwrap().sealed_to.len(), 64);
}

#[tokio::test]
async fn a_request_of_flux_is_heard_though_ours_still_stands() {
    let Some((cluster, controller)) = shared!() else { return };
    let ns = cluster.namespace().await;
    let mut sealed = controller.seal(&ns, "db", &[("a", "1")]);
    sealed.metadata.annotations = Some(map(&[("seal.dev/reconcile-at", "2026-01-01T00:00:00Z")]));
    ns.create(sealed).await;
    ends(&ns, "db", "Applied").await;
    let asked = "2026-01-02T00:00:00.123456789+01:00";
    let annotations = json!({"reconcile.fluxcd.io/requestedAt": asked});
    ns.patch::<SealedSecret>("db", json!({"metadata": {"annotations": annotations}})).await;
    handled(&ns, asked).await;
    // A request as large as an annotation can be is none: it would be remembered and echoed.
    let annotations = json!({"reconcile.fluxcd.io/requestedAt": "9".repeat(200_000)});
    ns.patch::<SealedSecret>("db", json!({"metadata": {"annotations": annotations}})).await;
    // It still stands when ours is answered, and would be the later one.
    let asked = "2026-01-03T00:00:00Z";
    let annotations = json!({"seal.dev/reconcile-at": asked});
    ns.patch::<SealedSecret>("db", json!({"metadata": {"annotations": annotations}})).await;
    handled(&ns, asked).await;
}

async fn handled(ns: &seal_testing::Namespace, asked: &str) {
    ns.eventually("the request is echoed", "db", |sealed: &SealedSecret| {
        let status = sealed.status.as_ref();
        status.and_then(|it| it.last_handled_reconcile_at.as_deref()) == Some(asked)
    })
    .await;
}

#[tokio::test]
async fn a_reference_that_no_longer_controls_is_repaired() {
    let Some((cluster, controller)) = shared!() else { return };
    let ns = cluster.namespace().await;
    ns.create(controller.seal(&ns, "db", &[("a", "1")])).await;
    ends(&ns, "db", "Applied").await;
    let mut live: Secret = ns.get("db").await;
    live.metadata.managed_fields = None;
    live.metadata.owner_references.as_mut().unwrap()[0].controller = None;
    ns.replace(live).await;
    ns.eventually("it controls again", "db", |live: &Secret| {
        live.owner_references().first().is_some_and(|it| it.controller == Some(true))
    })
    .await;
}
