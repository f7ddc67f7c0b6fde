//! Flyte 2 (`secret/service/secret_service.go`, v2.0).
//!
//! One Secret for each value, in the release's namespace. Its name is the MD5 of an identifier that says organisation, domain,
//! project and name, its only key is the identifier, and the service lists by three labels. MD5 is no protection here: it is
//! how Flyte spells names.

use md5::{Digest, Md5};

use super::super::rules;
use super::super::seen::Seen;
use super::super::{Options, PresetError};
use crate::manifest::Manifest;
use crate::place::Place;

pub(in super::super) const TAKES_EFFECT: &str = "a new secret is there for the next task; of a changed one Flyte's webhook keeps the old value for up to 24 hours, unless its pods are restarted or their /invalidate-secret on port 9444 is called";

const NAMESPACE: &str = "flyte";
const ORGANISATION: &str = "flyte";
const MANAGED: &str = "app.flyte.org/managed";
const DOMAIN: &str = "app.flyte.org/domain";
const PROJECT: &str = "app.flyte.org/project";
/// The longest key of a Secret.
const LONGEST_ID: usize = 253;

pub(in super::super) fn place(
    options: &Options,
    namespace: Option<&str>,
    name: Option<&str>,
) -> Result<Place, PresetError> {
    let id = id(options, name)?;
    rules::place(namespace.unwrap_or(NAMESPACE), &hashed(&id))
}

/// `u__org__flyte__domain__D__project__P__key__NAME`, empty where the scope is wider.
fn id(options: &Options, name: Option<&str>) -> Result<String, PresetError> {
    let name = rules::name(name, "--name NAME")?;
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    if !name.bytes().all(is_part) {
        return Err(PresetError::new(
            "Flyte's names of secrets are made of letters, digits, - and _",
            "give the secret another name",
        ));
    }
    let (domain, project) = scope(options)?;
    let id = format!("u__org__{ORGANISATION}__domain__{domain}__project__{project}__key__{name}");
    if id.len() > LONGEST_ID {
        return Err(PresetError::new(
            format!(
                "with its project and domain the name makes an identifier of {} characters, and a key has at most {LONGEST_ID}",
                id.len()
            ),
            "give the secret a shorter name",
        ));
    }
    Ok(id)
}

fn scope(options: &Options) -> Result<(&str, &str), PresetError> {
    let (domain, project) = (options.domain.as_deref(), options.project.as_deref());
    if project.is_some() && domain.is_none() {
        return Err(PresetError::new(
            "a secret of a project needs a domain, or Flyte finds it for none",
            "--domain D",
        ));
    }
    Ok((domain.unwrap_or_default(), project.unwrap_or_default()))
}

fn hashed(id: &str) -> String {
    hex::encode(Md5::digest(id))
}

pub(in super::super) fn shape(
    options: &Options,
    name: Option<&str>,
    manifest: &mut Manifest,
) -> Result<(), PresetError> {
    rules::own_keys(&manifest.template, "Flyte 2")?;
    let (domain, project) = scope(options)?;
    for (key, value) in [(MANAGED, "true"), (DOMAIN, domain), (PROJECT, project)] {
        rules::label(&mut manifest.template, key, value)?;
    }
    let key = id(options, name)?;
    rules::only_key(
        manifest,
        &key,
        "Flyte 2",
        "seal one value at a time: each has a Secret of its own",
    )
}

pub(in super::super) fn check(seen: &Seen<'_>) -> Result<(), PresetError> {
    if seen.is_registry() {
        return Ok(());
    }
    let key = seen.only_key("Flyte 2")?;
    seen.needs_name(&hashed(key))?;
    let (domain, project) = (seen.label(DOMAIN)?, seen.label(PROJECT)?);
    seen.needs_label(MANAGED, "true")?;
    let start = format!("u__org__{ORGANISATION}__domain__{domain}__project__{project}__key__");
    match key.strip_prefix(&start) {
        Some(name) if !name.is_empty() => Ok(()),
        _ => Err(PresetError::new(
            format!("its key is not {start} and a name, as its labels have domain and project"),
            "seal it again with --for flyte2: the preset makes key and labels",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Flyte's own vector, and that of its test of the hash.
    #[test]
    fn names_are_hashed_as_flyte_does() {
        let options = Options {
            domain: Some("development".into()),
            project: Some("flytesnacks".into()),
            ..Options::default()
        };
        let place = place(&options, None, Some("my-key")).unwrap();
        assert_eq!(place.name, "f72c7f2cc489d9fd05bc4f90ed21fb86");
        assert_eq!(place.namespace, "flyte");
        assert_eq!(hashed("hello"), "5d41402abc4b2a76b9719d911017c592");
    }
}
