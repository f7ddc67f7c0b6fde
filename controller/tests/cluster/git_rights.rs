//! What `seal-controller git` asks the API server for, by the audit log: what its shipped roles grant, and nothing in vain.

use std::collections::BTreeSet;

use k8s_openapi::api::rbac::v1::{ClusterRole, Role};
use kube::Api;
use kube::api::DeleteParams;
use seal_core::kind::sealed::SealedSecret;
use serde_json::json;

use crate::cluster_sealed::{all, served, spec};
use crate::git::Rig;
use crate::permissions::{Asked, NOTHING, granted, until_it_may};
use crate::support::{apply, foreign, shared};

const CLUSTER_RIGHTS: &str = include_str!("../../deploy/chart/files/git-rbac-cluster.yaml");
const ARGS: [&str; 1] = ["--cluster-sealed-secrets"];

/// The text of a ClusterSealedSecret for the namespace that is served.
fn for_the_cluster(rig: &Rig, name: &str, value: &str) -> String {
    let namespaces = [rig.served.name.as_str()];
    let spec = spec(rig.controller, &namespaces, name, &[("password", value)]);
    let metadata = json!({"name": name});
    let kind = "ClusterSealedSecret";
    json!({"apiVersion": "seal.dev/v1", "kind": kind, "metadata": metadata, "spec": spec})
        .to_string()
}

#[tokio::test]
async fn every_right_of_its_shipped_roles_is_used_and_nothing_is_denied() {
    let Some((cluster, controller)) = shared!() else { return };
    let mut rig = Rig::new(cluster, controller).await;
    apply(cluster, &CLUSTER_RIGHTS.replace("seal-git", &rig.home.name)).await;
    let account = format!("system:serviceaccount:{0}:{0}", rig.home.name);
    let (home, there) = (rig.home.name.clone(), rig.served.name.clone());
    until_it_may(cluster, &account, "create", "events", &home).await;
    until_it_may(cluster, &account, "list", "sealedsecrets.seal.dev", &there).await;
    until_it_may(cluster, &account, "list", "clustersealedsecrets.seal.dev", "").await;
    rig.start(&ARGS).await;
    live_through_everything(&mut rig).await;

    let asked = Asked::by(cluster, &home, &home);
    let everywhere: Api<ClusterRole> = Api::all(cluster.client());
    let name = format!("{home}-cluster-sealed-secrets");
    let everywhere = everywhere.get(&name).await.unwrap().rules.unwrap();
    assert_eq!(asked.rights(|namespace| namespace.is_empty()), granted(&everywhere));
    for ns in [&rig.home, &rig.served] {
        let role = ns.get::<Role>(&home).await.rules.unwrap();
        assert_eq!(asked.rights(|namespace| namespace == ns.name), granted(&role));
    }
    let elsewhere = |namespace: &str| ![home.as_str(), &there, ""].contains(&namespace);
    assert_eq!(asked.rights(elsewhere), BTreeSet::new());
    assert_eq!(asked.denied, NOTHING);
}

/// Objects of both kinds are made, changed, put right and removed by a source that is woken with a credential.
async fn live_through_everything(rig: &mut Rig) {
    let ours = |name: &str| format!("{}-{name}", rig.served.name);
    let wide = ["x", "y", "z"].map(ours);
    let token = "a token of sixteen bytes or more";
    rig.home.create(foreign("hook", &[("token", token)])).await;
    for name in ["a", "b", "c"] {
        rig.commit(&[(&format!("{name}.yaml"), &rig.seal(name, "one"))]);
    }
    for name in &wide {
        rig.commit(&[(&format!("{name}.yaml"), &for_the_cluster(rig, name, "one"))]);
    }
    let commit = rig.commit_all();
    rig.source("app", json!({"prune": true, "webhook": {"secretRef": {"name": "hook"}}})).await;
    rig.until_applied("app", &commit).await;
    served(rig.cluster, &wide[0], "Applied", "1/1").await;
    let file = format!("{}.yaml", wide[0]);
    let text = for_the_cluster(rig, &wide[0], "two");
    let commit = rig.commit(&[("a.yaml", &rig.seal("a", "two")), (&file, &text)]);
    rig.look("app").await;
    rig.until_applied("app", &commit).await;
    rig.until_value("a", "two").await;
    rig.sealed().delete("b", &DeleteParams::default()).await.unwrap();
    rig.home.eventually_event("app", "Repaired").await;
    let commit = rig.remove(&["a.yaml", &file]);
    rig.look("app").await;
    rig.until_applied("app", &commit).await;
    rig.served.eventually_gone::<SealedSecret>("a").await;
    assert!(all(rig.cluster).get_opt(&wide[0]).await.unwrap().is_none());
}
