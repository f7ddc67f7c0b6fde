//! `onConflict: Merge`: a file's keys beside those of others, and how they go again.

use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;
use seal_core::kind::sealed::SealedSecret;
use seal_testing::{Namespace, eventually};
use serde_json::json;

use crate::support::{
    Controller, ends, foreign, map, message, quiet, ready, resealed, shared, values, version,
};

/// A Secret of others with the key `theirs`, whose writer lets sealed files write into it.
pub(crate) async fn consenting(ns: &Namespace) -> Secret {
    let mut theirs = foreign("db", &[("theirs", "0")]);
    theirs.metadata.annotations = Some(map(&[("seal.dev/accepts", "merge")]));
    ns.create(theirs).await
}

pub(crate) async fn merge(controller: &Controller, ns: &Namespace, pairs: &[(&str, &str)]) {
    let mut sealed = controller.seal(ns, "db", pairs);
    sealed.spec.on_conflict = Some("Merge".into());
    ns.create(sealed).await;
}

async fn edit(ns: &Namespace, key: &str, value: Option<&str>) {
    let change = json!({"stringData": {key: value}});
    let change = if value.is_none() { json!({"data": {key: null}}) } else { change };
    ns.patch::<Secret>("db", change).await;
}

async fn has(ns: &Namespace, what: &str, pairs: &[(&str, &str)]) -> Secret {
    let wanted = map(pairs);
    ns.eventually(what, "db", |live: &Secret| values(live) == wanted).await
}

fn finalizers(sealed: &SealedSecret) -> Vec<String> {
    sealed.metadata.finalizers.clone().unwrap_or_default()
}

#[tokio::test]
async fn our_keys_stand_beside_those_of_others_and_exactly_they_go_with_the_object() {
    let Some((cluster, controller)) = shared!() else { return };
    let ns = cluster.namespace().await;
    let theirs = consenting(&ns).await;
    merge(controller, &ns, &[("a", "1"), ("b", "1")]).await;
    let sealed = ends(&ns, "db", "Applied").await;
    assert_eq!(finalizers(&sealed), ["seal.dev/detach"]);
    assert_eq!(sealed.status.unwrap().merged_keys, ["a", "b"]);
    let live = has(&ns, "both are there", &[("a", "1"), ("b", "1"), ("theirs", "0")]).await;
    assert_eq!((live.uid(), live.owner_references().len()), (theirs.uid(), 0));
    edit(&ns, "more", Some("9")).await;
    let mut less = resealed(&controller.seal(&ns, "db", &[("a", "2")]));
    less["spec"]["values"]["b"] = json!(null);
    ns.patch::<SealedSecret>("db", less).await;
    has(&ns, "b is gone", &[("a", "2"), ("more", "9"), ("theirs", "0")]).await;
    ends(&ns, "db", "Applied").await;
    ns.delete::<SealedSecret>("db").await;
    ns.eventually_gone::<SealedSecret>("db").await;
    let live = ns.get::<Secret>("db").await;
    assert_eq!(values(&live), map(&[("more", "9"), ("theirs", "0")]));
    assert_eq!(live.metadata.annotations, Some(map(&[("seal.dev/accepts", "merge")])));
}

#[tokio::test]
async fn what_others_do_to_their_own_keys_is_answered_by_no_write() {
    let Some(cluster) = quiet!() else { return };
    let ns = cluster.namespace().await;
    let controller = Controller::own(cluster, &ns, &[]).await;
    consenting(&ns).await;
    merge(&controller, &ns, &[("a", "1")]).await;
    ends(&ns, "db", "Applied").await;
    controller.is_idle().await;
    let writes = || {
        let all = cluster.requests_by(&controller.namespace, "seal-controller").into_iter();
        all.filter(|it| it.verb != "get" && it.verb != "watch" && it.namespace == ns.name).count()
    };
    let before = writes();
    let mut last = String::new();
    for value in ["1", "2", "3"] {
        edit(&ns, "theirs", Some(value)).await;
        last = ns.get::<Secret>("db").await.resource_version().unwrap();
    }
    // The same watch tells of this one later than of those edits.
    ns.create(controller.seal(&ns, "other", &[("a", "1")])).await;
    ends(&ns, "other", "Applied").await;
    controller.is_idle().await;
    let live = ns.get::<Secret>("db").await;
    assert_eq!(live.resource_version(), Some(last));
    assert_eq!(writes() - before, 2, "the Secret `other` and its status");
    assert_eq!(ready(&ns.get("db").await).unwrap().1, "Applied");
}

