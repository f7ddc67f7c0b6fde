//! The image as a node would run it: its layers unpacked by umoci, and run by runc as the shipped Deployment says: read-only,
//! as nobody, without capabilities, under the shipped memory limit, with the files and variables that a kubelet gives.
//!
//! Without a kubelet there is no network of the pod's own: it shares the host's, and listens on a port of loopback.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use seal_testing::programs::built;
use seal_testing::{Cluster, GitServer, Namespace, Process, eventually, git, tools};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::helm::{Objects, root, seal_install};

const MOUNTED: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// Programs that carry, unpack and run, and the image of this source tree.
struct Node {
    umoci: PathBuf,
    runc: PathBuf,
    layout: PathBuf,
}

impl Node {
    /// `None` after saying that `test` is skipped.
    fn new(test: &str) -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            tools::skip(&format!("skipped: {test} needs root, as a node's runtime does"));
            return None;
        }
        tools::needed("cargo-zigbuild", test)?;
        let (umoci, runc) = (tools::needed("umoci", test)?, tools::needed("runc", test)?);
        Some(Self { umoci, runc, layout: image() })
    }

    /// Unpacks the image and runs a container of a pod as `template` says.
    async fn run(&self, cluster: &Cluster, template: &Value, flags: &[&str]) -> Container {
        let folder = tempfile::Builder::new().prefix("seal-testing-").tempdir().unwrap();
        let bundle = folder.path().join("bundle");
        let image = format!("{}:{}", self.layout.display(), env!("CARGO_PKG_VERSION"));
        run(Command::new(&self.umoci).args(["unpack", "--image", &image]).arg(&bundle));
        let config = bundle.join("config.json");
        let unpacked: Value = serde_json::from_slice(&fs::read(&config).unwrap()).unwrap();
        let account = template["spec"]["serviceAccountName"].as_str().unwrap();
        let namespace = template["namespace"].as_str().unwrap();
        let token = folder.path().join("token");
        fs::create_dir(&token).unwrap();
        cluster.mount_service_account(namespace, account, &token).await;
        let config_of_pod = as_the_pod_says(unpacked, template, cluster, &token, flags);
        fs::write(&config, config_of_pod.to_string()).unwrap();
        Container::start(self.runc.clone(), folder, &bundle)
    }
}

