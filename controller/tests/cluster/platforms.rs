//! What `seal --for` makes, live on a real API server: found by the selector that each platform lists with, and taken in the
//! pods that each platform builds, which the API server checks as it checks theirs.

use std::path::Path;
use std::process::{Command, Stdio};

use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::Api;
use kube::api::{ListParams, PostParams};
use seal_testing::{Cluster, Namespace};
use serde_json::{Value, json};

use crate::cluster_sealed::make_namespace;
use crate::support::{Controller, ends, shared, values};

/// Seals with the command line and applies what it wrote.
async fn sealed(cluster: &Cluster, controller: &Controller, args: &[&str], value: &str) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("sealed.yaml");
    seal(
        dir.path(),
        &[args, &["-r", controller.recipient().as_str(), "-o", "sealed.yaml"]].concat(),
        value,
    );
    let applied = cluster.kubectl(&["apply", "-f", &file.display().to_string()], "").await;
    assert!(applied.status.success(), "{}", String::from_utf8_lossy(&applied.stderr));
}

fn seal(dir: &Path, args: &[&str], value: &str) {
    use std::io::Write as _;
    let mut command = Command::new(seal_testing::programs::built("seal"));
    command.args(args).current_dir(dir).stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(value.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The names of the Secrets that a selector finds.
async fn listed(ns: &Namespace, selector: &str) -> Vec<String> {
    let secrets: Api<Secret> = ns.api();
    let found = secrets.list(&ListParams::default().labels(selector)).await.unwrap();
    found.items.into_iter().filter_map(|secret| secret.metadata.name).collect()
}

/// A pod that the API server takes, with these volumes, variables and pull secrets; it is not kept.
async fn takes_pod(ns: &Namespace, spec: Value) {
    let mut container = json!({"name": "main", "image": "ghcr.io/example/app:1"});
    for field in ["env", "envFrom", "volumeMounts"] {
        if let Some(value) = spec.get(field) {
            container[field] = value.clone();
        }
    }
    let mut pod = json!({"metadata": {"name": "as-the-platform-makes-it"}, "spec": {"containers": [container]}});
    for field in ["volumes", "imagePullSecrets"] {
        if let Some(value) = spec.get(field) {
            pod["spec"][field] = value.clone();
        }
    }
    pod["spec"]["automountServiceAccountToken"] = json!(false);
    let pod: Pod = serde_json::from_value(pod).unwrap();
    let dry_run = PostParams { dry_run: true, ..PostParams::default() };
    ns.api::<Pod>().create(&dry_run, &pod).await.unwrap();
}

#[tokio::test]
async fn openfaas_lists_it_and_its_function_mounts_it() {
    let Some((cluster, controller)) = shared!() else { return };
    let ns = make_namespace(cluster, "openfaas-fn", &[]).await;
    let args = ["--for", "openfaas", "--name", "api-key", "--from-file", "-"];
    sealed(cluster, controller, &args, "k3y").await;
    ends(&ns, "api-key", "Applied").await;
    let registry =
        ["registry", "ghcr.io", "--username", "u", "--for", "openfaas", "--name", "pull"];
    sealed(cluster, controller, &registry, "p4ss").await;
    ends(&ns, "pull", "Applied").await;
    let mut found = listed(&ns, "app.kubernetes.io/managed-by=openfaas").await;
    found.sort();
    assert_eq!(found, ["api-key", "pull"]);
    let source =
        json!({"secret": {"name": "api-key", "items": [{"key": "api-key", "path": "api-key"}]}});
    takes_pod(&ns, json!({
        "volumes": [{"name": "my-function-projected-secrets", "projected": {"sources": [source]}}],
        "volumeMounts": [{"name": "my-function-projected-secrets", "mountPath": "/var/openfaas/secrets", "readOnly": true}],
        "imagePullSecrets": [{"name": "pull"}],
    }))
    .await;
}

#[tokio::test]
async fn pachyderm_lists_it_and_a_pipeline_mounts_it_and_has_it_as_a_variable() {
    let Some((cluster, controller)) = shared!() else { return };
    let ns = cluster.namespace().await;
    let name = "s".repeat(63);
    let args = ["--for", "pachyderm", "-n", &ns.name, "--name", &name, "--from-file", "password=-"];
    sealed(cluster, controller, &args, "p").await;
    ends(&ns, &name, "Applied").await;
    assert_eq!(listed(&ns, "secret-source=pachyderm-user").await, [name.as_str()]);
    assert_eq!(listed(&ns, "suite=pachyderm").await, [name.as_str()]);
    takes_pod(&ns, json!({
        "volumes": [{"name": name, "secret": {"secretName": name}}],
        "volumeMounts": [{"name": name, "mountPath": "/opt/secret"}],
        "env": [{"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": name, "key": "password"}}}],
    }))
    .await;
}

