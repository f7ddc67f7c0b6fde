//! `seal status`, `seal reconcile` and `seal reseal --from-cluster` beside a real API server and the controller, each with no
//! right that it does not need.

use std::path::Path;
use std::process::Command;

use k8s_openapi::api::core::v1::{Secret, ServiceAccount};
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use kube::ResourceExt;
use seal_core::key::{Identity, Keyring};
use seal_core::kind::file::{self, Document};
use seal_core::kind::sealed::SealedSecret;
use seal_core::names::RECONCILE_AT;
use seal_core::open::allowed::Grants;
use seal_core::open::check::check;
use seal_core::open::open;
use seal_core::place::{Place, Scope};
use seal_testing::{Cluster, Namespace, named, tools};
use serde_json::{from_value, json};
use tempfile::TempDir;

use crate::support::{ends, seal_for, shared};

/// Runs `seal` to its end in a folder: its exit code, and what it said on both streams.
async fn seal(folder: &Path, kubeconfig: &Path, args: &[&str]) -> (i32, String) {
    let mut command = Command::new(seal_testing::programs::built("seal"));
    command.args(args).arg("--kubeconfig").arg(kubeconfig).current_dir(folder);
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(said).unwrap())
}

/// A kubeconfig of somebody who may do `verbs` with sealed objects of the namespace, and nothing else.
async fn somebody(cluster: &Cluster, ns: &Namespace, verbs: &[&str]) -> std::path::PathBuf {
    let name = format!("may-{}", verbs.join("-"));
    ns.create(ServiceAccount { metadata: named(&name), ..Default::default() }).await;
    let rule = json!({"apiGroups": ["seal.dev"], "resources": ["sealedsecrets"], "verbs": verbs});
    let role: Role = from_value(json!({"metadata": {"name": name}, "rules": [rule]})).unwrap();
    ns.create(role).await;
    let binding: RoleBinding = from_value(json!({
        "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": ns.name}],
    }))
    .unwrap();
    ns.create(binding).await;
    cluster.kubeconfig_for_service_account(&ns.name, &name).await
}

#[tokio::test]
async fn a_table_shows_each_object_with_its_reason_to_whoever_may_list_them() {
    let Some((cluster, controller)) = shared!() else { return };
    let (ns, here) = (cluster.namespace().await, TempDir::new().unwrap());
    ns.create(controller.seal(&ns, "db", &[("password", "p"), ("user", "u")])).await;
    let stranger = Identity::generate().recipient().parse().unwrap();
    let place = Place::new(&ns.name, "strange").unwrap();
    ns.create(seal_for(&stranger, &place, Scope::of(&place), &[("a", "b")])).await;
    ends(&ns, "db", "Applied").await;
    ends(&ns, "strange", "NoMatchingKey").await;
    let lists = somebody(cluster, &ns, &["list"]).await;
    let (code, said) = seal(here.path(), &lists, &["status", "-n", &ns.name]).await;
    assert_eq!(code, 0, "{said}");
    let row = |name: &str| said.lines().find(|line| line.contains(&format!(" {name} "))).unwrap();
    assert!(row("db").contains(" True ") && row("db").contains(" Applied "), "{said}");
    assert!(
        row("strange").contains(" False ") && row("strange").contains(" NoMatchingKey "),
        "{said}"
    );
    assert!(said.contains("seal: 1 of 2 Ready"), "{said}");

    let args = ["status", "db", "-n", &ns.name, "--json"];
    let (code, said) = seal(here.path(), &lists, &args).await;
    assert_eq!(code, 4, "to list is not to get: {said}");
    assert!(said.contains("does not let you read the SealedSecret db"), "{said}");
    let (code, said) = seal(here.path(), &somebody(cluster, &ns, &["get"]).await, &args).await;
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("\"reason\": \"Applied\"") && said.contains("\"keys\": 2"), "{said}");
    let (code, said) = seal(here.path(), &lists, &["status", "-A"]).await;
    assert_eq!(code, 4, "{said}");
    let all = seal(here.path(), &cluster.kubeconfig_path(), &["status", "-A"]).await;
    assert!(all.0 == 0 && all.1.contains(&ns.name), "{}", all.1);
}

