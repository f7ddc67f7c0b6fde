//! A sealed object becomes a live Secret, exactly, and follows it.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;
use seal_core::kind::file;
use seal_core::kind::sealed::{MAX_PLAINTEXT_BYTES, SealedSecret, Template, TemplateMetadata};
use seal_core::open::check::check;
use serde_json::json;

use crate::support::{
    Controller, ends, map, message, quiet, ready, resealed, shared, values, with,
};

#[tokio::test]
async fn a_sealed_object_becomes_a_live_secret() {
    let Some((cluster, controller)) = shared!() else { return };
    let ns = cluster.namespace().await;
    let made = ns.create(controller.seal(&ns, "db", &[("user", "app"), ("password", "x")])).await;
    let sealed = ends(&ns, "db", "Applied").await;
    let live: Secret = ns.get("db").await;
    assert_eq!(values(&live), map(&[("user", "app"), ("password", "x")]));
    assert_eq!(live.type_.as_deref(), Some("Opaque"));
    assert!(live.labels().is_empty(), "no Secret gets a label of ours");
    let owner = &live.owner_references()[0];
    assert_eq!((owner.kind.as_str(), &owner.uid), ("SealedSecret", &made.uid().unwrap()));
    let status = sealed.status.unwrap();
    assert_eq!(status.keys, Some(2));
    assert_eq!(status.opened_with, [controller.fingerprint()]);
    assert_eq!(status.secret.unwrap().resource_version, live.resource_version().unwrap());
}

#[tokio::test]
async fn type_labels_and_annotations_come_from_the_template_and_go_with_it() {
    let Some((cluster, controller)) = shared!() else { return };
    let ns = cluster.namespace().await;
    let first = template(&[("a", "1"), ("b", "1")], &[("n", "1")]);
    ns.create(with(first, controller.seal(&ns, "db", &[("password", "x")]))).await;
    ends(&ns, "db", "Applied").await;
    ns.patch::<Secret>("db", json!({"metadata": {"labels": {"theirs": "kept"}}})).await;

    let next = controller.seal(&ns, "db", &[("password", "x")]);
    let mut change = resealed(&next);
    change["spec"]["template"] =
        json!({"metadata": {"annotations": null, "labels": {"a": "2", "b": null}}});
    ns.patch::<SealedSecret>("db", change).await;
    ends(&ns, "db", "Applied").await;
    let live: Secret = ns.get("db").await;
    assert_eq!(*live.labels(), map(&[("a", "2"), ("theirs", "kept")]));
    assert!(!live.annotations().contains_key("n"));
    assert_eq!(live.type_.as_deref(), Some("kubernetes.io/basic-auth"));
    assert_eq!(values(&live), map(&[("username", "app"), ("password", "x")]));
}

/// Needs `username`, and has it in clear.
fn template(labels: &[(&str, &str)], annotations: &[(&str, &str)]) -> Template {
    Template {
        type_: Some("kubernetes.io/basic-auth".into()),
        metadata: TemplateMetadata { labels: map(labels), annotations: map(annotations) },
        string_data: map(&[("username", "app")]),
        ..Template::default()
    }
}

#[tokio::test]
async fn a_changed_file_changes_the_live_secret_and_its_event_names_no_key() {
    let Some((cluster, controller)) = shared!() else { return };
    let ns = cluster.namespace().await;
    ns.create(controller.seal(&ns, "db", &[("a", "1"), ("b", "1")])).await;
    ends(&ns, "db", "Applied").await;
    let next = controller.seal(&ns, "db", &[("b", "2"), ("c", "2")]);
    let mut change = json!({"spec": next.spec});
    change["spec"]["values"]["a"] = json!(null); // a merge patch keeps what it does not name
    ns.patch::<SealedSecret>("db", change).await;
    ends(&ns, "db", "Applied").await;
    assert_eq!(values(&ns.get("db").await), map(&[("b", "2"), ("c", "2")]));
    let event = ns.eventually_event("db", "Applied").await;
    assert_eq!(event.message.as_deref(), Some("generation 2 of the file was written"));
}