#[tokio::test]
async fn flyte_s_webhook_can_make_a_volume_and_a_variable_of_the_longest_group() {
    let Some((cluster, controller)) = shared!() else { return };
    let ns = make_namespace(cluster, "flytesnacks-development", &[]).await;
    let group = "g".repeat(38);
    let args = [
        "--for",
        "flyte",
        "--project",
        "flytesnacks",
        "--domain",
        "development",
        "--group",
        &group,
    ];
    let args = [&args[..], &["--from-file", "user-secret=-"]].concat();
    sealed(cluster, controller, &args, "v").await;
    ends(&ns, &group, "Applied").await;
    // As pkg/webhook names it: group and an empty version.
    let volume = base32(format!("{group}_").as_bytes());
    assert_eq!(volume.len(), 63);
    let variable = format!("_FSEC_{}_USER-SECRET", group.to_ascii_uppercase());
    let item = json!({"key": "user-secret", "path": "user-secret"});
    takes_pod(&ns, json!({
        "volumes": [{"name": volume, "secret": {"secretName": group, "items": [item], "optional": true}}],
        "volumeMounts": [{"name": volume, "mountPath": format!("/etc/flyte/secrets/{group}"), "readOnly": true}],
        "env": [{"name": variable, "valueFrom": {"secretKeyRef": {"name": group, "key": "user-secret", "optional": true}}}],
    }))
    .await;
}

#[tokio::test]
async fn flyte_2_lists_it_and_finds_its_one_key() {
    let Some((cluster, controller)) = shared!() else { return };
    let ns = make_namespace(cluster, "flyte", &[]).await;
    let of = ["--project", "flytesnacks", "--domain", "development"];
    let args = [&["--for", "flyte2", "--name", "my-key", "--from-file", "-"], &of[..]].concat();
    sealed(cluster, controller, &args, "v").await;
    let name = "f72c7f2cc489d9fd05bc4f90ed21fb86";
    ends(&ns, name, "Applied").await;
    let selector = "app.flyte.org/managed=true,app.flyte.org/domain=development,app.flyte.org/project=flytesnacks";
    assert_eq!(listed(&ns, selector).await, [name]);
    let id = "u__org__flyte__domain__development__project__flytesnacks__key__my-key";
    let live: Secret = ns.get(name).await;
    assert_eq!(values(&live).into_iter().collect::<Vec<_>>(), [(id.to_owned(), "v".to_owned())]);
    takes_pod(&ns, json!({
        "env": [{"name": "_UNION_MY-KEY", "valueFrom": {"secretKeyRef": {"name": name, "key": id}}}],
    }))
    .await;
}

#[tokio::test]
async fn kestra_has_it_in_its_environment() {
    let Some((cluster, controller)) = shared!() else { return };
    let ns = cluster.namespace().await;
    let args = [
        "--for",
        "kestra",
        "-n",
        &ns.name,
        "--name",
        "kestra-secrets",
        "--from-file",
        "password=-",
    ];
    sealed(cluster, controller, &args, "hunter2").await;
    ends(&ns, "kestra-secrets", "Applied").await;
    let live: Secret = ns.get("kestra-secrets").await;
    assert_eq!(values(&live)["SECRET_PASSWORD"], "aHVudGVyMg==");
    takes_pod(&ns, json!({"envFrom": [{"secretRef": {"name": "kestra-secrets"}}]})).await;
}

#[tokio::test]
async fn direktiv_lists_secret_and_registry_and_its_services_pull_with_it() {
    let Some((cluster, controller)) = shared!() else { return };
    let ns = cluster.namespace().await;
    let services = make_namespace(cluster, "direktiv-services-direktiv", &[]).await;
    let of = ["--for", "direktiv", "--direktiv-namespace", "test-services"];
    let args = [&of[..], &["-n", &ns.name, "--name", "api-token", "--from-file", "-"]].concat();
    sealed(cluster, controller, &args, "v").await;
    ends(&ns, "nssecret-test-services-api-token", "Applied").await;
    let selector = "direktiv.io/namespace=test-services";
    assert_eq!(listed(&ns, selector).await, ["nssecret-test-services-api-token"]);
    let live: Secret = ns.get("nssecret-test-services-api-token").await;
    assert_eq!(values(&live).into_keys().collect::<Vec<_>>(), ["secret"]);

    let registry = [&["registry", "docker.io", "--username", "u"], &of[..]].concat();
    sealed(cluster, controller, &registry, "p4ss").await;
    ends(&services, "secret-c163796084d652e67cb0", "Applied").await;
    let found = listed(&services, selector).await;
    assert_eq!(found, ["secret-c163796084d652e67cb0"]);
    takes_pod(&services, json!({"imagePullSecrets": [{"name": found[0]}]})).await;
}

/// RFC 4648 base32 in lower case, without padding.
fn base32(bytes: &[u8]) -> String {
    let bits: String = bytes.iter().map(|byte| format!("{byte:08b}")).collect();
    let digit = |five: &[u8]| {
        let bits = format!("{:0<5}", str::from_utf8(five).unwrap());
        char::from(b"abcdefghijklmnopqrstuvwxyz234567"[usize::from_str_radix(&bits, 2).unwrap()])
    };
    bits.as_bytes().chunks(5).map(digit).collect()
}
