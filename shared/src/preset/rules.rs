//! Rules that several platforms have.

use std::collections::BTreeMap;

use super::PresetError;
use crate::kind::sealed::{SealedSecret, Template};
use crate::manifest::Manifest;

/// The name that a person gave, which each platform needs.
pub(super) fn name<'a>(name: Option<&'a str>, flag: &str) -> Result<&'a str, PresetError> {
    name.filter(|name| !name.is_empty())
        .ok_or_else(|| PresetError::new("the secret has no name", format!("{flag} names it")))
}

/// Refuses a namespace that is another than the platform's own.
pub(super) fn fixed_namespace(
    given: Option<&str>,
    own: &str,
    why: &str,
) -> Result<String, PresetError> {
    match given {
        Some(given) if given != own => Err(PresetError::new(
            format!("its namespace is {given}, and {why}: {own}"),
            "leave the namespace out of the manifest and of the flags",
        )),
        _ => Ok(own.to_owned()),
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

/// Every key of a sealed object, sealed or clear.
pub(super) fn keys(object: &SealedSecret) -> Vec<&String> {
    let clear = object.spec.template.iter().flat_map(|template| template.string_data.keys());
    object.spec.values.keys().chain(clear).collect()
}

/// What is wrong with a label of the live Secret, if it is not there with this value.
pub(super) fn missing_label(object: &SealedSecret, key: &str, value: &str) -> Option<PresetError> {
    let labels = object.spec.template.as_ref().map(|template| &template.metadata.labels);
    let found = labels.and_then(|labels| labels.get(key));
    (found.map(String::as_str) != Some(value)).then(|| {
        PresetError::new(
            format!("the live Secret has no label {key}: {value}, by which the platform lists it"),
            "seal it again with --for, or put the label under spec.template.metadata.labels",
        )
    })
}

/// The namespace that a sealed object lies in.
pub(super) fn namespace_of(object: &SealedSecret) -> &str {
    object.metadata.namespace.as_deref().unwrap_or_default()
}

/// The name that a sealed object has.
pub(super) fn name_of(object: &SealedSecret) -> &str {
    object.metadata.name.as_deref().unwrap_or_default()
}

/// The type of the live Secret.
pub(super) fn type_of(template: Option<&Template>) -> &str {
    template.and_then(|template| template.type_.as_deref()).unwrap_or("Opaque")
}