/// The image layout, made now of this source tree by the command that makes the shipped one, but without optimisation.
fn image() -> PathBuf {
    static LAYOUT: OnceLock<PathBuf> = OnceLock::new();
    let build = || {
        let platform =
            if std::env::consts::ARCH == "aarch64" { "linux/arm64" } else { "linux/amd64" };
        let printed = run(Command::new(root().join("packaging/build")).args([
            "--debug",
            "--platform",
            platform,
        ]));
        root().join(printed.trim())
    };
    LAYOUT.get_or_init(build).clone()
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A container and its log. It ends with the test.
struct Container {
    runc: PathBuf,
    process: Process,
    folder: TempDir,
}

impl Container {
    fn start(runc: PathBuf, folder: TempDir, bundle: &Path) -> Self {
        let state = folder.path().join("state");
        let name = folder.path().file_name().unwrap().to_str().unwrap();
        let args =
            ["--root", state.to_str().unwrap(), "run", "--bundle", bundle.to_str().unwrap(), name];
        let process = Process::start("runc", &runc, &args.map(ToOwned::to_owned)).unwrap();
        Self { runc, process, folder }
    }

    fn runc(&self, args: &[&str]) -> std::io::Result<std::process::Output> {
        let name = self.folder.path().file_name().unwrap();
        let state = self.folder.path().join("state");
        Command::new(&self.runc).arg("--root").arg(state).args(args).arg(name).output()
    }

    /// Asks it to stop, as a kubelet does, and waits until it has. Gives its log.
    async fn stop(self) -> String {
        let name = self.folder.path().file_name().unwrap().to_str().unwrap().to_owned();
        let state = self.folder.path().join("state");
        run(Command::new(&self.runc).arg("--root").arg(state).args(["kill", &name, "TERM"]));
        eventually("the container has ended", async || self.process.has_ended().then_some(()))
            .await;
        self.process.log()
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let _ = self.runc(&["delete", "--force"]); // it has ended when there is nothing to delete
    }
}

/// What a container runtime makes of a pod: the image's own configuration, and what the pod says over it.
fn as_the_pod_says(
    mut config: Value,
    template: &Value,
    cluster: &Cluster,
    token: &Path,
    flags: &[&str],
) -> Value {
    let (pod, container) = (&template["spec"], &template["spec"]["containers"][0]);
    let (pod_security, security) = (&pod["securityContext"], &container["securityContext"]);
    let process = &mut config["process"];
    let image_runs: Vec<Value> = process["args"].as_array().unwrap().clone();
    let given = container["args"].as_array().unwrap().iter().cloned();
    let more = flags.iter().map(|flag| json!(flag));
    process["args"] = image_runs.into_iter().chain(given).chain(more).collect();
    process["terminal"] = json!(false);
    process["user"] = json!({"uid": pod_security["runAsUser"], "gid": pod_security["runAsGroup"]});
    process["noNewPrivileges"] = json!(security["allowPrivilegeEscalation"] == false);
    assert_eq!(security["capabilities"], json!({"drop": ["ALL"]}));
    process["capabilities"] = json!({});
    let address = cluster.server_url().trim_start_matches("https://").split_once(':').unwrap();
    process["env"] = json!([
        format!("KUBERNETES_SERVICE_HOST={}", address.0),
        format!("KUBERNETES_SERVICE_PORT={}", address.1),
        format!("POD_NAMESPACE={}", template["namespace"].as_str().unwrap()),
        "POD_NAME=pod",
    ]);
    config["root"]["readonly"] = security["readOnlyRootFilesystem"].clone();
    let mut limits =
        json!({"memory": {"limit": bytes(&container["resources"]["limits"]["memory"])}});
    limits["devices"] = json!([{"allow": false, "access": "rwm"}]);
    config["linux"]["resources"] = limits;
    let namespaces = config["linux"]["namespaces"].as_array_mut().unwrap();
    namespaces.retain(|it| it["type"] != "network" && it["type"] != "user");
    let mounts = config["mounts"].as_array_mut().unwrap();
    mounts.retain(|it| {
        !["/etc/resolv.conf", "/etc/hosts", "/etc/hostname"]
            .contains(&it["destination"].as_str().unwrap())
    });
    mounts.push(json!({"destination": MOUNTED, "type": "bind", "source": token, "options": ["rbind", "ro"]}));
    for mount in container["volumeMounts"].as_array().into_iter().flatten() {
        let owner = format!("uid=0,gid={},mode=2777", pod_security["fsGroup"]);
        let options: Vec<&str> = ["nosuid", "nodev"].into_iter().chain(owner.split(',')).collect();
        mounts.push(json!({"destination": mount["mountPath"], "type": "tmpfs", "source": "tmpfs", "options": options}));
    }
    config
}

fn bytes(quantity: &Value) -> u64 {
    let mebibytes = quantity.as_str().unwrap().strip_suffix("Mi").unwrap();
    mebibytes.parse::<u64>().unwrap() << 20
}

/// The pod template of a Deployment, and the namespace it is for.
fn template(objects: &Objects, deployment: &str) -> Value {
    let object = &objects[&format!("Deployment/{deployment}")];
    let mut template = object["spec"]["template"].clone();
    template["namespace"] = object["metadata"]["namespace"].clone();
    template
}

async fn install(cluster: &Cluster, flags: &[&str]) -> Objects {
    let output = Command::new(built("seal")).arg("install").args(flags).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let applied = cluster.kubectl(&["apply", "--server-side", "-f", "-"], &text).await;
    assert!(applied.status.success(), "{}", String::from_utf8_lossy(&applied.stderr));
    seal_install(flags)
}

/// Runs `seal` in a repository, as whoever seals.
fn seal(cluster: &Cluster, repository: &Path, args: &[&str]) -> String {
    let mut command = Command::new(built("seal"));
    command.args(args).current_dir(repository).env("HOME", repository.parent().unwrap());
    run(command.env("KUBECONFIG", cluster.kubeconfig_path()).env_remove("SEAL_POLICY"))
}

/// A repository with a policy that pins the cluster's recipient.
fn repository(cluster: &Cluster, folder: &Path) -> PathBuf {
    let repository = folder.join("repo");
    fs::create_dir(&repository).unwrap();
    git(&repository, &["init", "--quiet", "--initial-branch=main"]);
    seal(cluster, &repository, &["init"]);
    seal(cluster, &repository, &["fetch"]);
    repository
}

/// Seals a Secret with one value into `NAME.sealed.yaml`.
fn sealed(cluster: &Cluster, repository: &Path, name: &str, value: &str) -> PathBuf {
    let manifest = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": "default"},
        "stringData": {"password": value},
    });
    let plain = repository.parent().unwrap().join("secret.json");
    fs::write(&plain, manifest.to_string()).unwrap();
    let out = format!("{name}.sealed.yaml");
    seal(cluster, repository, &[plain.to_str().unwrap(), "-o", &out]);
    repository.join(out)
}

