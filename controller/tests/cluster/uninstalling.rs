//! What a person deletes who wants to be rid of the controller, and what must never go with it.

use std::process::{Command, Output};

use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Api;
use kube::api::{DeleteParams, ListParams, PostParams};
use seal_testing::{Cluster, Namespace, eventually};

use crate::support::{Controller, ends, foreign, map, values};

/// What a command of `seal` prints: standard output, and what it says beside it.
fn printed(args: &[&str]) -> (String, String) {
    let Output { status, stdout, stderr } =
        Command::new(seal_testing::programs::built("seal")).args(args).output().unwrap();
    assert!(status.success());
    (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

async fn kubectl(cluster: &Cluster, line: &str, stdin: &str) -> (bool, String) {
    let words: Vec<&str> = line.split(' ').collect();
    let Output { status, stdout, stderr } = cluster.kubectl(&words, stdin).await;
    let both = [stdout, stderr].concat();
    (status.success(), String::from_utf8(both).unwrap())
}

/// Applies what `seal install` prints, and waits until its guard counts.
pub(crate) async fn install(cluster: &Cluster) {
    let (manifests, _) = printed(&["install"]);
    let (applied, said) = kubectl(cluster, "apply --server-side -f -", &manifests).await;
    assert!(applied, "{said}");
    let probe = foreign("probe", &[]);
    let mut probe = Secret { type_: Some("seal.dev/key".into()), ..probe };
    probe.metadata.annotations = Some(map(&[("seal.dev/allow-delete", "false")]));
    let secrets: Api<Secret> = Api::namespaced(cluster.client(), "seal-system");
    secrets.create(&PostParams::default(), &probe).await.unwrap();
    let dry_run = DeleteParams { dry_run: true, ..DeleteParams::default() };
    eventually("the guard counts", async || secrets.delete("probe", &dry_run).await.err()).await;
    kubectl(
        cluster,
        "annotate -n seal-system secret probe --overwrite seal.dev/allow-delete=true",
        "",
    )
    .await;
    eventually("what is allowed to go goes", async || {
        secrets.delete("probe", &DeleteParams::default()).await.ok()
    })
    .await;
}

async fn has_kind(cluster: &Cluster) -> bool {
    let kinds: Api<CustomResourceDefinition> = Api::all(cluster.client());
    kinds.get_opt("sealedsecrets.seal.dev").await.unwrap().is_some()
}

#[tokio::test]
async fn no_way_that_a_person_would_try_takes_a_live_secret_or_a_key_along() {
    let Some(_) = seal_testing::tool!("kubectl") else { return };
    let Some(cluster) = seal_testing::own_cluster!() else { return };
    install(&cluster).await;
    let controller = Controller::start(&cluster, "seal-system", &[]).await;
    let ns = cluster.namespace().await;
    let home = Namespace { name: "seal-system".into(), client: cluster.client() };
    ns.create(controller.seal(&ns, "db", &[("a", "1")])).await;
    ends(&ns, "db", "Applied").await;

    let (manifests, _) = printed(&["install"]);
    let (deleted, said) = kubectl(&cluster, "delete --wait=false -f -", &manifests).await;
    assert!(!deleted && said.contains("seal uninstall"), "{said}");
    install(&cluster).await;
    for line in [
        "delete crd sealedsecrets.seal.dev",
        "delete namespace seal-system",
        "delete secret -n seal-system seal-key-first",
        "delete secret -n seal-system --all",
    ] {
        let (deleted, said) = kubectl(&cluster, line, "").await;
        assert!(!deleted && said.contains("deletion guard"), "{line}: {said}");
    }
    let collection = home.api::<Secret>();
    assert!(
        collection
            .delete_collection(&DeleteParams::default(), &ListParams::default())
            .await
            .is_err()
    );
    assert!(has_kind(&cluster).await && home.find::<Secret>("seal-key-first").await.is_some());
    assert_eq!(values(&ns.get("db").await), map(&[("a", "1")]));
    // Nor is a key written over, as when one cluster's backup is applied over another's first key.
    let next = seal_core::key::Identity::generate();
    crate::keys::add_key(&cluster, &home.name, "next", &next, "active").await;
    for key in ["next", "seal-key-first"] {
        let patch = r#"{"data":{"identity":"eA=="}}"#;
        let line = format!("patch secret -n seal-system {key} -p {patch}");
        let (patched, said) = kubectl(&cluster, &line, "").await;
        assert!(
            !patched && (said.contains("deletion guard") || said.contains("immutable")),
            "{said}"
        );
        let line = format!("label secret -n seal-system {key} --overwrite seal.dev/key=retired");
        assert!(kubectl(&cluster, &line, "").await.0, "what is no content of it may change");
    }
    ns.delete::<Secret>("db").await; // an ordinary Secret goes as ever, and comes back
    ends(&ns, "db", "Applied").await;
}

#[tokio::test]
async fn what_uninstall_prints_leaves_every_live_secret_and_what_it_says_removes_the_rest() {
    let Some(_) = seal_testing::tool!("kubectl") else { return };
    let Some(cluster) = seal_testing::own_cluster!() else { return };
    install(&cluster).await;
    let controller = Controller::start(&cluster, "seal-system", &[]).await;
    let ns = cluster.namespace().await;
    ns.create(controller.seal(&ns, "db", &[("a", "1")])).await;
    ends(&ns, "db", "Applied").await;
    controller.process.terminate().await;

    let (manifests, said) = printed(&["uninstall"]);
    let (deleted, told) = kubectl(&cluster, "delete --ignore-not-found -f -", &manifests).await;
    assert!(deleted, "{told}");
    assert_eq!(values(&ns.get("db").await), map(&[("a", "1")]));
    assert!(has_kind(&cluster).await);

    // Installed again it goes on with the same key.
    install(&cluster).await;
    let again = Controller::start(&cluster, "seal-system", &[]).await;
    ns.create(again.seal(&ns, "later", &[("a", "1")])).await;
    ends(&ns, "later", "Applied").await;
    again.process.terminate().await;

    let lines = said.lines().filter_map(|line| line.split_once("  kubectl "));
    // The one that names no object of its own is for whoever has one that waits.
    let (one, lines): (Vec<_>, Vec<_>) = lines.partition(|(_, line)| line.contains(" NAME "));
    assert_eq!(one.len(), 1, "{said}");
    for (_, line) in lines {
        let (done, told) = kubectl(&cluster, line, "").await;
        assert!(done, "{line}: {told}");
    }
    eventually("the kind is gone", async || (!has_kind(&cluster).await).then_some(())).await;
}
