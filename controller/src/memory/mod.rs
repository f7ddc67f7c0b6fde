//! What the controller remembers of the cluster: of each sealed object its metadata and status, of each live
//! Secret beside one its version, of all other Secrets one number.
//!
//! Never ciphertext beyond a small budget of objects that have just arrived, never a value. Pure memory: who
//! reads the API server fills it in, [`crate::reconcile`] asks.

mod tracked;

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use seal_core::kind::sealed::{SealedSecret, SealedSecretStatus, WrittenSecret};
use seal_core::open::allowed::Grants;
use seal_core::place::Place;

pub(crate) use tracked::{Tracked, is_resting};
use tracked::{track, weight};

/// Bytes of sealed objects that are kept from their watch event until their reconcile, to save a read.
const FRESH_BYTES: usize = 4 << 20;

/// The version of a live Secret, and the part of its metadata that says whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SecretVersion {
    /// `metadata.uid` and `metadata.resourceVersion`.
    pub written: WrittenSecret,
    /// A number that changes with its owner or with an annotation of ours.
    mark: u64,
}

impl SecretVersion {
    /// By resourceVersion: the API server's are numbers that grow.
    fn is_newer_than(&self, other: &Self) -> bool {
        let number = |it: &Self| it.written.resource_version.parse::<u64>().ok();
        number(self) > number(other)
    }
}

/// What is known of the live Secret at a place without reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// The watch has seen no Secret of that name.
    Absent,
    /// There is one, or was a moment ago.
    Version(SecretVersion),
    /// There may be one.
    Unknown,
}

/// What one watch sees: one namespace, or with `None` all of them.
pub(crate) type Watched = Option<Arc<str>>;

/// The memory itself.
#[derive(Default)]
pub(crate) struct Index {
    state: Mutex<State>,
    hasher: RandomState,
}

#[derive(Default)]
struct State {
    sealed: HashMap<Place, Tracked>,
    versions: HashMap<Place, SecretVersion>,
    /// Of every Secret's name one number, so that absence is known without a read; by watch.
    names: HashMap<Watched, HashSet<u64>>,
    fresh: HashMap<Place, Arc<SealedSecret>>,
    fresh_bytes: usize,
    /// While a list is under way: what it has named so far.
    listed_sealed: HashMap<Watched, HashSet<Place>>,
    listed_names: HashMap<Watched, HashSet<u64>>,
}

impl Index {
    /// A sealed object arrived. Returns its place when there may be work.
    pub(crate) fn sealed(
        &self,
        watched: &Watched,
        sealed: SealedSecret,
        grants: &Grants,
    ) -> Option<Place> {
        let place = sealed.place().ok()?;
        self.with(|state| {
            if let Some(listed) = state.listed_sealed.get_mut(watched) {
                listed.insert(place.clone());
            }
            let before = state.sealed.remove(&place);
            let mut now = track(&sealed, &place, grants);
            let mut news = true;
            if let Some(before) = before.filter(|before| before.uid == now.uid) {
                // Our own status, or a label: what still waits for its time goes on waiting.
                news = before.resting || before.asks() != now.asks();
                now.processed = before.processed;
                now.failures = before.failures;
                now.repairs = before.repairs;
                // We alone write the status, so ours is never older than an event's.
                now.status = before.status;
            }
            let work = now.needs_work() && news;
            // Only what has changed is read: the others would stay in memory for nothing.
            let read = now.status.observed_generation != Some(now.generation);
            if !now.needs_work() {
                state.take_fresh(&place);
            }
            state.sealed.insert(place.clone(), now);
            if work && read {
                state.keep_fresh(&place, sealed);
            }
            work.then_some(place)
        })
    }

    /// A sealed object is gone; the API server collects its Secret.
    pub(crate) fn sealed_gone(&self, place: &Place) {
        self.with(|state| {
            state.sealed.remove(place);
            state.versions.remove(place);
            state.take_fresh(place);
        });
    }

    /// A list of sealed objects begins; what it does not name by its end is gone.
    pub(crate) fn sealed_list_begins(&self, watched: &Watched) {
        self.with(|state| state.listed_sealed.insert(watched.clone(), HashSet::new()));
    }

    /// A list of sealed objects is complete.
    pub(crate) fn sealed_list_ends(&self, watched: &Watched) {
        let gone: Vec<Place> = self.with(|state| {
            let listed = state.listed_sealed.remove(watched).unwrap_or_default();
            let seen = |place: &&Place| sees(watched, place) && !listed.contains(*place);
            state.sealed.keys().filter(seen).cloned().collect()
        });
        gone.iter().for_each(|place| self.sealed_gone(place));
    }

    /// A Secret was seen. Returns its place when a sealed object there may have work.
    pub(crate) fn secret(&self, watched: &Watched, metadata: &ObjectMeta) -> Option<Place> {
        let place = place_of(metadata)?;
        let name = self.number(&place);
        let version = self.version(metadata);
        self.with(|state| {
            state.names.entry(watched.clone()).or_default().insert(name);
            if let Some(listed) = state.listed_names.get_mut(watched) {
                listed.insert(name);
            }
            let tracked = state.sealed.get(&place)?;
            let work = match state.versions.get(&place) {
                _ if tracked.status.secret.as_ref() == Some(&version.written) => false,
                // Somebody else's Secret: only its removal, or a change of owner, is news. If it is ours after
                // all, whoever is at work on it asks `changed_since` in the end.
                Some(before) if !tracked.is_ready() => {
                    before.mark != version.mark || before.written.uid != version.written.uid
                }
                before => before != Some(&version),
            };
            state.versions.insert(place.clone(), version);
            work.then_some(place)
        })
    }

