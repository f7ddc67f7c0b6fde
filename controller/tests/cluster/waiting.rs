//! `seal wait` beside a real API server and the controller: over when the object is Ready, and at once when it never will be.

use std::path::{Path, PathBuf};
use std::process::Command;

use kube::api::{Patch, PatchParams};
use seal_core::kind::sealed::SealedSecret;
use seal_core::kind::{Kind, file};
use seal_core::place::{Place, Scope};
use seal_testing::{Cluster, Namespace, Process, named, own_cluster};
use serde_json::json;
use tempfile::TempDir;

use crate::support::{ends, seal_for, shared};

fn seal() -> PathBuf {
    seal_testing::programs::built("seal")
}

/// Runs `seal wait` to its end: its exit code, and what it said.
async fn wait(cluster: &Cluster, args: &[&str]) -> (i32, String) {
    wait_as(&cluster.kubeconfig_path(), args).await
}

async fn wait_as(kubeconfig: &Path, args: &[&str]) -> (i32, String) {
    let mut command = Command::new(seal());
    command.arg("wait").args(args).arg("--kubeconfig").arg(kubeconfig);
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

/// Starts one, and returns when the cluster has told it what it waits for.
async fn waiting(cluster: &Cluster, args: &[&str]) -> Process {
    let kubeconfig = cluster.kubeconfig_path().display().to_string();
    let args = [&["wait", "--kubeconfig", &kubeconfig, "--timeout", "1h"], args].concat();
    let args: Vec<String> = args.into_iter().map(str::to_owned).collect();
    let process = Process::start("seal", &seal(), &args).unwrap();
    process.said("waiting: ").await;
    process
}

fn write(dir: &TempDir, sealed: &SealedSecret) -> String {
    let path = dir.path().join("db.sealed.yaml");
    std::fs::write(&path, file::write(sealed)).unwrap();
    path.display().to_string()
}

#[tokio::test]
async fn what_is_not_there_yet_is_waited_for_until_it_is_ready() {
    let Some((cluster, controller)) = shared!() else { return };
    let ns = cluster.namespace().await;
    let waits = waiting(cluster, &["db", "other", "-n", &ns.name]).await;
    assert!(waits.log().contains(&format!("{}/db: it is not there", ns.name)), "{}", waits.log());
    ns.create(controller.seal(&ns, "db", &[("password", "p")])).await;
    waits.said("/db is Ready: ").await;
    ns.create(controller.seal(&ns, "other", &[("password", "p")])).await;
    waits.said("/other is Ready: ").await;
    let (code, said) = wait(cluster, &["db", "other", "-n", &ns.name]).await;
    assert_eq!(code, 0, "{said}");
}

/// An hour is longer than any test: it ends by itself.
#[tokio::test]
async fn what_is_stalled_ends_it_at_once_with_the_code_of_its_reason() {
    let Some((cluster, controller)) = shared!() else { return };
    let ns = cluster.namespace().await;
    let elsewhere = Place::new(&ns.name, "elsewhere").unwrap();
    let mut moved =
        seal_for(&controller.recipient(), &elsewhere, Scope::of(&elsewhere), &[("a", "b")]);
    moved.metadata.name = Some("moved".to_owned());
    ns.create(moved).await;
    let (code, said) = wait(cluster, &["moved", "absent", "-n", &ns.name, "--timeout", "1h"]).await;
    assert_eq!(code, 5, "{said}");
    assert!(said.contains("[WrongPlace]") && said.contains("seal: hint: "), "{said}");
    let stranger = seal_core::key::Identity::generate().recipient().parse().unwrap();
    let place = Place::new(&ns.name, "strange").unwrap();
    ns.create(seal_for(&stranger, &place, Scope::of(&place), &[("a", "b")])).await;
    let (code, said) = wait(cluster, &["strange", "-n", &ns.name, "--timeout", "1h"]).await;
    assert_eq!(code, 4, "{said}");
}

#[tokio::test]
async fn with_a_file_the_object_must_be_that_of_the_file() {
    let Some((cluster, controller)) = shared!() else { return };
    let (ns, dir) = (cluster.namespace().await, TempDir::new().unwrap());
    let before = controller.seal(&ns, "db", &[("password", "old")]);
    let after = controller.seal(&ns, "db", &[("password", "new")]);
    ns.create(before.clone()).await;
    ends(&ns, "db", "Applied").await;
    let (code, said) = wait(cluster, &["-f", &write(&dir, &before)]).await;
    assert_eq!(code, 0, "{said}");
    let path = write(&dir, &after);
    let (code, said) = wait(cluster, &["-f", &path, "--timeout", "1s"]).await;
    assert_eq!(code, 1, "{said}");
    assert!(
        said.contains("not Ready within 1 s") && said.contains("another one than the file"),
        "{said}"
    );
    let waits = waiting(cluster, &["-f", &path]).await;
    let _: SealedSecret = ns.patch("db", json!({"spec": after.spec})).await;
    waits.said("/db is Ready: ").await;
}

/// Writes the status that a controller would.
async fn says(ns: &Namespace, name: &str, generation: i64) {
    let ready = json!({
        "type": "Ready", "status": "True", "reason": "Applied", "message": "1 key",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    });
    let status = json!({"status": {"observedGeneration": generation, "conditions": [ready]}});
    let api = ns.api::<SealedSecret>();
    api.patch_status(name, &PatchParams::default(), &Patch::Merge(&status)).await.unwrap();
}

/// Without a controller, so that the test says what one has said.
#[tokio::test]
async fn an_api_server_that_starts_again_and_an_old_verdict_are_waited_out() {
    let Some(mut cluster) = own_cluster!() else { return };
    cluster
        .install([
            serde_json::from_value(seal_core::kind::crd::definition(Kind::SealedSecret)).unwrap()
        ])
        .await;
    let ns = cluster.namespace().await;
    let recipient = seal_core::key::Identity::generate().recipient().parse().unwrap();
    let place = Place::new(&ns.name, "db").unwrap();
    ns.create(seal_for(&recipient, &place, Scope::of(&place), &[("a", "b")])).await;
    says(&ns, "db", 1).await;
    let _: SealedSecret = ns.patch("db", json!({"spec": {"suspend": false}})).await;
    let (code, said) = wait(&cluster, &["db", "-n", &ns.name, "--timeout", "1s"]).await;
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("no controller has looked at its generation 2 yet"), "{said}");

    let waits = waiting(&cluster, &["db", "-n", &ns.name]).await;
    cluster.stop();
    waits.said("does not answer;").await;
    cluster.restart_apiserver().await;
    says(&ns, "db", 2).await;
    waits.said("/db is Ready: 1").await;

    cluster.stop();
    let (code, said) = wait(&cluster, &["db", "-n", &ns.name, "--timeout", "1s"]).await;
    assert_eq!(code, 4, "{said}");
}

