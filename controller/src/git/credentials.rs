//! From a GitSource and the Secrets beside it to a job. Reads Secrets by name, in the namespace of the sources alone.

use std::path::PathBuf;

use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client};
use seal_core::escape::escaped;
use seal_core::kind::git_source::{GitReference, GitSource};
use seal_core::reason::Reason;
use zeroize::{Zeroize, Zeroizing};

use crate::fetch::job::{Credentials, Job, Reference};
use crate::outcome::Outcome;

/// The key of a webhook's Secret.
const TOKEN: &str = "token";
/// Bytes of a webhook's token. One that is shorter can be guessed.
const LEAST_TOKEN: usize = 16;

/// What to fetch for the source.
pub(super) async fn job(client: &Client, source: &GitSource) -> Result<Job, Outcome> {
    let spec = &source.spec;
    let malformed = |what: String| Outcome::new(Reason::Malformed, what);
    let mut credentials = match &spec.secret_ref {
        Some(secret) => {
            let credentials = credentials(&read(client, source, &secret.name).await?)?;
            useful(&credentials, &spec.url, &secret.name)?;
            credentials
        }
        None => Credentials::default(),
    };
    credentials.known_hosts = spec.known_hosts.clone().or(credentials.known_hosts.take());
    credentials.ca_bundle = spec.ca_bundle.clone().or(credentials.ca_bundle.take());
    Ok(Job {
        url: spec.url.clone(),
        reference: reference(source),
        paths: vec![path(source)],
        credentials,
        store: PathBuf::new(),
        known: None,
        ancestor: None,
        timeout: source.timeout().map_err(malformed)?,
    })
}

/// The folder of its sealed files, as a way down.
pub(super) fn path(source: &GitSource) -> PathBuf {
    let path = source.spec.path.as_deref().unwrap_or_default();
    path.split('/').filter(|part| !part.is_empty() && *part != ".").collect()
}

/// What of it is applied.
pub(super) fn reference(source: &GitSource) -> Reference {
    match &source.spec.reference {
        Some(GitReference { branch: Some(name), .. }) => Reference::Branch(name.clone()),
        Some(GitReference { tag: Some(name), .. }) => Reference::Tag(name.clone()),
        Some(GitReference { commit: Some(hash), .. }) => {
            Reference::Commit(hash.to_ascii_lowercase())
        }
        _ => Reference::Head,
    }
}

/// What a webhook's deliveries are signed with.
pub(super) async fn token(
    client: &Client,
    source: &GitSource,
) -> Result<Option<Zeroizing<Vec<u8>>>, Outcome> {
    let Some(webhook) = &source.spec.webhook else { return Ok(None) };
    let name = &webhook.secret_ref.name;
    let secret = read(client, source, name).await?;
    let token = secret.0.data.as_ref().and_then(|data| data.get(TOKEN));
    let token = token.map(|token| Zeroizing::new(token.0.trim_ascii_end().to_vec()));
    match token.filter(|token| token.len() >= LEAST_TOKEN) {
        Some(token) => Ok(Some(token)),
        None => Err(Outcome::new(
            Reason::Malformed,
            format!("the Secret {} has no key token of 16 bytes or more", escaped(name)),
        )),
    }
}

/// A Secret that is wiped.
struct Read(Secret);

impl Drop for Read {
    fn drop(&mut self) {
        self.0.data.iter_mut().flat_map(|data| data.values_mut()).for_each(|it| it.0.zeroize());
    }
}

async fn read(client: &Client, source: &GitSource, name: &str) -> Result<Read, Outcome> {
    let namespace = source.metadata.namespace.as_deref().unwrap_or_default();
    let api: Api<Secret> = Api::namespaced(client.clone(), namespace);
    let name = name.to_owned();
    let said = |what: &str| {
        Outcome::new(Reason::Retrying, format!("the Secret {} {what}", escaped(&name)))
    };
    match api.get_opt(&name).await {
        Ok(Some(secret)) => Ok(Read(secret)),
        Ok(None) => Err(said(&format!(
            "is not there: make it in namespace {namespace}, beside the GitSource"
        ))),
        Err(error) => match crate::api_error::code(&error) {
            0 => Err(said("cannot be read: the API server does not answer")),
            code => Err(said(&format!("cannot be read (HTTP {code})"))),
        },
    }
}

/// Whether something of them is for such a URL: what is misspelt would else be missed in silence.
fn useful(credentials: &Credentials, url: &str, secret: &str) -> Result<(), Outcome> {
    let Credentials { username, password, bearer_token, ssh_key, ca_bundle, .. } = credentials;
    let is_https = url.starts_with("https://");
    let problem = match (username, password) {
        (Some(_), None) if is_https && bearer_token.is_none() => "has a username and no password",
        (_, None) if is_https && bearer_token.is_none() && ca_bundle.is_none() => {
            "has none of password, bearerToken and ca.crt, which an https:// URL has a use for"
        }
        _ if !is_https && ssh_key.is_none() => "has no key identity, which an ssh:// URL needs",
        _ => return Ok(()),
    };
    Err(Outcome::new(Reason::Malformed, format!("the Secret {} {problem}", escaped(secret))))
}

/// By the names that Flux and Kubernetes have for them.
fn credentials(secret: &Read) -> Result<Credentials, Outcome> {
    let text = |key: &str| -> Result<Option<String>, Outcome> {
        let Some(bytes) = secret.0.data.as_ref().and_then(|data| data.get(key)) else {
            return Ok(None);
        };
        let text = String::from_utf8(bytes.0.clone()).map_err(|error| {
            error.into_bytes().zeroize();
            Outcome::new(Reason::Malformed, format!("key {key} of the Secret is no text"))
        })?;
        Ok(Some(text).filter(|text| !text.is_empty()))
    };
    let line =
        |key: &str| text(key).map(|it| it.map(|it| it.trim_end_matches(['\r', '\n']).to_owned()));
    Ok(Credentials {
        username: line("username")?,
        password: line("password")?,
        bearer_token: line("bearerToken")?,
        ssh_key: text("identity")?.or(text("ssh-privatekey")?),
        known_hosts: text("known_hosts")?,
        ca_bundle: text("ca.crt")?.or(text("caFile")?),
    })
}
