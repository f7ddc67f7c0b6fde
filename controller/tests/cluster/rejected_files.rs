//! Every file of `testdata/reject`, sent to a cluster by whoever asks for no validation of fields: the API server refuses it, or
//! the controller does, for the reason in its name.

use std::fs;
use std::path::{Path, PathBuf};

use http::Request;
use k8s_openapi::api::core::v1::Secret;
use seal_core::key::Identity;
use seal_core::kind::sealed::SealedSecret;
use seal_testing::Namespace;
use serde_json::Value;

use crate::cluster_sealed::make_namespace;
use crate::hostile_objects::{MOST_OF_A_MESSAGE, events_are_fit_to_read, is_fit_to_read};
use crate::keys::add_key;
use crate::support::{Controller, apply, ends, install_in, message, ready};

/// What is wrong with the text alone, so that the object is whole: readers of text refuse it (`shared/tests/reject.rs`).
const WHOLE_AS_AN_OBJECT: [&str; 25] = [
    "Malformed-anchors-in-anchors",
    // What has no value is not there.
    "Malformed-block-emptied",
    "Malformed-block-null",
    // Of two fields of one name the last counts.
    "Malformed-both-blocks-of-one-key",
    "Malformed-cut-after-key",
    "Malformed-deep-nesting",
    "Malformed-duplicate-after-merge-conflict",
    "Malformed-duplicate-clear-key",
    "Malformed-duplicate-header",
    "Malformed-duplicate-kind",
    "Malformed-duplicate-name",
    "Malformed-duplicate-value",
    "Malformed-merged-both-sides",
    // The URL names it.
    "Malformed-namespace-absent",
    "Malformed-namespace-empty",
    // Nobody sets a status with the object.
    "Malformed-status-wrong-type",
    "Malformed-tag",
    // What the schema does not know is left out.
    "Malformed-unknown-field-block",
    "Malformed-unknown-field-block-value",
    "Malformed-unknown-field-metadata",
    "Malformed-unknown-field-root",
    "Malformed-unknown-field-scope",
    "Malformed-unknown-field-spec",
    "Malformed-unknown-field-template",
    "Malformed-unknown-field-template-metadata",
];
/// The namespaces in which the files lie. One that names none, or none that can be, is sent to the first.
const NAMESPACES: [&str; 3] = ["prod", "dev", "seal-system"];

fn testdata(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata").join(path)
}

/// Where it says it lies.
fn namespace_of(text: &str) -> &'static str {
    let said = text.lines().find_map(|line| line.strip_prefix("  namespace: ")).unwrap_or_default();
    NAMESPACES.into_iter().find(|name| *name == said.trim()).unwrap_or(NAMESPACES[0])
}

/// The name that the object got, or none where the API server does not admit it.
async fn create(ns: &Namespace, text: String) -> Option<String> {
    let path = format!("/apis/seal.dev/v1/namespaces/{}/sealedsecrets", ns.name);
    let request = Request::post(format!("{path}?fieldValidation=Ignore"));
    let request = request.header("content-type", "application/yaml").body(text.into_bytes());
    match ns.client.request::<Value>(request.unwrap()).await {
        Ok(created) => Some(created["metadata"]["name"].as_str().unwrap().to_owned()),
        Err(kube::Error::Api(status)) if (400..500).contains(&status.code) => None,
        Err(other) => panic!("{other}"),
    }
}

/// The reason that the object in `ns` ends with, which is then deleted with what was made of it.
async fn verdict(ns: &Namespace, name: &str) -> String {
    let told = ns.eventually("it has its verdict", name, |it: &SealedSecret| ready(it).is_some());
    let told = told.await;
    is_fit_to_read(name, &message(&told), MOST_OF_A_MESSAGE);
    ns.delete::<SealedSecret>(name).await;
    ns.eventually_gone::<SealedSecret>(name).await;
    ns.eventually_gone::<Secret>(name).await;
    ready(&told).unwrap().1
}

#[tokio::test]
async fn every_rejected_file_that_is_admitted_ends_with_its_reason_and_holds_up_no_other() {
    let Some(cluster) = seal_testing::own_cluster!() else { return };
    install_in(&cluster).await;
    apply(&cluster, include_str!("../../deploy/chart/files/controller.yaml")).await;
    for name in NAMESPACES.iter().filter(|name| **name != "seal-system") {
        make_namespace(&cluster, name, &[]).await;
    }
    for name in ["cluster", "offline", "classic", "classic-offline"] {
        let text = fs::read_to_string(testdata(&format!("keys/{name}.txt"))).unwrap();
        let identity = &Identity::parse_file(&text).unwrap()[0];
        add_key(&cluster, "seal-system", name, identity, "active").await;
    }
    let controller = Controller::start(&cluster, "seal-system", &[]).await;
    let (mut admitted, mut wrong) = (0, Vec::new());
    let mut whole = Vec::new();
    let mut files: Vec<PathBuf> =
        fs::read_dir(testdata("reject")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.is_file());
    files.sort();
    for path in &files {
        let text = fs::read_to_string(path).unwrap();
        let file = path.file_stem().unwrap().to_str().unwrap();
        let ns = Namespace { name: namespace_of(&text).to_owned(), client: cluster.client() };
        let Some(name) = create(&ns, text).await else { continue };
        admitted += 1;
        let reason = verdict(&ns, &name).await;
        if reason == "Applied" {
            whole.push(file);
        } else if !file.starts_with(&format!("{reason}-")) {
            wrong.push(format!("{file}: {reason}"));
        }
    }
    assert_eq!(wrong, [""; 0]);
    whole.sort_unstable();
    assert_eq!(whole, WHOLE_AS_AN_OBJECT);
    println!("{admitted} of {} files are admitted", files.len());
    assert!(admitted > WHOLE_AS_AN_OBJECT.len() + 20, "{admitted} of {} files", files.len());

    let beside = cluster.namespace().await;
    beside.create(controller.seal(&beside, "db", &[("a", "1")])).await;
    ends(&beside, "db", "Applied").await;
    for name in NAMESPACES {
        events_are_fit_to_read(&Namespace { name: name.into(), client: cluster.client() }).await;
    }
    is_fit_to_read("the log", &controller.process.log().replace('\n', " "), usize::MAX);
    assert!(!controller.process.has_ended());
}