/// Puts what a kubelet mounts where a Pod finds it, for this process alone, and starts the rest.
const AS_A_POD: &str = "mount -t tmpfs tmpfs /var/run/ && mkdir -p /var/run/secrets/kubernetes.io && \
                        cp -r account /var/run/secrets/kubernetes.io/serviceaccount && exec \"$@\"";

#[tokio::test]
async fn in_a_pod_the_cluster_is_that_of_the_pod_and_its_account_what_may_be_done() {
    let Some((cluster, controller)) = shared!() else { return };
    if !rustix::process::geteuid().is_root() {
        let test = seal_testing::test_name!();
        return tools::skip(&format!("skipped: {test} needs root, who may mount"));
    }
    let (ns, here) = (cluster.namespace().await, TempDir::new().unwrap());
    ns.create(controller.seal(&ns, "db", &[("password", "p")])).await;
    ends(&ns, "db", "Applied").await;
    somebody(cluster, &ns, &["get", "list", "watch"]).await;
    std::fs::create_dir(here.path().join("account")).unwrap();
    cluster
        .mount_service_account(&ns.name, "may-get-list-watch", &here.path().join("account"))
        .await;
    let server = cluster.server_url().trim_start_matches("https://").to_owned();
    let (host, port) = server.split_once(':').unwrap();
    let in_pod = async |args: &[&str]| {
        let mut command = Command::new("unshare");
        command
            .args(["--mount", "sh", "-c", AS_A_POD, "sh"])
            .arg(seal_testing::programs::built("seal"));
        command
            .args(args)
            .current_dir(here.path())
            .env_remove("KUBECONFIG")
            .env("HOME", here.path());
        command.env("KUBERNETES_SERVICE_HOST", host).env("KUBERNETES_SERVICE_PORT", port);
        let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        (output.status.code().unwrap(), said)
    };
    let (code, said) = in_pod(&["status"]).await;
    assert!(code == 0 && said.contains("seal: 1 of 1 Ready"), "its own namespace: {said}");
    let (code, said) = in_pod(&["wait", "db", "-n", &ns.name]).await;
    assert_eq!(code, 0, "{said}");
    let (code, said) = in_pod(&["reconcile", "db", "-n", &ns.name]).await;
    assert!(code == 4 && said.contains("the right to patch sealedsecrets.seal.dev"), "{said}");
    let (code, said) = in_pod(&["status", "--context", "x"]).await;
    assert_eq!(code, 4, "a context is of a kubeconfig: {said}");
}

#[tokio::test]
async fn a_reconcile_is_asked_for_by_whoever_may_patch_and_its_answer_is_waited_for() {
    let Some((cluster, controller)) = shared!() else { return };
    let (ns, here) = (cluster.namespace().await, TempDir::new().unwrap());
    ns.create(controller.seal(&ns, "db", &[("password", "p")])).await;
    ends(&ns, "db", "Applied").await;
    let args = ["reconcile", "db", "-n", &ns.name];
    let (code, said) = seal(here.path(), &somebody(cluster, &ns, &["get"]).await, &args).await;
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("the right to patch sealedsecrets.seal.dev"), "{said}");
    let patches = somebody(cluster, &ns, &["patch"]).await;
    let (code, said) = seal(here.path(), &patches, &args).await;
    assert_eq!(code, 0, "{said}");
    let asked: SealedSecret = ns.get("db").await;
    let asked = asked.annotations()[RECONCILE_AT].clone();
    let waits = [args.as_slice(), &["--wait"]].concat();
    let (code, said) = seal(here.path(), &cluster.kubeconfig_path(), &waits).await;
    assert_eq!(code, 0, "{said}");
    let object: SealedSecret = ns.get("db").await;
    let handled = object.status.unwrap().last_handled_reconcile_at.unwrap();
    assert!(handled > asked, "{handled} answers the second request, not {asked}");
    let _: SealedSecret = ns.patch("db", json!({"spec": {"suspend": true}})).await;
    let (code, said) = seal(here.path(), &cluster.kubeconfig_path(), &waits).await;
    assert!(code == 1 && said.contains("[Suspended]"), "it is said at once: {said}");
    let absent = ["reconcile", "absent", "-n", &ns.name];
    let (code, said) = seal(here.path(), &patches, &absent).await;
    assert_eq!(code, 4, "{said}");
}

