//! Who wants a live Secret where. Of ClusterSealedSecrets: their places, the copies that are no longer wanted, and whom a namespace
//! that comes, goes or changes its labels wakes.

use std::collections::BTreeSet;
use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use seal_core::kind::sealed::WrittenSecret;
use seal_core::place::Place;

use super::live::SecretVersion;
use super::namespaces::{There, Wants};
use super::{Memory, State, Tracked};
use crate::object_id::{Kind, ObjectId, ObjectName};
use crate::work::pace::Repairs;

impl Memory {
    /// A namespace was seen. Returns the objects that may have work with it.
    pub(crate) fn namespace(&self, metadata: &ObjectMeta) -> Vec<Arc<ObjectName>> {
        self.with(|state| {
            if state.namespaces.is_listing() {
                state.namespaces.saw(metadata); // everybody is woken at the end of the list
                return Vec::new();
            }
            let name = metadata.name.as_deref().unwrap_or_default();
            let before = state.wanting_namespace(name);
            if !state.namespaces.saw(metadata) {
                return Vec::new();
            }
            let mut work = before;
            work.extend(state.wanting_namespace(name));
            work.sort();
            work.dedup();
            work
        })
    }

    /// A namespace is gone. Returns the objects that want a live Secret in it.
    pub(crate) fn namespace_gone(&self, metadata: &ObjectMeta) -> Vec<Arc<ObjectName>> {
        self.with(|state| {
            let work = state.wanting_namespace(metadata.name.as_deref().unwrap_or_default());
            state.namespaces.gone(metadata);
            work
        })
    }

    /// A list of namespaces begins.
    pub(crate) fn namespace_list_begins(&self) {
        self.with(|state| state.namespaces.list_begins());
    }

    /// A list of namespaces is complete. Returns every object that wants a live Secret in some.
    pub(crate) fn namespace_list_ends(&self) -> Vec<Arc<ObjectName>> {
        self.with(|state| {
            state.namespaces.list_ends();
            let all = state.objects.all().filter(|it| it.wants != Wants::Own);
            all.map(|it| it.id.at.clone()).collect()
        })
    }

    /// Where the object `id` wants its live Secrets, and whether the namespace of each is there; `None` while the namespaces are
    /// not known.
    pub(crate) fn places(&self, id: &ObjectId, wants: &Wants) -> Option<Vec<(Place, There)>> {
        self.with(|state| {
            let wanted = state.namespaces.are_known.then(|| state.namespaces.wanted(wants))?;
            let place = |(namespace, there): (String, There)| (id.at.target_in(&namespace), there);
            Some(wanted.into_iter().map(place).collect())
        })
    }

    /// Where a Secret stands that this very object controls and that it does not want there.
    pub(crate) fn strays(&self, id: &ObjectId, wants: &Wants) -> Vec<Place> {
        if id.at.kind == Kind::SealedSecret {
            return Vec::new();
        }
        self.with(|state| {
            if !state.namespaces.are_known {
                return Vec::new();
            }
            let copies = state.owned.namespaces_of(&id.at.name, &id.uid);
            let strays = copies.filter(|namespace| !state.namespaces.is_wanted(wants, namespace));
            strays.map(|namespace| id.at.target_in(namespace)).collect()
        })
    }
}

impl State {
    fn wanting_namespace(&self, name: &str) -> Vec<Arc<ObjectName>> {
        let all = self.objects.all().filter(|it| self.namespaces.is_wanted(&it.wants, name));
        let mut names: Vec<Arc<ObjectName>> = all.map(|it| it.id.at.clone()).collect();
        names.sort();
        names
    }

    /// Where an object wants its live Secrets.
    pub(super) fn targets(&self, tracked: &Tracked) -> Vec<Place> {
        let at = &tracked.id.at;
        match at.kind {
            Kind::SealedSecret => vec![at.target()],
            Kind::ClusterSealedSecret => {
                let wanted = self.namespaces.wanted(&tracked.wants).into_iter();
                wanted.map(|(namespace, _)| at.target_in(&namespace)).collect()
            }
        }
    }

