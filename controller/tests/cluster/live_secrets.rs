//! What happens to live Secrets that others touch, made or hold.

use k8s_openapi::api::core::v1::Secret;
use kube::api::PostParams;
use kube::{Resource, ResourceExt};
use seal_core::kind::sealed::{SealedSecret, Template};
use seal_testing::eventually;
use serde_json::json;

use crate::policies::{allow_again, deny};
use crate::support::{Controller, ends, foreign, map, message, shared, values, version, with};

#[tokio::test]
async fn a_secret_we_did_not_make_is_left_alone_and_its_removal_heals_at_once() {
    let Some((cluster, controller)) = shared!() else { return };
    let ns = cluster.namespace().await;
    let theirs = ns.create(foreign("db", &[("password", "theirs")])).await;
    ns.create(controller.seal(&ns, "db", &[("password", "ours")])).await;
    let sealed = ends(&ns, "db", "NotOurs").await;
    ns.eventually_event("db", "NotOurs").await;
    assert!(message(&sealed).contains("was not made from this sealed file"));
    assert_eq!(ns.get::<Secret>("db").await, theirs);
    assert_eq!(stalled(&sealed), Some("NotOurs".to_owned()));

    ns.delete::<Secret>("db").await;
    ends(&ns, "db", "Applied").await;
    assert_eq!(values(&ns.get("db").await), map(&[("password", "ours")]));
}

