//! The recipient that the controller publishes, read from its ConfigMap.

use std::time::Duration;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};

use seal_core::exit_code::ExitCode;
use seal_core::names::{RECIPIENT, RECIPIENTS};

use super::{ClusterArgs, missing};
use crate::error::Failure;

/// The recipient that the controller publishes.
pub(crate) fn recipient(args: &ClusterArgs) -> Result<String, Failure> {
    // The second of two providers would be refused; there is one, and it is installed once.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|_| Failure::new(ExitCode::Failed, "cannot start the network runtime"))?;
    runtime.block_on(fetch(args))
}

async fn fetch(args: &ClusterArgs) -> Result<String, Failure> {
    let config = config(args).await?;
    let server = server(&config);
    let client = Client::try_from(config).map_err(|_| {
        missing("the kubeconfig's credentials cannot be used")
            .hint("`kubectl auth whoami` uses the same")
    })?;
    let namespace = &args.controller_namespace;
    let found = Api::<ConfigMap>::namespaced(client, namespace).get_opt(RECIPIENTS).await;
    let what = format!("ConfigMap {namespace}/{RECIPIENTS}");
    let map = found.map_err(|error| match error {
        kube::Error::Api(status) if matches!(status.code, 401 | 403) => {
            missing(format!("the cluster does not let you read {what}"))
                .hint("ask whoever runs the controller for the recipient, or to be let read it")
        }
        kube::Error::Api(status) => {
            missing(format!("the cluster does not give {what} (HTTP {})", status.code))
        }
        _ => missing(format!("the cluster at {server} does not answer"))
            .hint("`kubectl version` asks the same"),
    })?;
    let text = map.and_then(|map| map.data).and_then(|mut data| data.remove(RECIPIENT));
    text.map(|text| text.trim().to_owned()).ok_or_else(|| {
        missing(format!("there is no {what}, or no {RECIPIENT} in it"))
            .hint("is the controller installed? --controller-namespace names its namespace")
    })
}

/// Host and port: a kubeconfig's URL may carry a password.
fn server(config: &Config) -> String {
    let url = &config.cluster_url;
    let host = url.host().unwrap_or_default();
    url.port_u16().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

async fn config(args: &ClusterArgs) -> Result<Config, Failure> {
    let options =
        KubeConfigOptions { context: args.context.clone(), ..KubeConfigOptions::default() };
    let mut config = match &args.kubeconfig {
        Some(path) => {
            let kubeconfig = Kubeconfig::read_from(path).map_err(|_| unreadable())?;
            Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(|_| unreadable())?
        }
        None if args.context.is_some() => {
            Config::from_kubeconfig(&options).await.map_err(|_| unreadable())?
        }
        None => Config::infer().await.map_err(|_| {
            missing("no cluster: there is no kubeconfig").hint("--kubeconfig FILE, or $KUBECONFIG")
        })?,
    };
    config.connect_timeout = Some(Duration::from_secs(10));
    config.read_timeout = Some(Duration::from_secs(30));
    Ok(config)
}

fn unreadable() -> Failure {
    missing("no kubeconfig with that cluster").hint("--kubeconfig FILE, --context NAME")
}
