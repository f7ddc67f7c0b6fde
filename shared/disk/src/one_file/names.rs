//! Whose entry of a shared file is whose, and what is to become of each. Decides; touches nothing.

use std::collections::{BTreeMap, BTreeSet};

use seal_core::layout::{Held, Wanted};

use super::{Applied, Laid, OneFile};
use crate::error::DiskError;
use crate::inventory::{Entry, Inventory};

/// Whose entry is whose.
pub(super) struct Names<'a> {
    laid: &'a [Laid],
    pub(super) refused: BTreeMap<String, DiskError>,
    ours: BTreeSet<&'a str>,
    /// By entry, the object that keeps it.
    kept: BTreeMap<&'a str, &'a str>,
}

impl<'a> Names<'a> {
    /// Refuses what cannot stand in the file; what was refused keeps its entries, and so may be in the way of another.
    pub(super) fn sort_out(
        file: &'a OneFile,
        held: &Held<'_>,
        laid: &'a [Laid],
        gone: &[String],
    ) -> Self {
        let objects = &file.inventory.objects;
        let ours = objects.values().flat_map(|entry| &entry.entries).map(String::as_str).collect();
        let mut names = Self { laid, refused: BTreeMap::new(), ours, kept: BTreeMap::new() };
        let applied: BTreeSet<String> = laid.iter().map(|it| it.object.place.to_string()).collect();
        loop {
            let stays = |place: &String, refused: &BTreeMap<String, DiskError>| {
                !gone.contains(place) && (!applied.contains(place) || refused.contains_key(place))
            };
            let stay = objects.iter().filter(|(place, _)| stays(place, &names.refused));
            let entries = |(place, entry): (&'a String, &'a Entry)| {
                entry.entries.iter().map(|name| (name.as_str(), place.as_str()))
            };
            names.kept = stay.flat_map(entries).filter(|(name, _)| held.holds(name)).collect();
            let before = names.refused.len();
            for Laid { object, .. } in laid {
                let place = object.place.to_string();
                let mut entries = object.entries.keys();
                if let Some(error) =
                    entries.find_map(|name| names.refusal(file, held, &place, name))
                {
                    names.refused.entry(place).or_insert(error);
                }
            }
            if names.refused.len() == before {
                return names;
            }
        }
    }

    fn refusal(
        &self,
        file: &OneFile,
        held: &Held<'_>,
        place: &str,
        name: &str,
    ) -> Option<DiskError> {
        if let Some(other) = self.kept.get(name).filter(|other| **other != place) {
            let [entry, one, other] = [name, place, *other].map(str::to_owned);
            return Some(DiskError::Kept { entry, one, other });
        }
        let what = held.in_the_way(name, self.ours.contains(name))?;
        Some(DiskError::NotOurs { path: format!("{}, {name}", file.given), what })
    }

    fn accepted(&self) -> impl Iterator<Item = &'a Laid> {
        let is_refused = |laid: &&Laid| self.refused.contains_key(&laid.object.place.to_string());
        self.laid.iter().filter(move |laid| !is_refused(laid))
    }

    pub(super) fn wanted(&self) -> Wanted<'a> {
        let entries = self.accepted().flat_map(|laid| &laid.object.entries);
        let set = entries.map(|(name, value)| (name.as_str(), value)).collect();
        Wanted { ours: self.ours.clone(), kept: self.kept.keys().copied().collect(), set }
    }

    /// The inventory that goes with the file as it is wanted.
    pub(super) fn next(&self, before: &Inventory, gone: &[String]) -> Inventory {
        let mut next = before.clone();
        next.objects.retain(|place, _| !gone.contains(place));
        for Laid { object, from } in self.accepted() {
            let entries: BTreeSet<String> = object.entries.keys().cloned().collect();
            let place = object.place.to_string();
            if entries.is_empty() {
                next.objects.remove(&place);
            } else {
                next.objects
                    .insert(place, Entry { from: from.clone(), entries, ..Entry::default() });
            }
        }
        next
    }

    pub(super) fn applied(self, before: &Inventory, held: &Held<'_>) -> Applied {
        let mut applied = Applied::new();
        for Laid { object, .. } in self.accepted() {
            let place = object.place.to_string();
            let differs = object.entries.iter().any(|(name, value)| !held.is_same(name, value));
            let known = before.objects.get(&place);
            let went = known.is_some_and(|known| {
                known.entries.iter().any(|name| !object.entries.contains_key(name))
            });
            applied.push((place, Ok(differs || went)));
        }
        applied.extend(self.refused.into_iter().map(|(place, error)| (place, Err(error))));
        applied
    }
}
