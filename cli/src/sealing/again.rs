//! A sealed object beside the one that takes its place: what goes over into the new one, and what is another.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use seal_core::kind::edit::{Change, SharedHeader};
use seal_core::kind::sealed::{Block, SealedSecret, Template};
use seal_core::names::{EXPIRES, ON_DELETE, PRESET};
use seal_core::place::Scope;
use seal_core::preset::Preset;

/// Takes over what a sealed file says for itself, and a manifest of a Secret cannot say: labels and annotations of the
/// sealed object, `suspend`, `onConflict`, `serviceAccounts`.
pub(crate) fn keep_own(old: &SealedSecret, new: &mut SealedSecret) {
    let noted = Preset::noted(new);
    let said = |name| Some((name, new.metadata.annotations.as_ref()?.get(name)?.clone()));
    let said: Vec<(&str, String)> = [EXPIRES, ON_DELETE].into_iter().filter_map(said).collect();
    new.metadata = ObjectMeta {
        labels: old.metadata.labels.clone(),
        annotations: old.metadata.annotations.clone(),
        finalizers: old.metadata.finalizers.clone(),
        owner_references: old.metadata.owner_references.clone(),
        ..std::mem::take(&mut new.metadata)
    };
    match noted {
        Some((preset, options)) => preset.note(&options, new),
        None => drop(new.metadata.annotations.as_mut().and_then(|it| it.remove(PRESET))),
    }
    for (name, word) in said {
        new.metadata.annotations.get_or_insert_default().insert(name.to_owned(), word);
    }
    new.spec.suspend = old.spec.suspend;
    if new.spec.service_accounts.is_empty() {
        new.spec.service_accounts.clone_from(&old.spec.service_accounts);
    }
    if new.spec.on_conflict.is_none() {
        new.spec.on_conflict.clone_from(&old.spec.on_conflict);
    }
}

/// The keys of values that are in `old` and in no way in `new`.
pub(crate) fn lost_values<'a>(old: &'a SealedSecret, new: &SealedSecret) -> Vec<&'a str> {
    let template = new.spec.template.as_ref();
    let is_clear = |key: &String| template.is_some_and(|it| it.string_data.contains_key(key));
    let keys = old.spec.values.keys();
    let lost = keys.filter(|key| !new.spec.values.contains_key(*key) && !is_clear(key));
    lost.map(String::as_str).collect()
}

/// What else of `old` is not in `new`, by name: each may have been forgotten.
pub(crate) fn lost(old: &SealedSecret, new: &SealedSecret) -> Vec<String> {
    let (mut before, after) = (parts(old), parts(new));
    for key in lost_values(old, new) {
        before.remove(&format!("value {key}"));
    }
    let gone = before.iter().filter(|(part, _)| !after.contains_key(*part));
    let mut lost: Vec<String> = gone.map(|(part, _)| part.clone()).collect();
    if !covers(&new.spec.scope, &old.spec.scope) {
        lost.push(format!("scope {}", old.spec.scope));
    }
    lost
}

/// The platform of `old`, as its annotation has it, where `new` is for another one or none: its values are encoded otherwise.
pub(crate) fn lost_platform<'a>(old: &'a SealedSecret, new: &SealedSecret) -> Option<&'a str> {
    let before = platform(old)?;
    (platform(new) != Some(before)).then_some(before)
}

fn platform(object: &SealedSecret) -> Option<&str> {
    object.metadata.annotations.as_ref()?.get(PRESET).map(String::as_str)
}

/// An annotation that the live Secret has by `old` and has not by `new`.
pub(crate) fn lost_annotation(old: &SealedSecret, new: &SealedSecret) -> Option<String> {
    let annotations = |it: &SealedSecret| {
        it.spec.template.as_ref().map(|it| it.metadata.annotations.clone()).unwrap_or_default()
    };
    let after = annotations(new);
    annotations(old).into_keys().find(|name| !after.contains_key(name))
}

