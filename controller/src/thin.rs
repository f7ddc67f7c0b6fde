//! Objects as the API server sends them, decoded no further than this controller needs them.
//!
//! Whoever may write an object says how large it is. Of metadata only names, versions, the owner that controls and
//! annotations of ours are taken; labels, managed fields and what others put there are skipped while reading. Of a sealed object
//! above [`LARGE`] bytes only what is remembered is kept: it is read again when its turn comes. Reads and writes
//! nothing itself.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference, Time};
use kube::Resource;
use seal_core::kind::Kind;
use seal_core::kind::sealed::{SealedSecret, SealedSecretSpec, SealedSecretStatus, Template};
use seal_core::names::{DETACH, FLUX_RECONCILE_AT, GROUP_PREFIX};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// kube asks a watched type for these.
macro_rules! names_of {
    ($kind:ty) => {
        type DynamicType = ();
        type Scope = <$kind as Resource>::Scope;

        fn kind(_: &()) -> Cow<'_, str> {
            <$kind as Resource>::kind(&())
        }

        fn group(_: &()) -> Cow<'_, str> {
            <$kind as Resource>::group(&())
        }

        fn version(_: &()) -> Cow<'_, str> {
            <$kind as Resource>::version(&())
        }

        fn plural(_: &()) -> Cow<'_, str> {
            <$kind as Resource>::plural(&())
        }
    };
}

/// An object of which the API server is asked for its metadata alone.
macro_rules! metadata_of {
    ($meta:ty, $kind:ty) => {
        impl Resource for $meta {
            names_of!($kind);

            fn meta(&self) -> &ObjectMeta {
                &self.0
            }

            fn meta_mut(&mut self) -> &mut ObjectMeta {
                &mut self.0
            }

            fn metadata_api() -> bool {
                true
            }
        }
    };
}

pub(crate) mod account;
mod cluster;
pub(crate) mod digested;

pub(crate) use cluster::{ArrivedInCluster, NamespaceMeta};

/// Bytes of JSON above which a sealed object is not kept whole when it arrives.
const LARGE: usize = 512 << 10;

/// Metadata of any object.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Metadata {
    name: Option<String>,
    namespace: Option<String>,
    uid: Option<String>,
    resource_version: Option<String>,
    generation: Option<i64>,
    deletion_timestamp: Option<Time>,
    owner_references: Controller,
    annotations: Annotations,
    #[serde(deserialize_with = "has_our_finalizer")]
    finalizers: bool,
}

/// Whether [`DETACH`] is among them; those of others mean nothing to us.
fn has_our_finalizer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let all = Option::<Vec<Cow<'_, str>>>::deserialize(deserializer)?;
    Ok(all.iter().flatten().any(|finalizer| finalizer == DETACH))
}

impl From<Metadata> for ObjectMeta {
    fn from(thin: Metadata) -> Self {
        Self {
            name: thin.name,
            namespace: thin.namespace,
            uid: thin.uid,
            resource_version: thin.resource_version,
            generation: thin.generation,
            deletion_timestamp: thin.deletion_timestamp,
            owner_references: thin.owner_references.0.map(|owner| vec![owner]),
            annotations: Some(thin.annotations.0).filter(|ours| !ours.is_empty()),
            finalizers: thin.finalizers.then(|| vec![DETACH.to_owned()]),
            ..Self::default()
        }
    }
}

/// The annotations that mean something to us.
#[derive(Clone, Debug, Default)]
struct Annotations(BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Annotations {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Ours)
    }
}

struct Ours;

impl<'de> Visitor<'de> for Ours {
    type Value = Annotations;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of annotations")
    }

    fn visit_unit<E>(self) -> Result<Annotations, E> {
        Ok(Annotations::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Annotations, A::Error> {
        let mut ours = BTreeMap::new();
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            if name.starts_with(GROUP_PREFIX) || name == FLUX_RECONCILE_AT {
                ours.insert(name.into_owned(), map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Annotations(ours))
    }
}

/// The owner that controls an object: of all that are named there is at most one.
#[derive(Clone, Debug, Default)]
struct Controller(Option<OwnerReference>);

impl<'de> Deserialize<'de> for Controller {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Owners)
    }
}

struct Owners;

impl<'de> Visitor<'de> for Owners {
    type Value = Controller;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of owners")
    }

    fn visit_unit<E>(self) -> Result<Controller, E> {
        Ok(Controller::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut owners: A) -> Result<Controller, A::Error> {
        let mut controller = None;
        while let Some(owner) = owners.next_element::<OwnerReference>()? {
            if owner.controller == Some(true) {
                controller = Some(owner);
            }
        }
        Ok(Controller(controller))
    }
}

