//! The recipient that the controller publishes, read from its ConfigMap. A controller that has only been installed is
//! waited for.

use std::time::{Duration, Instant};

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Api, Client};
use tokio::time::timeout;

use seal_core::exit_code::ExitCode;
use seal_core::names::{CONTROLLER, KEY, RECIPIENT, RECIPIENTS};

use super::config::meant;
use super::{ClusterArgs, missing};
use crate::console;
use crate::error::Failure;

/// How long a controller may take from its installation to its first key.
const START: Duration = Duration::from_secs(60);
/// How long one question may take, with all that the client does to repeat it.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks.
const PACE: Duration = Duration::from_secs(1);

/// The recipient that the controller publishes; says which cluster is asked.
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
    let meant = meant(args).await?;
    let proxy = meant.config.proxy_url.as_ref().and_then(|url| url.host());
    let through = proxy.map(|host| format!(" through the proxy {host}")).unwrap_or_default();
    console::say(&format!("asking {}{through}", meant.name));
    let client = Client::try_from(meant.config).map_err(|error| unusable(&error))?;
    let cluster = Asked { client, name: meant.name, namespace: &args.controller_namespace };
    let mut until = None;
    loop {
        if let Some(map) = cluster.published().await? {
            return published_in(map, cluster.namespace);
        }
        cluster.is_installed().await?;
        let now = Instant::now();
        let end = *until.get_or_insert_with(|| {
            let seconds = START.as_secs();
            console::note(&format!("the controller is not ready yet: waiting up to {seconds} s"));
            now + START
        });
        if now >= end {
            return Err(not_ready(cluster.namespace));
        }
        tokio::time::sleep(PACE).await;
    }
}

/// A cluster that is being asked.
struct Asked<'a> {
    client: Client,
    name: String,
    namespace: &'a str,
}

impl Asked<'_> {
    async fn published(&self) -> Result<Option<ConfigMap>, Failure> {
        let maps = Api::<ConfigMap>::namespaced(self.client.clone(), self.namespace);
        let what = format!("ConfigMap {}/{RECIPIENTS}", self.namespace);
        match timeout(PATIENCE, maps.get_opt(RECIPIENTS)).await {
            Ok(asked) => asked.map_err(|error| self.refused(&error, &what)),
            Err(_) => Err(self.silent()),
        }
    }

    /// Fails unless the controller's Deployment is there.
    async fn is_installed(&self) -> Result<(), Failure> {
        let namespace = self.namespace;
        let deployments = Api::<Deployment>::namespaced(self.client.clone(), namespace);
        let there_is_no = format!("there is no ConfigMap {namespace}/{RECIPIENTS}");
        let Ok(asked) = timeout(PATIENCE, deployments.get_metadata_opt(CONTROLLER)).await else {
            return Err(self.silent());
        };
        match asked {
            Ok(Some(_)) => Ok(()),
            Ok(None) => Err(missing(format!(
                "{there_is_no}, and no controller that would publish one"
            ))
            .hint(
                "`seal install` prints its manifests; --controller-namespace names its namespace",
            )),
            Err(kube::Error::Api(status)) if status.code == 403 => Err(missing(format!(
                "{there_is_no}: the controller is not installed there, or not ready"
            ))
            .hint(format!("`kubectl -n {namespace} get deployment {CONTROLLER}` says which"))),
            Err(error) => {
                Err(self.refused(&error, &format!("Deployment {namespace}/{CONTROLLER}")))
            }
        }
    }

    fn refused(&self, error: &kube::Error, what: &str) -> Failure {
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

    fn silent(&self) -> Failure {
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

fn not_ready(namespace: &str) -> Failure {
    missing("the controller is installed, and not ready: it publishes no recipient yet")
        .hint(format!("`kubectl -n {namespace} get pods` says why; then run it again"))
}

/// A controller without an active key publishes no recipient, so that nobody seals to a key that is retired or gone.
fn published_in(map: ConfigMap, namespace: &str) -> Result<String, Failure> {
    let text = map.data.and_then(|mut data| data.remove(RECIPIENT)).unwrap_or_default();
    match text.trim() {
        "" => Err(missing(format!(
            "the controller publishes no recipient in {namespace}/{RECIPIENTS}: it holds no active key"
        ))
        .hint(format!(
            "`kubectl -n {namespace} get secrets -L {KEY}` shows its keys; nothing can be sealed to it until one is active"
        ))),
        text => Ok(text.to_owned()),
    }
}
