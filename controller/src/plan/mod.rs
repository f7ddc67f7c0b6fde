//! Decides what happens to a live Secret. Pure: what was read and what is wanted go in, one [`Plan`] comes out;
//! [`crate::target`] does it.
//!
//! The rule above all others: a Secret that is not ours is left alone.

pub(crate) mod ours;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use seal_core::names::{API_VERSION, GROUP, SEALED_SECRET};
use seal_core::open::Opened;
use seal_core::open::allowed::reserved_type;
use seal_core::place::Place;

use crate::plan::ours::Applied;

/// Number of these rules. A change that would write other bytes for the same sealed file raises it, and every
/// object is compared once more.
pub(crate) const RULES: i64 = 1;

/// What is to be done with a live Secret. Prints as its name: a Secret prints its values.
pub(crate) enum Plan {
    /// It is as it should be.
    Leave,
    /// There is none: make it.
    Create(Box<Secret>),
    /// Ours and different: put this in its place, on the version that was read.
    Update(Box<Secret>, Changes),
    /// Ours, but immutable or of another type: delete that version, then make this one.
    Replace(Box<Secret>),
    /// Not ours, or a kind that is never touched.
    Refuse(Refusal),
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Leave => f.write_str("Leave"),
            Self::Create(_) => f.write_str("Create"),
            Self::Update(_, changes) => write!(f, "Update({changes:?})"),
            Self::Replace(_) => f.write_str("Replace"),
            Self::Refuse(refusal) => write!(f, "Refuse({refusal:?})"),
        }
    }
}

/// Why a live Secret is left alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Made by somebody else; the owner when it names one.
    NotOurs(Option<String>),
    /// Of a reserved type.
    Reserved(String),
}

/// Which parts of a live Secret differ, by name only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    /// Keys that are missing from the live Secret.
    pub added: Vec<String>,
    /// Keys whose value differs.
    pub changed: Vec<String>,
    /// Keys that the sealed file has not.
    pub removed: Vec<String>,
    /// Whether labels, annotations, ownership or `immutable` differ.
    pub metadata: bool,
}

impl Changes {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// `added a; changed b, c; removed d`, or what else differed.
    pub(crate) fn sentence(&self) -> String {
        let part = |what: &str, keys: &[String]| {
            (!keys.is_empty()).then(|| format!("{what} {}", keys.join(", ")))
        };
        let parts = [
            part("added", &self.added),
            part("changed", &self.changed),
            part("removed", &self.removed),
            self.metadata.then(|| "labels, annotations or ownership".to_owned()),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
    }
}

/// The live Secret as the sealed file wants it, and whose it is.
#[derive(Debug)]
pub(crate) struct Desired {
    opened: Opened,
    owner: OwnerReference,
}

impl Desired {
    /// What `opened` asks for, owned by the sealed object with this uid.
    pub(crate) fn new(opened: Opened, uid: &str) -> Self {
        let owner = OwnerReference {
            api_version: API_VERSION.to_owned(),
            kind: SEALED_SECRET.to_owned(),
            name: opened.place.name.clone(),
            uid: uid.to_owned(),
            controller: Some(true),
            block_owner_deletion: None,
        };
        Self { opened, owner }
    }

    /// Number of keys the live Secret will have.
    pub(crate) fn keys(&self) -> usize {
        self.opened.values.len()
    }

    /// The identities that opened it, sorted.
    pub(crate) fn opened_with(&self) -> Vec<String> {
        self.opened.opened_with.iter().map(ToString::to_string).collect()
    }

    fn type_(&self) -> &str {
        self.opened.template.type_.as_deref().unwrap_or("Opaque")
    }

    fn secret(&self, metadata: ObjectMeta) -> Secret {
        let value = |(key, value): (&String, &seal_core::secret::SecretValue)| {
            (key.clone(), ByteString(value.expose().to_vec()))
        };
        Secret {
            metadata,
            type_: Some(self.type_().to_owned()),
            immutable: self.opened.template.immutable,
            data: Some(self.opened.values.iter().map(value).collect()),
            string_data: None,
        }
    }

    fn applied(&self) -> Applied {
        Applied::of(&self.opened.place, &self.opened.template.metadata)
    }

    /// The metadata of a Secret that nobody else has touched.
    fn fresh_metadata(&self) -> ObjectMeta {
        let place = &self.opened.place;
        let mut metadata = ObjectMeta {
            namespace: Some(place.namespace.clone()),
            name: Some(place.name.clone()),
            ..ObjectMeta::default()
        };
        self.set_metadata(&mut metadata);
        metadata
    }

