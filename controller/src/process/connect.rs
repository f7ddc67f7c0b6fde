//! Finds the cluster: the kubeconfig that was named, else the ServiceAccount, else the kubeconfig of this machine.

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

use super::{ClusterArgs, ClusterError};

pub(super) async fn connect(args: &ClusterArgs) -> Result<Client, ClusterError> {
    let config = config(args).await.map_err(ClusterError::Connect)?;
    Client::try_from(config).map_err(|_| ClusterError::Connect("its certificates do not fit"))
}

async fn config(args: &ClusterArgs) -> Result<Config, &'static str> {
    let options =
        KubeConfigOptions { context: args.context.clone(), ..KubeConfigOptions::default() };
    match &args.kubeconfig {
        Some(path) => {
            let kubeconfig =
                Kubeconfig::read_from(path).map_err(|_| "the kubeconfig cannot be read")?;
            let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
            config.map_err(|_| "the kubeconfig does not fit together")
        }
        None if args.context.is_some() => Config::from_kubeconfig(&options)
            .await
            .map_err(|_| "the kubeconfig has no such context"),
        None => {
            Config::infer().await.map_err(|_| "neither a ServiceAccount nor a kubeconfig is here")
        }
    }
}