#[tokio::test]
async fn a_secret_of_another_controller_is_left_alone_even_with_our_annotation() {
    let Some((cluster, controller)) = shared!() else { return };
    let ns = cluster.namespace().await;
    // The garbage collector would collect a Secret whose owner does not exist: an owner that does.
    let owner = ns.create(controller.seal(&ns, "owner", &[("a", "1")])).await;
    let mut theirs = foreign("db", &[("password", "theirs")]);
    theirs.metadata.annotations =
        Some(map(&[("seal.dev/applied", &format!(r#"{{"by":"SealedSecret/{}/db"}}"#, ns.name))]));
    theirs.metadata.owner_references = Some(vec![owner.controller_owner_ref(&()).unwrap()]);
    let theirs = ns.create(theirs).await;
    ns.create(controller.seal(&ns, "db", &[("password", "ours")])).await;
    let sealed = ends(&ns, "db", "NotOurs").await;
    assert!(
        message(&sealed).contains("owned by SealedSecret.seal.dev owner"),
        "{}",
        message(&sealed)
    );
    assert_eq!(version(&ns.get("db").await), version(&theirs));
}

#[tokio::test]
async fn a_key_edited_removed_or_added_by_hand_is_repaired_and_named() {
    let Some((cluster, controller)) = shared!() else { return };
    let ns = cluster.namespace().await;
    ns.create(controller.seal(&ns, "db", &[("a", "1"), ("b", "1")])).await;
    ends(&ns, "db", "Applied").await;
    let edit = json!({"data": {"a": "Mg==", "b": null, "c": "Mg=="}});
    ns.patch::<Secret>("db", edit).await;
    let event = ns.eventually_event("db", "Repaired").await;
    assert_eq!(event.message.as_deref(), Some("added b; changed a; removed c"));
    let wanted = map(&[("a", "1"), ("b", "1")]);
    ns.eventually("the values are ours again", "db", |live: &Secret| values(live) == wanted).await;
}

#[tokio::test]
async fn a_live_secret_that_is_deleted_comes_back() {
    let Some((cluster, controller)) = shared!() else { return };
    let ns = cluster.namespace().await;
    ns.create(controller.seal(&ns, "db", &[("a", "1")])).await;
    ends(&ns, "db", "Applied").await;
    let uid = ns.get::<Secret>("db").await.uid();
    ns.delete::<Secret>("db").await;
    ns.eventually("it is there again", "db", |live: &Secret| live.uid() != uid).await;
    ns.eventually_event("db", "Repaired").await;
}

#[tokio::test]
async fn another_type_or_an_immutable_secret_is_made_anew() {
    let Some((cluster, controller)) = shared!() else { return };
    let ns = cluster.namespace().await;
    let frozen = Template { immutable: Some(true), ..Template::default() };
    ns.create(with(frozen.clone(), controller.seal(&ns, "db", &[("a", "1")]))).await;
    ends(&ns, "db", "Applied").await;
    let before = ns.get::<Secret>("db").await;
    assert_eq!(before.immutable, Some(true));
    let next = with(frozen, controller.seal(&ns, "db", &[("a", "2")]));
    ns.patch::<SealedSecret>("db", json!({"spec": next.spec})).await;
    ends(&ns, "db", "Applied").await;
    ns.eventually_event("db", "Replaced").await;
    let live = ns.get::<Secret>("db").await;
    assert_eq!((values(&live), live.immutable), (map(&[("a", "2")]), Some(true)));
    assert_ne!(live.uid(), before.uid());

    let retyped = json!({"spec": {"template": {"type": "example.com/own", "immutable": null}}});
    ns.patch::<SealedSecret>("db", retyped).await;
    ends(&ns, "db", "Applied").await;
    let live = ns.get::<Secret>("db").await;
    assert_eq!((live.type_.as_deref(), live.immutable), (Some("example.com/own"), None));
}

#[tokio::test]
async fn nothing_is_deleted_when_the_new_secret_would_be_refused() {
    let Some((cluster, controller)) = shared!() else { return };
    let ns = cluster.namespace().await;
    ns.create(controller.seal(&ns, "db", &[("a", "1")])).await;
    ends(&ns, "db", "Applied").await;
    let before = version(&ns.get("db").await);
    // A tls Secret needs tls.crt and tls.key, which this file has not.
    let retyped = json!({"spec": {"template": {"type": "kubernetes.io/tls"}}});
    ns.patch::<SealedSecret>("db", retyped).await;
    ends(&ns, "db", "Malformed").await;
    assert_eq!(version(&ns.get("db").await), before);
}

#[tokio::test]
async fn a_write_that_an_admission_policy_denies_is_tried_until_the_policy_goes() {
    let Some((cluster, controller)) = shared!() else { return };
    let ns = cluster.namespace().await;
    deny(cluster, &ns, "CREATE, UPDATE", "false").await;
    let probe = PostParams { dry_run: true, ..PostParams::default() };
    eventually("the policy counts", async || {
        ns.api().create(&probe, &foreign("probe", &[("a", "1")])).await.err()
    })
    .await;
    ns.create(controller.seal(&ns, "db", &[("a", "1")])).await;
    let sealed = ends(&ns, "db", "Retrying").await;
    let policy = format!("the ValidatingAdmissionPolicy {} denies it", ns.name);
    assert!(message(&sealed).contains(&policy), "{}", message(&sealed));
    assert!(!message(&sealed).contains("canary"), "the policy's own words are not passed on");
    assert_eq!(stalled(&sealed), None);
    allow_again(&ns).await;
    ends(&ns, "db", "Applied").await;
}

#[tokio::test]
async fn a_deleted_sealed_object_takes_its_secret_along() {
    let Some((cluster, controller)) = shared!() else { return };
    let Some(_) = seal_testing::tool!("kube-controller-manager") else {
        return;
    };
    let ns = cluster.namespace().await;
    ns.create(controller.seal(&ns, "db", &[("a", "1")])).await;
    ends(&ns, "db", "Applied").await;
    ns.delete::<SealedSecret>("db").await;
    ns.eventually_gone::<Secret>("db").await;
}

#[tokio::test]
async fn a_sealed_object_made_again_while_garbage_collection_is_slow_keeps_its_secret() {
    let Some(mut cluster) = seal_testing::own_cluster!() else { return };
    let Some(_) = seal_testing::tool!("kube-controller-manager") else {
        return;
    };
    let ns = cluster.namespace().await;
    let controller = own_in(&cluster, &ns).await;
    ns.create(controller.seal(&ns, "db", &[("a", "1")])).await;
    ends(&ns, "db", "Applied").await;
    cluster.pause_controller_manager();
    ns.delete::<SealedSecret>("db").await;
    ns.eventually_gone::<SealedSecret>("db").await;
    let again = ns.create(controller.seal(&ns, "db", &[("a", "2")])).await;
    ends(&ns, "db", "Applied").await;
    cluster.resume_controller_manager();
    // An object that garbage collection takes proves that it has been through.
    let mut orphan = foreign("orphan", &[]);
    let mut gone = ns.get::<Secret>("db").await.owner_references()[0].clone();
    gone.uid = "00000000-0000-0000-0000-000000000000".into();
    gone.name = "never-was".into();
    orphan.metadata.owner_references = Some(vec![gone]);
    ns.create(orphan).await;
    ns.eventually_gone::<Secret>("orphan").await;
    let live = ns
        .eventually("ours, of the new object", "db", |live: &Secret| {
            live.owner_references()
                .first()
                .is_some_and(|it| Some(&it.uid) == again.metadata.uid.as_ref())
        })
        .await;
    assert_eq!(values(&live), map(&[("a", "2")]));
}

async fn own_in(cluster: &seal_testing::Cluster, ns: &seal_testing::Namespace) -> Controller {
    crate::support::install_in(cluster).await;
    Controller::own(cluster, ns, &[]).await
}

fn stalled(sealed: &SealedSecret) -> Option<String> {
    let status = sealed.status.as_ref()?;
    let stalled = status.conditions.iter().find(|it| it.type_ == "Stalled")?;
    Some(stalled.reason.clone())
}
