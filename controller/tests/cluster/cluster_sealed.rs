//! One ClusterSealedSecret, a live Secret in each of several namespaces.

use k8s_openapi::api::core::v1::{Namespace as CoreNamespace, Secret};
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use kube::core::DynamicObject;
use kube::discovery::ApiResource;
use kube::{Api, ResourceExt};
use seal_core::kind::cluster_sealed::ClusterSealedSecret;
use seal_core::kind::sealed::SealedSecret;
use seal_core::place::{Place, Scope};
use seal_testing::{Cluster, Namespace, eventually, named};
use serde_json::{Value, json};

use crate::support::{
    Controller, ends, foreign, get, install_in, map, seal_for, shared, values, version,
};

/// The ClusterSealedSecrets of a cluster.
pub(crate) fn all(cluster: &Cluster) -> Api<DynamicObject> {
    let resource = ApiResource::erase::<ClusterSealedSecret>(&());
    Api::all_with(cluster.client(), &resource)
}

/// `values` sealed for these namespaces, as the spec of a ClusterSealedSecret.
pub(crate) fn spec(
    controller: &Controller,
    namespaces: &[&str],
    name: &str,
    values: &[(&str, &str)],
) -> Value {
    let mut namespaces: Vec<String> = namespaces.iter().map(|it| (*it).to_owned()).collect();
    namespaces.sort();
    let scope = Scope { namespaces, name: name.to_owned() };
    let place = Place::new("default", name).unwrap();
    let sealed = seal_for(&controller.recipient(), &place, scope, values);
    serde_json::to_value(&sealed.spec).unwrap()
}

pub(crate) async fn create(cluster: &Cluster, name: &str, spec: Value) {
    let object = json!({
        "apiVersion": "seal.dev/v1", "kind": "ClusterSealedSecret",
        "metadata": {"name": name}, "spec": spec,
    });
    let object: DynamicObject = serde_json::from_value(object).unwrap();
    all(cluster).create(&PostParams::default(), &object).await.unwrap();
}

pub(crate) async fn patch(cluster: &Cluster, name: &str, change: Value) {
    all(cluster).patch(name, &PatchParams::default(), &Patch::Merge(change)).await.unwrap();
}

/// Waits until it ends with `reason` at its generation, `served` of its namespaces having the live Secret.
pub(crate) async fn served(cluster: &Cluster, name: &str, reason: &str, served: &str) -> Value {
    let what = format!("{name} is {reason} in {served}");
    eventually(&what, async || {
        let object = all(cluster).get_opt(name).await.unwrap()?;
        let status = object.data["status"].clone();
        let conditions = status["conditions"].as_array()?;
        let ready = conditions.iter().find(|it| it["type"] == "Ready")?;
        let is_present = status["observedGeneration"].as_i64() == object.metadata.generation;
        (is_present && ready["reason"] == reason && status["served"] == served).then_some(status)
    })
    .await
}

/// One that is served, and read again by its name when it is asked for.
pub(crate) async fn is_read_again_and_ends(cluster: &Cluster, controller: &Controller) {
    let ns = cluster.namespace().await;
    create(cluster, "asked", spec(controller, &[&ns.name], "asked", &[("token", "1")])).await;
    served(cluster, "asked", "Applied", "1/1").await;
    ns.delete::<Secret>("asked").await;
    has(&ns, "asked", "1").await;
}

fn in_namespace(cluster: &Cluster, name: &str) -> Namespace {
    Namespace { name: name.to_owned(), client: cluster.client() }
}

pub(crate) async fn make_namespace(
    cluster: &Cluster,
    name: &str,
    labels: &[(&str, &str)],
) -> Namespace {
    let mut metadata = named(name);
    metadata.labels = Some(map(labels));
    let namespace = CoreNamespace { metadata, ..CoreNamespace::default() };
    let api: Api<CoreNamespace> = Api::all(cluster.client());
    api.create(&PostParams::default(), &namespace).await.unwrap();
    in_namespace(cluster, name)
}

async fn label(cluster: &Cluster, name: &str, labels: Value) {
    let api: Api<CoreNamespace> = Api::all(cluster.client());
    let change = Patch::Merge(json!({"metadata": {"labels": labels}}));
    api.patch(name, &PatchParams::default(), &change).await.unwrap();
}

async fn has(ns: &Namespace, name: &str, value: &str) -> Secret {
    let wanted = map(&[("token", value)]);
    let what = format!("{name} is as it was sealed");
    ns.eventually(&what, name, |secret: &Secret| values(secret) == wanted).await
}

