//! What the controller remembers of the cluster: of each sealed object its metadata and status, of each live
//! Secret that one wants its version, of every other Secret one number.
//!
//! Never a value, and ciphertext only of objects that have just arrived. Touches nothing: the watches fill it in
//! and [`crate::reconcile`] asks.

mod accounts;
mod asks;
mod cluster;
mod copies;
mod fresh;
mod live;
mod namespaces;
mod objects;

use std::sync::{Arc, Mutex, PoisonError};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use seal_core::kind::sealed::{SealedSecret, WrittenSecret};
use seal_core::open::allowed::Grants;
use seal_core::place::Place;
use tokio::sync::Notify;

use crate::object_id::{Kind, ObjectId, ObjectName};
use crate::thin::Arrived;
use accounts::Accounts;
use copies::Owned;
use fresh::Fresh;
use live::Live;
use namespaces::Namespaces;
pub(crate) use namespaces::{There, Wants};
pub(crate) use objects::Tracked;
use objects::{Arrival, Objects};

/// What one watch sees: one namespace, or with `None` all of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Watched(pub Option<Arc<str>>);

impl Watched {
    fn sees(&self, namespace: Option<&str>) -> bool {
        self.0.is_none() || self.0.as_deref() == namespace
    }
}

/// The memory itself.
pub(crate) struct Memory {
    state: Mutex<State>,
    /// What this installation gives, for the checks that need no key.
    grants: Grants,
    /// Told whenever there may be room again.
    room: Notify,
}

struct State {
    objects: Objects,
    live: Live,
    fresh: Fresh,
    namespaces: Namespaces,
    owned: Owned,
    accounts: Accounts,
}

impl Memory {
    pub(crate) fn new(grants: Grants) -> Self {
        Self::with_budget(grants, fresh::BUDGET)
    }

    fn with_budget(grants: Grants, budget: usize) -> Self {
        let fresh = Fresh::new(budget);
        let state = State {
            objects: Objects::default(),
            live: Live::default(),
            fresh,
            namespaces: Namespaces::new(grants.closed_namespaces.clone()),
            owned: Owned::default(),
            accounts: Accounts::default(),
        };
        Self { state: Mutex::new(state), grants, room: Notify::new() }
    }

    /// Waits until another sealed object may arrive.
    ///
    /// Ends as long as objects are reconciled: each one that is kept is queued or with a worker, and a worker takes
    /// it out before anything else.
    pub(crate) async fn room(&self) {
        loop {
            let freed = self.room.notified();
            if !self.with(|state| state.fresh.is_full()) {
                return;
            }
            freed.await;
        }
    }

    /// A sealed object arrived. Returns its name when there may be work.
    pub(crate) fn sealed(&self, watched: &Watched, arrived: Arrived) -> Option<Arc<ObjectName>> {
        let name = ObjectName::of(arrived.sealed.spec.kind, &arrived.sealed.metadata)?;
        let tracked = Tracked::of(&arrived, name, &self.grants);
        let version = arrived.sealed.metadata.resource_version.as_deref();
        let version = version.and_then(|number| number.parse().ok()).unwrap_or_default();
        let sealed = arrived.is_whole.then(|| Box::new(arrived.sealed));
        let name = tracked.id.at.clone();
        let accounts = accounts::wanted_by(&tracked, &self.grants);
        self.with(|state| {
            state.accounts.want(&name, accounts);
            match state.objects.arrive(watched, tracked, version) {
                Arrival::Nothing => {
                    state.fresh.take(&name);
                    None
                }
                Arrival::Known => None,
                Arrival::Observed => Some(name),
                Arrival::New => {
                    if let Some(sealed) = sealed {
                        state.fresh.keep(name.clone(), sealed);
                    }
                    Some(name)
                }
            }
        })
    }

    /// A sealed object is gone; the API server collects its Secrets.
    pub(crate) fn sealed_gone(&self, kind: Kind, metadata: &ObjectMeta) {
        if let Some(name) = ObjectName::of(kind, metadata) {
            self.with(|state| state.object_gone(&name));
        }
    }

    /// A list of sealed objects of one kind begins; what it does not name by its end is gone.
    pub(crate) fn sealed_list_begins(&self, kind: Kind, watched: &Watched) {
        self.with(|state| state.objects.list_begins(kind, watched));
    }

    /// A list of sealed objects is complete.
    pub(crate) fn sealed_list_ends(&self, kind: Kind, watched: &Watched) {
        self.with(|state| {
            for name in state.objects.list_ends(kind, watched) {
                state.object_gone(&name);
            }
        });
    }

    /// The first lists of all sealed objects are complete: nothing more is kept of Secrets that none of them wants.
    pub(crate) fn lists_complete(&self) {
        self.with(|state| {
            let all = state.objects.all();
            let wanted: Vec<Place> = all.flat_map(|it| state.targets(it)).collect();
            state.live.keep_only(wanted.iter());
        });
    }

