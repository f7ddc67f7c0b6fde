//! What the other tests rely on: that this harness gives them a real cluster, and takes it away
//! again.

use std::env;
use std::process::{Command, Output};

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{ConfigMap, Event, ObjectReference, Secret, ServiceAccount};
use k8s_openapi::api::rbac::v1::{PolicyRule, Role, RoleBinding, RoleRef, Subject};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::api::{ApiResource, DynamicObject, PostParams};
use kube::{Api, Client, Resource, ResourceExt as _};
use seal_testing::{Cluster, Namespace, named};
use serde_json::json;

#[tokio::test]
async fn a_secret_comes_back_as_it_was_put_in() {
    let Some(cluster) = seal_testing::cluster!() else { return };
    let ns = cluster.namespace().await;
    let created = ns.create(secret("db", "hunter2")).await;
    assert_eq!(ns.get::<Secret>("db").await, created);
    assert_eq!(created.data.clone().unwrap()["password"], ByteString(b"hunter2".to_vec()));

    let changed = Secret { type_: created.type_.clone(), ..secret("db", "changed") };
    ns.replace(changed).await;
    ns.eventually("the new password is there", "db", |live: &Secret| live.data != created.data)
        .await;
    ns.patch::<Secret>("db", json!({"metadata": {"labels": {"team": "a"}}})).await;
    assert_eq!(ns.list::<Secret>().await[0].labels()["team"], "a");
    ns.delete::<Secret>("db").await;
    assert_eq!(ns.find::<Secret>("db").await, None);
}

/// `make test KUBERNETES=…` is of no use where another API server than that was found.
#[tokio::test]
async fn the_api_server_is_of_the_version_that_was_asked_for() {
    let Some(cluster) = seal_testing::cluster!() else { return };
    let runs = cluster.client().apiserver_version().await.unwrap();
    let runs = format!("{}.{}", runs.major, runs.minor);
    let asked_for = env::var("SEAL_TEST_KUBERNETES");
    assert_eq!(asked_for.unwrap_or_else(|_| runs.clone()), runs);
}

#[tokio::test]
async fn every_test_gets_a_namespace_of_its_own() {
    let Some(cluster) = seal_testing::cluster!() else { return };
    let (one, other) = (cluster.namespace().await, cluster.namespace().await);
    assert_ne!(one.name, other.name);
    one.create(secret("db", "one")).await;
    assert_eq!(other.list::<Secret>().await, []);
}

#[tokio::test]
async fn kubectl_works_and_reads_the_version_of_the_server() {
    let Some(cluster) = seal_testing::cluster!() else { return };
    let Some(_) = seal_testing::tool!("kubectl") else { return };
    let ns = cluster.namespace().await;
    let version = cluster.kubectl(&["version", "--output=json"], "").await;
    assert!(text(&version).contains(r#""serverVersion""#), "{}", text(&version));

    let (metadata, data) = (json!({"name": "db"}), json!({"a": "b"}));
    let manifest =
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data});
    let applied =
        cluster.kubectl(&["apply", "-n", &ns.name, "-f", "-"], &manifest.to_string()).await;
    assert_eq!(text(&applied), "secret/db created\n");
    assert_eq!(ns.get::<Secret>("db").await.data.unwrap()["a"], ByteString(b"b".to_vec()));

    let written = tempfile::NamedTempFile::new().unwrap();
    cluster.kubeconfig(written.path()).unwrap();
    let path = written.path().display().to_string();
    let read = cluster
        .kubectl(&["--kubeconfig", &path, "get", "secrets", "-n", &ns.name, "-o", "name"], "")
        .await;
    assert_eq!(text(&read), "secret/db\n");
}

#[tokio::test]
async fn a_secret_goes_when_its_owner_goes() {
    let Some(cluster) = seal_testing::cluster!() else { return };
    let Some(_) = seal_testing::tool!("kube-controller-manager") else { return };
    let ns = cluster.namespace().await;
    let owner = ns.create(ConfigMap { metadata: named("owner"), ..Default::default() }).await;
    ns.create(owned(secret("db", "hunter2"), owner.controller_owner_ref(&()).unwrap())).await;
    ns.delete::<ConfigMap>("owner").await;
    ns.eventually_gone::<Secret>("db").await;
}

