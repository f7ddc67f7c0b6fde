//! What is remembered of the sealed objects in the cluster: whose each is, and what it says.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use seal_core::kind::Kind;
use seal_core::kind::sealed::SealedSecret;

use super::object::{Live, Says, number, version};
use crate::object_id::ObjectName;

/// What is being written by ourselves, of which events may come before the answer.
#[derive(Debug)]
struct Writing {
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
    /// Remembers an object, also in lists that are under way.
    fn remember(&mut self, name: Arc<ObjectName>, live: Live) {
        for key in lists_of(&name) {
            if let Some(listed) = self.listing.get_mut(&key) {
                listed.insert(name.clone());
            }
        }
        self.objects.insert(name, Arc::new(live));
    }

    /// Notes an event of what is being written, and says whether it is.
    fn note_event(&mut self, name: &ObjectName, metadata: &ObjectMeta) -> bool {
        let Some(writing) = self.writing.get_mut(name) else { return false };
        writing.seen = writing.seen.max(version(metadata));
        true
    }

    /// Whether a later version of the object is known. What a list says is so, also after the cluster's restore.
    fn is_late(&self, name: &ObjectName, metadata: &ObjectMeta) -> bool {
        let is_listed = lists_of(name).iter().any(|key| self.listing.contains_key(key));
        let known = self.objects.get(name).filter(|it| Some(&it.uid) == metadata.uid.as_ref());
        !is_listed && known.is_some_and(|it| number(&it.resource_version) > version(metadata))
    }
}

