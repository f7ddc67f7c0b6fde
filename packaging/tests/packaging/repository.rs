//! Whoever seals: a repository that pins the cluster's recipient, and what is sealed in it.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use k8s_openapi::api::core::v1::Secret;
use seal_testing::programs::built;
use seal_testing::{Cluster, Namespace, git};
use serde_json::json;
use tempfile::TempDir;

use crate::run;

pub(crate) struct Repository<'c> {
    cluster: &'c Cluster,
    pub(crate) folder: TempDir,
}

impl<'c> Repository<'c> {
    /// New, with a policy.
    pub(crate) fn new(cluster: &'c Cluster) -> Self {
        let repository = Self { cluster, folder: tempfile::tempdir().unwrap() };
        fs::create_dir(repository.path()).unwrap();
        git(&repository.path(), &["init", "--quiet", "--initial-branch=main"]);
        repository.seal(&["init"]);
        repository.seal(&["fetch"]);
        repository
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("repo")
    }

    /// Runs `seal` in it.
    pub(crate) fn seal(&self, args: &[&str]) {
        let mut seal = Command::new(built("seal"));
        seal.args(args).current_dir(self.path()).env("HOME", self.folder.path());
        run(seal.env("KUBECONFIG", self.cluster.kubeconfig_path()));
    }

    /// Seals a Secret with one value into `NAME.sealed.yaml`.
    pub(crate) fn sealed(&self, name: &str, value: &str) -> String {
        let manifest = json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": "default"},
            "stringData": {"password": value},
        });
        fs::write(self.folder.path().join("secret.json"), manifest.to_string()).unwrap();
        let out = format!("{name}.sealed.yaml");
        self.seal(&["../secret.json", "-o", &out]);
        out
    }

    /// Applies a file of it.
    pub(crate) async fn apply(&self, file: &str) {
        let file = self.path().join(file);
        kubectl(self.cluster, &["apply", "-f", file.to_str().unwrap()], "").await;
    }

    /// Seals, applies and waits until it is live and said to be.
    pub(crate) async fn live(&self, name: &str, value: &str) -> Secret {
        self.apply(&self.sealed(name, value)).await;
        let ready = ["wait", "--for=condition=Ready", "--timeout=60s", "-n", "default"];
        kubectl(self.cluster, &[&ready[..], &["sealedsecret.seal.dev", name]].concat(), "").await;
        self.until_live(name, value).await
    }

    pub(crate) async fn until_live(&self, name: &str, value: &str) -> Secret {
        let default = Namespace { name: "default".into(), client: self.cluster.client() };
        default
            .eventually(&format!("{name} is live"), name, |secret: &Secret| {
                secret.data.as_ref().is_some_and(|data| data["password"].0 == value.as_bytes())
            })
            .await
    }
}

/// What kubectl prints when it succeeds, which it must.
pub(crate) async fn kubectl(cluster: &Cluster, args: &[&str], stdin: &str) -> String {
    let output = cluster.kubectl(args, stdin).await;
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
