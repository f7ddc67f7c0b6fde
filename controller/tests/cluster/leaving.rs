//! What a sealed object leaves where it must not or cannot take it away, and that it says so.

use k8s_openapi::api::core::v1::{Event, Secret};
use kube::Api;
use seal_core::kind::sealed::SealedSecret;
use seal_testing::eventually;
use serde_json::json;

use crate::cluster_sealed::{create, patch, served, spec};
use crate::merging::{consenting, merge};
use crate::support::{Controller, apply, ends, foreign, install_in, map, message, quiet, values};

#[tokio::test]
async fn an_adopted_copy_in_a_namespace_that_is_taken_out_is_left_and_that_is_said() {
    let Some(cluster) = seal_testing::own_cluster!() else { return };
    install_in(&cluster).await;
    apply(&cluster, include_str!("../../deploy/chart/files/controller.yaml")).await;
    let controller = Controller::start(&cluster, "seal-system", &[]).await;
    let (one, other) = (cluster.namespace().await, cluster.namespace().await);
    let mut theirs = foreign("db", &[("theirs", "0")]);
    theirs.metadata.annotations = Some(map(&[("seal.dev/accepts", "adopt")]));
    one.create(theirs).await;
    let mut both = spec(&controller, &[&one.name, &other.name], "db", &[("a", "1")]);
    both["onConflict"] = json!("Adopt");
    create(&cluster, "db", both).await;
    served(&cluster, "db", "Applied", "2/2").await;
    let mut fewer = spec(&controller, &[&other.name], "db", &[("a", "1")]);
    fewer["onConflict"] = json!("Adopt");
    patch(&cluster, "db", json!({"spec": fewer})).await;
    served(&cluster, "db", "Applied", "1/1").await;
    let events: Api<Event> = Api::all(cluster.client());
    let told = eventually("it is said", async || {
        let all = events.list(&Default::default()).await.ok()?.items;
        let of_it = all.into_iter().find(|it| it.reason.as_deref() == Some("Released"));
        of_it.and_then(|event| event.message)
    })
    .await;
    assert!(told.contains("the Secret is left there"), "{told}");
    assert_eq!(values(&one.get("db").await), map(&[("a", "1")]));
}

#[tokio::test]
async fn a_merged_secret_that_became_immutable_is_named_and_released_when_it_goes() {
    let Some(cluster) = quiet!() else { return };
    let ns = cluster.namespace().await;
    let controller = Controller::own(cluster, &ns, &[]).await;
    consenting(&ns).await;
    merge(&controller, &ns, &[("a", "1")]).await;
    ends(&ns, "db", "Applied").await;
    ns.patch::<Secret>("db", json!({"immutable": true})).await;
    ns.delete::<SealedSecret>("db").await;
    let told = ns
        .eventually("it is said", "db", |sealed: &SealedSecret| {
            message(sealed).contains("cannot be taken out of it")
        })
        .await;
    assert!(message(&told).contains("seal.dev/detach"), "{}", message(&told));
    assert!(told.metadata.deletion_timestamp.is_some());
    assert_eq!(values(&ns.get("db").await), map(&[("a", "1"), ("theirs", "0")]));
    ns.delete::<Secret>("db").await;
    ns.eventually_gone::<SealedSecret>("db").await;
}
