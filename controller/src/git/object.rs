//! A sealed object in the cluster: whose it is by its mark, and digests of what it says. Never ciphertext.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use seal_core::kind::sealed::SealedSecret;
use seal_core::names::GIT_SOURCE;
use serde::{Deserialize, Serialize};

use crate::mac::sha256;

/// Whose an object is: the annotation that its source writes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    /// Name of the GitSource.
    pub(super) source: String,
    pub(super) uid: String,
    /// Where in its repository.
    pub(super) path: String,
    /// The labels and annotations that its file sets, as `labels/KEY` and `annotations/KEY`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) sets: Vec<String>,
}

/// One object in the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Live {
    pub(super) uid: String,
    pub(super) resource_version: String,
    pub(super) mark: Option<Mark>,
    pub(super) says: Says,
}

/// What an object says, to be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Says {
    pub(super) spec: [u8; 32],
    /// Of each label and annotation.
    pub(super) metadata: BTreeSet<[u8; 8]>,
}

impl Live {
    pub(super) fn of(metadata: &ObjectMeta, says: Says) -> Arc<Self> {
        let uid = metadata.uid.clone().unwrap_or_default();
        let resource_version = metadata.resource_version.clone().unwrap_or_default();
        Arc::new(Self { uid, resource_version, mark: Mark::of(metadata), says })
    }
}

impl Says {
    pub(super) fn of(sealed: &SealedSecret) -> Self {
        let spec = serde_json::to_vec(&sealed.spec).unwrap_or_default();
        Self { spec: sha256(&spec), metadata: Self::metadata_of(&sealed.metadata) }
    }

    pub(super) fn metadata_of(
        ObjectMeta { labels, annotations, .. }: &ObjectMeta,
    ) -> BTreeSet<[u8; 8]> {
        let of = |kind: &'static str| {
            move |(key, value): (&String, &String)| {
                let digest = sha256(format!("{kind}\0{key}\0{value}").as_bytes());
                <[u8; 8]>::try_from(&digest[..8]).expect("a digest has more bytes")
            }
        };
        let labels = labels.iter().flatten().map(of("label"));
        labels.chain(annotations.iter().flatten().map(of("annotation"))).collect()
    }

    /// Whether an object that says `self` says all that `wanted` does. It may have labels and annotations of others.
    pub(super) fn is_as(&self, wanted: &Self) -> bool {
        self.spec == wanted.spec && wanted.metadata.is_subset(&self.metadata)
    }
}

impl Mark {
    /// Bytes of it as text: anything longer is none of ours.
    pub(super) const MOST_BYTES: usize = 64 * 1024;

    /// The labels and annotations that a file sets.
    pub(super) fn sets_of(sealed: &SealedSecret) -> Vec<String> {
        let of = |part: &'static str| move |key: &String| format!("{part}/{key}");
        let labels = sealed.metadata.labels.iter().flat_map(BTreeMap::keys).map(of("labels"));
        let annotations = sealed.metadata.annotations.iter().flat_map(BTreeMap::keys);
        labels.chain(annotations.map(of("annotations"))).collect()
    }

    pub(super) fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    pub(super) fn of(metadata: &ObjectMeta) -> Option<Self> {
        let text = metadata.annotations.as_ref()?.get(GIT_SOURCE)?;
        (text.len() <= Self::MOST_BYTES).then(|| serde_json::from_str(text).ok())?
    }
}

/// The version of an object as a number, which grows with each write; KEP-5504 makes that Kubernetes' promise.
pub(super) fn version(metadata: &ObjectMeta) -> u64 {
    metadata.resource_version.as_deref().and_then(|it| it.parse().ok()).unwrap_or(u64::MAX)
}
