//! Helm against a real API server: installed into a namespace that takes restricted pods alone, upgraded from each chart that
//! is kept in `testdata/charts`, uninstalled, and taken over from `seal install`.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Pod, Secret};
use kube::api::{Api, ListParams};
use kube::{Client, Resource, ResourceExt as _};
use seal_core::kind::sealed::SealedSecret;
use seal_testing::programs::built;
use seal_testing::{Cluster, Namespace, Process, eventually};
use serde_json::json;

use crate::helm::{Helm, chart, root};
use crate::repository::{Repository, kubectl};

const RELEASE: [&str; 4] = ["seal", "--namespace", "seal-system", "--create-namespace"];

/// A cluster, Helm, and the controller's namespace.
struct Rig {
    cluster: Cluster,
    helm: Helm,
    home: Namespace,
}

impl Rig {
    /// `None` after saying that `test` is skipped.
    async fn new(test: &str) -> Option<Self> {
        seal_testing::tools::needed("helm", test)?;
        let cluster = Cluster::own(test).await?;
        let helm = Helm::at(test, cluster.kubeconfig_path())?;
        let home = Namespace { name: "seal-system".into(), client: cluster.client() };
        Some(Self { cluster, helm, home })
    }

    fn helm(&self, verb: &str, chart: &str, more: &[&str]) {
        self.helm.succeeds(&[&[verb, RELEASE[0], chart], &RELEASE[1..], more].concat());
    }

    /// The controller, as its ServiceAccount.
    async fn controller(&self) -> Process {
        let kubeconfig =
            self.cluster.kubeconfig_for_service_account("seal-system", "seal-controller").await;
        let args = [
            "--kubeconfig",
            kubeconfig.to_str().unwrap(),
            "--listen",
            "127.0.0.1:0",
            "--pod-name",
            "pod",
        ];
        let args = args.map(ToOwned::to_owned);
        let process = Process::start("seal-controller", &built("seal-controller"), &args).unwrap();
        process.said(" ready ").await;
        self.home
            .eventually("the recipient is there", "seal-recipients", |_: &ConfigMap| true)
            .await;
        process
    }

    /// A new Secret is sealed and live.
    async fn live(&self, name: &str) {
        Repository::new(&self.cluster).live(name, "1").await;
    }

    /// The identity and version of all that must not be lost: live Secrets, sealed objects and keys; and of the kinds.
    async fn kept(&self) -> BTreeMap<String, String> {
        let mut kept = BTreeMap::new();
        let client = || self.cluster.client();
        add::<Secret>(&mut kept, client(), "default").await;
        add::<SealedSecret>(&mut kept, client(), "default").await;
        let keys = Api::<Secret>::namespaced(client(), "seal-system");
        for key in keys.list(&ListParams::default().labels("seal.dev/key")).await.unwrap() {
            kept.insert(format!("key {}", key.name_any()), version(&key));
        }
        for kind in ["sealedsecrets", "clustersealedsecrets"] {
            let crd = format!("customresourcedefinition/{kind}.seal.dev");
            let uid =
                kubectl(&self.cluster, &["get", &crd, "-o", "jsonpath={.metadata.uid}"], "").await;
            kept.insert(crd, uid);
        }
        kept
    }
}

async fn add<K: seal_testing::Object>(
    kept: &mut BTreeMap<String, String>,
    client: Client,
    namespace: &str,
) {
    for object in
        Api::<K>::namespaced(client, namespace).list(&ListParams::default()).await.unwrap()
    {
        kept.insert(format!("{} {}", K::kind(&()), object.name_any()), version(&object));
    }
}

fn version(object: &impl Resource) -> String {
    [object.meta().uid.clone(), object.meta().resource_version.clone()]
        .map(Option::unwrap)
        .join(" ")
}

/// The charts that are kept: what was installed once is upgraded for ever.
fn kept_charts() -> Vec<String> {
    let folder = root().join("testdata/charts");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files
        .filter(|it| it.extension().is_some_and(|it| it == "tgz"))
        .map(|it| it.display().to_string())
        .collect()
}

