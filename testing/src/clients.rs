//! How a cluster is talked to: clients and kubeconfigs for whom a test wants to be, and kubectl.
//!
//! Writes kubeconfigs where it is told, or beside the cluster's own files.

use std::fs::File;
use std::io::{self, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::api::PostParams;
use kube::{Api, Client, Config};
use tokio::task::spawn_blocking;

use crate::access::{self, write_private};
use crate::cluster::Cluster;
use crate::namespace::{must, named};
use crate::tools;

impl Cluster {
    /// A client with all rights. Belongs to the runtime it is made in, so each test makes its own.
    pub fn client(&self) -> Client {
        client(self.config.clone())
    }

    /// A client with the rights of `user` in `groups`, by impersonation.
    pub fn client_as(&self, user: &str, groups: &[&str]) -> Client {
        let mut config = self.config.clone();
        config.auth_info.impersonate = Some(user.to_string());
        config.auth_info.impersonate_groups =
            Some(groups.iter().map(ToString::to_string).collect());
        client(config)
    }

    /// A client with the rights of a ServiceAccount, by its own token. Makes the account where
    /// there is none.
    pub async fn client_for_service_account(&self, namespace: &str, name: &str) -> Client {
        let kubeconfig = self.service_account(namespace, name).await;
        client(access::config(&kubeconfig).await.expect("the kubeconfig is our own"))
    }

    /// A kubeconfig with a ServiceAccount's own token, good for an hour. The file goes when the
    /// cluster goes.
    pub async fn kubeconfig_for_service_account(&self, namespace: &str, name: &str) -> PathBuf {
        let kubeconfig = self.service_account(namespace, name).await;
        let path = self.plane.path(&format!("{namespace}.{name}.kubeconfig"));
        write_private(&path, kubeconfig.to_string().as_bytes())
            .expect("the cluster's directory can be written");
        path
    }

    /// The files that a kubelet mounts for a ServiceAccount into each of its pods.
    pub async fn mount_service_account(&self, namespace: &str, name: &str, folder: &Path) {
        let token = self.service_account_token(namespace, name).await;
        for (file, content) in [
            ("token", token.as_bytes()),
            ("ca.crt", &self.access.ca_pem),
            ("namespace", namespace.as_bytes()),
        ] {
            std::fs::write(folder.join(file), content).expect("the folder can be written");
        }
    }

    async fn service_account(&self, namespace: &str, name: &str) -> serde_json::Value {
        let token = self.service_account_token(namespace, name).await;
        self.access.kubeconfig(name, &token, namespace)
    }

    async fn service_account_token(&self, namespace: &str, name: &str) -> String {
        let accounts: Api<ServiceAccount> = Api::namespaced(self.client(), namespace);
        let account = ServiceAccount { metadata: named(name), ..Default::default() };
        match accounts.create(&PostParams::default(), &account).await {
            Err(kube::Error::Api(status)) if status.is_already_exists() => {}
            created => drop(must(created, "creating a ServiceAccount")),
        }
        let request = TokenRequest { spec: TokenRequestSpec::default(), ..Default::default() };
        let answer =
            accounts.create_subresource("token", name, &PostParams::default(), &request).await;
        let answer: TokenRequest = must(answer, "asking for a ServiceAccount's token");
        answer.status.expect("the answer to a TokenRequest has a token").token
    }

    /// Writes a kubeconfig with all rights to `path`.
    pub fn kubeconfig(&self, path: &Path) -> io::Result<()> {
        write_private(path, self.access.admin_kubeconfig().to_string().as_bytes())
    }

    /// A kubeconfig with all rights. The file goes when the cluster goes.
    pub fn kubeconfig_path(&self) -> PathBuf {
        self.plane.kubeconfig()
    }

    /// `https://127.0.0.1:PORT`, the same after a restart.
    pub fn server_url(&self) -> &str {
        &self.access.server
    }

    /// Runs kubectl with all rights, in nobody's home directory, and gives it `stdin` to read.
    pub async fn kubectl(&self, args: &[&str], stdin: &str) -> Output {
        let kubectl = tools::find("kubectl").expect("there is no kubectl beside this API server");
        let mut command = Command::new(kubectl);
        command.args(args).stdin(as_file(stdin).expect("a temporary file can be written"));
        command.env("KUBECONFIG", self.plane.kubeconfig()).env("HOME", self.plane.path("home"));
        let ran = spawn_blocking(move || command.output()).await;
        ran.expect("running a command does not panic").expect("kubectl can be started")
    }
}

/// A file rather than a pipe: kubectl may end before it has read everything.
fn as_file(text: &str) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    file.write_all(text.as_bytes())?;
    file.rewind()?;
    Ok(file)
}

fn client(config: Config) -> Client {
    Client::try_from(config).expect("the same configuration made the cluster ready")
}
