//! What does not open is told in one word, and changes nothing.

use k8s_openapi::api::core::v1::{Event, Secret};
use kube::ResourceExt;
use seal_core::key::Identity;
use seal_core::kind::sealed::{SealedSecret, Template};
use seal_core::place::{Place, Scope};
use seal_testing::{Cluster, Namespace, eventually};
use serde_json::json;

use crate::support::{Controller, ends, get, map, message, quiet, seal_for, shared, values};

#[tokio::test]
async fn a_renamed_file_is_in_the_wrong_place_and_the_message_names_both() {
    let Some((cluster, controller)) = shared!() else { return };
    let ns = cluster.namespace().await;
    let mut sealed = controller.seal(&ns, "db", &[("a", "1")]);
    sealed.metadata.name = Some("db2".into());
    ns.create(sealed).await;
    let sealed = ends(&ns, "db2", "WrongPlace").await;
    let said = message(&sealed);
    assert!(said.starts_with(&format!("sealed for {0}/db, found at {0}/db2;", ns.name)), "{said}");
    assert!(ns.find::<Secret>("db2").await.is_none());
}

#[tokio::test]
async fn a_scope_that_was_widened_by_hand_opens_nothing() {
    let Some((cluster, controller)) = shared!() else { return };
    let ns = cluster.namespace().await;
    let mut sealed = controller.seal(&ns, "db", &[("password", "x")]);
    sealed.metadata.name = Some("db2".into());
    sealed.spec.scope.name = "db2".into();
    ns.create(sealed).await;
    let sealed = ends(&ns, "db2", "NotSealedForThis").await;
    assert!(message(&sealed).contains("the value of password was sealed for another"));
}

#[tokio::test]
async fn a_value_moved_to_another_key_opens_nothing() {
    let Some((cluster, controller)) = shared!() else { return };
    let ns = cluster.namespace().await;
    let mut sealed = controller.seal(&ns, "db", &[("user", "1"), ("password", "2")]);
    let values = &mut sealed.spec.values;
    let (user, password) = (values["user"].clone(), values["password"].clone());
    values.extend([("user".to_owned(), password), ("password".to_owned(), user)]);
    ns.create(sealed).await;
    ends(&ns, "db", "NotSealedForThis").await;
    assert!(ns.find::<Secret>("db").await.is_none());
}

#[tokio::test]
async fn damage_keeps_the_live_secret_as_it_was() {
    let Some((cluster, controller)) = shared!() else { return };
    let ns = cluster.namespace().await;
    ns.create(controller.seal(&ns, "db", &[("a", "1")])).await;
    let sealed = ends(&ns, "db", "Applied").await;
    let mut blocks = sealed.spec.values.clone();
    let payload = &mut blocks.get_mut("a").unwrap().payload;
    let flipped = if payload.as_bytes()[60] == b'A' { "B" } else { "A" };
    payload.replace_range(60..61, flipped);
    ns.patch::<SealedSecret>("db", json!({"spec": {"values": blocks}})).await;
    let sealed = ends(&ns, "db", "Damaged").await;
    assert_eq!(
        message(&sealed),
        format!(
            "{}/db: the value of a is damaged (payload); put the lines of that value back as Git's history has them, or seal it again",
            ns.name
        )
    );
    assert_eq!(values(&ns.get("db").await), map(&[("a", "1")]));

    let mut header = sealed.spec.header.unwrap().replacen("--- ", "--- A", 1);
    header.pop();
    ns.patch::<SealedSecret>("db", json!({"spec": {"header": header}})).await;
    ns.eventually("the header is blamed", "db", |sealed: &SealedSecret| {
        crate::support::ready(sealed).is_some() && message(sealed).contains("the shared header")
    })
    .await;
}

#[tokio::test]
async fn a_file_for_another_cluster_names_both_lists_and_its_key_heals_it_at_once() {
    let Some(cluster) = quiet!() else { return };
    let ns = cluster.namespace().await;
    let controller = Controller::own(cluster, &ns, &[]).await;
    let other = Identity::generate();
    let place = Place::new(&ns.name, "db").unwrap();
    let recipient = other.recipient().parse().unwrap();
    ns.create(seal_for(&recipient, &place, Scope::of(&place), &[("a", "1")])).await;
    let sealed = ends(&ns, "db", "NoMatchingKey").await;
    let said = message(&sealed);
    assert!(
        said.contains(other.fingerprint().as_str()) && said.contains(&controller.fingerprint()),
        "{said}"
    );

    crate::keys::add_key(cluster, &controller.namespace, "restored", &other, "retired").await;
    ends(&ns, "db", "Applied").await;
    assert_eq!(values(&ns.get("db").await), map(&[("a", "1")]));
}

