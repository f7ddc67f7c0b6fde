//! A live Secret as kubectl prints it, sealed: what the API server set, its owner and the marks of the programs that applied
//! it stay behind, and what is sealed opens again.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use seal_core::kind::file::{self, Document};
use seal_testing::named;
use serde_json::json;

use crate::support::{ends, shared};

/// Runs `seal` with this on its standard input.
fn seal(args: &[&str], stdin: &[u8]) -> Output {
    let mut command = Command::new(seal_testing::programs::built("seal"));
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    child.stdin.take().expect("a pipe").write_all(stdin).expect("it reads");
    child.wait_with_output().expect("it ends")
}

#[tokio::test]
async fn what_kubectl_prints_of_a_live_secret_is_sealed_without_what_a_cluster_has_added() {
    let Some((cluster, controller)) = shared!() else { return };
    let ns = cluster.namespace().await;
    let owner: ConfigMap =
        ns.create(ConfigMap { metadata: named("owner"), ..ConfigMap::default() }).await;
    let marks = json!({
        "app": "shop",
        "app.kubernetes.io/instance": "shop",
        "app.kubernetes.io/managed-by": "Helm",
        "kustomize.toolkit.fluxcd.io/name": "shop",
        "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
    });
    let annotations = json!({
        "argocd.argoproj.io/tracking-id": "shop:/Secret:a/db",
        "meta.helm.sh/release-name": "shop",
        "note": "ours",
    });
    let owners = json!([{"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner.metadata.uid}]);
    let metadata = json!({
        "name": "db", "namespace": ns.name, "labels": marks, "annotations": annotations,
        "ownerReferences": owners,
    });
    let manifest = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": metadata, "immutable": false,
        "stringData": {"password": "made-up", "user": "shop"},
    });
    // Client-side apply, which writes the whole manifest into an annotation.
    let applied = cluster.kubectl(&["apply", "-f", "-"], &manifest.to_string()).await;
    assert!(applied.status.success(), "{applied:?}");
    for format in ["yaml", "json"] {
        let get = ["get", "secret", "db", "-n", &ns.name, "--show-managed-fields", "-o", format];
        let printed = cluster.kubectl(&get, "").await;
        let sealed = seal(&["-r", controller.recipient().as_str()], &printed.stdout);
        let said = String::from_utf8(sealed.stderr).unwrap();
        assert!(sealed.status.success(), "{said}");
        for left_out in [
            "managedFields",
            "ownerReferences",
            "resourceVersion",
            "metadata.uid",
            "annotation kubectl.kubernetes.io/last-applied-configuration",
            "annotation argocd.argoproj.io/tracking-id",
            "annotation note",
            "app.kubernetes.io/instance",
            "kustomize.toolkit.fluxcd.io/name",
        ] {
            assert!(said.contains(left_out), "{left_out} is not named: {said}");
        }
        let text = String::from_utf8(sealed.stdout).unwrap();
        for trace in
            ["toolkit", "argoproj", "Helm", "instance", "uid", "owner", "kubectl", "bWFkZS11cA"]
        {
            assert!(!text.contains(trace), "{trace} is in {text}");
        }
        let Document::Sealed(object) = file::read(&text).unwrap().remove(0) else { panic!() };
        let labels = object.spec.template.unwrap_or_default().metadata.labels;
        assert_eq!(labels.into_iter().collect::<Vec<_>>(), [("app".to_owned(), "shop".to_owned())]);
    }
}

#[tokio::test]
async fn a_live_secret_is_sealed_deleted_and_comes_back_from_its_file() {
    let Some((cluster, controller)) = shared!() else { return };
    let ns = cluster.namespace().await;
    let string_data = Some([("password".to_owned(), "made-up".to_owned())].into());
    ns.create(Secret { metadata: named("db"), string_data, ..Secret::default() }).await;
    let get = ["get", "secret", "db", "-n", &ns.name, "-o", "yaml"];
    let printed = cluster.kubectl(&get, "").await;
    let sealed = seal(&["-r", controller.recipient().as_str()], &printed.stdout);
    let deleted = cluster.kubectl(&["delete", "secret", "db", "-n", &ns.name], "").await;
    assert!(deleted.status.success(), "{deleted:?}");
    let applied =
        cluster.kubectl(&["apply", "-f", "-"], &String::from_utf8(sealed.stdout).unwrap()).await;
    assert!(applied.status.success(), "{applied:?}");
    ends(&ns, "db", "Applied").await;
    let live: Secret = ns.get("db").await;
    assert_eq!(live.data.unwrap()["password"].0, b"made-up");
}
