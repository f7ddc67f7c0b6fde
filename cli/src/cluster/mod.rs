//! The only network: what the controller in a cluster publishes, and what it says of sealed objects. Built in with the
//! feature `cluster`.
//!
//! The runtime and TLS start in `connect`, when `seal fetch` or `seal wait` asks, and never for sealing. kube's own words
//! may quote a kubeconfig, so they are not passed on.

use std::path::PathBuf;

use seal_core::exit_code::ExitCode;
use seal_core::names;

use crate::error::Failure;
pub(crate) use objects::{Awaited, LiveValues, Named, Row, Which};

/// The flags that say which cluster.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ContextArgs {
    /// The kubeconfig (default: $KUBECONFIG, ~/.kube/config)
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// The kubeconfig's context (default: its current one)
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
}

/// The same, and where its controller is.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ClusterArgs {
    #[command(flatten)]
    context: ContextArgs,
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

/// What a controller publishes of one key.
#[derive(Debug)]
pub(crate) struct Published {
    pub(crate) recipient: String,
    /// When the key was made, as the controller writes it.
    pub(crate) made: Option<String>,
}

/// Without the feature there is no network code; the hint says how to ask with kubectl.
#[cfg(not(feature = "cluster"))]
pub(crate) fn recipient(args: &ClusterArgs, key: Option<&str>) -> Result<Published, Failure> {
    let ClusterArgs { context: ContextArgs { kubeconfig: _, context: _ }, controller_namespace } =
        args;
    let map = names::RECIPIENTS;
    let entry =
        key.map_or(names::RECIPIENT.to_owned(), |key| names::of_name(key, names::RECIPIENT));
    Err(missing(WITHOUT).hint(format!(
        "kubectl -n {controller_namespace} get configmap {map} -o yaml, and put its {entry} into .seal.yaml"
    )))
}

/// The same for what a controller says of sealed objects.
#[cfg(not(feature = "cluster"))]
pub(crate) fn wait(
    args: &ContextArgs,
    all: Vec<Awaited>,
    timeout: std::time::Duration,
) -> Result<(), Failure> {
    let ContextArgs { kubeconfig: _, context: _ } = args;
    let named = all.len();
    Err(missing(WITHOUT).hint(format!(
        "kubectl wait --for=condition=Ready sls NAME --timeout={}s, for each of the {named}",
        timeout.as_secs()
    )))
}

/// The same for the table of them.
#[cfg(not(feature = "cluster"))]
pub(crate) fn status(args: &ContextArgs, which: &Which) -> Result<Vec<Row>, Failure> {
    let ContextArgs { kubeconfig: _, context: _ } = args;
    Err(missing(WITHOUT).hint(match which {
        Which::All => "kubectl get sls,csls -A",
        Which::Namespace(_) | Which::Named(_) => "kubectl get sls",
    }))
}

/// The same for the values of live Secrets.
#[cfg(not(feature = "cluster"))]
pub(crate) fn live_values<K: Ord>(
    args: &ContextArgs,
    _: Vec<(K, seal_core::kind::sealed::SealedSecret)>,
) -> Result<std::collections::BTreeMap<K, Result<LiveValues, Failure>>, Failure> {
    let ContextArgs { kubeconfig: _, context: _ } = args;
    Err(missing(WITHOUT).hint("-i FILE opens the files with an identity"))
}

/// The same for asking again.
#[cfg(not(feature = "cluster"))]
pub(crate) fn reconcile(args: &ContextArgs, named: &[Named], at: &str) -> Result<(), Failure> {
    let ContextArgs { kubeconfig: _, context: _ } = args;
    Err(missing(WITHOUT).hint(format!(
        "kubectl annotate sls NAME --overwrite {}={at}, for each of the {}",
        names::RECONCILE_AT,
        named.len()
    )))
}

#[cfg(not(feature = "cluster"))]
pub(crate) mod keys {
    //! The same for what is done with the cluster's keys.

    use std::time::Duration;

    use zeroize::Zeroizing;

    use super::key_secrets::{KeySecret, Made, NewKey, Rotated};
    use super::{ClusterArgs, WITHOUT, missing};
    use crate::error::Failure;

    fn without<T>() -> Result<T, Failure> {
        Err(missing(WITHOUT).hint("kubectl does it with the Secrets of type seal.dev/key"))
    }

    pub(crate) fn list(_: &ClusterArgs, _counts: bool) -> Result<Vec<KeySecret>, Failure> {
        without()
    }

    pub(crate) fn rotate(
        _: &ClusterArgs,
        _name: Option<&str>,
        _timeout: Duration,
    ) -> Result<Rotated, Failure> {
        without()
    }

    pub(crate) fn retire(
        _: &ClusterArgs,
        _name: &str,
        _delete: bool,
        _force: bool,
    ) -> Result<(), Failure> {
        without()
    }

    pub(crate) fn read_all(_: &ClusterArgs) -> Result<Zeroizing<String>, Failure> {
        without()
    }

    pub(crate) fn create(_: &ClusterArgs, _new: Vec<NewKey>) -> (Vec<Made>, Result<(), Failure>) {
        (Vec::new(), without())
    }
}

#[cfg(not(feature = "cluster"))]
const WITHOUT: &str = "this `seal` is built without the feature `cluster`";

pub(crate) mod key_secrets;
mod objects;

#[cfg(feature = "cluster")]
mod config;
#[cfg(feature = "cluster")]
mod connect;
#[cfg(feature = "cluster")]
pub(crate) mod keys;
#[cfg(feature = "cluster")]
mod live;
#[cfg(feature = "cluster")]
mod pages;
#[cfg(feature = "cluster")]
mod recipient;
#[cfg(feature = "cluster")]
mod reconcile;
#[cfg(feature = "cluster")]
mod status;
#[cfg(feature = "cluster")]
mod verdict;
#[cfg(feature = "cluster")]
mod wait;
#[cfg(feature = "cluster")]
pub(crate) use live::live_values;
#[cfg(feature = "cluster")]
pub(crate) use recipient::recipient;
#[cfg(feature = "cluster")]
pub(crate) use reconcile::reconcile;
#[cfg(feature = "cluster")]
pub(crate) use status::status;
#[cfg(feature = "cluster")]
pub(crate) use wait::wait;