#[tokio::test]
async fn a_block_under_no_header_or_a_bad_base64_is_malformed_and_the_others_go_on() {
    let Some((cluster, controller)) = shared!() else { return };
    let ns = cluster.namespace().await;
    let mut bare = controller.seal(&ns, "bare", &[("a", "1")]);
    bare.spec.header = None;
    bare.spec.sealed_to.clear();
    let mut base64 = controller.seal(&ns, "base64", &[("a", "1")]);
    base64.spec.values.get_mut("a").unwrap().payload = "not base64!".into();
    let mut unsorted = controller.seal(&ns, "unsorted", &[("a", "1")]);
    unsorted.spec.scope.namespaces = vec!["z".into(), "a".into()];
    for sealed in [bare, base64, unsorted] {
        ns.create(sealed).await;
    }
    ns.create(controller.seal(&ns, "good", &[("a", "1")])).await;
    assert!(
        message(&ends(&ns, "bare", "Malformed").await).contains("the block of a: it has no header")
    );
    assert!(
        message(&ends(&ns, "base64", "Malformed").await)
            .contains("the block of a: its payload is not canonical base64")
    );
    ends(&ns, "unsorted", "Malformed").await;
    ends(&ns, "good", "Applied").await;
}

#[tokio::test]
async fn the_api_server_refuses_what_the_schema_can_see() {
    let Some((cluster, controller)) = shared!() else { return };
    let ns = cluster.namespace().await;
    let refused = async |change: fn(&mut SealedSecret), why: &str| {
        let mut sealed = controller.seal(&ns, "db", &[("a", "1")]);
        change(&mut sealed);
        let error = ns.api().create(&Default::default(), &sealed).await.unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
    };
    refused(|it| it.spec.scope.namespaces = vec!["*".into(), "a".into()], "mixes").await;
    refused(|it| it.spec.scope.namespaces.clear(), "should have at least 1 items").await;
    let clear = |it: &mut SealedSecret| {
        it.spec.template =
            Some(Template { string_data: map(&[("a", "x")]), ..Template::default() });
    };
    refused(clear, "both sealed and in spec.template.stringData").await;
    let typed = |it: &mut SealedSecret| {
        let type_ = Some("kubernetes.io/service-account-token".into());
        it.spec.template = Some(Template { type_, ..Template::default() });
    };
    refused(typed, "spec.template.type is reserved").await;
    refused(|it| it.spec.on_conflict = Some("Overwrite".into()), "Unsupported value").await;
}

#[tokio::test]
async fn the_installed_schema_is_the_one_of_the_type() {
    let text = include_str!("../../deploy/chart/files/crd.yaml");
    assert_eq!(
        text,
        seal_core::kind::crd::crd(),
        "cargo run -p seal-controller -- crd > controller/deploy/chart/files/crd.yaml"
    );
}

#[tokio::test]
async fn a_scope_of_several_namespaces_opens_in_each_and_nowhere_else() {
    let Some((cluster, controller)) = shared!() else { return };
    let (a, b, c) =
        (cluster.namespace().await, cluster.namespace().await, cluster.namespace().await);
    let mut namespaces = vec![a.name.clone(), b.name.clone()];
    namespaces.sort();
    let scope = Scope { namespaces, name: "*".into() };
    for (ns, name, reason) in
        [(&a, "one", "Applied"), (&b, "two", "Applied"), (&c, "one", "WrongPlace")]
    {
        let place = Place::new(&ns.name, name).unwrap();
        let recipient = controller.recipient();
        ns.create(seal_for(&recipient, &place, scope.clone(), &[("k", "v")])).await;
        let sealed = ends(ns, name, reason).await;
        assert_eq!(ns.find::<Secret>(&sealed.name_any()).await.is_some(), reason == "Applied");
    }
}

/// Creates an object of a shape that the type cannot hold, as if a later version's schema had admitted it.
async fn create_odd(cluster: &Cluster, ns: &Namespace) {
    let path = "/spec/versions/0/schema/openAPIV3Schema";
    let anything = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let patch = json!([{"op": "replace", "path": path, "value": anything}]).to_string();
    let crd = "sealedsecrets.seal.dev";
    let patched = cluster.kubectl(&["patch", "crd", crd, "--type=json", "-p", &patch], "").await;
    assert!(patched.status.success(), "{}", String::from_utf8_lossy(&patched.stderr));
    eventually("the API server admits anything", async || {
        let created = cluster.kubectl(&["create", "-f", "-"], &odd(ns, "odd")).await;
        created.status.success().then_some(())
    })
    .await;
}

fn odd(ns: &Namespace, name: &str) -> String {
    let odd = json!({
        "apiVersion": "seal.dev/v1", "kind": "SealedSecret",
        "metadata": {"name": name, "namespace": ns.name}, "spec": {"scope": "everywhere"},
    });
    odd.to_string()
}

