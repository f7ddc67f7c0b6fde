//! The shipped roles are enough, as every test of this folder shows by running with them, and no more than that:
//! what the API server's audit log says was used is what they grant.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use k8s_openapi::api::rbac::v1::{ClusterRole, PolicyRule, Role};
use kube::api::Api;
use seal_core::kind::sealed::{SealedSecret, Template};
use seal_testing::{Cluster, Namespace};
use serde_json::json;

use crate::cluster_sealed::{create, served, spec};
use crate::merging::{consenting, merge};
use crate::support::{Controller, apply, ends, foreign, install_in, map, resealed, with};

/// Verb, API group, resource.
type Right = (String, String, String);

#[tokio::test]
async fn every_right_of_the_shipped_roles_is_used_and_no_other() {
    let Some(cluster) = seal_testing::own_cluster!() else { return };
    install_in(&cluster).await;
    let home = Namespace { name: "seal-system".into(), client: cluster.client() };
    apply(&cluster, include_str!("../../deploy/controller.yaml")).await;
    let controller = Controller::start(&cluster, &home.name, &[]).await;
    live_through_everything(&cluster, &controller, &home).await;
    crate::cluster_sealed::is_read_again_and_ends(&cluster, &controller).await;
    merge_and_leave(&cluster, &controller).await;

    let used = cluster.used_by(&home.name, "seal-controller");
    let rights = |at_home: bool| -> BTreeSet<Right> {
        let here = used.iter().filter(|it| (it.namespace == home.name) == at_home);
        here.map(|it| (it.verb.clone(), it.group.clone(), it.resource.clone())).collect()
    };
    let roles: Api<ClusterRole> = Api::all(cluster.client());
    let everywhere = roles.get("seal-system-controller").await.unwrap().rules.unwrap();
    let at_home = home.get::<Role>("seal-controller").await.rules.unwrap();
    assert_eq!(rights(false), granted(&everywhere));
    assert_eq!(rights(true), granted(&at_home));
}

#[tokio::test]
async fn every_right_to_attach_pull_secrets_is_used_and_given_only_where_it_is_asked_for() {
    let Some(cluster) = seal_testing::own_cluster!() else { return };
    install_in(&cluster).await;
    let home = Namespace { name: "seal-system".into(), client: cluster.client() };
    apply(&cluster, include_str!("../../deploy/controller.yaml")).await;
    apply(&cluster, include_str!("../../deploy/pull-secrets-cluster.yaml")).await;
    let flags = ["--attach-pull-secrets"];
    let controller = Controller::start(&cluster, &home.name, &flags).await;
    let ns = cluster.namespace().await;
    crate::attaching::attach(&controller, &ns, &["builder"]).await;
    crate::attaching::make_account(&ns, "builder", &[]).await;
    crate::attaching::has(&ns, "builder", &["reg"]).await;
    ns.delete::<SealedSecret>("reg").await;
    crate::attaching::has(&ns, "builder", &[]).await;
    ns.eventually_gone::<SealedSecret>("reg").await;

    let used = cluster.used_by(&home.name, "seal-controller").into_iter();
    let used = used.filter(|it| it.resource == "serviceaccounts");
    let used: BTreeSet<Right> = used.map(|it| (it.verb, it.group, it.resource)).collect();
    let roles: Api<ClusterRole> = Api::all(cluster.client());
    let role = roles.get("seal-system-pull-secrets").await.unwrap();
    assert_eq!(used, granted(&role.rules.unwrap()));
    for shipped in [
        include_str!("../../deploy/rbac-cluster.yaml"),
        include_str!("../../deploy/rbac-namespace.yaml"),
    ] {
        assert!(!shipped.contains("serviceaccounts"));
    }
}

/// A Secret of others that is merged into, and left again.
async fn merge_and_leave(cluster: &Cluster, controller: &Controller) {
    let ns = cluster.namespace().await;
    consenting(&ns).await;
    merge(controller, &ns, &[("a", "1")]).await;
    ends(&ns, "db", "Applied").await;
    ns.delete::<SealedSecret>("db").await;
    ns.eventually_gone::<SealedSecret>("db").await;
    let mut everywhere = spec(controller, &[&ns.name], "db", &[("a", "1")]);
    everywhere["onConflict"] = json!("Merge");
    create(cluster, "db", everywhere).await;
    served(cluster, "db", "Applied", "1/1").await;
}

/// Every outcome that needs a right of its own.
async fn live_through_everything(cluster: &Cluster, controller: &Controller, home: &Namespace) {
    let ns = cluster.namespace().await;
    let frozen = Template { immutable: Some(true), ..Template::default() };
    ns.create(with(frozen, controller.seal(&ns, "db", &[("a", "1")]))).await;
    ends(&ns, "db", "Applied").await;
    // Made anew: delete. Then repaired: update. An Event each time.
    let mut thawed = resealed(&controller.seal(&ns, "db", &[("a", "2")]));
    thawed["spec"]["template"] = json!(null);
    ns.patch::<SealedSecret>("db", thawed).await;
    ns.eventually_event("db", "Replaced").await;
    ends(&ns, "db", "Applied").await;
    ns.patch::<Secret>("db", json!({"data": {"a": "eA=="}})).await;
    ns.eventually_event("db", "Repaired").await;
    // Suspended and changed, then resumed: the object is read again.
    let mut last = resealed(&controller.seal(&ns, "db", &[("a", "3")]));
    last["spec"]["suspend"] = json!(true);
    ns.patch::<SealedSecret>("db", last).await;
    ns.patch::<Secret>("db", json!({"metadata": {"labels": {"seen": "1"}}})).await;
    ns.patch::<SealedSecret>("db", json!({"spec": {"suspend": null}})).await;
    ends(&ns, "db", "Applied").await;
    ns.delete::<Secret>("db").await;
    ns.eventually("it is there again", "db", |_: &Secret| true).await;
    // The published recipient is put right, made anew where it must be, and a planted key rejected.
    home.patch::<ConfigMap>("seal-recipients", json!({"immutable": true})).await;
    home.eventually("it can be changed again", "seal-recipients", |map: &ConfigMap| {
        map.immutable != Some(true)
    })
    .await;
    home.patch::<ConfigMap>("seal-recipients", json!({"data": {"recipient": "age1evil"}})).await;
    let recipient = controller.recipient().as_str().to_owned();
    home.eventually("it is right again", "seal-recipients", |map: &ConfigMap| {
        map.data.as_ref().is_some_and(|data| data["recipient"] == recipient)
    })
    .await;
    let mut planted = foreign("planted", &[]);
    planted.metadata.labels = Some(map(&[("seal.dev/key", "active")]));
    home.create(planted).await;
    home.eventually_event("planted", "KeyRejected").await;
}

fn granted(rules: &[PolicyRule]) -> BTreeSet<Right> {
    let mut rights = BTreeSet::new();
    for rule in rules {
        for group in rule.api_groups.iter().flatten() {
            for resource in rule.resources.iter().flatten() {
                for verb in &rule.verbs {
                    rights.insert((verb.clone(), group.clone(), resource.clone()));
                }
            }
        }
    }
    rights
}
