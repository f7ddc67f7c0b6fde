//! Which cluster a kubeconfig means, and in which words it means none. Asks nobody.

use std::path::PathBuf;
use std::time::Duration;

use kube::Config;
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};

use super::{ContextArgs, missing};
use crate::error::Failure;

/// A cluster as the kubeconfig has it.
pub(super) struct Meant {
    pub(super) config: Config,
    /// How messages call it: the context, and host and port of the server.
    pub(super) name: String,
}

/// The cluster that the flags and the kubeconfig mean.
pub(super) async fn meant(args: &ContextArgs) -> Result<Meant, Failure> {
    let kubeconfig = match &args.kubeconfig {
        Some(path) => Kubeconfig::read_from(path),
        None => Kubeconfig::read(),
    };
    let (mut config, context) = match kubeconfig {
        Ok(kubeconfig) => from_kubeconfig(args, kubeconfig).await?,
        Err(error) => match Config::incluster() {
            // In a Pod, with nothing named.
            Ok(config) if args.kubeconfig.is_none() && args.context.is_none() => {
                (config, "the cluster of this Pod".to_owned())
            }
            _ => return Err(unreadable(&error)),
        },
    };
    config.connect_timeout = Some(Duration::from_secs(10));
    config.read_timeout = Some(Duration::from_secs(30));
    let name = format!("{context} at {}", server(&config));
    Ok(Meant { config, name })
}

async fn from_kubeconfig(
    args: &ContextArgs,
    kubeconfig: Kubeconfig,
) -> Result<(Config, String), Failure> {
    let names: Vec<String> = kubeconfig.contexts.iter().map(|it| it.name.clone()).collect();
    let context = args.context.clone().or_else(|| kubeconfig.current_context.clone());
    let context = context.filter(|name| !name.is_empty());
    let hint = match names.as_slice() {
        [] => "it has no context at all: --kubeconfig FILE names another".to_owned(),
        names => format!("--context NAME: it has {}", names.join(", ")),
    };
    let Some(context) = context else {
        return Err(missing("the kubeconfig has no current context").hint(hint));
    };
    if !names.contains(&context) {
        return Err(missing(format!("the kubeconfig has no context {context}")).hint(hint));
    }
    let options =
        KubeConfigOptions { context: Some(context.clone()), ..KubeConfigOptions::default() };
    match Config::from_custom_kubeconfig(kubeconfig, &options).await {
        Ok(config) => Ok((config, format!("context {context}"))),
        Err(error) => Err(unusable(&context, &error)),
    }
}

/// Why there is no kubeconfig. The parser's words may quote it and are left out.
fn unreadable(error: &KubeconfigError) -> Failure {
    let hint = "--kubeconfig FILE, or $KUBECONFIG";
    let file = |path: &PathBuf| path.display().to_string();
    let message = match error {
        KubeconfigError::ReadConfig(error, path)
            if error.kind() == std::io::ErrorKind::NotFound =>
        {
            format!("no cluster: there is no kubeconfig {}", file(path))
        }
        KubeconfigError::ReadConfig(error, path) => {
            format!("the kubeconfig {} cannot be read: {}", file(path), crate::error::words(error))
        }
        KubeconfigError::FindPath => "no cluster: there is no kubeconfig".to_owned(),
        _ => "the kubeconfig is not one: `kubectl config view` reads the same".to_owned(),
    };
    missing(message).hint(hint)
}

fn unusable(context: &str, error: &KubeconfigError) -> Failure {
    let what = match error {
        KubeconfigError::LoadClusterOfContext(_) => {
            "names a cluster that the kubeconfig does not have"
        }
        KubeconfigError::MissingClusterUrl | KubeconfigError::ParseClusterUrl(_) => {
            "names a cluster without a usable server"
        }
        KubeconfigError::LoadCertificateAuthority(_) | KubeconfigError::ParseCertificates(_) => {
            "has a certificate-authority that cannot be read"
        }
        KubeconfigError::LoadClientCertificate(_) | KubeconfigError::LoadClientKey(_) => {
            "has a client certificate or key that cannot be read"
        }
        _ => "cannot be used",
    };
    missing(format!("context {context} {what}")).hint("`kubectl config view` shows it")
}

/// Host and port: a kubeconfig's URL may carry a password.
fn server(config: &Config) -> String {
    let url = &config.cluster_url;
    let host = url.host().unwrap_or_default();
    url.port_u16().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}
