//! The live Secret as a sealed object wants it.
//!
//! Where it goes and who owns it are given from outside: an object with several targets is opened once.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use seal_core::names::{ACCEPTS, API_VERSION};
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
    /// `metadata.generation` of the sealed object.
    pub generation: i64,
    /// `metadata.uid` of the live Secret that was written last for this object.
    pub written_uid: Option<&'a str>,
    /// The keys that this object has merged into that Secret.
    pub merged_keys: &'a [String],
    pub on_conflict: OnConflict,
    /// Whether the live Secret is to stay when the object is deleted, and whether it was before.
    pub keep: bool,
    pub was_kept: bool,
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

    /// A Secret that takes the place of `live`, which is deleted: what others put into its metadata goes along.
    pub(super) fn instead_of(&self, live: &Secret) -> Secret {
        let metadata = self.metadata_over(&live.metadata);
        self.secret(ObjectMeta {
            namespace: Some(self.place.namespace.clone()),
            name: Some(self.place.name.clone()),
            labels: metadata.labels,
            annotations: metadata.annotations,
            owner_references: metadata.owner_references,
            ..ObjectMeta::default()
        })
    }

    /// Whether `live` was made by this very sealed object, as far as its owner or our own status says: what may be
    /// deleted to be made again.
    pub(super) fn made(&self, live: &Secret) -> bool {
        let owner = ours::controller_of(&live.metadata).map(|owner| owner.uid.as_str());
        let written = self.written_uid.filter(|uid| !uid.is_empty());
        owner == Some(&self.owner.uid)
            || ours::is_kept(&live.metadata, self.owner)
            || (written.is_some() && written == live.metadata.uid.as_deref())
    }

    /// Whether this very object has merged `key` into `live` before, as far as our own status says.
    pub(super) fn has_merged(&self, live: &Secret, key: &str) -> bool {
        let written = self.written_uid.filter(|uid| !uid.is_empty());
        written.is_some()
            && written == live.metadata.uid.as_deref()
            && self.merged_keys.iter().any(|merged| merged == key)
    }

    /// Whether `live` has been written at this generation of this very sealed object.
    pub(super) fn is_of_generation(&self, live: &Secret) -> bool {
        let owner = ours::controller_of(&live.metadata).map(|owner| owner.uid.as_str());
        (owner == Some(&self.owner.uid) || ours::is_kept(&live.metadata, self.owner))
            && ours::is_of_generation(&live.metadata, &self.owner.at, self.generation)
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
        let mut origin = Origin::of(&self.owner.at, self.generation, wanted);
        origin.kept_by = self.keep.then(|| self.owner.uid.clone());
        origin.write(&mut annotations);
        let controller = ours::controller_of(metadata);
        let is_ours = controller.is_some_and(|owner| ours::refers_to(owner, &self.owner.at))
            || ours::is_kept(metadata, self.owner);
        if !is_ours {
            annotations.remove(ACCEPTS); // it was for this once
        }
        let mut owners = metadata.owner_references.clone().unwrap_or_default();
        // Another controller's is there only where the Secret is taken over from it.
        let is_no_controller = |owner: &OwnerReference| owner.controller != Some(true);
        owners.retain(|owner| is_no_controller(owner) && !ours::refers_to(owner, &self.owner.at));
        owners.extend((!self.keep).then(|| owner_reference(self.owner)));
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
        api_version: API_VERSION.to_owned(),
        kind: owner.at.kind.as_str().to_owned(),
        name: owner.at.name.clone(),
        uid: owner.uid.clone(),
        controller: Some(true),
        block_owner_deletion: None,
    }
}