#[tokio::test]
async fn an_upgrade_from_each_kept_chart_keeps_every_object_and_so_does_an_uninstall() {
    let charts = kept_charts();
    assert!(!charts.is_empty(), "no chart is kept");
    for kept_chart in charts {
        let Some(rig) = Rig::new(seal_testing::test_name!()).await else { return };
        rig.helm("install", &kept_chart, &[]);
        // The rights of the chart before are not enough for the controller of this one: an upgrade brings both.
        rig.helm("upgrade", &chart(), &[]);
        let before = rig.controller().await;
        rig.live("db").await;
        let kept = rig.kept().await;
        assert!(kept.len() >= 5, "{kept:?}");
        rig.helm("upgrade", &kept_chart, &[]);
        rig.helm("upgrade", &chart(), &["--set", "replicas=3"]);
        drop(before);
        let after = rig.controller().await;
        rig.live("web").await;
        let now = rig.kept().await;
        assert!(
            kept.iter().all(|(name, version)| now[name] == *version),
            "{kept:?} became {now:?}"
        );
        after.terminate().await;

        rig.helm.succeeds(&["uninstall", "seal", "--namespace", "seal-system"]);
        assert_eq!(rig.kept().await, now);
        assert!(rig.home.find::<Deployment>("seal-controller").await.is_none());
        // What is left is guarded.
        let refused = rig.cluster.kubectl(&["delete", "namespace", "seal-system"], "").await;
        assert!(String::from_utf8_lossy(&refused.stderr).contains("deletion guard"));
        rig.helm("install", &chart(), &[]);
        let again = rig.controller().await;
        rig.live("api").await;
        let last = rig.kept().await;
        assert!(
            now.iter().all(|(name, version)| last[name] == *version),
            "{now:?} became {last:?}"
        );
        drop(again);
    }
}

#[tokio::test]
async fn what_seal_install_made_is_taken_over_by_the_chart_with_every_object() {
    let Some(rig) = Rig::new(seal_testing::test_name!()).await else { return };
    let printed = Command::new(built("seal")).arg("install").output().unwrap().stdout;
    let printed = String::from_utf8(printed).unwrap();
    kubectl(&rig.cluster, &["apply", "--server-side", "-f", "-"], &printed).await;
    let controller = rig.controller().await;
    rig.live("db").await;
    let kept = rig.kept().await;
    rig.helm("install", &chart(), &["--take-ownership", "--force-conflicts"]);
    assert_eq!(rig.kept().await, kept);
    rig.live("web").await;
    // What kubectl set to the same is its own, too, until Helm sets it to something else.
    rig.helm("upgrade", &chart(), &["--force-conflicts", "--set", "replicas=3,image.tag=0.1.1"]);
    rig.helm("upgrade", &chart(), &["--set", "replicas=1,image.tag=0.1.2"]);
    drop(controller);
}

/// The real admission of a namespace that takes restricted pods alone, and the real controllers that make them.
#[tokio::test]
async fn both_deployments_get_their_pods_in_namespaces_that_enforce_restricted() {
    let Some(rig) = Rig::new(seal_testing::test_name!()).await else { return };
    let restricted = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "seal-system", "labels": {
        "pod-security.kubernetes.io/enforce": "restricted", "pod-security.kubernetes.io/enforce-version": "latest",
    }}});
    kubectl(&rig.cluster, &["create", "-f", "-"], &restricted.to_string()).await;
    rig.helm("install", &chart(), &["--set", "git.enabled=true,git.namespaces={default}"]);
    for (namespace, pods) in [("seal-system", 2), ("seal-git", 1)] {
        let api: Api<Pod> = Api::namespaced(rig.cluster.client(), namespace);
        let made = eventually(&format!("{pods} pods in {namespace}"), async || {
            let made = api.list(&ListParams::default()).await.ok()?.items;
            (made.len() == pods).then_some(made)
        })
        .await;
        let container = &made[0].spec.as_ref().unwrap().containers[0];
        assert_eq!(container.image.as_deref(), Some("seal-controller:0.1.0"));
    }
}