    /// The objects that want a live Secret at `place`: one of each kind at most.
    pub(super) fn wanting(&self, place: &Place) -> impl Iterator<Item = &Tracked> {
        let own = self.objects.get(&ObjectName::sealed_secret(place));
        let cluster = self.objects.get(&ObjectName::cluster_sealed_secret(place));
        let cluster = cluster.filter(|it| self.namespaces.is_wanted(&it.wants, &place.namespace));
        own.into_iter().chain(cluster)
    }

    /// Whether a Secret of this version at `place`, where there was another `before`, may be work for an object that wants one.
    pub(super) fn is_work_for(
        &self,
        tracked: &Tracked,
        place: &Place,
        before: Option<SecretVersion>,
        version: &SecretVersion,
        is_merged_into: bool,
    ) -> bool {
        let written = tracked.written_at(place);
        match before {
            _ if written.is_some_and(|it| self.live.is_version(version, it)) => false,
            // Somebody else's, as far as the status says: an edit of it asks for nothing, another Secret or
            // another owner does. Should a worker just be making it ours, it asks `changed_since` in the end.
            Some(before) if !tracked.holds(place) && !is_merged_into => {
                before.ownership != version.ownership || !before.is_same_secret(version)
            }
            _ => before != Some(*version),
        }
    }

    /// The object of which a copy stands at `place` that it does not want there.
    pub(super) fn stray_of(&self, place: &Place) -> Option<&Tracked> {
        let tracked = self.objects.get(&ObjectName::cluster_sealed_secret(place))?;
        let mut copies = self.owned.namespaces_of(&place.name, &tracked.id.uid);
        let is_ours = copies.any(|namespace| *namespace == place.namespace);
        (is_ours && !self.namespaces.is_wanted(&tracked.wants, &place.namespace)).then_some(tracked)
    }
}

/// What is remembered of an object at one of its places; a SealedSecret has one.
impl Tracked {
    /// The version of the live Secret at `place` that was last written, or found as it should be.
    pub(crate) fn written_at(&self, place: &Place) -> Option<&WrittenSecret> {
        match self.id.at.kind {
            Kind::SealedSecret => self.written(),
            Kind::ClusterSealedSecret => self.copies.get(&place.namespace)?.written.as_ref(),
        }
    }

    /// The generation that was last applied at `place`.
    pub(crate) fn applied_at(&self, place: &Place) -> Option<i64> {
        match self.id.at.kind {
            Kind::SealedSecret => self.applied,
            Kind::ClusterSealedSecret => self.copies.get(&place.namespace)?.applied,
        }
    }

    /// Whether the live Secret at `place` is ours, as far as we know.
    pub(super) fn holds(&self, place: &Place) -> bool {
        match self.id.at.kind {
            Kind::SealedSecret => self.is_ready(),
            Kind::ClusterSealedSecret => self.copies.contains_key(&place.namespace),
        }
    }

    /// This version of the live Secret at `place` is as this generation wants it.
    pub(crate) fn confirmed_at(&mut self, place: &Place, generation: i64, secret: WrittenSecret) {
        let copy = self.copies.entry(place.namespace.clone()).or_default();
        copy.written = Some(secret);
        copy.applied = Some(generation);
    }

    /// Nothing is known any more of other places than these.
    pub(crate) fn keep_copies_at(&mut self, places: &BTreeSet<&str>) {
        self.copies.retain(|namespace, _| places.contains(namespace.as_str()));
    }

    /// The live Secret at `place` is not ours, or is no longer wanted.
    pub(crate) fn let_go_of(&mut self, place: &Place) {
        self.copies.remove(&place.namespace);
    }

    /// When the live Secret at `place` was put right.
    pub(crate) fn repairs_at(&self, place: &Place) -> Repairs {
        match self.id.at.kind {
            Kind::SealedSecret => self.repairs,
            Kind::ClusterSealedSecret => {
                self.copies.get(&place.namespace).map(|copy| copy.repairs).unwrap_or_default()
            }
        }
    }

    /// Remembers it.
    pub(crate) fn set_repairs_at(&mut self, place: &Place, repairs: Repairs) {
        match self.id.at.kind {
            Kind::SealedSecret => self.repairs = repairs,
            Kind::ClusterSealedSecret => {
                self.copies.entry(place.namespace.clone()).or_default().repairs = repairs;
            }
        }
    }
}
