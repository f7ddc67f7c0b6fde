//! Sealed objects as what serves Git sources needs them: their metadata, whole, for whose they are and what they say there;
//! and their specs, once, of which only a digest is kept.

use std::borrow::Cow;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use seal_core::kind::Kind;
use seal_core::kind::cluster_sealed::ClusterSealedSecret;
use seal_core::kind::sealed::{SealedSecret, SealedSecretSpec};
use serde::Deserialize;
use serde::de::Deserializer;
use serde_json::value::RawValue;

/// The metadata of a SealedSecret with all labels and annotations.
#[derive(Clone, Debug)]
pub(crate) struct SealedMeta(pub ObjectMeta);

/// The same of a ClusterSealedSecret.
#[derive(Clone, Debug)]
pub(crate) struct ClusterSealedMeta(pub ObjectMeta);

metadata_of!(SealedMeta, SealedSecret);
metadata_of!(ClusterSealedMeta, ClusterSealedSecret);

impl<'de> Deserialize<'de> for SealedMeta {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Raw { metadata, .. } = Raw::deserialize(deserializer)?;
        Ok(Self(metadata))
    }
}

impl<'de> Deserialize<'de> for ClusterSealedMeta {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        SealedMeta::deserialize(deserializer).map(|meta| Self(meta.0))
    }
}

/// A sealed object with all that it says, for as long as its digest takes. A spec that cannot be read says nothing.
#[derive(Clone, Debug)]
pub(crate) struct Whole(pub SealedSecret);

/// The same in no namespace.
#[derive(Clone, Debug)]
pub(crate) struct WholeInCluster(pub Whole);

#[derive(Deserialize)]
struct Raw {
    #[serde(default)]
    metadata: ObjectMeta,
    #[serde(default)]
    spec: Option<Box<RawValue>>,
}

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Raw { mut metadata, spec } = Raw::deserialize(deserializer)?;
        let spec: Option<SealedSecretSpec> =
            spec.and_then(|spec| serde_json::from_str(spec.get()).ok());
        metadata.managed_fields = None;
        Ok(Self(SealedSecret { metadata, spec: spec.unwrap_or_default(), status: None }))
    }
}

impl<'de> Deserialize<'de> for WholeInCluster {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut whole = Whole::deserialize(deserializer)?;
        whole.0.spec.kind = Kind::ClusterSealedSecret;
        Ok(Self(whole))
    }
}

impl From<WholeInCluster> for Whole {
    fn from(whole: WholeInCluster) -> Self {
        whole.0
    }
}

impl Resource for Whole {
    names_of!(SealedSecret);

    fn meta(&self) -> &ObjectMeta {
        &self.0.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.0.metadata
    }
}

impl Resource for WholeInCluster {
    names_of!(ClusterSealedSecret);

    fn meta(&self) -> &ObjectMeta {
        &self.0.0.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.0.0.metadata
    }
}
