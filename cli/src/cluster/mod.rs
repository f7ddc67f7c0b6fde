//! The only network: what the controller in a cluster publishes. Built in with the feature `cluster`.
//!
//! The runtime and TLS start here, when a command asks for them, and never for sealing. kube's own words may
//! quote a kubeconfig, so they are not passed on.

use std::path::PathBuf;

use crate::error::{Failure, Kind};

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
        default_value = "seal-system"
    )]
    controller_namespace: String,
}

fn missing(message: impl Into<String>) -> Failure {
    Failure::new(Kind::Missing, message)
}

/// The recipient that the controller publishes.
#[cfg(not(feature = "cluster"))]
pub(crate) fn recipient(args: &ClusterArgs) -> Result<String, Failure> {
    let ClusterArgs { kubeconfig: _, context: _, controller_namespace } = args;
    Err(missing("this `seal` is built without the feature `cluster`").hint(format!(
        "kubectl -n {controller_namespace} get configmap seal-recipients -o jsonpath='{{.data.recipient}}', and put it into .seal.yaml"
    )))
}

#[cfg(feature = "cluster")]
pub(crate) use with_cluster::recipient;

#[cfg(feature = "cluster")]
mod with_cluster {
    use std::time::Duration;

    use k8s_openapi::api::core::v1::ConfigMap;
    use kube::config::{KubeConfigOptions, Kubeconfig};
    use kube::{Api, Client, Config};

    use super::{ClusterArgs, missing};
    use crate::error::{Failure, Kind};

    const CONFIG_MAP: &str = "seal-recipients";
    const KEY: &str = "recipient";

    /// The recipient that the controller publishes.
    pub(crate) fn recipient(args: &ClusterArgs) -> Result<String, Failure> {
        // The second of two providers would be refused; there is one, and it is installed once.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime =
            runtime.map_err(|_| Failure::new(Kind::Failed, "cannot start the network runtime"))?;
        runtime.block_on(fetch(args))
    }

    async fn fetch(args: &ClusterArgs) -> Result<String, Failure> {
        let config = config(args).await?;
        let url = config.cluster_url.to_string();
        let client = Client::try_from(config).map_err(|_| {
            missing("the kubeconfig's credentials cannot be used")
                .hint("`kubectl auth whoami` uses the same")
        })?;
        let namespace = &args.controller_namespace;
        let found = Api::<ConfigMap>::namespaced(client, namespace).get_opt(CONFIG_MAP).await;
        let what = format!("ConfigMap {namespace}/{CONFIG_MAP}");
        let map = found.map_err(|error| match error {
            kube::Error::Api(status) if matches!(status.code, 401 | 403) => {
                missing(format!("the cluster does not let you read {what}"))
                    .hint("ask whoever runs the controller for the recipient, or to be let read it")
            }
            kube::Error::Api(status) => {
                missing(format!("the cluster does not give {what} (HTTP {})", status.code))
            }
            _ => missing(format!("the cluster at {url} does not answer"))
                .hint("`kubectl version` asks the same"),
        })?;
        let text = map.and_then(|map| map.data).and_then(|mut data| data.remove(KEY));
        text.map(|text| text.trim().to_owned()).ok_or_else(|| {
            missing(format!("there is no {what}, or no {KEY} in it"))
                .hint("is the controller installed? --controller-namespace names its namespace")
        })
    }

    async fn config(args: &ClusterArgs) -> Result<Config, Failure> {
        let options =
            KubeConfigOptions { context: args.context.clone(), ..KubeConfigOptions::default() };
        let unreadable = |_| {
            missing("no kubeconfig with that cluster").hint("--kubeconfig FILE, --context NAME")
        };
        let mut config = match &args.kubeconfig {
            Some(path) => {
                let kubeconfig = Kubeconfig::read_from(path).map_err(unreadable)?;
                Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(unreadable)?
            }
            None if args.context.is_some() => {
                Config::from_kubeconfig(&options).await.map_err(unreadable)?
            }
            None => Config::infer().await.map_err(|_| {
                missing("no cluster: there is no kubeconfig")
                    .hint("--kubeconfig FILE, or $KUBECONFIG")
            })?,
        };
        config.connect_timeout = Some(Duration::from_secs(10));
        config.read_timeout = Some(Duration::from_secs(30));
        Ok(config)
    }
}
