//! What the controller in a cluster is told on its command line. The doc comments are its help.

use std::net::SocketAddr;

use clap::builder::NonEmptyStringValueParser;
use seal_core::names;
use seal_core::open::allowed::Grants;
use seal_core::place::is_label;

use crate::client::ClientArgs;
use crate::memory::Watched;

/// Open sealed objects into live Secrets
///
/// Runs in a cluster without any flag. Outside of one it takes the kubeconfig.
#[derive(Debug, clap::Args)]
pub(crate) struct ClusterArgs {
    /// Namespace of the controller and its keys (default: $POD_NAMESPACE, then seal-system)
    #[arg(long, env = "POD_NAMESPACE", default_value = names::CONTROLLER_NAMESPACE, hide_env = true, value_parser = namespace)]
    pub(super) namespace: String,
    /// Name of this replica, as which it leads (default: $POD_NAME, then one that no other process has)
    #[arg(long, value_name = "NAME", env = "POD_NAME", hide_env = true, value_parser = NonEmptyStringValueParser::new())]
    pub(super) pod_name: Option<String>,
    /// Namespace of Git sources, in which nothing is ever opened
    #[arg(long, value_name = "NS", default_value = names::GIT_NAMESPACE, value_parser = namespace)]
    pub(super) git_namespace: String,
    /// Serve these namespaces only, with a Role in each and nothing cluster-wide
    #[arg(long, value_name = "NS,…", value_delimiter = ',', value_parser = namespace)]
    pub(super) namespaces: Vec<String>,
    /// Open files whose scope is every namespace: whoever may create a SealedSecret anywhere can read them
    #[arg(long)]
    pub(super) allow_wildcard_anywhere: bool,
    /// Let a ClusterSealedSecret choose its namespaces by their labels, which are then a right to read
    #[arg(long, conflicts_with = "namespaces")]
    pub(super) allow_cluster_wide: bool,
    /// Let sealed files name ServiceAccounts whose pods pull images with them
    #[arg(long)]
    pub(super) attach_pull_secrets: bool,
    /// Never make a key: wait for one to be restored
    #[arg(long)]
    pub(super) require_existing_key: bool,
    /// Address of /livez, /readyz, /metrics and /v1/recipients
    #[arg(long, value_name = "ADDRESS", default_value = "0.0.0.0:8080")]
    pub(super) listen: SocketAddr,
    /// Objects reconciled at the same time
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u8).range(1..))]
    pub(super) workers: u8,
    #[command(flatten)]
    pub(super) client: ClientArgs,
}

impl ClusterArgs {
    /// What is wrong with them together, if anything.
    pub(crate) fn problem(&self) -> Option<String> {
        let closed = self.grants().closed_namespaces;
        let named = self.namespaces.iter().find(|it| closed.contains(*it))?;
        Some(format!("--namespaces names {named}, in which nothing is ever opened"))
    }

    /// What this installation gives.
    pub(super) fn grants(&self) -> Grants {
        Grants {
            closed_namespaces: [self.namespace.clone(), self.git_namespace.clone()].into(),
            wildcard_anywhere: self.allow_wildcard_anywhere,
            cluster_wide: self.allow_cluster_wide,
            pull_secrets: self.attach_pull_secrets,
            ..Grants::default()
        }
    }

    /// Whether it serves every namespace, those that come later too.
    pub(super) fn serves_the_cluster(&self) -> bool {
        self.namespaces.is_empty()
    }

    /// One for each namespace that is served, or one for all.
    pub(super) fn watched(&self) -> Vec<Watched> {
        if self.namespaces.is_empty() {
            return vec![Watched(None)];
        }
        self.namespaces.iter().map(|namespace| Watched(Some(namespace.as_str().into()))).collect()
    }
}

fn namespace(text: &str) -> Result<String, &'static str> {
    if is_label(text) { Ok(text.to_owned()) } else { Err("that cannot name a namespace") }
}