async fn until_live(default: &Namespace, name: &str, value: &str) -> Secret {
    default
        .eventually(&format!("{name} is live"), name, |secret: &Secret| {
            secret.data.as_ref().is_some_and(|data| data["password"].0 == value.as_bytes())
        })
        .await
}

#[tokio::test]
async fn the_image_runs_as_its_pod_and_makes_live_secrets_with_the_same_key_after_a_restart() {
    let Some(node) = Node::new(seal_testing::test_name!()) else { return };
    let Some(cluster) = seal_testing::own_cluster!() else { return };
    let objects = install(&cluster, &[]).await;
    let template = template(&objects, "seal-system/seal-controller");
    let home = Namespace { name: "seal-system".into(), client: cluster.client() };
    let default = Namespace { name: "default".into(), client: cluster.client() };

    let container = node.run(&cluster, &template, &["--listen", "127.0.0.1:0"]).await;
    container.process.said(" ready ").await;
    home.eventually("the recipient is published", "seal-recipients", |_: &ConfigMap| true).await;
    let folder = tempfile::tempdir().unwrap();
    let repository = repository(&cluster, folder.path());
    let file = sealed(&cluster, &repository, "db", "hunter2");
    apply(&cluster, &file).await;
    let live = until_live(&default, "db", "hunter2").await;
    credential(&cluster, &repository).await;
    default
        .eventually("the credential is live", "registry", |secret: &Secret| {
            secret.type_.as_deref() == Some("kubernetes.io/dockerconfigjson")
        })
        .await;
    let log = container.stop().await;
    assert!(log.contains("stopped"), "{log}");

    let again = node.run(&cluster, &template, &["--listen", "127.0.0.1:0"]).await;
    again.process.said(" ready ").await;
    seal(&cluster, &repository, &["fetch"]); // refused, had the key changed
    let file = sealed(&cluster, &repository, "web", "t0ken");
    apply(&cluster, &file).await;
    until_live(&default, "web", "t0ken").await;
    assert_eq!(
        default.get::<Secret>("db").await.metadata.resource_version,
        live.metadata.resource_version
    );
}

async fn apply(cluster: &Cluster, file: &Path) {
    let applied = cluster.kubectl(&["apply", "-f", file.to_str().unwrap()], "").await;
    assert!(applied.status.success(), "{}", String::from_utf8_lossy(&applied.stderr));
}

/// A registry credential, as `seal registry` seals it.
async fn credential(cluster: &Cluster, repository: &Path) {
    let password = repository.parent().unwrap().join("password");
    fs::write(&password, "t0ken").unwrap();
    let (password, out) = (password.to_str().unwrap(), "registry.sealed.yaml");
    let place = ["--name", "registry", "-n", "default", "--username", "robot"];
    let args =
        [&["registry", "registry.example", "--password-file", password, "-o", out], &place[..]]
            .concat();
    seal(cluster, repository, &args);
    apply(cluster, &repository.join(out)).await;
}

#[tokio::test]
async fn the_same_image_applies_from_git_what_was_merged() {
    let Some(node) = Node::new(seal_testing::test_name!()) else { return };
    let Some(cluster) = seal_testing::own_cluster!() else { return };
    let objects = install(&cluster, &["--git", "--git-namespaces", "default"]).await;
    let default = Namespace { name: "default".into(), client: cluster.client() };
    let listen = ["--listen", "127.0.0.1:0"];
    let controller =
        node.run(&cluster, &template(&objects, "seal-system/seal-controller"), &listen).await;
    controller.process.said(" ready ").await;
    let home = Namespace { name: "seal-system".into(), client: cluster.client() };
    home.eventually("the recipient is published", "seal-recipients", |_: &ConfigMap| true).await;

    let folder = tempfile::tempdir().unwrap();
    let repository = repository(&cluster, folder.path());
    let server = GitServer::start(folder.path());
    sealed(&cluster, &repository, "db", "hunter2");
    git(&repository, &["add", "db.sealed.yaml"]);
    git(&repository, &["commit", "--quiet", "--message=the password of the database"]);
    let source = json!({
        "apiVersion": "seal.dev/v1",
        "kind": "GitSource",
        "metadata": {"name": "apps", "namespace": "seal-git"},
        "spec": {
            "url": format!("{}/repo/.git", server.url), "caBundle": server.ca, "namespaces": ["default"], "interval": "10s",
        },
    });
    let process = node.run(&cluster, &template(&objects, "seal-git/seal-git"), &listen).await;
    process.process.said("address=").await;
    let applied = cluster.kubectl(&["apply", "-f", "-"], &source.to_string()).await;
    assert!(applied.status.success(), "{}", String::from_utf8_lossy(&applied.stderr));
    until_live(&default, "db", "hunter2").await;
}
