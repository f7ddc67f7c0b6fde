//! The recipient that the controller publishes, read from its ConfigMap. A controller that has only been installed is
//! waited for.

use std::time::{Duration, Instant};

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use tokio::time::timeout;

use seal_core::escape::escaped;
use seal_core::names::{
    CONTROLLER, KEY, KEY_NAMESPACES, MADE, NAMESPACES, RECIPIENT, RECIPIENTS, of_name,
};

use super::connect::{Cluster, connect, run};
use super::{ClusterArgs, Published, missing};
use crate::console;
use crate::error::Failure;

/// How long a controller may take from its installation to its first key.
const START: Duration = Duration::from_secs(60);
/// How long one question may take, with all that the client does to repeat it.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks.
const PACE: Duration = Duration::from_secs(1);

/// The recipient that the controller publishes, or that of the named key for some namespaces; says which cluster is asked.
pub(crate) fn recipient(args: &ClusterArgs, key: Option<&str>) -> Result<Published, Failure> {
    run(fetch(args, key))
}

async fn fetch(args: &ClusterArgs, key: Option<&str>) -> Result<Published, Failure> {
    let cluster = connect(&args.context, true).await?;
    let cluster = Asked { cluster, namespace: &args.controller_namespace };
    let mut until = None;
    loop {
        if let Some(map) = cluster.published().await? {
            return published_in(map, key, cluster.namespace);
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
    cluster: Cluster,
    namespace: &'a str,
}

impl Asked<'_> {
    async fn published(&self) -> Result<Option<ConfigMap>, Failure> {
        let maps = Api::<ConfigMap>::namespaced(self.cluster.client.clone(), self.namespace);
        let what = format!("ConfigMap {}/{RECIPIENTS}", self.namespace);
        match timeout(PATIENCE, maps.get_opt(RECIPIENTS)).await {
            Ok(asked) => asked.map_err(|error| self.cluster.refused(&error, &what)),
            Err(_) => Err(self.cluster.silent()),
        }
    }

    /// Fails unless the controller's Deployment is there.
    async fn is_installed(&self) -> Result<(), Failure> {
        let namespace = self.namespace;
        let deployments = Api::<Deployment>::namespaced(self.cluster.client.clone(), namespace);
        let there_is_no = format!("there is no ConfigMap {namespace}/{RECIPIENTS}");
        let Ok(asked) = timeout(PATIENCE, deployments.get_metadata_opt(CONTROLLER)).await else {
            return Err(self.cluster.silent());
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
                Err(self.cluster.refused(&error, &format!("Deployment {namespace}/{CONTROLLER}")))
            }
        }
    }
}

fn not_ready(namespace: &str) -> Failure {
    missing("the controller is installed, and not ready: it publishes no recipient yet")
        .hint(format!("`kubectl -n {namespace} get pods` says why; then run it again"))
}

/// A controller without an active key publishes no recipient, so that nobody seals to a key that is retired or gone.
fn published_in(map: ConfigMap, key: Option<&str>, namespace: &str) -> Result<Published, Failure> {
    let mut data = map.data.unwrap_or_default();
    let made = some(data.remove(&key.map_or(MADE.to_owned(), |key| of_name(key, MADE))));
    let Some(key) = key else {
        let recipient = some(data.remove(RECIPIENT)).ok_or_else(|| {
            missing(format!(
                "the controller publishes no recipient in {namespace}/{RECIPIENTS}: it holds no active key for every namespace"
            ))
            .hint(format!(
                "`kubectl -n {namespace} get secrets -L {KEY}` shows its keys; nothing can be sealed to it until one is active"
            ))
        })?;
        return Ok(Published { recipient, made });
    };
    let recipient = some(data.remove(&of_name(key, RECIPIENT))).ok_or_else(|| {
        let end = of_name("", RECIPIENT);
        let names: Vec<&str> = data.keys().filter_map(|entry| entry.strip_suffix(&end)).collect();
        let hint = match names.as_slice() {
            [] => format!(
                "it has none for some namespaces: annotate a key Secret with {KEY_NAMESPACES}"
            ),
            some => format!("it has {}", some.join(", ")),
        };
        let message =
            format!("the controller publishes no key of that name in {namespace}/{RECIPIENTS}");
        missing(message).hint(escaped(&hint))
    })?;
    if let Some(namespaces) = data.get(&of_name(key, NAMESPACES)) {
        console::note(&format!(
            "what is sealed to it opens in these namespaces alone: {}",
            escaped(namespaces)
        ));
    }
    Ok(Published { recipient, made })
}

fn some(text: Option<String>) -> Option<String> {
    text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}
