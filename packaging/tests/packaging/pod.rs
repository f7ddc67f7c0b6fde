//! The image as a node would run it: its layers unpacked by umoci, and run by runc as the shipped Deployment says: read-only,
//! as nobody, without capabilities, under the shipped memory limit, with the files and variables that a kubelet gives.
//!
//! Without a kubelet there is no network of the pod's own: it shares the host's, and listens on a port of loopback.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use seal_testing::programs::built;
use seal_testing::{Cluster, GitServer, Namespace, Process, eventually, git, tools};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::helm::{Objects, objects, root};
use crate::registry::Registry;
use crate::repository::{Repository, kubectl};
use crate::run;

const MOUNTED: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// Programs that unpack and run, and the image in a registry.
struct Node {
    umoci: PathBuf,
    runc: PathBuf,
    registry: Registry,
}

impl Node {
    /// `None` after saying that `test` is skipped.
    async fn new(test: &str) -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            tools::skip(&format!("skipped: {test} needs root, as a node's runtime does"));
            return None;
        }
        tools::needed("cargo-zigbuild", test)?;
        let (umoci, runc) = (tools::needed("umoci", test)?, tools::needed("runc", test)?);
        Some(Self { umoci, runc, registry: Registry::with(&image(), test).await? })
    }

    /// Pulls the image, unpacks it and runs a container of a pod as `template` says.
    async fn run(&self, cluster: &Cluster, template: &Value) -> Container {
        let folder = tempfile::Builder::new().prefix("seal-testing-").tempdir().unwrap();
        let (layout, bundle) = (folder.path().join("layout"), folder.path().join("bundle"));
        self.registry.pull(platform(), &layout);
        let image = format!("{}:{}", layout.display(), self.registry.name);
        run(Command::new(&self.umoci).args(["unpack", "--image", &image]).arg(&bundle));
        let config = bundle.join("config.json");
        let unpacked: Value = serde_json::from_slice(&fs::read(&config).unwrap()).unwrap();
        let account = template["spec"]["serviceAccountName"].as_str().unwrap();
        let namespace = template["namespace"].as_str().unwrap();
        let token = folder.path().join("token");
        fs::create_dir(&token).unwrap();
        cluster.mount_service_account(namespace, account, &token).await;
        let config_of_pod = as_the_pod_says(unpacked, template, cluster, &token);
        fs::write(&config, config_of_pod.to_string()).unwrap();
        Container::start(self.runc.clone(), folder, &bundle)
    }
}

fn platform() -> &'static str {
    if std::env::consts::ARCH == "aarch64" { "linux/arm64" } else { "linux/amd64" }
}

/// The image layout that `SEAL_TEST_IMAGE` names, such as that of `make image`; else one that is made now of this source tree,
/// by the same command, but without optimisation and for this platform alone.
fn image() -> PathBuf {
    static LAYOUT: OnceLock<PathBuf> = OnceLock::new();
    let build = || {
        let mut build = Command::new(root().join("packaging/build"));
        let printed = run(build.args(["--debug", "--platform", platform()]));
        root().join(String::from_utf8(printed).unwrap().trim())
    };
    let given = || std::env::var_os("SEAL_TEST_IMAGE").map(PathBuf::from);
    LAYOUT.get_or_init(|| given().unwrap_or_else(build)).clone()
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

    /// `runc VERB… CONTAINER MORE…`
    fn runc(&self, verb: &[&str], more: &[&str]) -> Output {
        let (state, name) = (self.folder.path().join("state"), self.folder.path().file_name());
        let mut runc = Command::new(&self.runc);
        runc.arg("--root").arg(state).args(verb).arg(name.unwrap()).args(more).output().unwrap()
    }

    /// Asks it to stop, as a kubelet does, and waits until it has. Gives its log.
    async fn stop(self) -> String {
        assert!(self.runc(&["kill"], &["TERM"]).status.success());
        eventually("the container has ended", async || self.process.has_ended().then_some(()))
            .await;
        self.process.log()
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let _ = self.runc(&["delete", "--force"], &[]); // it has ended when there is nothing to delete
    }
}