    /// A Secret is gone. Returns its place when a sealed object there has work.
    pub(crate) fn secret_gone(&self, watched: &Watched, metadata: &ObjectMeta) -> Option<Place> {
        let place = place_of(metadata)?;
        let name = self.number(&place);
        self.with(|state| {
            state.names.entry(watched.clone()).or_default().remove(&name);
            state.versions.remove(&place);
            state.sealed.contains_key(&place).then_some(place)
        })
    }

    /// A list of Secrets begins.
    pub(crate) fn secret_list_begins(&self, watched: &Watched) {
        self.with(|state| state.listed_names.insert(watched.clone(), HashSet::new()));
    }

    /// A list of Secrets is complete. Returns the places whose live Secret went away unseen.
    pub(crate) fn secret_list_ends(&self, watched: &Watched) -> Vec<Place> {
        self.with(|state| {
            let listed = state.listed_names.remove(watched).unwrap_or_default();
            let seen = |place: &&Place| sees(watched, place);
            let gone = |place: &&Place| !listed.contains(&self.number(place));
            let gone: Vec<Place> =
                state.versions.keys().filter(seen).filter(gone).cloned().collect();
            state.names.insert(watched.clone(), listed);
            gone.iter().for_each(|place| drop(state.versions.remove(place)));
            gone
        })
    }

    /// What is known of the sealed object at `place`.
    pub(crate) fn get(&self, place: &Place) -> Option<Tracked> {
        self.with(|state| state.sealed.get(place).cloned())
    }

    /// The sealed object itself, when its watch event is still at hand.
    pub(crate) fn take_fresh(&self, place: &Place) -> Option<Arc<SealedSecret>> {
        self.with(|state| state.take_fresh(place))
    }

    /// What is known of the live Secret at `place`.
    pub(crate) fn live(&self, place: &Place) -> Known {
        let name = self.number(place);
        self.with(|state| {
            let named = state.names.values().any(|names| names.contains(&name));
            match state.versions.get(place) {
                Some(version) if named => Known::Version(version.clone()),
                None if !named => Known::Absent,
                // Not read yet; or written by us, and the watch has not told of it yet or told of its end.
                _ => Known::Unknown,
            }
        })
    }

    /// Whether the watch has seen another version of the live Secret than `written`, which we read or wrote.
    pub(crate) fn changed_since(&self, place: &Place, written: &WrittenSecret) -> bool {
        self.with(|state| state.versions.get(place).is_some_and(|it| it.written != *written))
    }

    /// We have read or written the Secret with this metadata.
    pub(crate) fn saw_live(&self, place: &Place, metadata: &ObjectMeta) {
        let version = self.version(metadata);
        self.with(|state| {
            // The watch may be faster than the answer to us: what it saw later is not forgotten.
            let newer = state.versions.get(place).is_some_and(|it| it.is_newer_than(&version));
            if state.sealed.contains_key(place) && !newer {
                state.versions.insert(place.clone(), version);
            }
        });
    }

    /// Changes what is remembered of a sealed object, unless it has been replaced by another since.
    pub(crate) fn update(&self, place: &Place, uid: &str, change: impl FnOnce(&mut Tracked)) {
        self.with(|state| {
            if let Some(tracked) = state.sealed.get_mut(place).filter(|it| it.uid == uid) {
                change(tracked);
            }
        });
    }

    /// All places with a sealed object.
    pub(crate) fn places(&self) -> Vec<Place> {
        self.with(|state| state.sealed.keys().cloned().collect())
    }

    /// Calls `visit` with every sealed object's status.
    pub(crate) fn for_each_status(&self, mut visit: impl FnMut(&SealedSecretStatus)) {
        self.with(|state| state.sealed.values().for_each(|tracked| visit(&tracked.status)));
    }

    fn version(&self, metadata: &ObjectMeta) -> SecretVersion {
        let ours = metadata.annotations.iter().flatten();
        let ours: Vec<_> = ours.filter(|(name, _)| name.starts_with("seal.dev/")).collect();
        let owners = metadata.owner_references.iter().flatten();
        let owners: Vec<_> = owners.map(|owner| (&owner.uid, owner.controller)).collect();
        SecretVersion {
            written: WrittenSecret {
                uid: metadata.uid.clone().unwrap_or_default(),
                resource_version: metadata.resource_version.clone().unwrap_or_default(),
            },
            mark: self.hasher.hash_one((ours, owners)),
        }
    }

    fn number(&self, place: &Place) -> u64 {
        self.hasher.hash_one(place)
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl State {
    fn keep_fresh(&mut self, place: &Place, sealed: SealedSecret) {
        self.take_fresh(place);
        let bytes = weight(&sealed);
        if self.fresh_bytes + bytes <= FRESH_BYTES {
            self.fresh_bytes += bytes;
            self.fresh.insert(place.clone(), Arc::new(sealed));
        }
    }

    fn take_fresh(&mut self, place: &Place) -> Option<Arc<SealedSecret>> {
        let sealed = self.fresh.remove(place)?;
        self.fresh_bytes -= weight(&sealed);
        Some(sealed)
    }
}

fn sees(watched: &Watched, place: &Place) -> bool {
    watched.as_deref().is_none_or(|namespace| namespace == place.namespace)
}

fn place_of(metadata: &ObjectMeta) -> Option<Place> {
    Place::new(metadata.namespace.as_deref()?, metadata.name.as_deref()?).ok()
}

#[cfg(test)]
mod tests;
