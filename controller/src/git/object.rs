//! A sealed object in the cluster: whose it is by its mark, and digests of what it says. Never ciphertext.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ManagedFieldsEntry, ObjectMeta};
use seal_core::escape::cut;
use seal_core::kind::sealed::SealedSecret;
use seal_core::names::{GIT_FIELD_MANAGER, GIT_SOURCE};
use serde::{Deserialize, Serialize};

use crate::mac::sha256;

/// Bytes of a writer's name.
const MOST_OF_A_WRITER: usize = 64;

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
    /// The API server gives another one to each spec.
    pub(super) generation: i64,
    pub(super) mark: Option<Mark>,
    /// Who wrote it last, where that was somebody else.
    pub(super) writer: Option<String>,
    pub(super) says: Says,
}

/// What an object says, to be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Says {
    /// None where it was not read.
    spec: Option<[u8; 32]>,
    /// Of each label and annotation.
    metadata: BTreeSet<[u8; 8]>,
}

impl Live {
    pub(super) fn of(metadata: &ObjectMeta, says: Says) -> Self {
        let uid = metadata.uid.clone().unwrap_or_default();
        let resource_version = metadata.resource_version.clone().unwrap_or_default();
        let generation = metadata.generation.unwrap_or_default();
        let (mark, writer) = (Mark::of(metadata), writer(metadata));
        Self { uid, resource_version, generation, mark, writer, says }
    }

    /// The same, with what is known of its spec from another version of the object.
    pub(super) fn with_spec_of(self, other: &Self) -> Self {
        let is_same = self.uid == other.uid && self.generation == other.generation;
        if is_same { Self { says: self.says.with_spec_of(&other.says), ..self } } else { self }
    }

    /// This one, seen after another: what is known of the spec counts on, but for an older version, as after a restore of the
    /// cluster, whose generation may be another spec. An object that lost its mark, as by `kubectl replace`, is the same all
    /// the same: it is written again, and has its mark then.
    pub(super) fn after(self, before: &Self) -> Self {
        let is_later = number(&before.resource_version) <= number(&self.resource_version);
        let now = if is_later { self.with_spec_of(before) } else { self };
        let lost = now.uid == before.uid && now.mark.is_none() && before.mark.is_some();
        if lost { Self { mark: before.mark.clone(), says: now.says.unread(), ..now } } else { now }
    }

    /// Whether nothing of it is another than in `other` that a source cares for.
    pub(super) fn is_as(&self, other: &Self) -> bool {
        let spec_of = |it: &Self| (it.uid.clone(), it.generation);
        spec_of(self) == spec_of(other) && self.says == other.says && self.mark == other.mark
    }
}

impl Says {
    pub(super) fn of(sealed: &SealedSecret) -> Self {
        let spec = serde_json::to_vec(&sealed.spec).unwrap_or_default();
        Self { spec: Some(sha256(&spec)), ..Self::of_metadata(&sealed.metadata) }
    }

    /// What an object says whose spec was not read.
    pub(super) fn of_metadata(ObjectMeta { labels, annotations, .. }: &ObjectMeta) -> Self {
        let of = |kind: &'static str| {
            move |(key, value): (&String, &String)| {
                let digest = sha256(format!("{kind}\0{key}\0{value}").as_bytes());
                <[u8; 8]>::try_from(&digest[..8]).expect("a digest has more bytes")
            }
        };
        let labels = labels.iter().flatten().map(of("label"));
        let metadata = labels.chain(annotations.iter().flatten().map(of("annotation"))).collect();
        Self { spec: None, metadata }
    }

    /// The same with the spec of another.
    pub(super) fn with_spec_of(self, other: &Self) -> Self {
        Self { spec: other.spec, ..self }
    }

    fn unread(self) -> Self {
        Self { spec: None, ..self }
    }

    pub(super) fn is_read(&self) -> bool {
        self.spec.is_some()
    }

    /// Whether an object that says `self` says all that `wanted` does. It may have labels and annotations of others.
    pub(super) fn is_as(&self, wanted: &Self) -> bool {
        self.is_read() && self.spec == wanted.spec && wanted.metadata.is_subset(&self.metadata)
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

pub(super) fn version(metadata: &ObjectMeta) -> u64 {
    number(metadata.resource_version.as_deref().unwrap_or_default())
}

/// The version of an object as a number, which grows with each write; KEP-5504 makes that Kubernetes' promise.
pub(super) fn number(version: &str) -> u64 {
    version.parse().unwrap_or(u64::MAX)
}

/// The newest writer of the object itself, where it is none of ours. Times are in whole seconds: of two in one second it is the
/// other one.
fn writer(metadata: &ObjectMeta) -> Option<String> {
    let fields = metadata.managed_fields.iter().flatten();
    let of_object = fields.filter(|it| it.subresource.as_deref().unwrap_or_default().is_empty());
    let is_other = |it: &ManagedFieldsEntry| it.manager.as_deref() != Some(GIT_FIELD_MANAGER);
    let newest = of_object.max_by_key(|it| (it.time.as_ref().map(|time| time.0), is_other(it)))?;
    let newest = newest.manager.as_deref()?;
    (newest != GIT_FIELD_MANAGER).then(|| cut(newest, MOST_OF_A_WRITER))
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
    use k8s_openapi::jiff::Timestamp;

    use super::*;

    fn writer_of(entries: &[(&str, i64)]) -> Option<String> {
        let entry = |(manager, second): &(&str, i64)| ManagedFieldsEntry {
            manager: Some((*manager).to_owned()),
            time: Some(Time(Timestamp::from_second(*second).unwrap())),
            ..ManagedFieldsEntry::default()
        };
        let managed_fields = Some(entries.iter().map(entry).collect());
        writer(&ObjectMeta { managed_fields, ..ObjectMeta::default() })
    }

    #[test]
    fn of_two_writers_in_one_second_the_other_one_is_named() {
        for entries in
            [[("cronjob", 5), (GIT_FIELD_MANAGER, 5)], [(GIT_FIELD_MANAGER, 5), ("cronjob", 5)]]
        {
            assert_eq!(writer_of(&entries).as_deref(), Some("cronjob"));
        }
        assert_eq!(writer_of(&[("cronjob", 4), (GIT_FIELD_MANAGER, 5)]), None);
    }
}
