//! The annotation `seal.dev/applied` on a live Secret: which sealed object made it, and which labels and
//! annotations it set, so that those it no longer sets can go.
//!
//! It marks a Secret as ours besides the ownerReference. Only somebody who may write the Secret can set it.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use seal_core::kind::sealed::TemplateMetadata;
use seal_core::names::SEALED_SECRET;
use seal_core::place::Place;
use serde::{Deserialize, Serialize};

/// The annotation's name.
pub(crate) const ANNOTATION: &str = "seal.dev/applied";

/// What the annotation says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Applied {
    /// `SealedSecret/namespace/name`.
    by: String,
    /// Names of the labels that were set.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub labels: BTreeSet<String>,
    /// Names of the annotations that were set, this one left out.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub annotations: BTreeSet<String>,
}

impl Applied {
    /// What the sealed object at `place` leaves behind.
    pub(crate) fn of(place: &Place, metadata: &TemplateMetadata) -> Self {
        Self {
            by: name(place),
            labels: metadata.labels.keys().cloned().collect(),
            annotations: metadata.annotations.keys().cloned().collect(),
        }
    }

    /// Reads the annotation, when it is there and names the sealed object at `place`.
    pub(crate) fn read(metadata: &ObjectMeta, place: &Place) -> Option<Self> {
        let text = metadata.annotations.as_ref()?.get(ANNOTATION)?;
        let applied: Self = serde_json::from_str(text).ok()?;
        (applied.by == name(place)).then_some(applied)
    }

    /// Writes the annotation.
    pub(crate) fn write(&self, annotations: &mut BTreeMap<String, String>) {
        let text = serde_json::to_string(self).expect("names serialise");
        annotations.insert(ANNOTATION.to_owned(), text);
    }
}

fn name(place: &Place) -> String {
    format!("{SEALED_SECRET}/{}/{}", place.namespace, place.name)
}
