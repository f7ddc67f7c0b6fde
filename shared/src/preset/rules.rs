//! Rules that several platforms have.

use std::collections::BTreeMap;

use super::PresetError;
use crate::kind::sealed::Template;
use crate::manifest::Manifest;
use crate::place::Place;
use crate::secret_type;

/// The name that a person gave, which each platform needs.
pub(super) fn name<'a>(name: Option<&'a str>, flag: &str) -> Result<&'a str, PresetError> {
    name.filter(|name| !name.is_empty())
        .ok_or_else(|| PresetError::new("the secret has no name", format!("{flag} names it")))
}

/// The place of these names, where they can be names.
pub(super) fn place(namespace: &str, name: &str) -> Result<Place, PresetError> {
    Place::new(namespace, name).map_err(|problem| {
        PresetError::new(problem, "names are made of a-z, 0-9 and -, a Secret's also of dots")
    })
}

/// Refuses a namespace that is another than the platform's own.
pub(super) fn fixed_namespace<'a>(
    given: Option<&str>,
    own: &'a str,
    why: &str,
) -> Result<&'a str, PresetError> {
    match given {
        Some(given) if given != own => Err(PresetError::new(
            format!("its namespace is {given}, and {why}: {own}"),
            "leave the namespace out of the manifest, the flags and the rule of .seal.yaml",
        )),
        _ => Ok(own),
    }
}

/// Gives the live Secret a label that the platform lists it by.
pub(super) fn label(template: &mut Template, key: &str, value: &str) -> Result<(), PresetError> {
    let labels = &mut template.metadata.labels;
    match labels.get(key) {
        Some(other) if other != value => Err(PresetError::new(
            format!(
                "the label {key} has another value than {value}, by which the platform lists its secrets"
            ),
            "leave the label out: the preset sets it",
        )),
        _ => {
            labels.insert(key.to_owned(), value.to_owned());
            Ok(())
        }
    }
}

/// Gives the live Secret an annotation of the platform's own.
pub(super) fn annotation(template: &mut Template, key: &str, value: &str) {
    template.metadata.annotations.insert(key.to_owned(), value.to_owned());
}

/// Moves the only value under `key`. Several are an error, with `hint` for a next step.
pub(super) fn only_key(
    manifest: &mut Manifest,
    key: &str,
    platform: &str,
    hint: &str,
) -> Result<(), PresetError> {
    if manifest.values.len() != 1 {
        let keys: Vec<&str> = manifest.values.keys().map(String::as_str).collect();
        return Err(PresetError::new(
            format!(
                "{platform} reads one value of a secret, and this one has {}: {}",
                keys.len(),
                keys.join(", ")
            ),
            hint,
        ));
    }
    let values = std::mem::take(&mut manifest.values);
    manifest.values = values.into_values().map(|value| (key.to_owned(), value)).collect();
    manifest.empty.clear();
    Ok(())
}

/// Refuses a type whose keys Kubernetes names, for a platform that names keys itself.
pub(super) fn own_keys(template: &Template, platform: &str) -> Result<(), PresetError> {
    let type_ = type_of(Some(template));
    let hint = match type_ {
        _ if !secret_type::names_keys(type_) => return Ok(()),
        _ if secret_type::is_docker_config(type_) => {
            "`seal registry` makes what pods pull with; leave --for out to keep a Secret of this type"
        }
        _ => {
            "leave the type out to have its values under names of the platform; leave --for out to keep the type"
        }
    };
    Err(PresetError::new(
        format!(
            "its type is {type_}, whose keys have names of their own, and {platform} looks for others"
        ),
        hint,
    ))
}

/// Keys that are one after `fold`, such as two that differ in case alone.
pub(super) fn collision<'k>(
    keys: impl IntoIterator<Item = &'k String>,
    fold: fn(&str) -> String,
) -> Option<(&'k str, &'k str)> {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    for key in keys {
        if let Some(before) = seen.insert(fold(key), key) {
            return Some((before, key));
        }
    }
    None
}

/// The type of the live Secret.
pub(super) fn type_of(template: Option<&Template>) -> &str {
    template.and_then(|template| template.type_.as_deref()).unwrap_or("Opaque")
}