/// What a container runtime makes of a pod: the image's own configuration, and what the pod says over it.
fn as_the_pod_says(mut config: Value, template: &Value, cluster: &Cluster, token: &Path) -> Value {
    let (pod, container) = (&template["spec"], &template["spec"]["containers"][0]);
    let (pod_security, security) = (&pod["securityContext"], &container["securityContext"]);
    let process = &mut config["process"];
    let image_runs: Vec<Value> = process["args"].as_array().unwrap().clone();
    let given = container["args"].as_array().unwrap().iter().cloned();
    // Others listen on the host, too.
    let more = ["--listen", "127.0.0.1:0"].map(|flag| json!(flag));
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

/// Installs, and gives the pod templates of what was installed.
async fn install(cluster: &Cluster, flags: &[&str]) -> Objects {
    let printed = run(Command::new(built("seal")).arg("install").args(flags));
    let text = String::from_utf8(printed).unwrap();
    kubectl(cluster, &["apply", "--server-side", "-f", "-"], &text).await;
    objects(&text)
}

/// A container of the controller that has published its recipient.
async fn controller(node: &Node, cluster: &Cluster, objects: &Objects) -> Container {
    let template = template(objects, "seal-system/seal-controller");
    let container = node.run(cluster, &template).await;
    container.process.said(" ready ").await;
    let home = Namespace { name: "seal-system".into(), client: cluster.client() };
    home.eventually("the recipient is published", "seal-recipients", |_: &ConfigMap| true).await;
    container
}

#[tokio::test]
async fn the_image_runs_as_its_pod_and_makes_live_secrets_with_the_same_key_after_a_restart() {
    let Some(node) = Node::new(seal_testing::test_name!()).await else { return };
    let Some(cluster) = seal_testing::own_cluster!() else { return };
    let objects = install(&cluster, &[]).await;
    let default = Namespace { name: "default".into(), client: cluster.client() };

    let container = controller(&node, &cluster, &objects).await;
    let repository = Repository::new(&cluster);
    let live = repository.live("db", "hunter2").await;
    credential(&repository).await;
    let is_credential =
        |secret: &Secret| secret.type_.as_deref() == Some("kubernetes.io/dockerconfigjson");
    default.eventually("the credential is live", "registry", is_credential).await;
    let log = container.stop().await;
    assert!(log.contains("stopped"), "{log}");

    let _again = controller(&node, &cluster, &objects).await;
    repository.seal(&["fetch"]); // refused, had the key changed
    repository.live("web", "t0ken").await;
    let after: Secret = default.get("db").await;
    assert_eq!(after.metadata.resource_version, live.metadata.resource_version);
}

/// A registry credential, as `seal registry` seals it.
async fn credential(repository: &Repository<'_>) {
    fs::write(repository.folder.path().join("password"), "t0ken").unwrap();
    let out = "registry.sealed.yaml";
    let login = ["registry", "registry.example", "--username", "robot"];
    let rest = ["--password-file", "../password", "--name", "registry", "-n", "default", "-o", out];
    repository.seal(&[&login[..], &rest].concat());
    repository.apply(out).await;
}

#[tokio::test]
async fn the_same_image_applies_from_git_what_was_merged() {
    let Some(node) = Node::new(seal_testing::test_name!()).await else { return };
    let Some(cluster) = seal_testing::own_cluster!() else { return };
    let objects = install(&cluster, &["--git", "--git-namespaces", "default"]).await;
    let _controller = controller(&node, &cluster, &objects).await;

    let repository = Repository::new(&cluster);
    let server = GitServer::start(repository.folder.path());
    let file = repository.sealed("db", "hunter2");
    git(&repository.path(), &["add", &file]);
    git(&repository.path(), &["commit", "--quiet", "--message=the password of the database"]);
    let source = json!({
        "apiVersion": "seal.dev/v1",
        "kind": "GitSource",
        "metadata": {"name": "apps", "namespace": "seal-git"},
        "spec": {
            "url": format!("{}/repo/.git", server.url), "caBundle": server.ca, "namespaces": ["default"], "interval": "10s",
        },
    });
    let process = node.run(&cluster, &template(&objects, "seal-git/seal-git")).await;
    process.process.said("address=").await;
    kubectl(&cluster, &["apply", "-f", "-"], &source.to_string()).await;
    repository.until_live("db", "hunter2").await;
}
