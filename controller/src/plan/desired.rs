//! The live Secret as a sealed object wants it.
//!
//! Where it goes and who owns it are given from outside: an object with several targets is opened once.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use seal_core::open::Opened;
use seal_core::place::Place;

use super::ours::{self, Origin};
use crate::object_id::ObjectId;

/// `spec.onConflict`: what to do about a Secret of that name that is not ours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum OnConflict {
    #[default]
    Refuse,
    AdoptEmpty,
    Adopt,
    Merge,
}

impl OnConflict {
    /// Reads the field; a word of a later version gains nothing.
    pub(crate) fn parse(word: Option<&str>) -> Self {
        match word {
            Some("AdoptEmpty") => Self::AdoptEmpty,
            Some("Adopt") => Self::Adopt,
            Some("Merge") => Self::Merge,
            _ => Self::Refuse,
        }
    }
}

/// What is wanted at one place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Desired<'a> {
    pub opened: &'a Opened,
    pub place: &'a Place,
    pub owner: &'a ObjectId,
    pub on_conflict: OnConflict,
}

impl Desired<'_> {
    pub(super) fn type_(&self) -> &str {
        self.opened.template.type_.as_deref().unwrap_or("Opaque")
    }

    /// A Secret that nobody else has touched.
    pub(super) fn new_secret(&self) -> Secret {
        let metadata = ObjectMeta {
            namespace: Some(self.place.namespace.clone()),
            name: Some(self.place.name.clone()),
            ..ObjectMeta::default()
        };
        self.secret(self.metadata_over(&metadata))
    }

    /// The Secret in the place of `live`, whose version it carries: data and type are ours alone, labels and
    /// annotations of others stay.
    pub(super) fn over(&self, live: &Secret) -> Secret {
        let mut metadata = self.metadata_over(&live.metadata);
        metadata.managed_fields = None;
        self.secret(metadata)
    }

    fn secret(&self, metadata: ObjectMeta) -> Secret {
        let values = self.opened.values.iter();
        let data = values.map(|(key, value)| (key.clone(), ByteString(value.expose().to_vec())));
        Secret {
            metadata,
            type_: Some(self.type_().to_owned()),
            immutable: self.opened.template.immutable,
            data: Some(data.collect()),
            string_data: None,
        }
    }

    /// `metadata` with what is ours set, and what others put there left.
    pub(super) fn metadata_over(&self, metadata: &ObjectMeta) -> ObjectMeta {
        let before = Origin::read(metadata, &self.owner.at).unwrap_or_default();
        let wanted = &self.opened.template.metadata;
        let mut labels = without(metadata.labels.as_ref(), &before.labels);
        labels.extend(wanted.labels.clone());
        let mut annotations = without(metadata.annotations.as_ref(), &before.annotations);
        annotations.extend(wanted.annotations.clone());
        Origin::of(&self.owner.at, wanted).write(&mut annotations);
        let mut owners = metadata.owner_references.clone().unwrap_or_default();
        owners.retain(|owner| !ours::refers_to(owner, &self.owner.at));
        owners.push(owner_reference(self.owner));
        ObjectMeta {
            labels: Some(labels),
            annotations: Some(annotations),
            owner_references: Some(owners),
            ..metadata.clone()
        }
    }
}

fn without(
    map: Option<&BTreeMap<String, String>>,
    names: &BTreeSet<String>,
) -> BTreeMap<String, String> {
    let mut rest = map.cloned().unwrap_or_default();
    rest.retain(|name, _| !names.contains(name));
    rest
}

fn owner_reference(owner: &ObjectId) -> OwnerReference {
    OwnerReference {
        api_version: owner.at.kind.api_version().to_owned(),
        kind: owner.at.kind.as_str().to_owned(),
        name: owner.at.name.clone(),
        uid: owner.uid.clone(),
        controller: Some(true),
        block_owner_deletion: None,
    }
}