#[tokio::test]
async fn one_file_serves_every_namespace_of_its_scope_and_one_that_is_made_later() {
    let Some((cluster, controller)) = shared!() else { return };
    let (a, b) = (cluster.namespace().await, cluster.namespace().await);
    let later = format!("{}-later", a.name);
    let namespaces = [a.name.as_str(), b.name.as_str(), later.as_str()];
    create(cluster, "one-file", spec(controller, &namespaces, "one-file", &[("token", "1")])).await;
    let status = served(cluster, "one-file", "Partial", "2/3").await;
    assert_eq!(status["failing"][0]["namespace"], later);
    assert_eq!(status["failing"][0]["reason"], "Retrying");
    let conditions = status["conditions"].as_array().unwrap();
    assert!(conditions.iter().any(|it| it["type"] == "Reconciling" && it["status"] == "True"));

    let made = make_namespace(cluster, &later, &[]).await;
    served(cluster, "one-file", "Applied", "3/3").await;
    for ns in [&a, &b, &made] {
        let live = has(ns, "one-file", "1").await;
        let owners = live.metadata.owner_references.unwrap();
        assert_eq!((owners[0].kind.as_str(), owners.len()), ("ClusterSealedSecret", 1));
    }
}

#[tokio::test]
async fn a_changed_file_changes_every_copy_and_an_edited_copy_is_put_right_alone() {
    let Some((cluster, controller)) = shared!() else { return };
    let (a, b) = (cluster.namespace().await, cluster.namespace().await);
    let namespaces = [a.name.as_str(), b.name.as_str()];
    create(cluster, "changed", spec(controller, &namespaces, "changed", &[("token", "1")])).await;
    served(cluster, "changed", "Applied", "2/2").await;
    patch(
        cluster,
        "changed",
        json!({"spec": spec(controller, &namespaces, "changed", &[("token", "2")])}),
    )
    .await;
    served(cluster, "changed", "Applied", "2/2").await;
    has(&a, "changed", "2").await;
    let other = version(&has(&b, "changed", "2").await);
    a.patch::<Secret>("changed", json!({"data": {"token": "eA=="}})).await;
    has(&a, "changed", "2").await;
    a.delete::<Secret>("changed").await;
    has(&a, "changed", "2").await;
    assert_eq!(version(&b.get("changed").await), other, "the other copy was not touched");
}

#[tokio::test]
async fn a_namespace_that_is_taken_out_loses_its_copy_and_with_the_object_all_go() {
    let Some((cluster, controller)) = shared!() else { return };
    let (a, b) = (cluster.namespace().await, cluster.namespace().await);
    let both = [a.name.as_str(), b.name.as_str()];
    create(cluster, "taken-out", spec(controller, &both, "taken-out", &[("token", "1")])).await;
    served(cluster, "taken-out", "Applied", "2/2").await;
    // Of the same name and not ours: it stays, whatever becomes of the copies.
    let theirs = cluster.namespace().await;
    theirs.create(foreign("taken-out", &[("token", "theirs")])).await;
    let narrower = spec(controller, &both[..1], "taken-out", &[("token", "1")]);
    patch(cluster, "taken-out", json!({"spec": narrower})).await;
    b.eventually_gone::<Secret>("taken-out").await;
    in_namespace(cluster, "default").eventually_event("taken-out", "Released").await;
    served(cluster, "taken-out", "Applied", "1/1").await;
    has(&a, "taken-out", "1").await;
    all(cluster).delete("taken-out", &DeleteParams::default()).await.unwrap();
    a.eventually_gone::<Secret>("taken-out").await;
    assert_eq!(values(&theirs.get("taken-out").await), map(&[("token", "theirs")]));
}

#[tokio::test]
async fn a_secret_that_is_there_is_left_alone_and_its_namespace_is_named() {
    let Some((cluster, controller)) = shared!() else { return };
    let (a, b) = (cluster.namespace().await, cluster.namespace().await);
    let theirs = version(&b.create(foreign("theirs", &[("token", "theirs")])).await);
    // Sealed for the namespace by somebody there: the first keeps it.
    let sealed = controller.seal(&a, "theirs", &[("token", "own")]);
    a.create(sealed).await;
    ends(&a, "theirs", "Applied").await;
    let c = cluster.namespace().await;
    let three = [a.name.as_str(), b.name.as_str(), c.name.as_str()];
    create(cluster, "theirs", spec(controller, &three, "theirs", &[("token", "1")])).await;
    let status = served(cluster, "theirs", "Partial", "1/3").await;
    let failing: Vec<&str> = status["failing"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["reason"].as_str().unwrap())
        .collect();
    assert_eq!(failing, ["NotOurs", "NotOurs"]);
    assert_eq!(version(&b.get("theirs").await), theirs);
    has(&a, "theirs", "own").await;
    has(&c, "theirs", "1").await;
    // Whoever made room for it is served at once.
    b.delete::<Secret>("theirs").await;
    a.delete::<SealedSecret>("theirs").await;
    served(cluster, "theirs", "Applied", "3/3").await;
    has(&a, "theirs", "1").await;
}

