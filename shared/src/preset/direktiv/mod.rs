//! Direktiv (`internal/secrets/secrets.go` and `internal/server/render.go` of its main branch, 2026-03).
//!
//! A secret of a Direktiv namespace is a Secret in the namespace of the flows' pods, found by its name and listed by the label
//! `direktiv.io/namespace`, with one key, `secret`. Releases up to 0.10 keep secrets in a database instead. A flow that mentions a
//! secret makes an empty one, which a sealed file may take over.

mod registry;

use super::rules;
use super::seen::Seen;
use super::{Options, PresetError};
use crate::escape::escaped;
use crate::manifest::Manifest;
use crate::names::{DIREKTIV_KEY, DIREKTIV_NAME, DIREKTIV_NAMESPACE};
use crate::place::Place;

pub(super) const TAKES_EFFECT: &str =
    "flows see it in their next run, a changed one after at most 5 minutes";
pub(super) const PULLS: &str = "services that are made from then on pull with it, those that are there when they are made again";

/// Names that Direktiv's own API makes have at most this many characters.
const LONGEST_NAME: usize = 24;

pub(super) fn place(
    options: &Options,
    namespace: Option<&str>,
    name: Option<&str>,
) -> Result<Place, PresetError> {
    if let Some(registry) = &options.registry {
        return registry::place(options, registry, namespace, name);
    }
    if let Some(version) = &options.direktiv_version
        && is_in_database(version)?
    {
        return Err(PresetError::new(
            format!(
                "Direktiv {version} keeps its secrets in a database, and reads no Secret of Kubernetes"
            ),
            "leave the version out, and `seal-controller local --layout direktiv-api` sends what is sealed to its API",
        ));
    }
    let name = rules::name(name, "--name NAME")?;
    if let Some(wrong) = wrong_name(name) {
        return Err(wrong);
    }
    let of = direktiv_namespace(options)?;
    let Some(namespace) = namespace else {
        return Err(PresetError::new(
            "it has no namespace, and Direktiv reads the Secrets of the one that its flows run in",
            "-n NS names it; --direktiv-namespace is Direktiv's own",
        ));
    };
    rules::place(namespace, &full_name(of, name))
}

/// Whether a release, `0.10` or earlier, has secrets in a database.
fn is_in_database(version: &str) -> Result<bool, PresetError> {
    Ok(matches!(release(version)?[..], [0, ..=10, ..]))
}

const NEWER: &str = "--direktiv-version 0.8.0, or leave it out for a newer one";

/// The numbers of a release, two at least.
fn release(version: &str) -> Result<Vec<u32>, PresetError> {
    let numbers = version.trim_start_matches('v').split('.').map(|part| part.parse().ok());
    numbers.collect::<Option<Vec<u32>>>().filter(|numbers| numbers.len() > 1).ok_or_else(|| {
        PresetError::new(format!("{} is no release of Direktiv", escaped(version)), NEWER)
    })
}

fn direktiv_namespace(options: &Options) -> Result<&str, PresetError> {
    options.direktiv_namespace.as_deref().ok_or_else(|| {
        PresetError::new(
            "which Direktiv namespace it is for is not said",
            "--direktiv-namespace NS, as `direktivctl` has it",
        )
    })
}

fn wrong_name(name: &str) -> Option<PresetError> {
    let lower = name.to_ascii_lowercase();
    if name != lower {
        let words: String = name
            .char_indices()
            .flat_map(|(at, c)| {
                let dash = (c.is_ascii_uppercase() && at > 0).then_some('-');
                dash.into_iter().chain([c.to_ascii_lowercase()])
            })
            .collect();
        return Some(PresetError::new(
            format!(
                "{name} has capitals, and Direktiv's secrets are Secrets of Kubernetes, whose names have none"
            ),
            format!("call it {words}, also in the flow"),
        ));
    }
    let is_part =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
    let is_name =
        name.bytes().all(is_part) && !name.starts_with(['-', '.']) && !name.ends_with(['-', '.']);
    (!is_name || name.len() > LONGEST_NAME).then(|| {
        PresetError::new(
            format!("{name:?} is no name of a secret: at most {LONGEST_NAME} characters of a-z and -, neither first nor last a dash"),
            "give the secret another name",
        )
    })
}

pub(super) fn shape(
    options: &Options,
    name: Option<&str>,
    manifest: &mut Manifest,
) -> Result<(), PresetError> {
    if let Some(registry) = &options.registry {
        return registry::shape(options, registry, manifest);
    }
    rules::own_keys(&manifest.template, "Direktiv")?;
    rules::label(&mut manifest.template, DIREKTIV_NAMESPACE, direktiv_namespace(options)?)?;
    rules::label(&mut manifest.template, DIREKTIV_NAME, rules::name(name, "--name NAME")?)?;
    let hint = "seal one value at a time: each is a secret of its own";
    rules::only_key(manifest, DIREKTIV_KEY, "Direktiv", hint)
}

pub(super) fn check(seen: &Seen<'_>) -> Result<(), PresetError> {
    let namespace = seen.label(DIREKTIV_NAMESPACE)?;
    if seen.is_registry() {
        return registry::check(namespace, seen);
    }
    let name = seen.label(DIREKTIV_NAME)?;
    if let Some(wrong) = wrong_name(name) {
        return Err(wrong);
    }
    seen.needs_name(&full_name(namespace, name))?;
    match seen.only_key("Direktiv")? {
        DIREKTIV_KEY => Ok(()),
        other => Err(PresetError::new(
            format!("its key is {other}, and Direktiv reads {DIREKTIV_KEY}"),
            "seal it again with --for direktiv: the preset names the key",
        )),
    }
}

/// The name of the Secret, from those of Direktiv's namespace and secret.
fn full_name(namespace: &str, name: &str) -> String {
    format!("nssecret-{}-{name}", namespace.replace('_', "-"))
}
