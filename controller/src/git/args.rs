//! What the process of Git sources is told on its command line. The doc comments are its help.

use std::net::SocketAddr;
use std::path::PathBuf;

use seal_core::names;

use crate::client::ClientArgs;

/// Apply the sealed files of Git repositories when they change
///
/// Serves the GitSources of its namespace: fetches each repository, and applies the SealedSecrets in it to the namespaces that
/// the GitSource names. It holds no sealing key and reads no Secret outside of its namespace; the controller opens what it
/// applies.
///
/// Runs in a cluster without any flag. Outside of one it takes the kubeconfig.
#[derive(Debug, clap::Args)]
pub(crate) struct GitArgs {
    /// Namespace of the GitSources and their credentials (default: $POD_NAMESPACE, then seal-git)
    #[arg(long, env = "POD_NAMESPACE", default_value = names::GIT_NAMESPACE, hide_env = true)]
    pub(super) namespace: String,
    /// Namespace of the controller and its keys, in which nothing is ever applied
    #[arg(long, value_name = "NS", default_value = names::CONTROLLER_NAMESPACE)]
    pub(super) controller_namespace: String,
    /// Apply ClusterSealedSecrets too, each of whose namespaces the GitSource names
    #[arg(long)]
    pub(super) cluster_sealed_secrets: bool,
    /// Folder for what is fetched, which is not secret
    #[arg(
        long,
        value_name = "DIR",
        env = "CACHE_DIRECTORY",
        default_value = "/cache",
        hide_env = true
    )]
    pub(super) cache: PathBuf,
    /// Address of /livez, /readyz, /metrics and /hook/NAME
    #[arg(long, value_name = "ADDRESS", default_value = "0.0.0.0:8080")]
    pub(super) listen: SocketAddr,
    #[command(flatten)]
    pub(super) client: ClientArgs,
}