/// Whether every place of `old` is one of `new` as well.
pub(crate) fn covers(new: &Scope, old: &Scope) -> bool {
    let namespaces = old.namespaces.iter().all(|namespace| new.namespaces.contains(namespace));
    (new.any_namespace() || namespaces) && (new.name == "*" || new.name == old.name)
}

/// What sealing again would change besides randomness: everything that is seen without a key.
pub(crate) fn changes(old: &SealedSecret, new: &SealedSecret) -> Vec<String> {
    let (before, after) = (parts(old), parts(new));
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let other = names.into_iter().filter(|name| before.get(*name) != after.get(*name));
    let mut changes: Vec<String> = other.cloned().collect();
    if old.spec.scope != new.spec.scope {
        changes.push("scope".to_owned());
    }
    if recipients(old) != recipients(new) {
        changes.push("recipients".to_owned());
    }
    if changes.is_empty() && rest(old) != rest(new) {
        changes.push("metadata".to_owned());
    }
    changes
}

/// The change that makes `new` of `old`; `None` where more differs than what is sealed.
pub(crate) fn change(old: &SealedSecret, new: &SealedSecret) -> Option<Change> {
    if without_sealed(old) != without_sealed(new) {
        return None;
    }
    let (before, after) = (&old.spec, &new.spec);
    let mut change = Change::default();
    change
        .remove
        .extend(before.values.keys().filter(|key| !after.values.contains_key(*key)).cloned());
    let is_other = |(key, block): &(&String, &Block)| before.values.get(*key) != Some(*block);
    let shared = (&before.sealed_to, &before.header) != (&after.sealed_to, &after.header);
    let put = after.values.iter().filter(|it| shared || is_other(it));
    change.put.extend(put.map(|(key, block)| (key.clone(), block.clone())));
    if shared {
        let (sealed_to, header) = (after.sealed_to.clone(), after.header.clone()?);
        change.shared = Some(SharedHeader { sealed_to, header, resealed: Vec::new() });
    }
    Some(change)
}

fn without_sealed(object: &SealedSecret) -> SealedSecret {
    let mut rest = object.clone();
    rest.status = None;
    rest.spec.sealed_to.clear();
    rest.spec.header = None;
    rest.spec.values.clear();
    rest
}

/// What a reader of the file sees of the live Secret: each part by name, and what it is.
fn parts(object: &SealedSecret) -> BTreeMap<String, String> {
    let mut parts = BTreeMap::new();
    for key in object.spec.values.keys() {
        parts.insert(format!("value {key}"), "sealed".to_owned());
    }
    let Some(template) = &object.spec.template else { return parts };
    for (key, text) in &template.string_data {
        parts.insert(format!("{key} in clear"), text.clone());
    }
    for (key, text) in &template.metadata.labels {
        parts.insert(format!("label {key}"), text.clone());
    }
    for (key, text) in &template.metadata.annotations {
        parts.insert(format!("annotation {key}"), text.clone());
    }
    // Opaque is what the API server makes of no type.
    if let Some(type_) = template.type_.as_ref().filter(|type_| *type_ != "Opaque") {
        parts.insert("type".to_owned(), type_.clone());
    }
    if let Some(selector) = &object.spec.namespace_selector {
        parts.insert("namespaceSelector".to_owned(), format!("{selector:?}"));
    }
    if template.immutable == Some(true) {
        parts.insert("immutable".to_owned(), "true".to_owned());
    }
    parts
}

/// The recipients of each header in use.
fn recipients(object: &SealedSecret) -> BTreeSet<BTreeSet<&String>> {
    let spec = &object.spec;
    let own = spec.values.values().filter(|block| block.header.is_some());
    let shared = object.uses_shared_header().then(|| spec.sealed_to.iter().collect());
    own.map(|block| block.sealed_to.iter().collect()).chain(shared).collect()
}

/// Everything of an object but what is sealed, for whom, and what [`parts`] names.
fn rest(object: &SealedSecret) -> SealedSecret {
    let mut rest = object.clone();
    rest.spec.sealed_to.clear();
    rest.spec.header = None;
    rest.spec.values.clear();
    rest.spec.template = None::<Template>;
    rest
}