#[tokio::test]
async fn a_secret_goes_when_its_custom_owner_goes() {
    let Some(cluster) = seal_testing::cluster!() else { return };
    let Some(_) = seal_testing::tool!("kube-controller-manager") else { return };
    let ns = cluster.namespace().await;
    cluster.install([widgets()]).await;
    let resource = ApiResource { plural: "widgets".into(), ..widget("owner").1 };
    let api: Api<DynamicObject> = Api::namespaced_with(ns.client.clone(), &ns.name, &resource);
    let owner = api.create(&PostParams::default(), &widget("owner").0).await.unwrap();
    ns.create(owned(secret("db", "hunter2"), owner.controller_owner_ref(&resource).unwrap())).await;
    api.delete("owner", &Default::default()).await.unwrap();
    ns.eventually_gone::<Secret>("db").await;
}

#[tokio::test]
async fn a_service_account_may_do_what_its_role_says_and_no_more() {
    let Some(cluster) = seal_testing::cluster!() else { return };
    let Some(_) = seal_testing::tool!("kubectl") else { return };
    let ns = cluster.namespace().await;
    let client = cluster.client_for_service_account(&ns.name, "reader").await;
    let secrets: Api<Secret> = Api::namespaced(client, &ns.name);
    assert_eq!(code(secrets.get_opt("db").await), 403);

    let rule = PolicyRule {
        api_groups: Some(vec![String::new()]),
        resources: Some(vec!["secrets".into()]),
        verbs: vec!["get".into()],
        ..Default::default()
    };
    ns.create(Role { metadata: named("reader"), rules: Some(vec![rule]) }).await;
    ns.create(binding(&ns, "reader")).await;
    seal_testing::eventually("the role is in force", async || secrets.get_opt("db").await.ok())
        .await;
    assert_eq!(code(secrets.create(&PostParams::default(), &secret("db", "x")).await), 403);
    let path = format!("/api/v1/namespaces/{}/secrets", ns.name);
    seal_testing::eventually("the audit log names what was denied", async || {
        let denied = cluster.denied_to(&ns.name, "reader");
        let first = denied.first().is_some_and(|it| *it == format!("get {path}/db"));
        (first && denied.last()?.starts_with(&format!("create {path}"))).then_some(())
    })
    .await;

    let kubeconfig =
        cluster.kubeconfig_for_service_account(&ns.name, "reader").await.display().to_string();
    let may = async |verb: &str| {
        let asked = cluster
            .kubectl(&["--kubeconfig", &kubeconfig, "auth", "can-i", verb, "secrets"], "")
            .await;
        String::from_utf8(asked.stdout).unwrap().trim().to_string()
    };
    assert_eq!((may("get").await.as_str(), may("create").await.as_str()), ("yes", "no"));
}

#[tokio::test]
async fn an_impersonated_user_has_no_rights_but_those_of_its_groups() {
    let Some(cluster) = seal_testing::cluster!() else { return };
    let list = async |client: Client| Api::<Secret>::all(client).list(&Default::default()).await;
    assert_eq!(code(list(cluster.client_as("ann", &["developers"])).await), 403);
    list(cluster.client_as("ann", &["system:masters"])).await.unwrap();
}

#[tokio::test]
async fn an_event_is_found_by_its_reason() {
    let Some(cluster) = seal_testing::cluster!() else { return };
    let ns = cluster.namespace().await;
    let about = ObjectReference {
        name: Some("db".into()),
        namespace: Some(ns.name.clone()),
        ..Default::default()
    };
    let reason = Some("NotOurs".to_string());
    ns.create(Event {
        metadata: named("db.1"),
        involved_object: about,
        reason,
        ..Default::default()
    })
    .await;
    assert_eq!(ns.eventually_event("db", "NotOurs").await.name_any(), "db.1");
}

#[tokio::test]
async fn a_new_namespace_gets_its_default_service_account() {
    let Some(cluster) = seal_testing::cluster!() else { return };
    let Some(_) = seal_testing::tool!("kube-controller-manager") else { return };
    let ns = cluster.namespace().await;
    ns.eventually("it is there", "default", |_: &ServiceAccount| true).await;
}

