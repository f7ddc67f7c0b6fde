//! What is put right in a cluster: whatever else goes on, and told of.

use std::fs;

use kube::api::{DeleteParams, Patch};
use seal_core::kind::sealed::SealedSecret;
use seal_testing::{Fault, eventually};
use serde_json::json;

use crate::git::{Rig, message, reason};
use crate::support::shared;

#[tokio::test]
async fn one_object_that_is_fought_over_holds_up_no_other_and_is_told() {
    let Some((cluster, controller)) = shared!() else { return };
    let rig = Rig::new(cluster, controller).await;
    let commit =
        rig.commit(&[("a.yaml", &rig.seal("a", "one")), ("b.yaml", &rig.seal("b", "one"))]);
    rig.source("app", json!({"interval": "1h"})).await;
    rig.until_applied("app", &commit).await;
    let sealed = rig.sealed();
    // Until it waits for a minute, which is longer than this test.
    let edit = Patch::Merge(json!({"metadata": {"labels": {"x": "y"}}, "spec": {"suspend": true}}));
    let as_cronjob =
        kube::api::PatchParams { field_manager: Some("cronjob".into()), ..Default::default() };
    let status = eventually("it is contested", async || {
        sealed.patch("a", &as_cronjob, &edit).await.unwrap();
        let status = rig.until("app", "there is a status", |_| true).await;
        let is_contested = status.refused.first().is_some_and(|it| it.reason == "Contested");
        is_contested.then_some(status)
    })
    .await;
    assert_eq!(reason(&status), "Contested");
    assert_eq!(status.refused[0].path, "a.yaml");
    let words = &status.refused[0].message;
    assert!(words.contains("cronjob keeps changing it: it is put right again at "), "{words}");
    assert!(message(&status).contains("1 refused"), "{status:?}");
    // The other one at once, and the first one again in its time.
    sealed.delete("b", &DeleteParams::default()).await.unwrap();
    rig.served.eventually("b is there again", "b", |_: &SealedSecret| true).await;
    rig.until_applied("app", &commit).await;
    rig.until("app", "it is as Git says again", |it| reason(it) == "Applied").await;
    let told = "are again as the commit says";
    assert!(rig.log().contains(told), "{}", rig.log());
    rig.home.eventually_event("app", "Repaired").await;
}

#[tokio::test]
async fn a_server_that_does_not_answer_holds_up_no_repair_and_no_change_of_the_source() {
    let Some((cluster, controller)) = shared!() else { return };
    let rig = Rig::new(cluster, controller).await;
    let commit = rig.commit(&[("a.yaml", &rig.seal("a", "one"))]);
    rig.source("app", json!({"interval": "1h", "timeout": "10m"})).await;
    rig.until_applied("app", &commit).await;
    rig.until_value("a", "one").await;
    rig.server.requests();
    rig.server.now(Fault::Silent);
    rig.look("app").await;
    eventually("the fetch is under way", async || {
        (!rig.server.requests().is_empty()).then_some(())
    })
    .await;
    let other = rig.controller.seal(&rig.served, "a", &[("password", "another")]);
    let patch = Patch::Merge(crate::support::resealed(&other));
    rig.sealed().patch("a", &Default::default(), &patch).await.unwrap();
    rig.until_value("a", "another").await;
    rig.until_value("a", "one").await;
    // Nor where nobody asked for the fetch.
    let patch = Patch::Merge(json!({"spec": {"interval": "10s"}}));
    let sources: kube::Api<seal_core::kind::git_source::GitSource> =
        kube::Api::namespaced(cluster.client(), &rig.home.name);
    rig.server.now(Fault::None);
    sources.patch("app", &Default::default(), &patch).await.unwrap();
    rig.until("app", "it is fetched again", |it| reason(it) == "Applied").await;
    rig.server.requests();
    rig.server.now(Fault::Silent);
    eventually("the interval asks", async || (!rig.server.requests().is_empty()).then_some(()))
        .await;
    rig.sealed().delete("a", &DeleteParams::default()).await.unwrap();
    rig.served.eventually("it is there again", "a", |_: &SealedSecret| true).await;
    let status = rig.until("app", "there is a status", |_| true).await;
    assert_eq!(reason(&status), "Applied", "the fetch has not ended yet");
    // Whoever puts the source right does not wait for the end of it either.
    let patch = Patch::Merge(json!({"spec": {"suspend": true}}));
    let changed = sources.patch("app", &Default::default(), &patch).await.unwrap();
    rig.until("app", "it is suspended", |it| it.observed_generation == changed.metadata.generation)
        .await;
}

