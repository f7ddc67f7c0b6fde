//! A connection to a cluster, and in which words it is refused.

use std::future::Future;

use http::Response;
use http_body_util::Limited;
use kube::Client;
use kube::client::ClientBuilder;
use seal_core::exit_code::ExitCode;
use tower::util::MapResponseLayer;

use super::config::meant;
use super::{ContextArgs, missing};
use crate::console;
use crate::error::Failure;

/// Bytes of one answer; no page of objects that is asked for has as many.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// A cluster that is asked.
#[derive(Clone)]
pub(super) struct Cluster {
    pub(super) client: Client,
    /// How messages call it.
    pub(super) name: String,
    /// The namespace of its context.
    pub(super) namespace: String,
}

/// Runs what needs the network to its end.
pub(super) fn run<T>(asking: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    // The second of two providers would be refused; there is one, and it is installed once.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|_| Failure::new(ExitCode::Failed, "cannot start the network runtime"))?;
    runtime.block_on(asking)
}

/// The cluster that the flags and the kubeconfig mean; says which. Without `retry`, whoever asks repeats what a busy
/// server refuses: the client's own patience grows to minutes.
pub(super) async fn connect(args: &ContextArgs, retry: bool) -> Result<Cluster, Failure> {
    let mut meant = meant(args).await?;
    meant.config.default_retry = retry;
    let proxy = meant.config.proxy_url.as_ref().and_then(|url| url.host());
    let through = proxy.map(|host| format!(" through the proxy {host}")).unwrap_or_default();
    console::say(&format!("asking {}{through}", meant.name));
    let namespace = meant.config.default_namespace.clone();
    let builder = ClientBuilder::try_from(meant.config).map_err(|error| unusable(&error))?;
    let client = builder.with_layer(&MapResponseLayer::new(bounded)).build();
    Ok(Cluster { client, name: meant.name, namespace })
}

/// An answer that ends with an error where it is larger: whoever answers in a cluster's place has no other bound.
fn bounded<B>(answer: Response<B>) -> Response<Limited<B>> {
    answer.map(|body| Limited::new(body, MOST_BYTES))
}

impl Cluster {
    /// Why it does not give `what`.
    pub(super) fn refused(&self, error: &kube::Error, what: &str) -> Failure {
        match error {
            kube::Error::Api(status) if status.code == 401 => {
                missing(format!("{} does not know who you are (HTTP 401)", self.name))
                    .hint("the credentials are wrong or have expired: log in again; `kubectl auth whoami` asks the same")
            }
            kube::Error::Api(status) if status.code == 403 => {
                missing(format!("{} does not let you read {what}", self.name))
                    .hint("ask whoever runs the controller for the recipient, or to be let read it")
            }
            kube::Error::Api(status) => {
                missing(format!("{} does not give {what} (HTTP {})", self.name, status.code))
                    .hint("`kubectl get` asks the same")
            }
            kube::Error::Auth(_) => unusable_credentials(),
            _ => self.silent(),
        }
    }

    pub(super) fn silent(&self) -> Failure {
        missing(format!("{} does not answer", self.name)).hint("`kubectl version` asks the same")
    }
}

/// Why no client could be made of a kubeconfig.
fn unusable(error: &kube::Error) -> Failure {
    match error {
        kube::Error::ProxyProtocolUnsupported { .. } => missing("a proxy of this kind cannot be used")
            .hint("`proxy-url` of the kubeconfig, or HTTPS_PROXY, must begin with http://, https:// or socks5://"),
        _ => unusable_credentials(),
    }
}

fn unusable_credentials() -> Failure {
    missing("the kubeconfig's credentials cannot be used")
        .hint("`kubectl auth whoami` uses the same")
}
