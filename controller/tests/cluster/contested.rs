//! What others do to a live Secret again and again, or do not let go of.

use k8s_openapi::api::core::v1::{Event, Secret};
use kube::ResourceExt;
use kube::api::{ListParams, PropagationPolicy};
use seal_core::kind::sealed::{SealedSecret, Template};
use seal_testing::{Namespace, eventually};
use serde_json::json;

use crate::support::{Controller, ends, map, message, quiet, ready, shared, values, with};

/// Changes the live Secret until its object says that it is contested.
async fn contest(ns: &Namespace, change: serde_json::Value) -> SealedSecret {
    let wanted = values(&ns.get("db").await);
    for _ in 0..20 {
        ns.patch::<Secret>("db", change.clone()).await;
        let contested = eventually("it is put right, or said to be contested", async || {
            let sealed: SealedSecret = ns.get("db").await;
            if ready(&sealed).is_some_and(|(_, reason)| reason == "Contested") {
                return Some(Some(sealed));
            }
            let live = ns.find::<Secret>("db").await?;
            (values(&live) == wanted && live.immutable != Some(true)).then_some(None)
        });
        if let Some(sealed) = contested.await {
            return sealed;
        }
    }
    panic!("never contested")
}

#[tokio::test]
async fn another_writer_that_keeps_on_is_named_and_the_object_is_not_called_applied_meanwhile() {
    let Some((cluster, controller)) = shared!() else { return };
    let ns = cluster.namespace().await;
    ns.create(controller.seal(&ns, "db", &[("a", "1")])).await;
    ends(&ns, "db", "Applied").await;
    let sealed = contest(&ns, json!({"data": {"a": "Mg=="}})).await;
    assert_eq!(ready(&sealed).unwrap(), ("False".into(), "Contested".into()));
    let told = message(&sealed);
    assert!(
        told.contains(" keeps changing the live Secret; it is put right again at 20"),
        "{told}"
    );
    let conditions = &sealed.status.as_ref().unwrap().conditions;
    assert!(conditions.iter().any(|it| it.type_ == "Reconciling" && it.status == "True"));
    ends(&ns, "db", "Applied").await;
    assert_eq!(values(&ns.get("db").await), map(&[("a", "1")]));
}

#[tokio::test]
async fn a_secret_that_is_made_immutable_again_and_again_is_not_deleted_each_time_at_once() {
    let Some((cluster, controller)) = shared!() else { return };
    let ns = cluster.namespace().await;
    ns.create(controller.seal(&ns, "db", &[("a", "1")])).await;
    ends(&ns, "db", "Applied").await;
    contest(&ns, json!({"immutable": true})).await;
    let contested: Secret = ns.get("db").await;
    assert_eq!(contested.immutable, Some(true), "it is left for now");
    ends(&ns, "db", "Applied").await;
}

#[tokio::test]
async fn a_finalizer_of_others_is_named_and_waited_for_without_a_request() {
    let Some(cluster) = quiet!() else { return };
    let ns = cluster.namespace().await;
    let controller = Controller::own(cluster, &ns, &[]).await;
    ns.create(controller.seal(&ns, "db", &[("a", "1")])).await;
    ends(&ns, "db", "Applied").await;
    ns.patch::<Secret>("db", json!({"metadata": {"finalizers": ["example.com/hold"]}})).await;
    controller.is_idle().await;
    let retyped = json!({"spec": {"template": {"type": "example.com/own"}}});
    ns.patch::<SealedSecret>("db", retyped).await;
    let sealed = ends(&ns, "db", "Retrying").await;
    assert!(message(&sealed).contains("held by the finalizers example.com/hold"), "{sealed:?}");
    ns.patch::<Secret>("db", json!({"metadata": {"finalizers": null}})).await;
    ends(&ns, "db", "Applied").await;
    let requests = cluster.requests_by(&controller.namespace, "seal-controller");
    let deletes = requests.iter().filter(|it| it.verb == "delete" && it.resource == "secrets");
    assert_eq!(deletes.count(), 1);
}