#[tokio::test]
async fn what_is_live_is_put_right_without_a_cache_though_the_new_commit_is_refused() {
    let Some((cluster, controller)) = shared!() else { return };
    let mut rig = Rig::new(cluster, controller).await;
    rig.git(&["config", "uploadpack.allowAnySHA1InWant", "true"]);
    rig.commit(&[("a.yaml", &rig.seal("a", "one"))]);
    let live = rig.commit(&[("a.yaml", &rig.seal("a", "two"))]);
    rig.source("app", json!({})).await;
    rig.until_applied("app", &live).await;
    rig.until_value("a", "two").await;
    rig.git(&["reset", "--quiet", "--hard", "HEAD^"]);
    rig.look("app").await;
    rig.until_reason("app", "NotFastForward").await;
    // As another pod begins.
    rig.kill();
    fs::remove_dir_all(rig.folder.path().join("cache")).unwrap();
    rig.sealed().delete("a", &DeleteParams::default()).await.unwrap();
    rig.served.eventually_gone::<SealedSecret>("a").await;
    rig.start(&[]).await;
    rig.until_value("a", "two").await;
    assert_eq!(reason(&rig.until("app", "it is looked at", |_| true).await), "NotFastForward");
}

#[tokio::test]
async fn what_is_live_is_put_right_though_the_cache_was_lost_while_the_new_commit_is_refused() {
    let Some((cluster, controller)) = shared!() else { return };
    let rig = Rig::new(cluster, controller).await;
    rig.git(&["config", "uploadpack.allowAnySHA1InWant", "true"]);
    rig.commit(&[("a.yaml", &rig.seal("a", "one"))]);
    let live = rig.commit(&[("a.yaml", &rig.seal("a", "two"))]);
    rig.source("app", json!({"interval": "1h"})).await;
    rig.until_applied("app", &live).await;
    rig.until_value("a", "two").await;
    rig.git(&["reset", "--quiet", "--hard", "HEAD^"]);
    rig.look("app").await;
    rig.until_reason("app", "NotFastForward").await;
    // Under the process that runs: the objects of the live commit are gone, and the commit at hand is not applied.
    fs::remove_dir_all(rig.folder.path().join("cache")).unwrap();
    rig.sealed().delete("a", &DeleteParams::default()).await.unwrap();
    let told = "what is live is not here either, so nothing is put right";
    rig.until("app", "that it is lost is told", |it| message(it).contains(told)).await;
    rig.look("app").await;
    rig.until_value("a", "two").await;
    assert_eq!(reason(&rig.until("app", "it is looked at", |_| true).await), "NotFastForward");
    // From then on at once again, without a fetch.
    rig.server.now(Fault::Silent);
    rig.sealed().delete("a", &DeleteParams::default()).await.unwrap();
    rig.served.eventually("it is there again", "a", |_: &SealedSecret| true).await;
}

#[tokio::test]
async fn a_fetch_ends_with_its_source() {
    let Some((cluster, controller)) = shared!() else { return };
    let rig = Rig::new(cluster, controller).await;
    let commit = rig.commit(&[("a.yaml", &rig.seal("a", "one"))]);
    rig.source("app", json!({"interval": "1h", "timeout": "10m"})).await;
    rig.until_applied("app", &commit).await;
    rig.server.now(Fault::Silent);
    rig.look("app").await;
    eventually("the fetch is under way", async || (rig.fetches() == 1).then_some(())).await;
    let sources: kube::Api<seal_core::kind::git_source::GitSource> =
        kube::Api::namespaced(cluster.client(), &rig.home.name);
    sources.delete("app", &DeleteParams::default()).await.unwrap();
    eventually("it is ended", async || (rig.fetches() == 0).then_some(())).await;
}
