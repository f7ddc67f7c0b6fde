//! Who wrote a live Secret besides us, by its `managedFields`: who else wants it otherwise.
//!
//! A manager's name is what a client chose to call itself: it is a help for people, escaped and cut, and grants
//! nothing.

use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ManagedFieldsEntry, ObjectMeta};
use seal_core::escaped;
use seal_core::names::FIELD_MANAGER;

/// The fields that make a Secret what it is.
const VALUES: [&str; 4] = ["f:data", "f:stringData", "f:type", "f:immutable"];

/// The last other writer of data, type or `immutable`. One that nothing is known of is somebody else.
pub(super) fn of_values(metadata: &ObjectMeta) -> Option<String> {
    let entries = metadata.managed_fields.as_deref().unwrap_or_default();
    if entries.is_empty() {
        return Some("an unknown writer".to_owned());
    }
    latest(entries.iter().filter(|entry| has_values(entry)))
}

/// Whether we have written data or type.
pub(super) fn is_of_ours(metadata: &ObjectMeta) -> bool {
    let mut entries = metadata.managed_fields.iter().flatten();
    entries.any(|entry| entry.manager.as_deref() == Some(FIELD_MANAGER) && has_values(entry))
}

/// The last other writer of them than `manager`.
pub(super) fn of_values_but(metadata: &ObjectMeta, manager: &str) -> Option<String> {
    let entries = metadata.managed_fields.iter().flatten();
    latest(entries.filter(|it| has_values(it) && it.manager.as_deref() != Some(manager)))
}

/// The last other writer of anything at all.
pub(super) fn of_anything(metadata: &ObjectMeta) -> Option<String> {
    latest(metadata.managed_fields.iter().flatten())
}

/// Whether the field manager `manager` owns this key of the Secret.
pub(super) fn owns(live: &Secret, manager: &str, key: &str) -> bool {
    owners(live, key).any(|entry| entry.manager.as_deref() == Some(manager))
}

/// The last owner of this key other than `manager`.
pub(super) fn of_key(live: &Secret, manager: &str, key: &str) -> String {
    let others = owners(live, key).filter(|entry| entry.manager.as_deref() != Some(manager));
    let last = others.max_by_key(|entry| entry.time.as_ref().map(|time| time.0));
    last.map_or_else(|| "an unknown writer".to_owned(), name)
}

fn owners<'a>(live: &'a Secret, key: &str) -> impl Iterator<Item = &'a ManagedFieldsEntry> {
    let field = format!("f:{key}");
    live.metadata.managed_fields.iter().flatten().filter(move |entry| {
        let fields = entry.fields_v1.as_ref().and_then(|fields| fields.0.get("f:data"));
        fields.is_some_and(|data| data.get(&field).is_some())
    })
}

fn latest<'a>(entries: impl Iterator<Item = &'a ManagedFieldsEntry>) -> Option<String> {
    let others = entries.filter(|entry| entry.manager.as_deref() != Some(FIELD_MANAGER));
    let last = others.max_by_key(|entry| entry.time.as_ref().map(|time| time.0))?;
    Some(name(last))
}

fn name(entry: &ManagedFieldsEntry) -> String {
    match entry.manager.as_deref() {
        None | Some("") => "an unnamed writer".to_owned(),
        Some(name) => escaped(name),
    }
}

fn has_values(entry: &ManagedFieldsEntry) -> bool {
    let fields = entry.fields_v1.as_ref().and_then(|fields| fields.0.as_object());
    fields.is_some_and(|fields| VALUES.iter().any(|name| fields.contains_key(*name)))
}
