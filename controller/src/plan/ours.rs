//! Whose a live Secret is.
//!
//! Ours is one with a controller ownerReference to the sealed object of this name, whatever its uid: an object
//! that is deleted and made again finds its Secret still there while garbage collection is on its way. Or one
//! with the annotation `seal.dev/applied` naming the object, and no controller. The annotation also says which
//! labels and annotations were set, so that those no longer wanted can go. Only somebody who may write the
//! Secret can set either.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use seal_core::kind::sealed::TemplateMetadata;
use seal_core::names::{APPLIED, GROUP};
use seal_core::open::allowed::reserved_type;
use serde::{Deserialize, Serialize};

use crate::object_id::{ObjectId, ObjectName};

/// Why a live Secret is left alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Made by somebody else; the owner when it names one.
    NotOurs(Option<String>),
    /// Of a reserved type.
    Reserved(String),
}

/// What forbids `owner` to write `live`, if anything.
pub(super) fn refusal(live: &Secret, owner: &ObjectId) -> Option<Refusal> {
    if let Some(problem) = reserved_type(live.type_.as_deref().unwrap_or_default()) {
        return Some(Refusal::Reserved(problem));
    }
    let owners = live.metadata.owner_references.as_deref().unwrap_or_default();
    match owners.iter().find(|reference| reference.controller == Some(true)) {
        Some(reference) if refers_to(reference, &owner.at) => None,
        Some(other) => Some(Refusal::NotOurs(Some(format!("{} {}", other.kind, other.name)))),
        None if Origin::read(&live.metadata, &owner.at).is_some() => None,
        None => Some(Refusal::NotOurs(None)),
    }
}

/// Whether an ownerReference means the sealed object of this name, whatever its uid.
pub(super) fn refers_to(reference: &OwnerReference, object: &ObjectName) -> bool {
    let group = reference.api_version.split('/').next();
    reference.kind == object.kind.as_str() && group == Some(GROUP) && reference.name == object.name
}

/// What the annotation says: which sealed object a Secret was made from, and what that set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Origin {
    /// `SealedSecret/namespace/name`.
    by: String,
    /// Names of the labels that were set.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) labels: BTreeSet<String>,
    /// Names of the annotations that were set, this one left out.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) annotations: BTreeSet<String>,
}

impl Origin {
    /// What `object` leaves behind.
    pub(super) fn of(object: &ObjectName, metadata: &TemplateMetadata) -> Self {
        Self {
            by: by(object),
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

fn by(object: &ObjectName) -> String {
    format!("{}/{object}", object.kind.as_str())
}
