//! The shipped roles are enough, and no more than that: what the API server's audit log says was used is what they grant, and
//! it denied nothing.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, PolicyRule, Role};
use kube::api::Api;
use seal_core::kind::Kind;
use seal_core::kind::crd::definition;
use seal_core::kind::sealed::{SealedSecret, Template};
use seal_testing::{Cluster, Namespace, Used, eventually};
use serde_json::json;

use crate::cluster_sealed::{create, served, spec};
use crate::merging::{consenting, merge};
use crate::support::{Controller, apply, ends, foreign, install_in, map, resealed, with};

/// Verb, API group, resource.
type Right = (String, String, String);

pub(crate) const NOTHING: [String; 0] = [];
const HOME: &str = "seal-system";
const NAME: &str = "seal-controller";
const ACCOUNT: &str = "system:serviceaccount:seal-system:seal-controller";

/// What a ServiceAccount has asked for.
pub(crate) struct Asked {
    used: BTreeSet<Used>,
    pub(crate) denied: Vec<String>,
}

impl Asked {
    pub(crate) fn by(cluster: &Cluster, namespace: &str, name: &str) -> Self {
        let used = cluster.used_by(namespace, name);
        Self { used, denied: cluster.denied_to(namespace, name) }
    }

    /// What was allowed in these namespaces; the one of a cluster-wide request is empty.
    pub(crate) fn rights(&self, is_meant: impl Fn(&str) -> bool) -> BTreeSet<Right> {
        let meant = self.used.iter().filter(|it| is_meant(&it.namespace));
        meant.map(|it| (it.verb.clone(), it.group.clone(), it.resource.clone())).collect()
    }
}

/// Waits until the API server lets `account` do that: it takes up new roles in a moment, and what it denies until then is no
/// fault of theirs. Without a namespace: in all of them.
pub(crate) async fn until_it_may(
    cluster: &Cluster,
    account: &str,
    verb: &str,
    resource: &str,
    namespace: &str,
) {
    let mut args = vec!["auth", "can-i", verb, resource, "--as", account];
    args.extend(if namespace.is_empty() { vec!["-A"] } else { vec!["-n", namespace] });
    eventually(&format!("{account} may {verb} {resource}"), async || {
        let output = cluster.kubectl(&args, "").await;
        (String::from_utf8_lossy(&output.stdout).trim() == "yes").then_some(())
    })
    .await;
}

#[tokio::test]
async fn every_right_of_the_shipped_roles_is_used_and_no_other() {
    let Some(cluster) = seal_testing::own_cluster!() else { return };
    install_in(&cluster).await;
    let home = Namespace { name: HOME.into(), client: cluster.client() };
    apply(&cluster, include_str!("../../deploy/chart/files/controller.yaml")).await;
    until_it_may(&cluster, ACCOUNT, "list", "sealedsecrets.seal.dev", "").await;
    until_it_may(&cluster, ACCOUNT, "create", "events", HOME).await;
    let controller = Controller::start(&cluster, &home.name, &[]).await;
    let ns = cluster.namespace().await;
    live_through_everything(&controller, &ns).await;
    live_through_everything_at_home(&controller, &home).await;
    crate::cluster_sealed::is_read_again_and_ends(&cluster, &controller).await;
    let merged = cluster.namespace().await;
    merge_and_leave(&controller, &merged).await;
    let mut everywhere = spec(&controller, &[&merged.name], "db", &[("a", "1")]);
    everywhere["onConflict"] = json!("Merge");
    create(&cluster, "db", everywhere).await;
    served(&cluster, "db", "Applied", "1/1").await;

    let roles: Api<ClusterRole> = Api::all(cluster.client());
    let everywhere = roles.get("seal-system-controller").await.unwrap().rules.unwrap();
    let at_home = home.get::<Role>("seal-controller").await.rules.unwrap();
    let used = Asked::by(&cluster, HOME, NAME);
    assert_eq!(used.rights(|namespace| namespace != home.name), granted(&everywhere));
    assert_eq!(used.rights(|namespace| namespace == home.name), granted(&at_home));
    assert_eq!(used.denied, NOTHING);
}

#[tokio::test]
async fn with_namespaces_every_right_is_used_in_each_nothing_is_asked_elsewhere_and_nothing_is_denied()
 {
    let Some(cluster) = seal_testing::own_cluster!() else { return };
    let home = Namespace { name: HOME.into(), client: cluster.client() };
    let served = [cluster.namespace().await, cluster.namespace().await];
    install_for(&cluster, &served).await;
    let names = served.each_ref().map(|ns| ns.name.as_str());
    let args = ["--namespaces", &names.join(",")];
    let controller = Controller::start(&cluster, &home.name, &args).await;
    for ns in &served {
        live_through_everything(&controller, ns).await;
        merge_and_leave(&controller, ns).await;
    }
    live_through_everything_at_home(&controller, &home).await;

    let used = Asked::by(&cluster, HOME, NAME);
    for ns in &served {
        let role = ns.get::<Role>("seal-system-controller").await.rules.unwrap();
        assert_eq!(used.rights(|namespace| namespace == ns.name), granted(&role));
    }
    let at_home = home.get::<Role>("seal-controller").await.rules.unwrap();
    assert_eq!(used.rights(|namespace| namespace == home.name), granted(&at_home));
    let elsewhere = |namespace: &str| namespace != home.name && !names.contains(&namespace);
    assert_eq!(used.rights(elsewhere), BTreeSet::new());
    assert_eq!(used.denied, NOTHING);
}