#[tokio::test]
async fn whoever_may_not_watch_is_told_so_at_once() {
    let Some((cluster, _)) = shared!() else { return };
    let ns = cluster.namespace().await;
    ns.create(k8s_openapi::api::core::v1::ServiceAccount {
        metadata: named("nobody"),
        ..Default::default()
    })
    .await;
    let kubeconfig = cluster.kubeconfig_for_service_account(&ns.name, "nobody").await;
    let refused = wait_as(&kubeconfig, &["db", "-n", &ns.name, "--timeout", "1h"]).await;
    assert_eq!(refused.0, 4, "{}", refused.1);
    assert!(refused.1.contains("does not let you watch SealedSecrets of"), "{}", refused.1);
}

#[tokio::test]
async fn an_object_of_the_cluster_is_waited_for_by_its_name_and_by_its_file() {
    let Some((cluster, controller)) = shared!() else { return };
    let ns = cluster.namespace().await;
    let name = format!("waited-{}", ns.name);
    let place = Place::new(&ns.name, &name).unwrap();
    let mut sealed =
        seal_for(&controller.recipient(), &place, Scope::of(&place), &[("password", "p")]);
    sealed.spec.kind = Kind::ClusterSealedSecret;
    sealed.metadata.namespace = None;
    let dir = TempDir::new().unwrap();
    let path = write(&dir, &sealed);
    let waits = waiting(cluster, &[&format!("csls/{name}")]).await;
    let applied = cluster.kubectl(&["apply", "-f", &path], "").await;
    assert!(applied.status.success(), "{}", String::from_utf8_lossy(&applied.stderr));
    waits.said(&format!("{name} is Ready: ")).await;
    let (code, said) = wait(cluster, &["-f", &path]).await;
    assert_eq!(code, 0, "{said}");
}