#[tokio::test]
async fn a_key_of_ours_that_others_write_is_repaired_and_then_contested_with_their_name() {
    let Some((cluster, controller)) = shared!() else { return };
    let ns = cluster.namespace().await;
    consenting(&ns).await;
    merge(controller, &ns, &[("a", "1")]).await;
    ends(&ns, "db", "Applied").await;
    edit(&ns, "a", Some("2")).await;
    has(&ns, "it is put right", &[("a", "1"), ("theirs", "0")]).await;
    let event = ns.eventually_event("db", "Repaired").await;
    assert!(event.message.unwrap().starts_with("changed a"));
    let told = eventually("it is contested", async || {
        ns.api::<Secret>()
            .patch(
                "db",
                &kube::api::PatchParams {
                    field_manager: Some("rival".into()),
                    ..Default::default()
                },
                &kube::api::Patch::Merge(json!({"stringData": {"a": "3"}})),
            )
            .await
            .unwrap();
        let sealed: SealedSecret = ns.get("db").await;
        (ready(&sealed)?.1 == "Contested").then(|| message(&sealed))
    })
    .await;
    assert!(told.starts_with("rival keeps changing"), "{told}");
    ends(&ns, "db", "Applied").await;
    has(&ns, "ours again", &[("a", "1"), ("theirs", "0")]).await;
}

#[tokio::test]
async fn without_consent_nothing_is_written_and_what_was_stays_until_the_object_goes() {
    let Some((cluster, controller)) = shared!() else { return };
    let ns = cluster.namespace().await;
    let theirs = ns.create(foreign("db", &[("theirs", "0")])).await;
    merge(controller, &ns, &[("a", "1")]).await;
    let sealed = ends(&ns, "db", "NotOurs").await;
    assert_eq!(finalizers(&sealed), Vec::<String>::new());
    let line = format!("kubectl annotate secret -n {} db seal.dev/accepts=merge", ns.name);
    assert!(message(&sealed).ends_with(&line), "{}", message(&sealed));
    assert_eq!(version(&ns.get("db").await), version(&theirs));
    let words: Vec<&str> = line.split(' ').skip(1).collect();
    assert!(cluster.kubectl(&words, "").await.status.success());
    ends(&ns, "db", "Applied").await;
    let withdrawn = json!({"metadata": {"annotations": {"seal.dev/accepts": null}}});
    ns.patch::<Secret>("db", withdrawn).await;
    ends(&ns, "db", "NotOurs").await;
    ns.patch::<SealedSecret>("db", resealed(&controller.seal(&ns, "db", &[("a", "2")]))).await;
    ends(&ns, "db", "NotOurs").await;
    assert_eq!(values(&ns.get("db").await), map(&[("a", "1"), ("theirs", "0")]));
    ns.delete::<SealedSecret>("db").await;
    ns.eventually_gone::<SealedSecret>("db").await;
    assert_eq!(values(&ns.get("db").await), map(&[("theirs", "0")]));
}

#[tokio::test]
async fn a_key_that_others_own_is_named_with_its_manager_and_merged_when_they_take_it_out() {
    let Some((cluster, controller)) = shared!() else { return };
    let ns = cluster.namespace().await;
    let before = consenting(&ns).await;
    merge(controller, &ns, &[("a", "1"), ("theirs", "1")]).await;
    let told = message(&ends(&ns, "db", "NotOurs").await);
    let manager = before.metadata.managed_fields.as_ref().unwrap()[0].manager.clone().unwrap();
    assert!(told.contains(&format!("the key theirs already, which {manager:?} owns")), "{told}");
    assert_eq!(version(&ns.get("db").await), version(&before));
    edit(&ns, "theirs", None).await;
    ends(&ns, "db", "Applied").await;
    has(&ns, "both are ours", &[("a", "1"), ("theirs", "1")]).await;
}

#[tokio::test]
async fn nothing_is_made_where_there_is_nothing_to_merge_into() {
    let Some((cluster, controller)) = shared!() else { return };
    let ns = cluster.namespace().await;
    merge(controller, &ns, &[("a", "1")]).await;
    let told = message(&ends(&ns, "db", "Retrying").await);
    assert!(told.contains("does not exist, and spec.onConflict Merge makes none"), "{told}");
    assert_eq!(ns.find::<Secret>("db").await, None);
    consenting(&ns).await;
    ends(&ns, "db", "Applied").await;
    ns.delete::<Secret>("db").await;
    ends(&ns, "db", "Retrying").await;
    ns.delete::<SealedSecret>("db").await;
    ns.eventually_gone::<SealedSecret>("db").await;
}

#[tokio::test]
async fn with_another_choice_our_keys_are_taken_out_and_the_finalizer_with_them() {
    let Some((cluster, controller)) = shared!() else { return };
    let ns = cluster.namespace().await;
    consenting(&ns).await;
    merge(controller, &ns, &[("a", "1")]).await;
    ends(&ns, "db", "Applied").await;
    ns.patch::<SealedSecret>("db", json!({"spec": {"onConflict": null}})).await;
    let sealed = ends(&ns, "db", "NotOurs").await;
    assert_eq!(finalizers(&sealed), Vec::<String>::new());
    assert_eq!(sealed.status.unwrap().merged_keys, Vec::<String>::new());
    has(&ns, "ours are gone", &[("theirs", "0")]).await;
}

