//! The control plane as command lines: which flags etcd, kube-apiserver and kube-controller-manager
//! are started with.
//!
//! Takes ports from the system and writes the files those flags name, beneath one directory. Starts
//! each daemon; waiting for it and stopping it is for `cluster.rs`.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};

use crate::access::{self, service_account_key, write_private};
use crate::audit;
use crate::cluster::StartError;
use crate::daemon::Daemon;
use crate::tools;

/// The last one fills the built-in roles `view`, `edit` and `admin`, which are empty without it.
const CONTROLLERS: [&str; 7] = [
    "garbage-collector-controller",
    "namespace-controller",
    "serviceaccount-controller",
    "serviceaccount-token-controller",
    "deployment-controller",
    "replicaset-controller",
    "clusterrole-aggregation-controller",
];

/// Everything that stays the same when a daemon is started again.
pub(crate) struct ControlPlane {
    etcd: PathBuf,
    api_server: PathBuf,
    controller_manager: Option<PathBuf>,
    directory: PathBuf,
    etcd_port: u16,
    peer_port: u16,
    api_port: u16,
    pub(crate) admin_token: String,
}

impl ControlPlane {
    pub(crate) fn new(directory: &Path) -> Result<Self, StartError> {
        let tool = |name| tools::find(name).ok_or(StartError::NoTool(name));
        let [etcd_port, peer_port, api_port] = free_ports()?;
        let new = Self {
            etcd: tool("etcd")?,
            api_server: tool("kube-apiserver")?,
            controller_manager: tools::find("kube-controller-manager"),
            directory: directory.to_path_buf(),
            etcd_port,
            peer_port,
            api_port,
            admin_token: access::admin_token(),
        };
        let token = format!("{},admin,admin,\"system:masters\"\n", new.admin_token);
        write_private(&new.path("tokens.csv"), token.as_bytes())?;
        write_private(&new.path("service-account.key"), service_account_key().as_bytes())?;
        write_private(&new.path("audit-policy.json"), audit::POLICY.as_bytes())?;
        Ok(new)
    }

    pub(crate) fn server(&self) -> String {
        format!("https://127.0.0.1:{}", self.api_port)
    }

    /// What kube-apiserver signs its own certificate with; there once it listens.
    pub(crate) fn ca(&self) -> PathBuf {
        self.path("certificates/apiserver.crt")
    }

    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.path("kubeconfig")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    pub(crate) fn has_controller_manager(&self) -> bool {
        self.controller_manager.is_some()
    }

    pub(crate) fn start_etcd(&self) -> io::Result<Daemon> {
        let (client, peer) = (self.etcd_url(), format!("http://127.0.0.1:{}", self.peer_port));
        let flags = [
            ("data-dir", self.file("etcd")),
            ("listen-client-urls", client.clone()),
            ("advertise-client-urls", client),
            ("listen-peer-urls", peer.clone()),
            ("initial-advertise-peer-urls", peer.clone()),
            ("initial-cluster", format!("default={peer}")),
            ("unsafe-no-fsync", "true".into()), // nothing here survives a crash anyway
            ("log-level", "warn".into()),
        ];
        self.start("etcd", &self.etcd, &flags)
    }

    pub(crate) fn start_api_server(&self) -> io::Result<Daemon> {
        let mut flags = vec![
            ("etcd-servers", self.etcd_url()),
            ("bind-address", "127.0.0.1".into()),
            ("advertise-address", "127.0.0.1".into()), // or it needs a default route
            ("secure-port", self.api_port.to_string()),
            ("cert-dir", self.file("certificates")),
            ("token-auth-file", self.file("tokens.csv")),
            ("authorization-mode", "RBAC".into()),
            ("service-account-issuer", "https://kubernetes.default.svc.cluster.local".into()),
            ("service-account-key-file", self.file("service-account.key")),
            ("service-account-signing-key-file", self.file("service-account.key")),
            ("service-cluster-ip-range", "10.0.0.0/24".into()),
            ("endpoint-reconciler-type", "none".into()), // loopback cannot be an endpoint
            ("audit-policy-file", self.file("audit-policy.json")),
            ("audit-log-path", self.file("audit.log")),
        ];
        if !self.has_controller_manager() {
            // Nobody makes the default ServiceAccounts that this plugin asks of every Pod.
            flags.push(("disable-admission-plugins", "ServiceAccount".into()));
        }
        self.start("kube-apiserver", &self.api_server, &flags)
    }

    /// `None` where the binary is missing: `KUBEBUILDER_ASSETS` usually has none. Reads the
    /// administrator's kubeconfig.
    pub(crate) fn start_controller_manager(&self) -> io::Result<Option<Daemon>> {
        let Some(program) = &self.controller_manager else { return Ok(None) };
        let flags = [
            ("kubeconfig", self.kubeconfig().display().to_string()),
            ("controllers", CONTROLLERS.join(",")),
            ("service-account-private-key-file", self.file("service-account.key")),
            ("leader-elect", "false".into()),
            ("secure-port", "0".into()),
        ];
        self.start("kube-controller-manager", program, &flags).map(Some)
    }

    fn start(
        &self,
        name: &'static str,
        program: &Path,
        flags: &[(&str, String)],
    ) -> io::Result<Daemon> {
        let args: Vec<String> =
            flags.iter().map(|(flag, value)| format!("--{flag}={value}")).collect();
        Daemon::start(name, program, &args, &self.directory)
    }

    fn etcd_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.etcd_port)
    }

    fn file(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }
}

/// Free at this moment; another process may take one before a daemon does, and then the start is
/// tried again.
fn free_ports() -> io::Result<[u16; 3]> {
    let bind = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let held = [bind()?, bind()?, bind()?];
    let port = |index: usize| held[index].local_addr().map(|address| address.port());
    Ok([port(0)?, port(1)?, port(2)?])
}