/// The kinds, the controller's namespace and the shipped Roles in it and in each of `served`: nothing that is cluster-wide.
async fn install_for(cluster: &Cluster, served: &[Namespace]) {
    let kinds = [Kind::SealedSecret, Kind::ClusterSealedSecret];
    let definitions = kinds.map(|kind| serde_json::from_value(definition(kind)).unwrap());
    cluster.install(definitions).await;
    let at_home = [
        include_str!("../../deploy/chart/files/namespace.yaml"),
        include_str!("../../deploy/chart/files/controller.yaml"),
    ];
    let role = include_str!("../../deploy/chart/files/rbac-namespace.yaml");
    let roles = served.iter().map(|ns| role.replace("SERVED", &ns.name));
    let all: Vec<String> = at_home.map(str::to_owned).into_iter().chain(roles).collect();
    apply(cluster, &all.join("\n---\n")).await;
    for namespace in served.iter().map(|ns| ns.name.as_str()).chain([HOME]) {
        until_it_may(cluster, ACCOUNT, "create", "events", namespace).await;
    }
    let bindings: Api<ClusterRoleBinding> = Api::all(cluster.client());
    let bindings = bindings.list(&Default::default()).await.unwrap().items;
    let subjects = bindings.into_iter().flat_map(|it| it.subjects.unwrap_or_default());
    let mut namespaces = subjects.filter_map(|it| it.namespace);
    assert!(namespaces.all(|namespace| namespace != HOME));
}

#[tokio::test]
async fn every_right_to_attach_pull_secrets_is_used_and_given_only_where_it_is_asked_for() {
    let Some(cluster) = seal_testing::own_cluster!() else { return };
    install_in(&cluster).await;
    let home = Namespace { name: HOME.into(), client: cluster.client() };
    apply(&cluster, include_str!("../../deploy/chart/files/controller.yaml")).await;
    apply(&cluster, include_str!("../../deploy/chart/files/pull-secrets-cluster.yaml")).await;
    until_it_may(&cluster, ACCOUNT, "list", "serviceaccounts", "").await;
    until_it_may(&cluster, ACCOUNT, "create", "events", HOME).await;
    let flags = ["--attach-pull-secrets"];
    let controller = Controller::start(&cluster, &home.name, &flags).await;
    let ns = cluster.namespace().await;
    crate::attaching::attach(&controller, &ns, &["builder"]).await;
    crate::attaching::make_account(&ns, "builder", &[]).await;
    crate::attaching::has(&ns, "builder", &["reg"]).await;
    ns.delete::<SealedSecret>("reg").await;
    crate::attaching::has(&ns, "builder", &[]).await;
    ns.eventually_gone::<SealedSecret>("reg").await;

    let used = cluster.used_by(HOME, NAME).into_iter();
    let used = used.filter(|it| it.resource == "serviceaccounts");
    let used: BTreeSet<Right> = used.map(|it| (it.verb, it.group, it.resource)).collect();
    let roles: Api<ClusterRole> = Api::all(cluster.client());
    let role = roles.get("seal-system-pull-secrets").await.unwrap();
    assert_eq!(used, granted(&role.rules.unwrap()));
    assert_eq!(Asked::by(&cluster, HOME, NAME).denied, NOTHING);
    for shipped in [
        include_str!("../../deploy/chart/files/rbac-cluster.yaml"),
        include_str!("../../deploy/chart/files/rbac-namespace.yaml"),
    ] {
        assert!(!shipped.contains("serviceaccounts"));
    }
}

/// A Secret of others that is merged into, and left again.
async fn merge_and_leave(controller: &Controller, ns: &Namespace) {
    consenting(ns).await;
    merge(controller, ns, &[("a", "1")]).await;
    ends(ns, "db", "Applied").await;
    ns.delete::<SealedSecret>("db").await;
    ns.eventually_gone::<SealedSecret>("db").await;
}

/// Every outcome that needs a right of its own in a namespace that is served.
async fn live_through_everything(controller: &Controller, ns: &Namespace) {
    let frozen = Template { immutable: Some(true), ..Template::default() };
    ns.create(with(frozen, controller.seal(ns, "db", &[("a", "1")]))).await;
    ends(ns, "db", "Applied").await;
    // Made anew: delete. Then repaired: update. An Event each time.
    let mut thawed = resealed(&controller.seal(ns, "db", &[("a", "2")]));
    thawed["spec"]["template"] = json!(null);
    ns.patch::<SealedSecret>("db", thawed).await;
    ns.eventually_event("db", "Replaced").await;
    ends(ns, "db", "Applied").await;
    ns.patch::<Secret>("db", json!({"data": {"a": "eA=="}})).await;
    ns.eventually_event("db", "Repaired").await;
    // Suspended and changed, then resumed: the object is read again.
    let mut last = resealed(&controller.seal(ns, "db", &[("a", "3")]));
    last["spec"]["suspend"] = json!(true);
    ns.patch::<SealedSecret>("db", last).await;
    ns.patch::<Secret>("db", json!({"metadata": {"labels": {"seen": "1"}}})).await;
    ns.patch::<SealedSecret>("db", json!({"spec": {"suspend": null}})).await;
    ends(ns, "db", "Applied").await;
    ns.delete::<Secret>("db").await;
    ns.eventually("it is there again", "db", |_: &Secret| true).await;
    ns.delete::<SealedSecret>("db").await;
    ns.eventually_gone::<Secret>("db").await;
}

/// And in the namespace of the keys.
async fn live_through_everything_at_home(controller: &Controller, home: &Namespace) {
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

pub(crate) fn granted(rules: &[PolicyRule]) -> BTreeSet<Right> {
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
