//! What is remembered of the sealed objects in the cluster: whose each is, and a digest of what it says. Never ciphertext.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use seal_core::kind::Kind;
use seal_core::kind::sealed::SealedSecret;
use seal_core::names::GIT_SOURCE;
use serde::{Deserialize, Serialize};

use crate::mac::sha256;
use crate::object_id::ObjectName;

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
    spec: [u8; 32],
    /// Of each label and annotation.
    metadata: BTreeSet<[u8; 8]>,
}

impl Says {
    pub(super) fn of(sealed: &SealedSecret) -> Self {
        let spec = serde_json::to_vec(&sealed.spec).unwrap_or_default();
        let (labels, annotations) = (&sealed.metadata.labels, &sealed.metadata.annotations);
        let of = |kind: &'static str| {
            move |(key, value): (&String, &String)| {
                let digest = sha256(format!("{kind}\0{key}\0{value}").as_bytes());
                <[u8; 8]>::try_from(&digest[..8]).expect("a digest has more bytes")
            }
        };
        let labels = labels.iter().flatten().map(of("label"));
        let annotations = annotations.iter().flatten().map(of("annotation"));
        Self { spec: sha256(&spec), metadata: labels.chain(annotations).collect() }
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

/// All of them.
#[derive(Debug, Default)]
pub(super) struct LiveObjects {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    objects: BTreeMap<Arc<ObjectName>, Live>,
    /// Of lists that are under way: what has been in them.
    listing: BTreeMap<(Kind, Option<String>), HashSet<Arc<ObjectName>>>,
}

impl LiveObjects {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn get(&self, name: &ObjectName) -> Option<Live> {
        self.inner().objects.get(name).cloned()
    }

    /// Those that carry this source's mark.
    pub(super) fn of_source(&self, uid: &str) -> Vec<(Arc<ObjectName>, Live)> {
        let is_its = |live: &Live| live.mark.as_ref().is_some_and(|mark| mark.uid == uid);
        let inner = self.inner();
        let its = inner.objects.iter().filter(|(_, live)| is_its(live));
        its.map(|(name, live)| (name.clone(), live.clone())).collect()
    }

    /// Remembers an object; says whose it was or is, where that changed what it says.
    pub(super) fn seen(&self, kind: Kind, mut sealed: SealedSecret) -> Option<String> {
        sealed.spec.kind = kind;
        let name = Arc::new(ObjectName::of(kind, &sealed.metadata)?);
        let live = Live {
            uid: sealed.metadata.uid.clone().unwrap_or_default(),
            resource_version: sealed.metadata.resource_version.clone().unwrap_or_default(),
            mark: Mark::of(&sealed.metadata),
            says: Says::of(&sealed),
        };
        let mut inner = self.inner();
        let scope = (kind, name.namespace.clone());
        for key in [(kind, None), scope] {
            if let Some(listed) = inner.listing.get_mut(&key) {
                listed.insert(name.clone());
            }
        }
        let mark = live.mark.clone();
        let before = inner.objects.insert(name, live.clone());
        let changed = before.as_ref().is_none_or(|it| it.says != live.says || it.mark != live.mark);
        let whose = before.and_then(|it| it.mark).or(mark);
        whose.filter(|_| changed).map(|mark| mark.uid)
    }

    /// Forgets an object; says whose it was.
    pub(super) fn gone(&self, kind: Kind, metadata: &ObjectMeta) -> Option<String> {
        let name = ObjectName::of(kind, metadata)?;
        self.inner().objects.remove(&name)?.mark.map(|mark| mark.uid)
    }

    pub(super) fn list_begins(&self, kind: Kind, namespace: Option<&str>) {
        self.inner().listing.insert((kind, namespace.map(str::to_owned)), HashSet::new());
    }

    /// Forgets what was not in the list that ends; says whose that was.
    pub(super) fn list_ends(&self, kind: Kind, namespace: Option<&str>) -> BTreeSet<String> {
        let mut inner = self.inner();
        let Some(listed) = inner.listing.remove(&(kind, namespace.map(str::to_owned))) else {
            return BTreeSet::new();
        };
        let is_of_list = |name: &ObjectName| {
            name.kind == kind && (namespace.is_none() || name.namespace.as_deref() == namespace)
        };
        let mut of = BTreeSet::new();
        inner.objects.retain(|name, live| {
            let stays = !is_of_list(name) || listed.contains(name);
            if !stays && let Some(mark) = &live.mark {
                of.insert(mark.uid.clone());
            }
            stays
        });
        of
    }
}
