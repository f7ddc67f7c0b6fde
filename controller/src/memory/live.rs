//! The live Secrets: the version of each that stands where a sealed object wants one, and of every Secret one
//! number for its name, so that absence is known without a read.
//!
//! At the start Secrets are listed before sealed objects, so until [`Live::keep_only`] a version is kept of every
//! Secret: 32 bytes each.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use seal_core::kind::sealed::WrittenSecret;
use seal_core::place::Place;

use super::Watched;

/// The version of a Secret, and the part of its metadata that says whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SecretVersion {
    uid: u64,
    /// `metadata.resourceVersion`: the API server's are numbers that grow.
    number: u64,
    /// Changes with the owner that controls it or with an annotation of ours.
    pub(super) ownership: u64,
}

impl SecretVersion {
    pub(super) fn is_same_secret(&self, other: &Self) -> bool {
        self.uid == other.uid
    }
}

/// What is known of them, by the numbers of their places.
pub(super) struct Live {
    versions: HashMap<u64, SecretVersion>,
    names: HashMap<Watched, HashSet<u64>>,
    /// While a list is under way: what it has named so far.
    listing: HashMap<Watched, HashSet<u64>>,
    /// Whether versions are kept of Secrets that no sealed object is known for.
    keeps_all: bool,
    hasher: RandomState,
}

impl Default for Live {
    fn default() -> Self {
        Self {
            versions: HashMap::new(),
            names: HashMap::new(),
            listing: HashMap::new(),
            keeps_all: true,
            hasher: RandomState::new(),
        }
    }
}

impl Live {
    /// There is a Secret at `place`.
    pub(super) fn named(&mut self, watched: &Watched, place: &Place) {
        let number = self.number(place);
        self.names.entry(watched.clone()).or_default().insert(number);
        if let Some(listed) = self.listing.get_mut(watched) {
            listed.insert(number);
        }
    }

    /// The Secret at `place` has this version; returns the one before.
    pub(super) fn remember(
        &mut self,
        place: &Place,
        version: SecretVersion,
    ) -> Option<SecretVersion> {
        self.versions.insert(self.number(place), version)
    }

    /// The same for a place where no sealed object is known.
    pub(super) fn remember_for_later(&mut self, place: &Place, version: SecretVersion) {
        if self.keeps_all {
            self.remember(place, version);
        }
    }

    /// The Secret at `place` is gone.
    pub(super) fn gone(&mut self, watched: &Watched, place: &Place) {
        let number = self.number(place);
        self.names.entry(watched.clone()).or_default().remove(&number);
        self.versions.remove(&number);
    }

    /// No sealed object wants a Secret at `place` any more.
    pub(super) fn forget(&mut self, place: &Place) {
        self.versions.remove(&self.number(place));
    }

    pub(super) fn list_begins(&mut self, watched: &Watched) {
        self.listing.insert(watched.clone(), HashSet::new());
    }

    /// A list is complete: which of `wanted` had a Secret that it did not name.
    pub(super) fn list_ends(&mut self, watched: &Watched, wanted: Vec<Place>) -> Vec<Place> {
        let listed = self.listing.remove(watched).unwrap_or_default();
        let mut gone = wanted;
        gone.retain(|place| watched.sees(Some(&place.namespace)));
        gone.retain(|place| {
            let number = self.number(place);
            !listed.contains(&number) && self.versions.remove(&number).is_some()
        });
        self.names.insert(watched.clone(), listed);
        gone
    }

    /// Every sealed object is known: only versions at the places that they want are kept from now on.
    pub(super) fn keep_only<'a>(&mut self, wanted: impl Iterator<Item = &'a Place>) {
        let numbers: HashSet<u64> = wanted.map(|place| self.number(place)).collect();
        self.versions.retain(|number, _| numbers.contains(number));
        self.versions.shrink_to_fit();
        self.keeps_all = false;
    }

    /// Whether there is no Secret at `place`. False when there may be one: written by us, and the watch has not
    /// told of it yet.
    pub(super) fn is_absent(&self, place: &Place) -> bool {
        let number = self.number(place);
        !self.versions.contains_key(&number) && !self.is_named(number)
    }

    /// The version of the Secret at `place`; `None` where none is known or the watch told of its end.
    pub(super) fn version(&self, place: &Place) -> Option<&SecretVersion> {
        let number = self.number(place);
        self.versions.get(&number).filter(|_| self.is_named(number))
    }

    /// Whether the watch has seen another version at `place` than `written`.
    pub(super) fn changed_since(&self, place: &Place, written: &WrittenSecret) -> bool {
        let version = self.versions.get(&self.number(place));
        version.is_some_and(|version| !self.is_version(version, written))
    }

    /// Whether a later version than this one has been seen at `place`.
    pub(super) fn has_newer(&self, place: &Place, version: &SecretVersion) -> bool {
        self.versions.get(&self.number(place)).is_some_and(|seen| seen.number > version.number)
    }

    /// Whether `version` is the one of this uid and resourceVersion.
    pub(super) fn is_version(&self, version: &SecretVersion, written: &WrittenSecret) -> bool {
        version.uid == self.hasher.hash_one(&written.uid)
            && version.number == self.version_number(&written.resource_version)
    }

    pub(super) fn version_of(&self, metadata: &ObjectMeta) -> SecretVersion {
        let annotations = metadata.annotations.iter().flatten();
        let ours: Vec<_> = annotations.filter(|(name, _)| name.starts_with("seal.dev/")).collect();
        let mut references = metadata.owner_references.iter().flatten();
        let controller = references.find(|owner| owner.controller == Some(true));
        SecretVersion {
            uid: self.hasher.hash_one(metadata.uid.as_deref().unwrap_or_default()),
            number: self.version_number(metadata.resource_version.as_deref().unwrap_or_default()),
            ownership: self.hasher.hash_one((ours, controller.map(|owner| &owner.uid))),
        }
    }

    /// Anything but a number is told apart all the same.
    fn version_number(&self, resource_version: &str) -> u64 {
        resource_version.parse().unwrap_or_else(|_| self.hasher.hash_one(resource_version))
    }

    fn is_named(&self, number: u64) -> bool {
        self.names.values().any(|names| names.contains(&number))
    }

    fn number(&self, place: &Place) -> u64 {
        self.hasher.hash_one(place)
    }

    #[cfg(test)]
    pub(super) fn versions(&self) -> usize {
        self.versions.len()
    }
}