#[tokio::test]
async fn a_finalizer_that_somebody_takes_away_is_set_again_and_those_of_others_stay() {
    let Some((cluster, controller)) = shared!() else { return };
    let ns = cluster.namespace().await;
    consenting(&ns).await;
    merge(controller, &ns, &[("a", "1")]).await;
    ends(&ns, "db", "Applied").await;
    let others = json!({"metadata": {"finalizers": ["example.com/theirs"]}});
    ns.patch::<SealedSecret>("db", others).await;
    ns.eventually("both are there", "db", |sealed: &SealedSecret| {
        finalizers(sealed) == ["example.com/theirs", "seal.dev/detach"]
    })
    .await;
    ns.delete::<SealedSecret>("db").await;
    ns.eventually("ours is gone", "db", |sealed: &SealedSecret| {
        finalizers(sealed) == ["example.com/theirs"]
    })
    .await;
    has(&ns, "our keys are gone", &[("theirs", "0")]).await;
    ns.patch::<SealedSecret>("db", json!({"metadata": {"finalizers": null}})).await;
    ns.eventually_gone::<SealedSecret>("db").await;
}

#[tokio::test]
async fn an_object_deleted_while_no_controller_runs_is_detached_at_the_next_start() {
    let Some(cluster) = quiet!() else { return };
    let (ns, home) = (cluster.namespace().await, cluster.namespace().await);
    let controller = Controller::start_in(cluster, &home, &ns, &[]).await;
    consenting(&ns).await;
    merge(&controller, &ns, &[("a", "1")]).await;
    ends(&ns, "db", "Applied").await;
    controller.process.terminate().await;
    ns.delete::<SealedSecret>("db").await;
    assert_eq!(values(&ns.get("db").await), map(&[("a", "1"), ("theirs", "0")]));
    let _again = Controller::start_in(cluster, &home, &ns, &[]).await;
    ns.eventually_gone::<SealedSecret>("db").await;
    assert_eq!(values(&ns.get("db").await), map(&[("theirs", "0")]));
}

#[tokio::test]
async fn a_namespace_that_is_being_deleted_is_not_held_up_even_where_no_write_is_let_through() {
    let Some((cluster, controller)) = shared!() else { return };
    let Some(_) = seal_testing::tool!("kube-controller-manager") else { return };
    let ns = cluster.namespace().await;
    let mut held = foreign("db", &[("theirs", "0")]);
    held.metadata.annotations = Some(map(&[("seal.dev/accepts", "merge")]));
    held.metadata.finalizers = Some(vec!["example.com/hold".into()]);
    ns.create(held).await;
    merge(controller, &ns, &[("a", "1")]).await;
    ends(&ns, "db", "Applied").await;
    crate::policies::deny(cluster, &ns, "UPDATE", "false").await;
    eventually("the policy counts", async || {
        let change = kube::api::Patch::Merge(json!({"metadata": {"labels": {"a": "1"}}}));
        ns.api::<Secret>().patch("db", &Default::default(), &change).await.err()
    })
    .await;
    let namespaces: kube::Api<k8s_openapi::api::core::v1::Namespace> =
        kube::Api::all(ns.client.clone());
    namespaces.delete(&ns.name, &Default::default()).await.unwrap();
    ns.eventually_gone::<SealedSecret>("db").await;
}

#[tokio::test]
async fn a_guess_that_is_right_looks_as_one_that_is_wrong() {
    let Some((cluster, controller)) = shared!() else { return };
    let ns = cluster.namespace().await;
    consenting(&ns).await;
    merge(controller, &ns, &[("a", "right")]).await;
    ends(&ns, "db", "Applied").await;
    for guess in ["right", "wrong", "wrong", "right"] {
        let before = version(&ns.get("db").await);
        let guessed = resealed(&controller.seal(&ns, "db", &[("a", guess)]));
        ns.patch::<SealedSecret>("db", guessed).await;
        ends(&ns, "db", "Applied").await;
        assert_ne!(version(&ns.get("db").await), before, "{guess}");
    }
    // Nor of a value of others: it is theirs in any case.
    for guess in ["0", "1"] {
        let mut guessed = resealed(&controller.seal(&ns, "db", &[("theirs", guess)]));
        guessed["spec"]["values"]["a"] = json!(null);
        ns.patch::<SealedSecret>("db", guessed).await;
        let told = message(&ends(&ns, "db", "NotOurs").await);
        assert!(told.contains("the key theirs already"), "{told}");
    }
}
