//! What the tests share: the installed kinds and roles, a running controller, and sealing for it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{Api, Resource, ResourceExt};
use seal_core::key::{Identity, Recipient};
use seal_core::kind::Kind;
use seal_core::kind::crd::definition;
use seal_core::kind::sealed::{SealedSecret, Template};
use seal_core::manifest::Manifest;
use seal_core::place::{Place, Scope};
use seal_core::seal::seal;
use seal_core::secret::SecretValue;
use seal_testing::{Cluster, Namespace, Process, eventually, eventually_in};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

/// A value that is searched for everywhere it must not be.
pub(crate) const CANARY: &str = "canary-3f9c1e7a";

const DEPLOY: [&str; 3] = [
    include_str!("../../deploy/chart/files/namespace.yaml"),
    include_str!("../../deploy/chart/files/crd.yaml"),
    include_str!("../../deploy/chart/files/rbac-cluster.yaml"),
];
const IN_NAMESPACE: &str = include_str!("../../deploy/chart/files/controller.yaml");
const READERS: &str = include_str!("../../deploy/chart/files/recipients-readers.yaml");
const SERVED: &str = include_str!("../../deploy/chart/files/rbac-namespace.yaml");
const ATTACHING: &str = include_str!("../../deploy/chart/files/pull-secrets-namespace.yaml");

/// A running controller and the recipient it published.
pub(crate) struct Controller {
    pub process: Process,
    pub url: String,
    pub namespace: String,
    recipient: String,
}

/// The shared API server and the controller that all tests share, or `None` after saying that this test is skipped.
macro_rules! shared {
    () => {
        $crate::support::shared_cluster(seal_testing::test_name!()).await
    };
}

/// An API server in which a test runs controllers of its own, or `None` after saying that this test is skipped.
macro_rules! quiet {
    () => {
        $crate::support::quiet_cluster(seal_testing::test_name!()).await
    };
}

pub(crate) use {quiet, shared};

/// The controller that all tests share, serving every namespace; `None` where there is no API server.
pub(crate) async fn shared_cluster(test: &str) -> Option<(&'static Cluster, &'static Controller)> {
    static SHARED: OnceCell<Controller> = OnceCell::const_new();
    let cluster = Cluster::shared(test).await?;
    let start = async || {
        install_in(cluster).await;
        apply(cluster, &cluster_wide("seal-system")).await;
        Controller::start(cluster, "seal-system", &[]).await
    };
    Some((cluster, SHARED.get_or_init(start).await))
}

/// A cluster in which no controller serves every namespace: for tests that run one of their own.
pub(crate) async fn quiet_cluster(test: &str) -> Option<&'static Cluster> {
    static QUIET: OnceCell<Option<Cluster>> = OnceCell::const_new();
    let start = async || {
        let cluster = Cluster::own(test).await?;
        install_in(&cluster).await;
        Some(cluster)
    };
    QUIET.get_or_init(start).await.as_ref()
}

/// The kinds and everything that is there once.
pub(crate) async fn install_in(cluster: &Cluster) {
    // The garbage collector must come to know the kind; the schema is then the shipped one.
    let kinds = [Kind::SealedSecret, Kind::ClusterSealedSecret];
    let definitions = kinds.map(|kind| serde_json::from_value(definition(kind)).unwrap());
    cluster.install(definitions).await;
    apply(cluster, &DEPLOY.join("\n---\n")).await;
}

fn cluster_wide(namespace: &str) -> String {
    [IN_NAMESPACE, READERS].join("\n---\n").replace("seal-system", namespace)
}