/// The metadata of a Secret, and no content: the API server is asked for nothing else.
#[derive(Clone, Debug)]
pub(crate) struct SecretMeta(pub ObjectMeta);

/// A sealed object as it arrives or is read.
#[derive(Clone, Debug)]
pub(crate) struct Arrived {
    /// The object, with thin metadata. Without ciphertext and clear values unless it `is_whole`.
    pub sealed: SealedSecret,
    /// Whether this version's type can hold it; else there is nothing but its metadata and its status.
    pub is_readable: bool,
    /// Whether nothing of its spec was left out.
    pub is_whole: bool,
    /// Bytes of its JSON.
    pub bytes: usize,
}

#[derive(Deserialize)]
struct MetadataOnly {
    #[serde(default)]
    metadata: Metadata,
}

/// Of an object whose spec this version's type cannot hold: what it is, and what was last said of it.
#[derive(Deserialize)]
struct WithoutSpec {
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    status: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct Whole {
    #[serde(default)]
    metadata: Metadata,
    spec: SealedSecretSpec,
    #[serde(default)]
    status: Option<SealedSecretStatus>,
}

impl<'de> Deserialize<'de> for SecretMeta {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        MetadataOnly::deserialize(deserializer).map(|thin| Self(thin.metadata.into()))
    }
}

impl<'de> Deserialize<'de> for Arrived {
    /// Fails only where not even the metadata can be read: one bad object must not stop a list.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Box::<RawValue>::deserialize(deserializer)?;
        let bytes = text.get().len();
        if let Ok(Whole { metadata, spec, status }) = serde_json::from_str(text.get()) {
            let mut sealed = SealedSecret { metadata: metadata.into(), spec, status };
            let is_whole = bytes <= LARGE;
            if !is_whole {
                leave_out_values(&mut sealed.spec);
            }
            return Ok(Self { sealed, is_readable: true, is_whole, bytes });
        }
        let WithoutSpec { metadata, status } = serde_json::from_str(text.get())
            .map_err(|_| serde::de::Error::custom("an object without metadata"))?;
        let status = status.and_then(|status| serde_json::from_str(status.get()).ok());
        let metadata = metadata.into();
        let sealed = SealedSecret { metadata, status, ..SealedSecret::default() };
        Ok(Self { sealed, is_readable: false, is_whole: false, bytes })
    }
}

/// Leaves what the checks that need no key look at: scope, type, names, labels, flags.
fn leave_out_values(spec: &mut SealedSecretSpec) {
    spec.values.clear();
    spec.header = None;
    spec.sealed_to.clear();
    if let Some(Template { metadata, string_data, .. }) = &mut spec.template {
        string_data.clear();
        metadata.annotations.values_mut().for_each(String::clear);
        metadata.labels.values_mut().filter(|value| value.len() > 63).for_each(String::clear);
    }
}

/// A sealed object that was read by its name, whole; `None` where this version's type cannot hold it.
pub(crate) fn read_whole(kind: Kind, text: &str) -> Option<SealedSecret> {
    let Whole { metadata, mut spec, status } = serde_json::from_str(text).ok()?;
    spec.kind = kind;
    Some(SealedSecret { metadata: metadata.into(), spec, status })
}

metadata_of!(SecretMeta, Secret);

impl Resource for Arrived {
    names_of!(SealedSecret);

    fn meta(&self) -> &ObjectMeta {
        &self.sealed.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.sealed.metadata
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_owners_only_the_one_that_controls_is_kept() {
        let owner = |n: usize, controls: bool| {
            format!(
                "{{\"apiVersion\":\"v1\",\"kind\":\"K\",\"name\":\"n\",\"uid\":\"{n}\",\"controller\":{controls}}}"
            )
        };
        let mut owners: Vec<String> = (0..30_000).map(|n| owner(n, false)).collect();
        owners.insert(20_000, owner(7, true));
        let text = format!("{{\"metadata\":{{\"ownerReferences\":[{}]}}}}", owners.join(","));
        let SecretMeta(metadata) = serde_json::from_str(&text).unwrap();
        let uids: Vec<String> =
            metadata.owner_references.unwrap().into_iter().map(|it| it.uid).collect();
        assert_eq!(uids, ["7"]);
        let SecretMeta(none) =
            serde_json::from_str("{\"metadata\":{\"ownerReferences\":null}}").unwrap();
        assert_eq!(none.owner_references, None);
    }
}