#[tokio::test]
async fn copies_carry_no_mark_by_which_a_gitops_tool_would_delete_them() {
    let Some((cluster, controller)) = shared!() else { return };
    let a = cluster.namespace().await;
    let mut spec = spec(controller, &[&a.name], "marks", &[("token", "1")]);
    spec["template"] = json!({"metadata": {
        "labels": {"app.kubernetes.io/instance": "argo", "app.kubernetes.io/managed-by": "openfaas"},
        "annotations": {"argocd.argoproj.io/tracking-id": "a:b", "argocd.argoproj.io/sync-options": "Prune=false"},
    }});
    create(cluster, "marks", spec).await;
    served(cluster, "marks", "Applied", "1/1").await;
    let live: Secret = a.get("marks").await;
    assert_eq!(live.metadata.labels.unwrap(), map(&[("app.kubernetes.io/managed-by", "openfaas")]));
    let mut annotations = live.metadata.annotations.unwrap();
    annotations.remove("seal.dev/applied");
    assert_eq!(annotations, map(&[("argocd.argoproj.io/sync-options", "Prune=false")]));
}

#[tokio::test]
async fn labels_choose_namespaces_as_they_come_and_change_and_a_restart_writes_nothing() {
    let Some(cluster) = seal_testing::own_cluster!() else { return };
    install_in(&cluster).await;
    crate::support::apply(&cluster, include_str!("../../deploy/chart/files/controller.yaml")).await;
    crate::support::apply(
        &cluster,
        include_str!("../../deploy/chart/files/recipients-readers.yaml"),
    )
    .await;
    let flags = ["--allow-cluster-wide"];
    let controller = Controller::start(&cluster, "seal-system", &flags).await;
    let mut spec = spec(&controller, &["*"], "chosen", &[("token", "1")]);
    spec["namespaceSelector"] = json!({"matchLabels": {"team": "a"}});
    let one = make_namespace(&cluster, "one", &[("team", "a")]).await;
    let two = make_namespace(&cluster, "two", &[("team", "b")]).await;
    create(&cluster, "chosen", spec).await;
    served(&cluster, "chosen", "Applied", "1/1").await;
    label(&cluster, "two", json!({"team": "a"})).await;
    label(&cluster, "kube-system", json!({"team": "a"})).await;
    label(&cluster, "seal-system", json!({"team": "a"})).await;
    has(&two, "chosen", "1").await;
    let three = make_namespace(&cluster, "three", &[("team", "a")]).await;
    has(&three, "chosen", "1").await;
    served(&cluster, "chosen", "Applied", "3/3").await;
    // Namespaces of Kubernetes and those of the keys are never chosen.
    for reserved in ["kube-system", "seal-system"] {
        assert!(in_namespace(&cluster, reserved).find::<Secret>("chosen").await.is_none());
    }
    // Down while a namespace loses its label and another is made.
    controller.process.terminate().await;
    label(&cluster, "one", json!({"team": null})).await;
    let four = make_namespace(&cluster, "four", &[("team", "a")]).await;
    let kept = version(&two.get("chosen").await);
    let again = Controller::start(&cluster, "seal-system", &flags).await;
    one.eventually_gone::<Secret>("chosen").await;
    has(&four, "chosen", "1").await;
    served(&cluster, "chosen", "Applied", "3/3").await;
    assert_eq!(version(&two.get("chosen").await), kept);
    again.is_idle().await;
    again.process.terminate().await;
    let object = all(&cluster).get("chosen").await.unwrap().resource_version();
    let last = Controller::start(&cluster, "seal-system", &flags).await;
    last.is_idle().await;
    let (_, metrics) = get(&format!("{}/metrics", last.url)).await;
    assert!(!metrics.contains("reconciles_total{"), "nothing was brought to an end: {metrics}");
    assert_eq!(all(&cluster).get("chosen").await.unwrap().resource_version(), object);
    last.process.terminate().await;
    // Without the flag labels are no right to read: nothing more is opened, and nothing is taken away.
    let without = Controller::start(&cluster, "seal-system", &[]).await;
    make_namespace(&cluster, "five", &[("team", "a")]).await;
    served(&cluster, "chosen", "NotAllowed", "3/3").await;
    without.is_idle().await;
    assert!(in_namespace(&cluster, "five").find::<Secret>("chosen").await.is_none());
    has(&two, "chosen", "1").await;
}

#[tokio::test]
async fn a_secret_that_only_says_it_is_a_copy_is_not_taken_away() {
    let Some((cluster, controller)) = shared!() else { return };
    let (a, other) = (cluster.namespace().await, cluster.namespace().await);
    create(cluster, "claimed", spec(controller, &[&a.name], "claimed", &[("token", "1")])).await;
    served(cluster, "claimed", "Applied", "1/1").await;
    // As somebody makes one who may write Secrets: our metadata on it, mark and owner, and other values.
    let ours: Secret = a.get("claimed").await;
    let mut forged = foreign("claimed", &[("token", "precious")]);
    forged.metadata.owner_references = ours.metadata.owner_references;
    forged.metadata.annotations = ours.metadata.annotations;
    let forged = version(&other.create(forged).await);
    patch(cluster, "claimed", json!({"metadata": {"annotations": {"seal.dev/reconcile-at": "1"}}}))
        .await;
    eventually("it was looked at again", async || {
        let object = all(cluster).get("claimed").await.unwrap();
        (object.data["status"]["lastHandledReconcileAt"] == "1").then_some(())
    })
    .await;
    controller.is_idle().await;
    assert_eq!(version(&other.get("claimed").await), forged);
}
