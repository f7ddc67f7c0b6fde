//! `seal.dev/on-delete: keep`: a live Secret that stays when its sealed object goes.

use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;
use seal_core::kind::sealed::SealedSecret;
use seal_testing::Namespace;
use serde_json::json;

use crate::support::{Controller, ends, map, message, shared, values, version};

async fn keep(ns: &Namespace, word: Option<&str>) -> SealedSecret {
    let annotations = json!({"seal.dev/on-delete": word});
    ns.patch::<SealedSecret>("db", json!({"metadata": {"annotations": annotations}})).await;
    ns.eventually("the status says so", "db", |sealed: &SealedSecret| {
        sealed.status.as_ref().is_some_and(|it| it.kept == word.map(|_| true))
    })
    .await
}

async fn applied(controller: &Controller, ns: &Namespace) -> Secret {
    ns.create(controller.seal(ns, "db", &[("a", "1")])).await;
    ends(ns, "db", "Applied").await;
    ns.get("db").await
}

#[tokio::test]
async fn what_is_kept_outlives_its_object_and_is_taken_up_again_when_its_writer_says_so() {
    let Some((cluster, controller)) = shared!() else { return };
    let ns = cluster.namespace().await;
    let before = applied(controller, &ns).await;
    keep(&ns, Some("keep")).await;
    let event = ns.eventually_event("db", "Released").await;
    assert_eq!(event.type_.as_deref(), Some("Normal"));
    let live = ns.get::<Secret>("db").await;
    assert_eq!((live.uid(), live.owner_references().len()), (before.uid(), 0));
    ns.delete::<SealedSecret>("db").await;
    ns.eventually_gone::<SealedSecret>("db").await;
    // Whoever may only create sealed objects does not get it.
    ns.create(controller.seal(&ns, "db", &[("a", "2")])).await;
    let told = message(&ends(&ns, "db", "NotOurs").await);
    let line = format!("kubectl annotate secret -n {} db seal.dev/accepts=adopt", ns.name);
    assert!(told.ends_with(&line), "{told}");
    assert_eq!(version(&ns.get("db").await), version(&live));
    let words: Vec<&str> = line.split(' ').skip(1).collect();
    assert!(cluster.kubectl(&words, "").await.status.success());
    let again = ends(&ns, "db", "Applied").await;
    let live = ns.get::<Secret>("db").await;
    assert_eq!((live.uid(), values(&live)), (before.uid(), map(&[("a", "2")])));
    assert_eq!(live.owner_references()[0].uid, again.uid().unwrap());
}

#[tokio::test]
async fn what_is_kept_is_still_put_right_and_gets_its_owner_back() {
    let Some((cluster, controller)) = shared!() else { return };
    let ns = cluster.namespace().await;
    applied(controller, &ns).await;
    keep(&ns, Some("keep")).await;
    ns.patch::<Secret>("db", json!({"stringData": {"a": "9"}})).await;
    ns.eventually("it is ours again", "db", |live: &Secret| values(live) == map(&[("a", "1")]))
        .await;
    ns.delete::<Secret>("db").await;
    let live = ns.eventually("it is there again", "db", |_: &Secret| true).await;
    assert_eq!(live.owner_references().len(), 0);
    let sealed = keep(&ns, None).await;
    let live = ns.get::<Secret>("db").await;
    assert_eq!(live.owner_references()[0].uid, sealed.uid().unwrap());
    ends(&ns, "db", "Applied").await;
}

#[tokio::test]
async fn a_word_that_is_no_choice_keeps_the_secret_and_is_said() {
    let Some((cluster, controller)) = shared!() else { return };
    for word in ["kep", "Keep", "true"] {
        let ns = cluster.namespace().await;
        let before = applied(controller, &ns).await;
        keep(&ns, Some(word)).await;
        let told = message(&ends(&ns, "db", "Applied").await);
        assert!(told.contains("is taken for keep"), "{told}");
        ns.delete::<SealedSecret>("db").await;
        ns.eventually_gone::<SealedSecret>("db").await;
        let live = ns.get::<Secret>("db").await;
        assert_eq!((live.uid(), live.owner_references().len()), (before.uid(), 0), "{word}");
    }
    let ns = cluster.namespace().await;
    applied(controller, &ns).await;
    let delete = json!({"metadata": {"annotations": {"seal.dev/on-delete": "delete"}}});
    ns.patch::<SealedSecret>("db", delete).await;
    ns.delete::<SealedSecret>("db").await;
    ns.eventually_gone::<Secret>("db").await;
}
