//! What differs between a live Secret and the one that is wanted, by name only.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::Desired;

/// Which parts differ.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    /// Keys that are missing from the live Secret.
    added: Vec<String>,
    /// Keys whose value differs.
    changed: Vec<String>,
    /// Keys that the sealed file has not.
    removed: Vec<String>,
    /// Whether labels, annotations, ownership or `immutable` differ.
    metadata: bool,
    /// Whether the API server refuses to change it so: its type differs, or it is immutable.
    pub(super) need_another_secret: bool,
}

impl Changes {
    pub(super) fn between(live: &Secret, desired: &Desired<'_>) -> Self {
        let wanted_immutable = desired.opened.template.immutable == Some(true);
        let is_immutable = live.immutable == Some(true);
        let mut changes = Self::in_values(live, desired);
        changes.metadata = !is_same(&desired.metadata_over(&live.metadata), &live.metadata)
            || is_immutable != wanted_immutable;
        let another_type = live.type_.as_deref().unwrap_or("Opaque") != desired.type_();
        // A new generation of an immutable Secret is made anew even where every value stays: else whether the Secret
        // is another one would tell whether a value is.
        let must_be_written = !desired.is_of_generation(live) || changes.touch_values();
        changes.need_another_secret =
            another_type || (is_immutable && (must_be_written || !wanted_immutable));
        changes
    }

    fn in_values(live: &Secret, desired: &Desired<'_>) -> Self {
        let empty = BTreeMap::new();
        let data = live.data.as_ref().unwrap_or(&empty);
        let mut changes = Self::default();
        for (key, value) in &desired.opened.values {
            match data.get(key) {
                None => changes.added.push(key.clone()),
                Some(ByteString(live)) if live != value.expose() => {
                    changes.changed.push(key.clone())
                }
                Some(_) => {}
            }
        }
        let is_extra = |key: &&String| !desired.opened.values.contains_key(*key);
        changes.removed = data.keys().filter(is_extra).cloned().collect();
        changes
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn touch_values(&self) -> bool {
        !(self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty())
    }

    /// `added a; changed b, c; removed d`, and whether anything else differed.
    pub(super) fn sentence(&self) -> String {
        let keys = [("added", &self.added), ("changed", &self.changed), ("removed", &self.removed)];
        sentence(keys, self.metadata.then_some("labels, annotations or ownership"))
    }
}

/// What happened to which keys, and what else differed.
pub(super) fn sentence(keys: [(&str, &Vec<String>); 3], besides: Option<&str>) -> String {
    let named = keys.into_iter().filter(|(_, keys)| !keys.is_empty());
    let mut parts: Vec<String> =
        named.map(|(what, keys)| format!("{what} {}", keys.join(", "))).collect();
    parts.extend(besides.map(str::to_owned));
    parts.join("; ")
}

fn is_same(a: &ObjectMeta, b: &ObjectMeta) -> bool {
    names_and_values(a.labels.as_ref()) == names_and_values(b.labels.as_ref())
        && names_and_values(a.annotations.as_ref()) == names_and_values(b.annotations.as_ref())
        && owners(a) == owners(b)
}

fn names_and_values(map: Option<&BTreeMap<String, String>>) -> BTreeSet<(&str, &str)> {
    map.into_iter().flatten().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

fn owners(metadata: &ObjectMeta) -> BTreeSet<(&str, &str, bool)> {
    let owners = metadata.owner_references.iter().flatten();
    owners.map(|it| (it.uid.as_str(), it.name.as_str(), it.controller == Some(true))).collect()
}