#[tokio::test]
async fn a_stopped_api_server_comes_back_at_its_address_with_its_data() {
    let Some(mut cluster) = seal_testing::own_cluster!() else { return };
    let ns = cluster.namespace().await;
    ns.create(secret("db", "hunter2")).await;
    let server = cluster.server_url().to_string();
    cluster.stop();
    assert!(ns.api::<Secret>().get_opt("db").await.is_err());
    cluster.restart_apiserver().await;
    assert_eq!(cluster.server_url(), server);
    ns.get::<Secret>("db").await; // by the client of before
}

#[tokio::test]
async fn a_paused_controller_manager_collects_nothing_until_it_goes_on() {
    let Some(mut cluster) = seal_testing::own_cluster!() else { return };
    let Some(_) = seal_testing::tool!("kube-controller-manager") else { return };
    let ns = cluster.namespace().await;
    let owner = ns.create(ConfigMap { metadata: named("owner"), ..Default::default() }).await;
    ns.create(owned(secret("db", "hunter2"), owner.controller_owner_ref(&()).unwrap())).await;

    cluster.pause_controller_manager();
    assert_eq!(state_of(&cluster, "kube-controller-manager"), "T");
    ns.delete::<ConfigMap>("owner").await;
    ns.get::<Secret>("db").await; // a process that is stopped cannot collect it
    cluster.resume_controller_manager();
    ns.eventually_gone::<Secret>("db").await;
}

#[test]
fn a_test_without_an_api_server_says_so_and_in_ci_fails() {
    let run = |ci: &str| {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--exact", "an_event_is_found_by_its_reason", "--nocapture"]).env("CI", ci);
        command
            .env_remove("KUBEBUILDER_ASSETS")
            .env_remove("SEAL_TEST_TOOLS")
            .env("SEAL_TOOLS_CACHE", "/nonexistent");
        command.output().unwrap()
    };
    let line = "skipped: cluster::an_event_is_found_by_its_reason needs an API server: \
                make test builds one, or set KUBEBUILDER_ASSETS\n";
    let skipped = run("");
    assert!(skipped.status.success());
    assert_eq!(String::from_utf8(skipped.stderr).unwrap(), line);
    let failed = run("true");
    assert!(!failed.status.success());
    assert!(text(&failed).contains(line));
}

/// One letter, as `ps` says it: `T` is stopped.
fn state_of(cluster: &Cluster, name: &str) -> String {
    let (_, pid) =
        cluster.processes().into_iter().find(|(daemon, _)| *daemon == name).expect("it runs");
    let said = Command::new("ps")
        .args(["-o", "state=", "-p", &pid.to_string()])
        .output()
        .expect("ps is on PATH");
    text(&said).trim().chars().take(1).collect()
}

fn secret(name: &str, password: &str) -> Secret {
    let data = [("password".to_string(), ByteString(password.as_bytes().to_vec()))].into();
    Secret { metadata: named(name), data: Some(data), ..Default::default() }
}

fn owned(mut secret: Secret, owner: OwnerReference) -> Secret {
    secret.metadata.owner_references = Some(vec![owner]);
    secret
}

fn binding(ns: &Namespace, account: &str) -> RoleBinding {
    let subject = Subject {
        kind: ServiceAccount::kind(&()).into(),
        name: account.into(),
        namespace: Some(ns.name.clone()),
        ..Default::default()
    };
    let role = RoleRef {
        api_group: Role::group(&()).into(),
        kind: Role::kind(&()).into(),
        name: account.into(),
    };
    RoleBinding { metadata: named(account), role_ref: role, subjects: Some(vec![subject]) }
}

/// A custom resource that exists only here.
fn widgets() -> CustomResourceDefinition {
    let anything = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let schema = json!({"openAPIV3Schema": anything});
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.testing.seal.example"},
        "spec": {
            "group": "testing.seal.example",
            "names": {"kind": "Widget", "plural": "widgets"},
            "scope": "Namespaced",
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": schema}],
        },
    });
    serde_json::from_value(definition).expect("it is written out above")
}

fn widget(name: &str) -> (DynamicObject, ApiResource) {
    let kind = kube::core::GroupVersionKind::gvk("testing.seal.example", "v1", "Widget");
    let resource = ApiResource::from_gvk(&kind);
    (DynamicObject::new(name, &resource), resource)
}

/// The HTTP status of a refusal.
fn code<T>(answer: kube::Result<T>) -> u16 {
    match answer {
        Err(kube::Error::Api(status)) => status.code,
        _ => 0,
    }
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}
