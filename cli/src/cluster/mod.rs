//! The only network: what the controller in a cluster publishes. Built in with the feature `cluster`.
//!
//! The runtime and TLS start in `recipient`, when `seal fetch` asks for it, and never for sealing. kube's own words
//! may quote a kubeconfig, so they are not passed on.

use std::path::PathBuf;

use seal_core::exit_code::ExitCode;
use seal_core::names;

use crate::error::Failure;

/// The flags that say which cluster.
#[derive(Debug, clap::Args)]
pub(crate) struct ClusterArgs {
    /// The kubeconfig (default: $KUBECONFIG, ~/.kube/config)
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// The kubeconfig's context (default: its current one)
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    /// The namespace of the controller
    #[arg(
        long,
        value_name = "NS",
        env = "SEAL_CONTROLLER_NAMESPACE",
        hide_env_values = true,
        default_value = names::CONTROLLER_NAMESPACE
    )]
    controller_namespace: String,
}

fn missing(message: impl Into<String>) -> Failure {
    Failure::new(ExitCode::Missing, message)
}

/// Without the feature there is no network code; the hint says how to ask with kubectl.
#[cfg(not(feature = "cluster"))]
pub(crate) fn recipient(args: &ClusterArgs) -> Result<String, Failure> {
    let ClusterArgs { kubeconfig: _, context: _, controller_namespace } = args;
    let (map, key) = (names::RECIPIENTS, names::RECIPIENT);
    Err(missing("this `seal` is built without the feature `cluster`").hint(format!(
        "kubectl -n {controller_namespace} get configmap {map} -o jsonpath='{{.data.{key}}}', and put it into .seal.yaml"
    )))
}

#[cfg(feature = "cluster")]
mod config;
#[cfg(feature = "cluster")]
mod recipient;
#[cfg(feature = "cluster")]
pub(crate) use recipient::recipient;