/// `kubectl apply --server-side`, as the README has it.
pub(crate) async fn apply(cluster: &Cluster, yaml: &str) {
    let args = ["apply", "--server-side", "--force-conflicts", "-f", "-"];
    let output = cluster.kubectl(&args, yaml).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

impl Controller {
    /// Starts a controller as the ServiceAccount of `namespace`, and waits until it is ready.
    pub(crate) async fn start(cluster: &Cluster, namespace: &str, args: &[&str]) -> Self {
        let process = Self::spawn(cluster, namespace, args).await;
        Self::ready(cluster, namespace, process).await
    }

    /// Waits until the controller that runs as `process` is ready.
    pub(crate) async fn ready(cluster: &Cluster, namespace: &str, process: Process) -> Self {
        let url = format!("http://{}", process.said("address=").await);
        process.said(" ready ").await;
        let client = cluster.client();
        let maps: Api<ConfigMap> = Api::namespaced(client, namespace);
        let map = eventually_in(&maps, "the recipient is published", "seal-recipients", |map| {
            map.data.as_ref().is_some_and(|data| data.contains_key("recipient"))
        })
        .await;
        let recipient = map.data.unwrap()["recipient"].clone();
        Self { process, url, namespace: namespace.to_owned(), recipient }
    }

    pub(crate) async fn spawn(cluster: &Cluster, namespace: &str, args: &[&str]) -> Process {
        let kubeconfig = cluster.kubeconfig_for_service_account(namespace, "seal-controller").await;
        Self::spawn_with(&kubeconfig, namespace, args)
    }

    /// One that reaches the API server by this kubeconfig.
    pub(crate) fn spawn_with(kubeconfig: &Path, namespace: &str, args: &[&str]) -> Process {
        Self::spawn_in(&[], kubeconfig, namespace, args)
    }

    /// The same with more in its environment, each as `NAME=VALUE`.
    pub(crate) fn spawn_in(
        environment: &[String],
        kubeconfig: &Path,
        namespace: &str,
        args: &[&str],
    ) -> Process {
        let kubeconfig = kubeconfig.display().to_string();
        let mut all = vec!["--kubeconfig", &kubeconfig, "--namespace", namespace];
        all.extend(["--listen", "127.0.0.1:0"]);
        // As a container that is started again in its pod.
        if !args.contains(&"--pod-name") {
            all.extend(["--pod-name", "pod"]);
        }
        all.extend(args);
        let all: Vec<String> = all.into_iter().map(ToOwned::to_owned).collect();
        // The memory of the shipped limit, and no more files than a small host lets a process have.
        let limits = ["--data=268435456", "--nofile=1024", env!("CARGO_BIN_EXE_seal-controller")];
        let limited = ["prlimit"].into_iter().chain(limits).map(ToOwned::to_owned);
        let line: Vec<String> = environment.iter().cloned().chain(limited).chain(all).collect();
        Process::start("seal-controller", Path::new("env"), &line).unwrap()
    }

    /// A controller of a test's own: its keys in a namespace of its own, serving `served` alone.
    pub(crate) async fn own(cluster: &Cluster, served: &Namespace, args: &[&str]) -> Self {
        let home = cluster.namespace().await;
        Self::start_in(cluster, &home, served, args).await
    }

    /// The same with a key that was there before.
    pub(crate) async fn own_with_key(
        cluster: &Cluster,
        served: &Namespace,
        args: &[&str],
        key: &Identity,
    ) -> Self {
        let home = cluster.namespace().await;
        crate::keys::add_key(cluster, &home.name, "restored", key, "active").await;
        Self::start_in(cluster, &home, served, args).await
    }

    /// The roles of a controller whose keys are in `home` and that serves `served` alone.
    pub(crate) async fn install(cluster: &Cluster, home: &Namespace, served: &Namespace) {
        apply(cluster, &cluster_wide(&home.name)).await;
        let roles = [SERVED, ATTACHING].join("\n---\n");
        apply(cluster, &roles.replace("SERVED", &served.name).replace("seal-system", &home.name))
            .await;
    }

    /// Installs and starts one; started again, it is the same one again.
    pub(crate) async fn start_in(
        cluster: &Cluster,
        home: &Namespace,
        served: &Namespace,
        args: &[&str],
    ) -> Self {
        Self::install(cluster, home, served).await;
        let mut all = vec!["--namespaces", served.name.as_str()];
        all.extend(args);
        Self::start(cluster, &home.name, &all).await
    }

    pub(crate) fn recipient(&self) -> Recipient {
        self.recipient.parse().unwrap()
    }

    pub(crate) fn fingerprint(&self) -> String {
        self.recipient().fingerprint().to_string()
    }

    /// Seals `values` for this controller, at `ns/name` alone.
    pub(crate) fn seal(&self, ns: &Namespace, name: &str, values: &[(&str, &str)]) -> SealedSecret {
        let place = Place::new(&ns.name, name).unwrap();
        seal_for(&self.recipient(), &place, Scope::of(&place), values)
    }

    /// Waits until no object waits for a worker and no worker has one: everything that the watches have told of so
    /// far has been brought to its end, but what failed and waits for its time.
    pub(crate) async fn is_idle(&self) {
        eventually("every worker is through", async || {
            let (_, metrics) = get(&format!("{}/metrics", self.url)).await;
            let idle = ["queue_depth 0\n", "workers_busy 0\n"]
                .iter()
                .all(|line| metrics.contains(&format!("seal_controller_{line}")));
            idle.then_some(())
        })
        .await;
    }
}

/// Seals `values` for whoever has the identity of `recipient`.
pub(crate) fn seal_for(
    recipient: &Recipient,
    place: &Place,
    scope: Scope,
    values: &[(&str, &str)],
) -> SealedSecret {
    let manifest = Manifest {
        namespace: None,
        name: None,
        template: Template::default(),
        values: values
            .iter()
            .map(|(key, value)| ((*key).to_owned(), SecretValue::from(value.as_bytes())))
            .collect(),
        dropped: vec![],
        empty: vec![],
    };
    seal(manifest, place, scope, &BTreeSet::new(), std::slice::from_ref(recipient)).unwrap()
}

/// The same sealed object with this template.
pub(crate) fn with(template: Template, mut sealed: SealedSecret) -> SealedSecret {
    sealed.spec.template = Some(template);
    sealed
}

/// A patch that puts the sealed part of `sealed` in the place of what is there.
pub(crate) fn resealed(sealed: &SealedSecret) -> Value {
    let spec = &sealed.spec;
    json!({"spec": {"sealedTo": spec.sealed_to, "header": spec.header, "values": spec.values}})
}

/// The status and reason of the Ready condition, at the present generation only.
pub(crate) fn ready(sealed: &SealedSecret) -> Option<(String, String)> {
    let status = sealed.status.as_ref()?;
    if status.observed_generation != sealed.meta().generation {
        return None;
    }
    let ready = status.conditions.iter().find(|it| it.type_ == "Ready")?;
    Some((ready.status.clone(), ready.reason.clone()))
}

/// The message of the Ready condition.
pub(crate) fn message(sealed: &SealedSecret) -> String {
    let status = sealed.status.as_ref().unwrap();
    status.conditions.iter().find(|it| it.type_ == "Ready").unwrap().message.clone()
}

/// Waits until the sealed object is Ready with `reason` at its generation.
pub(crate) async fn ends(ns: &Namespace, name: &str, reason: &str) -> SealedSecret {
    ns.eventually(&format!("{name} ends as {reason}"), name, |sealed: &SealedSecret| {
        let status = if reason == "Applied" { "True" } else { "False" };
        ready(sealed) == Some((status.to_owned(), reason.to_owned()))
    })
    .await
}

pub(crate) fn values(secret: &Secret) -> BTreeMap<String, String> {
    let data = secret.data.clone().unwrap_or_default();
    data.into_iter().map(|(key, value)| (key, String::from_utf8(value.0).unwrap())).collect()
}

pub(crate) fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// A Secret that somebody else made.
pub(crate) fn foreign(name: &str, values: &[(&str, &str)]) -> Secret {
    let data = values
        .iter()
        .map(|(key, value)| ((*key).to_owned(), ByteString(value.as_bytes().to_vec())));
    Secret {
        metadata: ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() },
        data: Some(data.collect()),
        ..Secret::default()
    }
}

pub(crate) async fn get(url: &str) -> (u16, String) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let (host, path) = url.trim_start_matches("http://").split_once('/').unwrap();
    let mut stream = tokio::net::TcpStream::connect(host).await.unwrap();
    let request = format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let code = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (code, answer)
}

pub(crate) fn version(secret: &Secret) -> (String, String) {
    (secret.uid().unwrap(), secret.resource_version().unwrap())
}
