//! What is cluster-scoped: ClusterSealedSecrets, and the namespaces that they go to.

use std::borrow::Cow;
use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use kube::Resource;
use seal_core::kind::Kind;
use seal_core::kind::cluster_sealed::ClusterSealedSecret;
use serde::Deserialize;
use serde::de::Deserializer;

use super::Arrived;

/// A ClusterSealedSecret as it arrives.
#[derive(Clone, Debug)]
pub(crate) struct ArrivedInCluster(pub Arrived);

impl<'de> Deserialize<'de> for ArrivedInCluster {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut arrived = Arrived::deserialize(deserializer)?;
        arrived.sealed.spec.kind = Kind::ClusterSealedSecret;
        Ok(Self(arrived))
    }
}

impl From<ArrivedInCluster> for Arrived {
    fn from(arrived: ArrivedInCluster) -> Self {
        arrived.0
    }
}

/// The metadata of a namespace: its name, its labels, and whether it is going.
#[derive(Clone, Debug)]
pub(crate) struct NamespaceMeta(pub ObjectMeta);

#[derive(Deserialize)]
struct Thin {
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Metadata {
    name: Option<String>,
    resource_version: Option<String>,
    labels: Option<BTreeMap<String, String>>,
    deletion_timestamp: Option<Time>,
}

impl<'de> Deserialize<'de> for NamespaceMeta {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Thin { metadata } = Thin::deserialize(deserializer)?;
        Ok(Self(ObjectMeta {
            name: metadata.name,
            resource_version: metadata.resource_version,
            labels: metadata.labels,
            deletion_timestamp: metadata.deletion_timestamp,
            ..ObjectMeta::default()
        }))
    }
}

impl Resource for ArrivedInCluster {
    names_of!(ClusterSealedSecret);

    fn meta(&self) -> &ObjectMeta {
        self.0.meta()
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        self.0.meta_mut()
    }
}

metadata_of!(NamespaceMeta, Namespace);