    /// A Secret was seen. Returns the sealed objects that may have work with it.
    pub(crate) fn secret(&self, watched: &Watched, metadata: &ObjectMeta) -> Vec<Arc<ObjectName>> {
        let Some(place) = place_of(metadata) else { return Vec::new() };
        self.with(|state| {
            let version = state.live.version_of(metadata);
            state.live.named(watched, &place);
            state.owned.saw(&place, metadata);
            if state.wanting(&place).next().is_none() {
                state.live.remember_for_later(&place, version);
                return state.stray_of(&place).map(|it| it.id.at.clone()).into_iter().collect();
            }
            let before = state.live.remember(&place, version);
            let lets_merge = asks::lets_merge(metadata);
            let wanting = state.wanting(&place);
            let work = wanting.filter(|it| {
                state.is_work_for(it, &place, before, &version, it.merges && lets_merge)
            });
            work.map(|it| it.id.at.clone()).collect()
        })
    }

    /// A Secret is gone. Returns the sealed objects that have work with it.
    pub(crate) fn secret_gone(
        &self,
        watched: &Watched,
        metadata: &ObjectMeta,
    ) -> Vec<Arc<ObjectName>> {
        let Some(place) = place_of(metadata) else { return Vec::new() };
        self.with(|state| {
            state.live.gone(watched, &place);
            state.owned.gone(&place);
            state.wanting(&place).map(|it| it.id.at.clone()).collect()
        })
    }

    /// A list of Secrets begins.
    pub(crate) fn secret_list_begins(&self, watched: &Watched) {
        self.with(|state| {
            state.live.list_begins(watched);
            state.owned.list_begins();
        });
    }

    /// A list of Secrets is complete. Returns the sealed objects whose live Secret went away unseen.
    pub(crate) fn secret_list_ends(&self, watched: &Watched) -> Vec<Arc<ObjectName>> {
        self.with(|state| {
            state.owned.list_ends();
            let wanted = state.objects.all().flat_map(|it| state.targets(it)).collect();
            let gone = state.live.list_ends(watched, wanted);
            let wanting = gone.iter().flat_map(|place| state.wanting(place));
            wanting.map(|it| it.id.at.clone()).collect()
        })
    }

    /// The object that has this name now, for a worker whose turn it is; and the whole of it while that is at hand.
    pub(crate) fn turn(&self, name: &ObjectName) -> Option<(Tracked, Option<Box<SealedSecret>>)> {
        self.with(|state| {
            let fresh = state.fresh.take(name);
            Some((state.objects.get(name)?.clone(), fresh))
        })
    }

    /// A worker has no room for this object now, and its turn comes again.
    pub(crate) fn put_back(&self, id: &ObjectId, sealed: Option<Box<SealedSecret>>) {
        self.with(|state| {
            if let (Some(_), Some(sealed)) = (state.objects.get_mut(id), sealed) {
                state.fresh.keep_unless_newer(id.at.clone(), sealed);
            }
        });
    }

    /// Whether the watch knows that there is no Secret at `place`.
    pub(crate) fn is_absent(&self, place: &Place) -> bool {
        self.with(|state| state.live.is_absent(place))
    }

    /// Whether the Secret at `place` is, as far as the watch knows, still the one that was written.
    pub(crate) fn is_still(&self, place: &Place, written: &WrittenSecret) -> bool {
        self.with(|state| {
            let version = state.live.version(place);
            version.is_some_and(|version| state.live.is_version(version, written))
        })
    }

    /// Whether the watch has seen another version of the live Secret than `written`, which we read or wrote.
    pub(crate) fn changed_since(&self, place: &Place, written: &WrittenSecret) -> bool {
        self.with(|state| state.live.changed_since(place, written))
    }

    /// We have read or written the Secret with this metadata for the object `id`.
    pub(crate) fn saw_live(&self, id: &ObjectId, place: &Place, metadata: &ObjectMeta) {
        self.with(|state| {
            let version = state.live.version_of(metadata);
            // The watch may have told of a later version before our request was answered.
            if state.objects.get_mut(id).is_some() && !state.live.has_newer(place, &version) {
                state.live.remember(place, version);
            }
        });
    }

    /// Changes what is remembered of a sealed object, unless it has been replaced by another since.
    pub(crate) fn update(&self, id: &ObjectId, change: impl FnOnce(&mut Tracked)) {
        self.with(|state| state.objects.get_mut(id).map(change));
    }

    /// The names of all sealed objects.
    pub(crate) fn names(&self) -> Vec<Arc<ObjectName>> {
        self.with(|state| state.objects.all().map(|it| it.id.at.clone()).collect())
    }

    /// Calls `visit` with every sealed object.
    pub(crate) fn for_each(&self, visit: impl FnMut(&Tracked)) {
        self.with(|state| state.objects.all().for_each(visit));
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let result = act(&mut state);
        // After every change, so that no way of making room can be forgotten.
        if !state.fresh.is_full() {
            self.room.notify_waiters();
        }
        result
    }
}

impl State {
    fn object_gone(&mut self, name: &ObjectName) {
        if let Some(gone) = self.objects.remove(name) {
            self.accounts.forget(&gone.id.at);
            for target in self.targets(&gone) {
                // The other kind may want one there as well.
                if self.wanting(&target).next().is_none() {
                    self.live.forget(&target);
                }
            }
        }
        self.fresh.take(name);
    }
}

fn place_of(metadata: &ObjectMeta) -> Option<Place> {
    Place::new(metadata.namespace.as_deref()?, metadata.name.as_deref()?).ok()
}

#[cfg(test)]
mod tests;