#[tokio::test]
async fn an_orphan_is_left_alone_until_whoever_may_write_it_lets_it_go() {
    let Some((cluster, controller)) = shared!() else { return };
    let ns = cluster.namespace().await;
    ns.create(controller.seal(&ns, "db", &[("a", "1")])).await;
    ends(&ns, "db", "Applied").await;
    let orphaning = kube::api::DeleteParams {
        propagation_policy: Some(PropagationPolicy::Orphan),
        ..Default::default()
    };
    ns.api::<SealedSecret>().delete("db", &orphaning).await.unwrap();
    if !cluster.has_controller_manager() {
        ns.patch::<SealedSecret>("db", json!({"metadata": {"finalizers": null}})).await;
        ns.patch::<Secret>("db", json!({"metadata": {"ownerReferences": null}})).await;
    }
    ns.eventually_gone::<SealedSecret>("db").await;

    ns.create(controller.seal(&ns, "db", &[("a", "3")])).await;
    let told = message(&ends(&ns, "db", "NotOurs").await);
    let consent = format!("kubectl annotate secret -n {} db seal.dev/accepts=adopt", ns.name);
    assert!(told.ends_with(&consent), "{told}");
    assert_eq!(values(&ns.get("db").await), map(&[("a", "1")]));
    // Nor does it go with the object that did not get it.
    ns.delete::<SealedSecret>("db").await;
    ns.eventually_gone::<SealedSecret>("db").await;
    ns.create(controller.seal(&ns, "db", &[("a", "3")])).await;
    ends(&ns, "db", "NotOurs").await;
    assert_eq!(values(&ns.get("db").await), map(&[("a", "1")]));
    let words: Vec<&str> = consent.split(' ').skip(1).collect();
    assert!(cluster.kubectl(&words, "").await.status.success());
    ends(&ns, "db", "Applied").await;
    assert_eq!(values(&ns.get("db").await), map(&[("a", "3")]));
}

#[tokio::test]
async fn a_status_that_somebody_removes_is_written_again() {
    let Some((cluster, controller)) = shared!() else { return };
    let ns = cluster.namespace().await;
    ns.create(controller.seal(&ns, "db", &[("a", "1")])).await;
    ends(&ns, "db", "Applied").await;
    let removed = kube::api::Patch::Merge(json!({"status": null}));
    ns.api::<SealedSecret>().patch_status("db", &Default::default(), &removed).await.unwrap();
    ends(&ns, "db", "Applied").await;
}

#[tokio::test]
async fn events_are_in_the_order_of_what_happened() {
    let Some((cluster, controller)) = shared!() else { return };
    let ns = cluster.namespace().await;
    ns.create(controller.seal(&ns, "db", &[("a", "1")])).await;
    ends(&ns, "db", "Applied").await;
    let labelled = json!({"spec": {"template": {"metadata": {"labels": {"owner": "helm"}}}}});
    ns.patch::<SealedSecret>("db", labelled).await;
    ends(&ns, "db", "NotAllowed").await;
    ns.eventually_event("db", "NotAllowed").await;
    let frozen = with(
        Template { type_: Some("example.com/x".into()), ..Template::default() },
        controller.seal(&ns, "db", &[("a", "1")]),
    );
    let mut change = json!({"spec": frozen.spec});
    change["spec"]["template"]["metadata"] = json!(null);
    ns.patch::<SealedSecret>("db", change).await;
    ends(&ns, "db", "Applied").await;
    ns.eventually_event("db", "Replaced").await;
    let mut events = ns.api::<Event>().list(&ListParams::default()).await.unwrap().items;
    let by_name: Vec<_> = events.iter().map(|event| event.reason.clone().unwrap()).collect();
    events.sort_by_key(|event| event.last_timestamp.clone().unwrap().0);
    let by_time: Vec<_> = events.iter().map(|event| event.reason.clone().unwrap()).collect();
    assert_eq!((by_name, by_time.len()), (by_time.clone(), 2));
    assert!(events.iter().all(|event| event.name_any().starts_with("db.")));
}

/// Which [`install.md`](../../../docs/how-to/install.md) asks people not to do: each would answer the other's status with its own.
#[tokio::test]
async fn two_controllers_that_serve_one_namespace_do_not_write_its_statuses_for_ever() {
    let Some(cluster) = quiet!() else { return };
    let ns = cluster.namespace().await;
    let holds_the_key = Controller::own(cluster, &ns, &[]).await;
    let other = Controller::own(cluster, &ns, &[]).await;
    ns.create(holds_the_key.seal(&ns, "db", &[("a", "1")])).await;
    let told = "somebody else keeps writing the status";
    for controller in [&holds_the_key, &other] {
        controller.process.said(told).await;
    }
    let writes = |controller: &Controller| {
        let requests = cluster.requests_by(&controller.namespace, "seal-controller");
        requests.iter().filter(|it| it.resource == "sealedsecrets/status").count()
    };
    // Each said it once, wrote over the other at once, and then ever later: a loop would have written thousands.
    assert!(writes(&holds_the_key) < 10, "{}", writes(&holds_the_key));
    assert!(writes(&other) < 10, "{}", writes(&other));
    assert_eq!(values(&ns.get("db").await), map(&[("a", "1")]));
    // A new file is read at once all the same.
    let next = crate::support::resealed(&holds_the_key.seal(&ns, "db", &[("a", "2")]));
    ns.patch::<SealedSecret>("db", next).await;
    ns.eventually("the new value is live", "db", |live: &Secret| {
        values(live) == map(&[("a", "2")])
    })
    .await;
}