/// Nothing that the API server or etcd count may refuse it: what still fits would tell how long a sealed value is.
#[tokio::test]
async fn the_largest_sealed_secret_is_one_that_the_api_server_takes() {
    let Some((cluster, controller)) = shared!() else { return };
    let ns = cluster.namespace().await;
    let annotation = "x".repeat(200 * 1024 - 50);
    let names = (0..517).map(|n| (format!("{n:0>170}"), String::new()));
    let mut clear: BTreeMap<String, String> = names.collect();
    clear.insert("clear".to_owned(), "x".repeat(MAX_PLAINTEXT_BYTES - 128));
    let metadata =
        TemplateMetadata { annotations: map(&[("a", &annotation)]), ..TemplateMetadata::default() };
    let template = Template { metadata, string_data: clear, ..Template::default() };
    let sealed = with(template, controller.seal(&ns, "db", &[("password", &"x".repeat(128))]));
    ns.create(sealed.clone()).await;
    ends(&ns, "db", "Applied").await;
    assert_eq!(values(&ns.get("db").await).len(), 519);

    let mut more = sealed;
    let template = more.spec.template.as_mut().expect("it was given one above");
    template.string_data.insert("one-more".to_owned(), "x".to_owned());
    assert!(check(&more).is_err(), "it is the largest");
}

#[tokio::test]
async fn a_suspended_object_is_left_as_it_is() {
    let Some(cluster) = quiet!() else { return };
    let ns = cluster.namespace().await;
    let controller = Controller::own(cluster, &ns, &[]).await;
    ns.create(controller.seal(&ns, "db", &[("a", "1")])).await;
    ends(&ns, "db", "Applied").await;
    let mut change = resealed(&controller.seal(&ns, "db", &[("a", "2")]));
    change["spec"]["suspend"] = json!(true);
    ns.patch::<SealedSecret>("db", change).await;
    // The same watch has told of an object made later, so it has told of the suspended one.
    ns.create(controller.seal(&ns, "later", &[("a", "1")])).await;
    ends(&ns, "later", "Applied").await;
    controller.is_idle().await;
    assert_eq!(values(&ns.get("db").await), map(&[("a", "1")]));
    ns.patch::<SealedSecret>("db", json!({"spec": {"suspend": null}})).await;
    ends(&ns, "db", "Applied").await;
    assert_eq!(values(&ns.get("db").await), map(&[("a", "2")]));
}

#[tokio::test]
async fn a_request_to_reconcile_is_answered_in_the_status() {
    let Some((cluster, controller)) = shared!() else { return };
    let ns = cluster.namespace().await;
    ns.create(controller.seal(&ns, "db", &[("a", "1")])).await;
    ends(&ns, "db", "Applied").await;
    let ask = json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": "now-1"}}});
    ns.patch::<SealedSecret>("db", ask).await;
    ns.eventually("the request is echoed", "db", |sealed: &SealedSecret| {
        let status = sealed.status.as_ref();
        status.is_some_and(|it| it.last_handled_reconcile_at.as_deref() == Some("now-1"))
    })
    .await;
}

#[tokio::test]
async fn what_is_suspended_before_it_was_ever_applied_says_so_and_a_resumed_one_is_applied() {
    let Some((cluster, controller)) = shared!() else { return };
    let ns = cluster.namespace().await;
    let mut sealed = controller.seal(&ns, "db", &[("a", "1")]);
    sealed.spec.suspend = Some(true);
    let made = ns.create(sealed).await;
    assert_eq!(made.status.unwrap().observed_generation, Some(-1));
    ns.eventually("it is looked at", "db", |sealed: &SealedSecret| ready(sealed).is_some()).await;
    let table = cluster.kubectl(&["get", "sls", "-n", &ns.name], "").await;
    let table = String::from_utf8(table.stdout).unwrap();
    assert!(table.starts_with("NAME   READY     REASON      KEYS   AGE"), "{table}");
    let sealed: SealedSecret = ns.get("db").await;
    assert_eq!(ready(&sealed).unwrap(), ("Unknown".into(), "Suspended".into()));
    assert_eq!(message(&sealed), "suspended at generation 1");
    ns.patch::<SealedSecret>("db", json!({"spec": {"suspend": false}})).await;
    ends(&ns, "db", "Applied").await;
    ns.patch::<SealedSecret>("db", json!({"spec": {"suspend": true}})).await;
    let sealed = ends(&ns, "db", "Applied").await;
    assert_eq!(message(&sealed), "suspended at generation 3", "the verdict stays");
}

#[tokio::test]
async fn a_value_that_one_applier_takes_out_goes_though_another_applied_it_too() {
    let Some((cluster, controller)) = shared!() else { return };
    let ns = cluster.namespace().await;
    let both = [("a", "1"), ("b", "1")].as_slice();
    for (manager, pairs) in [("flux", both), ("argo", both), ("flux", &[("b", "2")])] {
        let sealed = file::write(&controller.seal(&ns, "db", pairs));
        let args =
            ["apply", "--server-side", "--force-conflicts", "--field-manager", manager, "-f", "-"];
        let output = cluster.kubectl(&args, &sealed).await;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        ends(&ns, "db", "Applied").await;
    }
    assert_eq!(values(&ns.get("db").await), map(&[("b", "2")]));
}