/// What is said of it once, and that it is known after a restart.
async fn is_told_once(cluster: &Cluster, ns: &Namespace) {
    let controller = Controller::own(cluster, ns, &[]).await;
    ns.eventually_event("odd", "Malformed").await;
    ns.create(controller.seal(ns, "db", &[("a", "1")])).await;
    ends(ns, "db", "Applied").await;
    controller.is_idle().await;
    let (_, metrics) = get(&format!("{}/metrics", controller.url)).await;
    let told = r#"reconciles_total{result="refused",reason="Malformed"} 1"#;
    assert!(metrics.contains(told), "its own status is no news: {metrics}");
    let status =
        ["get", "sls", "odd", "-n", &ns.name, "-o", "jsonpath={.status.conditions[*].reason}"];
    let reasons = cluster.kubectl(&status, "").await.stdout;
    assert_eq!(String::from_utf8(reasons).unwrap(), "Malformed Malformed");
    let version =
        ["get", "sls", "odd", "-n", &ns.name, "-o", "jsonpath={.metadata.resourceVersion}"];
    let before = cluster.kubectl(&version, "").await.stdout;
    let home = controller.namespace.clone();
    controller.process.terminate().await;
    let again = Controller::start(cluster, &home, &["--namespaces", &ns.name]).await;
    again.is_idle().await;
    assert_eq!(cluster.kubectl(&version, "").await.stdout, before);
    let told: Vec<Event> = ns.list().await;
    let told = told.iter().filter(|it| it.involved_object.name.as_deref() == Some("odd"));
    assert_eq!(told.count(), 1);
}

#[tokio::test]
async fn an_object_that_the_type_cannot_hold_is_told_so_once_and_the_others_go_on() {
    let Some(cluster) = seal_testing::own_cluster!() else { return };
    crate::support::install_in(&cluster).await;
    let ns = cluster.namespace().await;
    create_odd(&cluster, &ns).await;
    is_told_once(&cluster, &ns).await;
}

/// As when a schema was looser for a while: the API server cannot apply to such objects any more, and takes a status of some
/// of them alone.
#[tokio::test]
async fn an_object_that_its_schema_no_longer_admits_is_told_so_once_and_the_others_go_on() {
    let Some(cluster) = seal_testing::own_cluster!() else { return };
    crate::support::install_in(&cluster).await;
    let ns = cluster.namespace().await;
    create_odd(&cluster, &ns).await;
    let seven = json!({
        "apiVersion": "seal.dev/v1", "kind": "SealedSecret",
        "metadata": {"name": "seven", "namespace": ns.name},
        "spec": {"scope": {"namespaces": [ns.name], "name": "seven"}, "header": 7, "values": {}},
    });
    let created = cluster.kubectl(&["create", "-f", "-"], &seven.to_string()).await;
    assert!(created.status.success(), "{}", String::from_utf8_lossy(&created.stderr));
    put_the_schema_back(&cluster, &ns).await;
    let controller = Controller::own(&cluster, &ns, &[]).await;
    let home = controller.namespace.clone();
    ns.create(controller.seal(&ns, "db", &[("a", "1")])).await;
    ends(&ns, "db", "Applied").await;
    controller.process.said("cannot write the status of").await;
    let get =
        ["get", "sls", "seven", "-n", &ns.name, "-o", "jsonpath={.status.conditions[*].reason}"];
    eventually("the status of the other is written", async || {
        let reasons = cluster.kubectl(&get, "").await.stdout;
        (reasons == b"Malformed Malformed").then_some(())
    })
    .await;
    controller.process.terminate().await;
    let again = Controller::start(&cluster, &home, &["--namespaces", &ns.name]).await;
    again.process.said("cannot write the status of").await;
    let told: Vec<Event> = ns.list().await;
    for name in ["odd", "seven"] {
        let told = told.iter().filter(|it| it.involved_object.name.as_deref() == Some(name));
        assert_eq!(told.count(), 1, "{name}");
    }
}

async fn put_the_schema_back(cluster: &Cluster, ns: &Namespace) {
    crate::support::apply(cluster, include_str!("../../deploy/chart/files/crd.yaml")).await;
    let mut number = 0;
    eventually("the API server has the schema again", async || {
        number += 1;
        let created =
            cluster.kubectl(&["create", "-f", "-"], &odd(ns, &format!("no-{number}"))).await;
        (!created.status.success()).then_some(())
    })
    .await;
    for gone in 1..number {
        let name = format!("no-{gone}");
        cluster.kubectl(&["delete", "sls", &name, "-n", &ns.name], "").await;
    }
}
