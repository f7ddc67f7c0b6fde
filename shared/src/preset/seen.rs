//! A sealed file as a platform will see its Secret, as far as no key is needed: place, type, labels, annotations and keys.

use std::collections::BTreeMap;

use super::PresetError;
use crate::kind::sealed::{SealedSecret, Template};
use crate::place::Place;
use crate::registry;

/// What a platform sees of a Secret.
pub(super) struct Seen<'a> {
    pub(super) place: &'a Place,
    pub(super) type_: &'a str,
    pub(super) labels: &'a BTreeMap<String, String>,
    pub(super) annotations: &'a BTreeMap<String, String>,
    /// Sealed or in clear, sorted.
    pub(super) keys: Vec<&'a String>,
}

impl<'a> Seen<'a> {
    pub(super) fn of(object: &'a SealedSecret, template: &'a Template, place: &'a Place) -> Self {
        let mut keys: Vec<&String> =
            object.spec.values.keys().chain(template.string_data.keys()).collect();
        keys.sort();
        Self {
            place,
            type_: template.type_.as_deref().unwrap_or("Opaque"),
            labels: &template.metadata.labels,
            annotations: &template.metadata.annotations,
            keys,
        }
    }

    /// Whether it is the credentials of a registry.
    pub(super) fn is_registry(&self) -> bool {
        self.type_ == registry::CONFIG_TYPE
    }

    /// Refuses a label that is not there, or has another value.
    pub(super) fn needs_label(&self, key: &str, value: &str) -> Result<(), PresetError> {
        match self.labels.get(key) {
            Some(found) if found == value => Ok(()),
            _ => Err(PresetError::new(
                format!("it has no label {key}={value}, by which the platform lists its secrets"),
                "seal it again with --for: the preset sets it",
            )),
        }
    }

    /// The value of a label that the platform needs.
    pub(super) fn label(&self, key: &str) -> Result<&'a str, PresetError> {
        self.labels.get(key).map(String::as_str).ok_or_else(|| {
            PresetError::new(
                format!("it has no label {key}, by which the platform lists its secrets"),
                "seal it again with --for: the preset sets it",
            )
        })
    }

    /// The only key of a Secret of which the platform reads one value.
    pub(super) fn only_key(&self, platform: &str) -> Result<&'a str, PresetError> {
        match self.keys.as_slice() {
            [one] => Ok(one),
            [] => Err(PresetError::new(
                format!("{platform} reads one value of a secret, and this one has none"),
                "`seal set` gives it one; a secret that is not wanted any more goes with its file",
            )),
            keys => {
                let names: Vec<&str> = keys.iter().map(|key| key.as_str()).collect();
                Err(PresetError::new(
                    format!(
                        "{platform} reads one value of a secret, and this one has {}: {}",
                        keys.len(),
                        names.join(", ")
                    ),
                    "seal one value at a time; `seal set` changes the one that is there",
                ))
            }
        }
    }

    /// Refuses another name than the one that the platform looks for.
    pub(super) fn needs_name(&self, name: &str) -> Result<(), PresetError> {
        if self.place.name == name {
            return Ok(());
        }
        Err(PresetError::new(
            format!("its name is {}, and the platform looks for {name}", self.place.name),
            "seal it again with --for: the preset names it",
        ))
    }
}
