//! Three versions of a sealed object → the values that both sides mean, for a three-way merge.
//!
//! Blocks of different keys merge as lines already; this is for what lines do not see: one side sealed everything anew for
//! other recipients and the other set a key, or both sealed everything anew. Needs no key, and never guesses: where both
//! sides gave one key another value, one changed what the other took out, or both sealed it anew for different recipients,
//! that key is a conflict.
//!
//! What comes out are edits that make the three texts agree in everything but the conflicts. Whoever merges the edited
//! texts line by line then has the conflicts, and whatever else the sides changed, where they stand.

use std::collections::{BTreeMap, BTreeSet};

use crate::kind::edit::{Change, SharedHeader};
use crate::kind::resealed::mark;
use crate::kind::sealed::{Block, SealedSecret};

/// One version of an object, and the marks of the text in which it stands.
#[derive(Clone, Copy, Debug)]
pub struct Version<'a> {
    /// The object.
    pub object: &'a SealedSecret,
    /// What [`marks`](crate::kind::resealed::marks) finds in its text.
    pub marks: &'a BTreeSet<&'a str>,
}

/// Most bytes of blocks that get a header of their own: each takes a copy of it.
const MOST_COPIED: usize = 8 * 1024 * 1024;

/// What three versions make together.
#[derive(Clone, Debug, Default)]
pub struct Merged {
    /// What is to become of the text of the base, of ours and of theirs.
    pub changes: [Change; 3],
    /// Keys to which each side gave a value of its own, or that one took out and the other set.
    pub conflicts: BTreeSet<String>,
}

/// What becomes of a key: the side whose version is taken, or a conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Ours,
    Theirs,
    Conflict,
}

/// Merges; `None` where the sides are for different scopes, as what one of them sealed does not open in the other's file, and
/// where a header would have to be copied too often.
pub fn merge(base: Version<'_>, ours: Version<'_>, theirs: Version<'_>) -> Option<Merged> {
    let all = [base, ours, theirs];
    if ours.object.spec.scope != theirs.object.spec.scope {
        return None;
    }
    let keys: BTreeSet<&String> =
        all.iter().flat_map(|version| version.object.spec.values.keys()).collect();
    let is_for_the_same = ours.sealed_to() == theirs.sealed_to();
    let fate = |key: &String| fate(key, base, ours, theirs, is_for_the_same);
    let fates: BTreeMap<&String, Fate> = keys.into_iter().map(|key| (key, fate(key))).collect();
    let shared = shared_header(&fates, ours, theirs);
    let [of_base, of_ours, of_theirs] =
        all.map(|version| change(version, &fates, shared, ours, theirs));
    let changes = [of_base?, of_ours?, of_theirs?];
    let conflicts = fates.into_iter().filter(|(_, fate)| *fate == Fate::Conflict);
    Some(Merged { changes, conflicts: conflicts.map(|(key, _)| key.clone()).collect() })
}

fn fate(
    key: &str,
    base: Version<'_>,
    ours: Version<'_>,
    theirs: Version<'_>,
    is_for_the_same: bool,
) -> Fate {
    let [before, a, b] = [base, ours, theirs].map(|version| version.payload(key));
    let only_resealed = |version: Version<'_>, after: Option<&str>| match (before, after) {
        (Some(before), Some(after)) => version.says_resealed(key, before, after),
        _ => false,
    };
    if a == b || b == before || only_resealed(theirs, b) && a != before && !only_resealed(ours, a) {
        return Fate::Ours;
    }
    if a == before || only_resealed(ours, a) && !only_resealed(theirs, b) {
        return Fate::Theirs;
    }
    // Both sealed it anew: for the same recipients either is right; else one side may have taken somebody out.
    if only_resealed(ours, a) && is_for_the_same { Fate::Ours } else { Fate::Conflict }
}

impl<'a> Version<'a> {
    /// The payload of a key. It opens under one header alone, so it stands for the whole block.
    fn payload(&self, key: &str) -> Option<&'a str> {
        self.object.spec.values.get(key).map(|block| block.payload.as_str())
    }

    /// Whether a mark says that a value was only sealed anew. One of a block with a header of its own says nothing: sealing
    /// everything anew puts all values under the shared header, and a value that is set is under its own, so such a mark was
    /// written by somebody who set the value.
    fn says_resealed(&self, key: &str, before: &str, after: &str) -> bool {
        let block = self.object.spec.values.get(key);
        block.is_some_and(|block| block.header.is_none())
            && self.marks.contains(mark(key, before, after).as_str())
    }

    /// Whom the shared header names.
    fn sealed_to(&self) -> BTreeSet<&'a String> {
        self.object.spec.sealed_to.iter().collect()
    }

    fn header(&self) -> Option<&'a str> {
        self.object.spec.header.as_deref()
    }

    /// The block of a key as it stands in a file whose shared header is `shared`.
    fn block(&self, key: &str, shared: Option<&str>) -> Option<Block> {
        let block = self.object.spec.values.get(key)?;
        if block.header.is_some() || self.header() == shared {
            return Some(block.clone());
        }
        let spec = &self.object.spec;
        let payload = block.payload.clone();
        Some(Block { sealed_to: spec.sealed_to.clone(), header: spec.header.clone(), payload })
    }
}

/// The version whose shared header the merged file has: the one under which more of what is taken stands.
fn shared_header<'a>(
    fates: &BTreeMap<&String, Fate>,
    ours: Version<'a>,
    theirs: Version<'a>,
) -> Version<'a> {
    let under = |version: Version<'_>, taken: Fate| {
        let keys = fates.iter().filter(|(_, fate)| **fate == taken);
        keys.filter(|(key, _)| {
            let block = version.object.spec.values.get(**key);
            block.is_some_and(|block| block.header.is_none())
        })
        .count()
    };
    let more = under(theirs, Fate::Theirs) > under(ours, Fate::Ours);
    match theirs.header() {
        Some(_) if more || ours.header().is_none() => theirs,
        _ => ours,
    }
}

/// What makes a version's text one with the merged values; a conflict stays as the version has it, under a header of its own.
fn change(
    version: Version<'_>,
    fates: &BTreeMap<&String, Fate>,
    shared: Version<'_>,
    ours: Version<'_>,
    theirs: Version<'_>,
) -> Option<Change> {
    let mut change = Change::default();
    let mut left = MOST_COPIED;
    for (key, fate) in fates {
        let taken = match fate {
            Fate::Ours => ours,
            Fate::Theirs => theirs,
            Fate::Conflict => version,
        };
        let there = version.object.spec.values.get(*key);
        match taken.block(key, shared.header()) {
            Some(block) if there == Some(&block) && version.header() == shared.header() => {}
            Some(block) => {
                left = left.checked_sub(size_of_header(&block))?;
                change.put.insert((*key).clone(), block);
            }
            None if there.is_some() => drop(change.remove.insert((*key).clone())),
            None => {}
        }
    }
    if let Some(header) = shared.header().filter(|header| version.header() != Some(header)) {
        let sealed_to = shared.object.spec.sealed_to.clone();
        let header = header.to_owned();
        change.shared = Some(SharedHeader { sealed_to, header, resealed: Vec::new() });
    }
    Some(change)
}

fn size_of_header(block: &Block) -> usize {
    let sealed_to: usize = block.sealed_to.iter().map(String::len).sum();
    sealed_to + block.header.as_ref().map_or(0, String::len)
}
