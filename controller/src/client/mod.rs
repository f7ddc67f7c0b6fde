//! Finds the cluster: the kubeconfig that was named, else the ServiceAccount, else the kubeconfig of this machine.
//!
//! No request takes for ever: one that is silent for [`SILENT_FOR`] is given up. A watch is never silent for so long:
//! the API server ends it before.

mod bounded;
mod fence;
mod retry;

use std::path::PathBuf;
use std::time::Duration;

use kube::client::ClientBuilder;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use tower::ServiceBuilder;
use tower::buffer::BufferLayer;
use tower::retry::RetryLayer;
use tower::util::option_layer;

use bounded::BoundedLayer;
pub(crate) use fence::Fence;
use fence::FenceLayer;
use retry::Retry;

/// How long a connection may take to come about.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// How long a connection may be silent while something is waited for.
const SILENT_FOR: Duration = Duration::from_secs(30);
/// More than there are workers and watches.
const REQUESTS: usize = 1024;

/// Which cluster, as the command line names it.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct ClientArgs {
    /// Kubeconfig file, outside of a cluster
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
}

/// A client, or why there is none.
pub(crate) async fn connect(args: &ClientArgs) -> Result<Client, &'static str> {
    client_of(config(args, SILENT_FOR).await?, None)
}

/// The same, that writes only while this fence is open.
pub(crate) async fn connect_behind(
    args: &ClientArgs,
    fence: Fence,
) -> Result<Client, &'static str> {
    client_of(config(args, SILENT_FOR).await?, Some(fence))
}

/// A client with connections of its own, on which nothing large ever is: for what must not wait.
pub(crate) async fn connect_apart(
    args: &ClientArgs,
    silent_for: Duration,
) -> Result<Client, &'static str> {
    client_of(config(args, silent_for).await?, None)
}

fn client_of(config: Config, fence: Option<Fence>) -> Result<Client, &'static str> {
    let builder = ClientBuilder::try_from(config);
    let builder = builder.map_err(|error| unusable(&error))?;
    // The buffer makes a service that can be called again out of one that cannot; each request waits in it but once.
    let again = ServiceBuilder::new()
        .layer(BoundedLayer)
        .layer(RetryLayer::new(Retry::default()))
        .layer(BufferLayer::new(REQUESTS))
        .layer(option_layer(fence.map(FenceLayer)))
        .into_inner();
    Ok(builder.with_layer(&again).build())
}

/// Why no client could be made of a configuration.
fn unusable(error: &kube::Error) -> &'static str {
    match error {
        kube::Error::ProxyProtocolUnsupported { .. } => {
            "its proxy is none of http://, https:// and socks5://"
        }
        _ => "its certificates do not fit",
    }
}

async fn config(args: &ClientArgs, silent_for: Duration) -> Result<Config, &'static str> {
    let mut config = found(args).await?;
    config.connect_timeout = Some(CONNECT_WITHIN.min(silent_for));
    config.read_timeout = Some(silent_for);
    config.write_timeout = Some(silent_for);
    config.reset_reader_on_write = true;
    config.default_retry = false; // kube's waits up to a thousand seconds between tries
    Ok(config)
}

async fn found(args: &ClientArgs) -> Result<Config, &'static str> {
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