/// The lists in which an object may be.
fn lists_of(name: &ObjectName) -> [(Kind, Option<String>); 2] {
    [(name.kind, None), (name.kind, name.namespace.clone())]
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

    /// It is about to be written so.
    pub(super) fn writes(&self, name: &ObjectName, says: &Says) {
        let writing = Writing { says: says.clone(), seen: 0 };
        self.inner().writing.insert(name.clone(), writing);
    }

    pub(super) fn not_written(&self, name: &ObjectName) {
        self.inner().writing.remove(name);
    }

    /// It is written, and has this metadata now; says whether nobody has changed or deleted it since.
    pub(super) fn wrote(&self, name: &ObjectName, metadata: &ObjectMeta) -> bool {
        let mut inner = self.inner();
        let Some(writing) = inner.writing.remove(name) else { return false };
        let says = Says::of_metadata(metadata).with_spec_of(&writing.says);
        let written = Live::of(metadata, says);
        if writing.seen <= version(metadata) {
            inner.remember(Arc::new(name.clone()), written);
            return true;
        }
        let Some(later) = inner.objects.get(name).map(|it| Live::clone(it)) else { return false };
        let later = later.with_spec_of(&written);
        let is_as_written = later.says.is_as(&writing.says) && later.mark == written.mark;
        inner.remember(Arc::new(name.clone()), later);
        is_as_written
    }

    /// Remembers an object by its metadata; says whose it was or is, where that changed what it says. Of a spec that
    /// somebody else has written it is known that it is another one, and not what it says.
    pub(super) fn seen(&self, kind: Kind, metadata: &ObjectMeta) -> Option<String> {
        let name = Arc::new(ObjectName::of(kind, metadata)?);
        let mut inner = self.inner();
        if inner.is_late(&name, metadata) {
            return None;
        }
        let before = inner.objects.get(&name).cloned();
        let mut live = Live::of(metadata, Says::of_metadata(metadata));
        if let Some(before) = &before {
            live = live.after(before);
        }
        let changed = before.as_ref().is_none_or(|before| !before.is_as(&live));
        let mark = before.and_then(|it| it.mark.clone()).or_else(|| live.mark.clone());
        // The answer tells of an own write what it was.
        let is_being_written = inner.note_event(&name, metadata);
        inner.remember(name, live);
        mark.filter(|_| changed && !is_being_written).map(|mark| mark.uid)
    }

    /// Whether there is an object with a mark of which it is not known what its spec says.
    pub(super) fn has_unread(&self, kind: Kind, namespace: Option<&str>) -> bool {
        let list = (kind, namespace.map(str::to_owned));
        self.inner().objects.iter().any(|(name, live)| {
            live.mark.is_some() && !live.says.is_read() && lists_of(name).contains(&list)
        })
    }

    /// Remembers what the spec of an object says, if it is still of that version.
    pub(super) fn read(&self, kind: Kind, mut sealed: SealedSecret) {
        sealed.spec.kind = kind;
        let Some(name) = ObjectName::of(kind, &sealed.metadata) else { return };
        let read = Live::of(&sealed.metadata, Says::of(&sealed));
        if let Some(live) = self.inner().objects.get_mut(&name) {
            *live = Arc::new(Live::clone(live).with_spec_of(&read));
        }
    }

    /// Forgets an object; says whose it was.
    pub(super) fn gone(&self, kind: Kind, metadata: &ObjectMeta) -> Option<String> {
        let name = ObjectName::of(kind, metadata)?;
        let mut inner = self.inner();
        inner.note_event(&name, metadata);
        inner.objects.remove(&name)?.mark.as_ref().map(|mark| mark.uid.clone())
    }

    pub(super) fn list_begins(&self, kind: Kind, namespace: Option<&str>) {
        self.inner().listing.insert((kind, namespace.map(str::to_owned)), HashSet::new());
    }

    /// Forgets what was not in the list that ends; says whose that was.
    pub(super) fn list_ends(&self, kind: Kind, namespace: Option<&str>) -> BTreeSet<String> {
        let mut inner = self.inner();
        let list = (kind, namespace.map(str::to_owned));
        let Some(listed) = inner.listing.remove(&list) else { return BTreeSet::new() };
        let mut of = BTreeSet::new();
        inner.objects.retain(|name, live| {
            let stays = !lists_of(name).contains(&list) || listed.contains(name);
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

    /// One version of an object.
    fn sealed(version: &str, generation: i64, namespace: &str) -> SealedSecret {
        let mut sealed = SealedSecret::default();
        let mark = Mark { source: "app".into(), uid: "u".into(), path: "a".into(), sets: vec![] };
        sealed.metadata = ObjectMeta {
            name: Some("a".into()),
            namespace: Some("prod".into()),
            uid: Some("1".into()),
            resource_version: Some(version.into()),
            generation: Some(generation),
            annotations: Some([(GIT_SOURCE.to_owned(), mark.to_text())].into()),
            ..ObjectMeta::default()
        };
        sealed.spec.scope.namespaces = vec![namespace.to_owned()];
        sealed
    }

    fn labelled(sealed: &SealedSecret, version: &str) -> ObjectMeta {
        ObjectMeta {
            resource_version: Some(version.into()),
            labels: Some([("a".to_owned(), "b".to_owned())].into()),
            ..sealed.metadata.clone()
        }
    }

    /// Objects of which one is being written, and its name.
    fn writing(wanted: &SealedSecret) -> (LiveObjects, ObjectName) {
        let name = ObjectName::of(Kind::SealedSecret, &wanted.metadata).unwrap();
        let live = LiveObjects::default();
        live.writes(&name, &Says::of(wanted));
        (live, name)
    }

    #[test]
    fn the_event_of_an_own_write_asks_for_no_repair_and_that_of_another_does() {
        let (ours, theirs) = (sealed("10", 1, "prod"), sealed("11", 2, "dev"));
        for event_is_first in [true, false] {
            let (live, name) = writing(&ours);
            if event_is_first {
                assert_eq!(live.seen(Kind::SealedSecret, &ours.metadata), None);
            }
            assert!(live.wrote(&name, &ours.metadata));
            assert_eq!(live.seen(Kind::SealedSecret, &ours.metadata), None);
            assert!(live.get(&name).unwrap().says.is_as(&Says::of(&ours)));
            // As when the controller writes the status.
            let status =
                ObjectMeta { resource_version: Some("10".into()), ..ours.metadata.clone() };
            assert_eq!(live.seen(Kind::SealedSecret, &status), None);
            assert_eq!(live.seen(Kind::SealedSecret, &theirs.metadata), Some("u".to_owned()));
            assert!(!live.get(&name).unwrap().says.is_as(&Says::of(&ours)));
            // An event that comes late hides nothing.
            assert_eq!(live.seen(Kind::SealedSecret, &ours.metadata), None);
            assert!(!live.get(&name).unwrap().says.is_as(&Says::of(&ours)));
        }
    }

    #[test]
    fn what_is_written_by_another_before_the_answer_has_come_is_seen() {
        let (ours, theirs) = (sealed("10", 1, "prod"), sealed("11", 2, "dev"));
        let (live, name) = writing(&ours);
        live.seen(Kind::SealedSecret, &theirs.metadata);
        assert!(!live.wrote(&name, &ours.metadata));
        assert!(!live.get(&name).unwrap().says.is_as(&Says::of(&ours)));

        // A label of another is none of ours.
        let (live, name) = writing(&ours);
        live.seen(Kind::SealedSecret, &labelled(&ours, "11"));
        assert!(live.wrote(&name, &ours.metadata));
        assert!(live.get(&name).unwrap().says.is_as(&Says::of(&ours)));

        let (live, name) = writing(&ours);
        live.seen(Kind::SealedSecret, &ours.metadata);
        assert_eq!(live.gone(Kind::SealedSecret, &theirs.metadata), Some("u".to_owned()));
        assert!(!live.wrote(&name, &ours.metadata));
        assert_eq!(live.get(&name), None);
    }

    #[test]
    fn a_spec_that_was_read_counts_for_its_version_alone() {
        let (ours, theirs) = (sealed("10", 1, "prod"), sealed("11", 2, "dev"));
        let name = ObjectName::of(Kind::SealedSecret, &ours.metadata).unwrap();
        let live = LiveObjects::default();
        live.seen(Kind::SealedSecret, &ours.metadata);
        assert!(live.has_unread(Kind::SealedSecret, Some("prod")));
        assert!(!live.has_unread(Kind::SealedSecret, Some("dev")));
        live.read(Kind::SealedSecret, theirs);
        assert!(live.has_unread(Kind::SealedSecret, Some("prod")));
        live.read(Kind::SealedSecret, ours.clone());
        assert!(!live.has_unread(Kind::SealedSecret, Some("prod")));
        assert!(live.get(&name).unwrap().says.is_as(&Says::of(&ours)));

        // The same name with the same numbers, made anew: another object.
        let mut anew = ours.metadata.clone();
        anew.uid = Some("2".into());
        assert_eq!(live.seen(Kind::SealedSecret, &anew), Some("u".to_owned()));
        assert!(!live.get(&name).unwrap().says.is_as(&Says::of(&ours)));
    }

    #[test]
    fn a_list_says_what_is_so_also_where_it_is_older() {
        let (later, restored) = (sealed("11", 2, "dev"), sealed("10", 2, "prod"));
        let (live, name) = writing(&later);
        live.wrote(&name, &later.metadata);
        live.list_begins(Kind::SealedSecret, None);
        live.seen(Kind::SealedSecret, &restored.metadata);
        assert!(live.has_unread(Kind::SealedSecret, None));
        live.list_ends(Kind::SealedSecret, None);
        assert_eq!(live.get(&name).unwrap().resource_version, "10");
    }
}
