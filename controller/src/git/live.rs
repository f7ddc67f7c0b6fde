//! What is remembered of the sealed objects in the cluster: whose each is, and what it says.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use seal_core::kind::Kind;
use seal_core::kind::sealed::SealedSecret;

use super::object::{Live, Says, version};
use crate::object_id::ObjectName;

/// What is being written by ourselves, of which events may come before the answer.
#[derive(Debug)]
struct Writing {
    /// Of the source that writes it.
    uid: String,
    says: Says,
    /// The version of the last event that came meanwhile.
    seen: u64,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct LiveObjects {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    objects: BTreeMap<Arc<ObjectName>, Arc<Live>>,
    writing: BTreeMap<ObjectName, Writing>,
    /// Of lists that are under way: what has been in them.
    listing: BTreeMap<(Kind, Option<String>), HashSet<Arc<ObjectName>>>,
}

impl Inner {
    /// Remembers an object, also in lists that are under way; gives what it was before.
    fn remember(&mut self, name: Arc<ObjectName>, live: Arc<Live>) -> Option<Arc<Live>> {
        for key in [(name.kind, None), (name.kind, name.namespace.clone())] {
            if let Some(listed) = self.listing.get_mut(&key) {
                listed.insert(name.clone());
            }
        }
        self.objects.insert(name, live)
    }
}

impl LiveObjects {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn get(&self, name: &ObjectName) -> Option<Arc<Live>> {
        self.inner().objects.get(name).cloned()
    }

    /// Those that carry this source's mark.
    pub(super) fn of_source(&self, uid: &str) -> Vec<(Arc<ObjectName>, Arc<Live>)> {
        let is_its = |live: &Live| live.mark.as_ref().is_some_and(|mark| mark.uid == uid);
        let inner = self.inner();
        let its = inner.objects.iter().filter(|(_, live)| is_its(live));
        its.map(|(name, live)| (name.clone(), live.clone())).collect()
    }

    /// It is about to be written so, for the source of this uid.
    pub(super) fn writes(&self, name: &ObjectName, uid: &str, says: &Says) {
        let writing = Writing { uid: uid.to_owned(), says: says.clone(), seen: 0 };
        self.inner().writing.insert(name.clone(), writing);
    }

    /// It is written, and has this metadata now; or it was not.
    pub(super) fn wrote(&self, name: &ObjectName, written: Option<ObjectMeta>) {
        let mut inner = self.inner();
        let Some(writing) = inner.writing.remove(name) else { return };
        // Where somebody has changed or deleted it since, that is what it is now.
        if let Some(metadata) = written.filter(|written| version(written) > writing.seen) {
            let says = Says { metadata: Says::metadata_of(&metadata), ..writing.says };
            inner.remember(Arc::new(name.clone()), Live::of(&metadata, says));
        }
    }

    /// Remembers an object; says whose it was or is, where that changed what it says.
    pub(super) fn seen(&self, kind: Kind, mut sealed: SealedSecret) -> Option<String> {
        sealed.spec.kind = kind;
        let name = Arc::new(ObjectName::of(kind, &sealed.metadata)?);
        let live = Live::of(&sealed.metadata, Says::of(&sealed));
        let mut inner = self.inner();
        let mark = live.mark.clone();
        let is_ours = inner.writing.get_mut(&*name).is_some_and(|writing| {
            writing.seen = writing.seen.max(version(&sealed.metadata));
            let is_its = mark.as_ref().is_some_and(|mark| mark.uid == writing.uid);
            is_its && live.says.is_as(&writing.says)
        });
        let before = inner.remember(name, live.clone());
        let changed = before.as_ref().is_none_or(|it| it.says != live.says || it.mark != live.mark);
        let whose = before.and_then(|it| it.mark.clone()).or(mark);
        whose.filter(|_| changed && !is_ours).map(|mark| mark.uid)
    }

    /// Forgets an object; says whose it was.
    pub(super) fn gone(&self, kind: Kind, metadata: &ObjectMeta) -> Option<String> {
        let name = ObjectName::of(kind, metadata)?;
        let mut inner = self.inner();
        if let Some(writing) = inner.writing.get_mut(&name) {
            writing.seen = writing.seen.max(version(metadata));
        }
        inner.objects.remove(&name)?.mark.as_ref().map(|mark| mark.uid.clone())
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

#[cfg(test)]
mod tests {
    use seal_core::names::GIT_SOURCE;

    use super::super::object::Mark;
    use super::*;

    fn sealed(version: &str, namespaces: &[&str]) -> SealedSecret {
        let mut sealed = SealedSecret::default();
        let mark = Mark { source: "app".into(), uid: "u".into(), path: "a".into(), sets: vec![] };
        sealed.metadata = ObjectMeta {
            name: Some("a".into()),
            namespace: Some("prod".into()),
            resource_version: Some(version.into()),
            annotations: Some([(GIT_SOURCE.to_owned(), mark.to_text())].into()),
            ..ObjectMeta::default()
        };
        sealed.spec.scope.namespaces = namespaces.iter().map(|it| (*it).to_owned()).collect();
        sealed
    }

    /// Objects of which one is being written, and its name.
    fn writing(wanted: &SealedSecret) -> (LiveObjects, ObjectName) {
        let name = ObjectName::of(Kind::SealedSecret, &wanted.metadata).unwrap();
        let live = LiveObjects::default();
        live.writes(&name, "u", &Says::of(wanted));
        (live, name)
    }

    #[test]
    fn the_event_of_an_own_write_asks_for_no_repair_and_that_of_another_does() {
        let (ours, theirs) = (sealed("10", &["prod"]), sealed("11", &["dev"]));
        let (live, name) = writing(&ours);
        assert_eq!(live.seen(Kind::SealedSecret, ours.clone()), None);
        live.wrote(&name, Some(ours.metadata.clone()));
        assert_eq!(live.seen(Kind::SealedSecret, ours), None);
        assert_eq!(live.seen(Kind::SealedSecret, theirs), Some("u".to_owned()));
    }

    #[test]
    fn an_answer_that_comes_after_a_later_event_does_not_hide_it() {
        let (ours, theirs) = (sealed("10", &["prod"]), sealed("11", &["dev"]));
        let (live, name) = writing(&ours);
        assert_eq!(live.seen(Kind::SealedSecret, theirs.clone()), Some("u".to_owned()));
        live.wrote(&name, Some(ours.metadata.clone()));
        assert_eq!(live.get(&name).unwrap().says, Says::of(&theirs));

        let (live, name) = writing(&ours);
        live.seen(Kind::SealedSecret, ours.clone());
        assert_eq!(live.gone(Kind::SealedSecret, &theirs.metadata), Some("u".to_owned()));
        live.wrote(&name, Some(ours.metadata));
        assert_eq!(live.get(&name), None);
    }
}