/// A repository whose `.seal.yaml` names `identity` alone, with `sealed` in it.
fn repository(identity: &Identity, sealed: &SealedSecret) -> TempDir {
    let folder = TempDir::new().unwrap();
    std::fs::create_dir(folder.path().join(".git")).unwrap();
    let recipient = identity.recipient();
    let policy = format!("recipients: {{new: {recipient}}}\nrules: [{{to: [new]}}]\n");
    std::fs::write(folder.path().join(".seal.yaml"), policy).unwrap();
    std::fs::write(folder.path().join("db.sealed.yaml"), file::write(sealed)).unwrap();
    folder
}

fn read(folder: &TempDir) -> String {
    std::fs::read_to_string(folder.path().join("db.sealed.yaml")).unwrap()
}

const RESEAL: [&str; 3] = ["reseal", ".", "--from-cluster"];

#[tokio::test]
async fn a_file_is_sealed_anew_from_the_live_secret_that_was_made_of_it() {
    let Some((cluster, controller)) = shared!() else { return };
    let ns = cluster.namespace().await;
    let sealed = controller.seal(&ns, "db", &[("password", "hunter2"), ("user", "app")]);
    ns.create(sealed.clone()).await;
    ends(&ns, "db", "Applied").await;
    let identity = Identity::generate();
    let folder = repository(&identity, &sealed);
    let (code, said) = seal(folder.path(), &cluster.kubeconfig_path(), &RESEAL).await;
    assert_eq!(code, 0, "{said}");
    assert!(!said.contains("hunter2"), "{said}");
    let text = read(&folder);
    let Document::Sealed(object) = &file::read(&text).unwrap()[0] else { panic!("{text}") };
    let keyring: Keyring = [identity].into_iter().collect();
    let allowed = check(object).unwrap().allowed(&Grants::default()).unwrap();
    let opened = open(&allowed, &keyring).unwrap();
    assert_eq!(opened.values["password"].expose(), b"hunter2");
    assert_eq!(opened.values["user"].expose(), b"app");
}

#[tokio::test]
async fn a_live_secret_that_is_not_known_to_be_the_file_s_is_not_sealed() {
    let Some((cluster, controller)) = shared!() else { return };
    let ns = cluster.namespace().await;
    let identity = Identity::generate();
    let sealed = controller.seal(&ns, "db", &[("password", "hunter2")]);
    // Somebody else's Secret of that name: the sealed object never becomes Ready.
    let theirs: Secret =
        from_value(json!({"metadata": {"name": "db"}, "stringData": {"password": "theirs"}}))
            .unwrap();
    ns.create(theirs).await;
    ns.create(sealed.clone()).await;
    ends(&ns, "db", "NotOurs").await;
    let folder = repository(&identity, &sealed);
    let kubeconfig = cluster.kubeconfig_path();
    let (code, said) = seal(folder.path(), &kubeconfig, &RESEAL).await;
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("it is not live: NotOurs"), "{said}");
    ns.delete::<Secret>("db").await;
    ends(&ns, "db", "Applied").await;
    // Another file than the one that is applied: its values are nobody's to guess.
    let other = controller.seal(&ns, "db", &[("password", "other")]);
    let folder = repository(&identity, &other);
    let before = read(&folder);
    let (code, said) = seal(folder.path(), &kubeconfig, &RESEAL).await;
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("other sealed values than the file"), "{said}");
    assert_eq!(read(&folder), before);
    // Whoever may not read the Secret is told which right it takes.
    let folder = repository(&identity, &sealed);
    let reads = somebody(cluster, &ns, &["get"]).await;
    let (code, said) = seal(folder.path(), &reads, &RESEAL).await;
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("does not let you get the Secret"), "{said}");
}