    /// Sets what is ours in `metadata` and leaves what others put there.
    fn set_metadata(&self, metadata: &mut ObjectMeta) {
        let before = Applied::read(metadata, &self.opened.place).unwrap_or_default();
        let wanted = &self.opened.template.metadata;
        let labels = metadata.labels.get_or_insert_default();
        drop_keys(labels, &before.labels);
        labels.extend(wanted.labels.clone());
        let annotations = metadata.annotations.get_or_insert_default();
        drop_keys(annotations, &before.annotations);
        annotations.extend(wanted.annotations.clone());
        self.applied().write(annotations);
        let owners = metadata.owner_references.get_or_insert_default();
        owners.retain(|owner| !is_sealed_object(owner, &self.opened.place.name));
        owners.push(self.owner.clone());
    }
}

fn drop_keys(map: &mut BTreeMap<String, String>, keys: &BTreeSet<String>) {
    map.retain(|key, _| !keys.contains(key));
}

/// Decides between what is there and what is wanted.
pub(crate) fn plan(live: Option<&Secret>, desired: &Desired) -> Plan {
    let Some(live) = live else {
        return Plan::Create(Box::new(desired.secret(desired.fresh_metadata())));
    };
    if let Some(refusal) = refusal(live, &desired.opened.place) {
        return Plan::Refuse(refusal);
    }
    let changes = changes(live, desired);
    let other_type = live.type_.as_deref().unwrap_or("Opaque") != desired.type_();
    let frozen = live.immutable == Some(true)
        && (changes.touches_values() || desired.opened.template.immutable != Some(true));
    if other_type || frozen {
        return Plan::Replace(Box::new(desired.secret(desired.fresh_metadata())));
    }
    if changes.is_empty() {
        return Plan::Leave;
    }
    let mut metadata = live.metadata.clone();
    metadata.managed_fields = None;
    desired.set_metadata(&mut metadata);
    Plan::Update(Box::new(desired.secret(metadata)), changes)
}

impl Changes {
    fn touches_values(&self) -> bool {
        !(self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty())
    }
}

/// Whether a Secret is ours: a controller ownerReference to the sealed object of this name, whatever its uid,
/// or our annotation naming it.
///
/// Whatever its uid, because a sealed object that is deleted and made again finds its Secret still there while
/// garbage collection is on its way.
fn refusal(live: &Secret, place: &Place) -> Option<Refusal> {
    if let Some(problem) = reserved_type(live.type_.as_deref().unwrap_or_default()) {
        return Some(Refusal::Reserved(problem));
    }
    let owners = live.metadata.owner_references.as_deref().unwrap_or_default();
    match owners.iter().find(|owner| owner.controller == Some(true)) {
        Some(owner) if is_sealed_object(owner, &place.name) => None,
        Some(owner) => Some(Refusal::NotOurs(Some(format!("{} {}", owner.kind, owner.name)))),
        None if Applied::read(&live.metadata, place).is_some() => None,
        None => Some(Refusal::NotOurs(None)),
    }
}

fn is_sealed_object(owner: &OwnerReference, name: &str) -> bool {
    let group = owner.api_version.split('/').next();
    owner.kind == SEALED_SECRET && group == Some(GROUP) && owner.name == name
}

fn changes(live: &Secret, desired: &Desired) -> Changes {
    let none = BTreeMap::new();
    let data = live.data.as_ref().unwrap_or(&none);
    let wanted = &desired.opened.values;
    let names = |keys: Vec<&String>| keys.into_iter().cloned().collect();
    let differs = |(key, value): &(&String, &seal_core::secret::SecretValue)| {
        data.get(*key).is_some_and(|live| live.0 != value.expose())
    };
    let mut metadata = live.metadata.clone();
    desired.set_metadata(&mut metadata);
    Changes {
        added: names(wanted.keys().filter(|key| !data.contains_key(*key)).collect()),
        changed: names(wanted.iter().filter(differs).map(|(key, _)| key).collect()),
        removed: names(data.keys().filter(|key| !wanted.contains_key(*key)).collect()),
        metadata: !same_metadata(&metadata, &live.metadata)
            || live.immutable.unwrap_or(false)
                != desired.opened.template.immutable.unwrap_or(false),
    }
}

fn same_metadata(a: &ObjectMeta, b: &ObjectMeta) -> bool {
    let labels = |meta: &ObjectMeta| meta.labels.clone().unwrap_or_default();
    let annotations = |meta: &ObjectMeta| meta.annotations.clone().unwrap_or_default();
    let owners = |meta: &ObjectMeta| -> BTreeSet<(String, String, bool)> {
        let owners = meta.owner_references.iter().flatten();
        let owner = |it: &OwnerReference| {
            (it.uid.clone(), it.name.clone(), it.controller.unwrap_or_default())
        };
        owners.map(owner).collect()
    };
    labels(a) == labels(b) && annotations(a) == annotations(b) && owners(a) == owners(b)
}

#[cfg(test)]
mod tests;
