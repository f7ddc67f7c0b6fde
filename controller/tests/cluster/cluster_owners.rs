//! One ClusterSealedSecret and what it writes into objects of others, in each of its namespaces.

use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;
use seal_testing::{Cluster, Namespace, eventually};
use serde_json::json;

use crate::attaching::{has, make_account};
use crate::cluster_sealed::{all, create, patch, served, spec};
use crate::merging::consenting;
use crate::support::{Controller, apply, install_in, map, values};

/// A controller of the whole cluster that attaches pull secrets, and two namespaces.
async fn start(cluster: &Cluster) -> (Controller, Namespace, Namespace) {
    install_in(cluster).await;
    apply(cluster, include_str!("../../deploy/chart/files/controller.yaml")).await;
    apply(cluster, include_str!("../../deploy/chart/files/pull-secrets-cluster.yaml")).await;
    let controller = Controller::start(cluster, "seal-system", &["--attach-pull-secrets"]).await;
    (controller, cluster.namespace().await, cluster.namespace().await)
}

async fn shares(ns: &Namespace, pairs: &[(&str, &str)]) {
    let wanted = map(pairs);
    let what = format!("{} has {:?}", ns.name, wanted.keys());
    ns.eventually(&what, "db", |live: &Secret| values(live) == wanted).await;
}

async fn is_gone(cluster: &Cluster, name: &str) {
    let delete = Default::default();
    all(cluster).delete(name, &delete).await.unwrap();
    eventually("it is gone", async || {
        all(cluster).get_opt(name).await.unwrap().is_none().then_some(())
    })
    .await;
}

#[tokio::test]
async fn its_keys_go_from_a_namespace_that_is_taken_out_and_from_all_with_the_object() {
    let Some(cluster) = seal_testing::own_cluster!() else { return };
    let (controller, one, other) = start(&cluster).await;
    for ns in [&one, &other] {
        consenting(ns).await;
    }
    // One of its own name in one of the namespaces may merge there too, if its keys are others.
    let mut own = controller.seal(&one, "db", &[("own", "1")]);
    own.spec.on_conflict = Some("Merge".into());
    ns_create(&one, own).await;
    let both = [one.name.as_str(), other.name.as_str()];
    let mut merged = spec(&controller, &both, "db", &[("a", "1")]);
    merged["onConflict"] = json!("Merge");
    create(&cluster, "db", merged).await;
    let status = served(&cluster, "db", "Applied", "2/2").await;
    assert_eq!(status["mergedKeys"], json!(["a"]));
    shares(&one, &[("a", "1"), ("own", "1"), ("theirs", "0")]).await;
    shares(&other, &[("a", "1"), ("theirs", "0")]).await;
    // A key of another file is that one's.
    let mut taken = spec(&controller, &both, "db", &[("a", "1"), ("own", "2")]);
    taken["onConflict"] = json!("Merge");
    patch(&cluster, "db", json!({"spec": taken})).await;
    let status = served(&cluster, "db", "Partial", "1/2").await;
    let told = status["failing"][0]["message"].as_str().unwrap().to_owned();
    assert!(told.contains("the key own already, which another sealed object wrote"), "{told}");
    shares(&one, &[("a", "1"), ("own", "1"), ("theirs", "0")]).await;

    let mut fewer = spec(&controller, &[&other.name], "db", &[("a", "2")]);
    fewer["onConflict"] = json!("Merge");
    fewer["values"]["own"] = json!(null);
    patch(&cluster, "db", json!({"spec": fewer})).await;
    served(&cluster, "db", "Applied", "1/1").await;
    shares(&one, &[("own", "1"), ("theirs", "0")]).await;
    shares(&other, &[("a", "2"), ("theirs", "0")]).await;
    is_gone(&cluster, "db").await;
    shares(&one, &[("own", "1"), ("theirs", "0")]).await;
    shares(&other, &[("theirs", "0")]).await;
}

async fn ns_create(ns: &Namespace, sealed: seal_core::kind::sealed::SealedSecret) {
    ns.create(sealed).await;
    crate::support::ends(ns, "db", "Applied").await;
}

#[tokio::test]
async fn its_copies_are_attached_in_each_namespace_and_taken_out_where_they_are_not_wanted() {
    let Some(cluster) = seal_testing::own_cluster!() else { return };
    let (controller, one, other) = start(&cluster).await;
    make_account(&one, "builder", &["theirs"]).await;
    let both = [one.name.as_str(), other.name.as_str()];
    let config = [(".dockerconfigjson", r#"{"auths":{}}"#)];
    let attached = |namespaces: &[&str]| {
        let mut spec = spec(&controller, namespaces, "reg", &config);
        spec["template"] = json!({"type": "kubernetes.io/dockerconfigjson"});
        spec["serviceAccounts"] = json!(["builder"]);
        spec
    };
    create(&cluster, "reg", attached(&both)).await;
    served(&cluster, "reg", "Applied", "2/2").await;
    has(&one, "builder", &["theirs", "reg"]).await;
    make_account(&other, "builder", &[]).await;
    has(&other, "builder", &["reg"]).await;
    patch(&cluster, "reg", json!({"spec": attached(&[&other.name])})).await;
    served(&cluster, "reg", "Applied", "1/1").await;
    has(&one, "builder", &["theirs"]).await;
    is_gone(&cluster, "reg").await;
    has(&other, "builder", &[]).await;
}

#[tokio::test]
async fn its_copies_stay_when_they_are_to_be_kept() {
    let Some(cluster) = seal_testing::own_cluster!() else { return };
    let (controller, one, other) = start(&cluster).await;
    let both = [one.name.as_str(), other.name.as_str()];
    create(&cluster, "db", spec(&controller, &both, "db", &[("a", "1")])).await;
    served(&cluster, "db", "Applied", "2/2").await;
    let annotations = json!({"seal.dev/on-delete": "keep"});
    patch(&cluster, "db", json!({"metadata": {"annotations": annotations}})).await;
    eventually("its status says so", async || {
        let object = all(&cluster).get("db").await.unwrap();
        (object.data["status"]["kept"] == true).then_some(())
    })
    .await;
    for ns in [&one, &other] {
        assert_eq!(ns.get::<Secret>("db").await.owner_references().len(), 0);
    }
    is_gone(&cluster, "db").await;
    shares(&one, &[("a", "1")]).await;
}
