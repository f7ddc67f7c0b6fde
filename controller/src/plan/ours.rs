//! Whose a live Secret is.
//!
//! Ours is one with a controller ownerReference to the sealed object of this name, whatever its uid: an object
//! that is deleted and made again finds its Secret still there while garbage collection is on its way. Or one
//! without a controller whose annotation `seal.dev/applied` names the object: where it says that this very object took its
//! reference out to leave the Secret behind, where our status says that this very object made it and nobody else has
//! written its data or type since, or where whoever may write the Secret says so. What
//! `--cascade=orphan` leaves is a Secret like any other: else whoever may create a sealed object of its name could
//! overwrite and delete it.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use seal_core::escaped;
use seal_core::kind::sealed::TemplateMetadata;
use seal_core::names::{ACCEPTS, APPLIED, GROUP};
use seal_core::open::allowed::reserved_type;
use serde::{Deserialize, Serialize};

use super::merge::Problem;
use super::{Desired, writers};
use crate::object_id::{ObjectId, ObjectName};

/// Why a live Secret is left alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Made by somebody else; the owner when it names one.
    NotOurs(Option<String>),
    /// Made by somebody else, and whoever may write it has not given it up; the owner when it names one.
    NeedsConsent(Option<String>),
    /// Made by somebody else, and no placeholder of the kind that `AdoptEmpty` takes over.
    NoPlaceholder,
    /// Made by somebody else, and not to be merged into.
    Merge(Problem),
    /// Made from this sealed object, without its owner now, and written by this manager since.
    WrittenBy(String),
    /// Left behind by an earlier sealed object of this name.
    Orphaned,
    /// It may be taken over, but would have to be deleted and made again.
    Frozen,
    /// Of a reserved type.
    Reserved(String),
}

/// What forbids to write `desired` over `live`, if anything.
pub(super) fn refusal(live: &Secret, desired: &Desired<'_>) -> Option<Refusal> {
    let owner = &desired.owner.at;
    if let Some(problem) = reserved_type(live.type_.as_deref().unwrap_or_default()) {
        return Some(Refusal::Reserved(problem));
    }
    match controller_of(&live.metadata) {
        Some(reference) if refers_to(reference, owner) => None,
        Some(other) => Some(Refusal::NotOurs(Some(owner_name(other)))),
        None if Origin::read(&live.metadata, owner).is_none() => Some(Refusal::NotOurs(None)),
        None if is_kept(&live.metadata, desired.owner) => None,
        None if accepts(&live.metadata, "adopt") => None,
        None if desired.made(live) => writers::of_values(&live.metadata).map(Refusal::WrittenBy),
        None => Some(Refusal::Orphaned),
    }
}

/// Whether the Secret has no owner because this very object, which is to leave it behind, took its reference out. An
/// object made later under the same name has another uid, and finds what was left as it finds any other Secret.
pub(super) fn is_kept(metadata: &ObjectMeta, owner: &ObjectId) -> bool {
    let origin = Origin::read(metadata, &owner.at);
    controller_of(metadata).is_none()
        && origin.is_some_and(|origin| origin.kept_by.as_ref() == Some(&owner.uid))
}

/// The ownerReference that controls an object.
pub(super) fn controller_of(metadata: &ObjectMeta) -> Option<&OwnerReference> {
    let owners = metadata.owner_references.as_deref().unwrap_or_default();
    owners.iter().find(|reference| reference.controller == Some(true))
}

/// Whether an ownerReference means the sealed object of this name, whatever its uid.
pub(super) fn refers_to(reference: &OwnerReference, object: &ObjectName) -> bool {
    reference.kind == object.kind.as_str()
        && group(reference) == Some(GROUP)
        && reference.name == object.name
}

pub(super) fn group(reference: &OwnerReference) -> Option<&str> {
    reference.api_version.split_once('/').map(|(group, _)| group)
}

/// `Kind.group name`, as kubectl writes it; without the group where it is the core's. Foreign text, so escaped and cut.
fn owner_name(reference: &OwnerReference) -> String {
    let group = group(reference).map(|group| format!(".{}", escaped(group))).unwrap_or_default();
    format!("{}{group} {}", escaped(&reference.kind), escaped(&reference.name))
}

/// Whether whoever may write the Secret lets a sealed object take it over (`adopt`), or write into it (`merge`).
pub(super) fn accepts(metadata: &ObjectMeta, what: &str) -> bool {
    let annotations = metadata.annotations.as_ref();
    annotations.and_then(|all| all.get(ACCEPTS)).is_some_and(|word| word == what)
}

/// What the annotation says: which sealed object a Secret was made from, and what that set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Origin {
    /// `SealedSecret/namespace/name`.
    by: String,
    /// The generation of it that was written. So each new one changes the Secret, and whether a value is equal to the
    /// one before cannot be seen from its version.
    generation: i64,
    /// The uid of that sealed object, where the Secret is to stay without it and so has no owner.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) kept_by: Option<String>,
    /// Names of the labels that were set.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) labels: BTreeSet<String>,
    /// Names of the annotations that were set, this one left out.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) annotations: BTreeSet<String>,
}

impl Origin {
    /// What `object` leaves behind at this generation.
    pub(super) fn of(object: &ObjectName, generation: i64, metadata: &TemplateMetadata) -> Self {
        Self {
            by: by(object),
            generation,
            kept_by: None,
            labels: metadata.labels.keys().cloned().collect(),
            annotations: metadata.annotations.keys().cloned().collect(),
        }
    }

    /// Reads the annotation, when it is there and names `object`.
    pub(super) fn read(metadata: &ObjectMeta, object: &ObjectName) -> Option<Self> {
        let text = metadata.annotations.as_ref()?.get(APPLIED)?;
        let origin: Self = serde_json::from_str(text).ok()?;
        (origin.by == by(object)).then_some(origin)
    }

    /// Writes the annotation.
    pub(super) fn write(&self, annotations: &mut BTreeMap<String, String>) {
        let text = serde_json::to_string(self).expect("names serialise");
        annotations.insert(APPLIED.to_owned(), text);
    }
}

/// Whether the annotation says that this generation of `object` was written.
pub(super) fn is_of_generation(
    metadata: &ObjectMeta,
    object: &ObjectName,
    generation: i64,
) -> bool {
    Origin::read(metadata, object).is_some_and(|origin| origin.generation == generation)
}

fn by(object: &ObjectName) -> String {
    format!("{}/{object}", object.kind.as_str())
}
