//! What three versions of a file mean together, of each sealed object by its values, whatever their lines are.

use std::collections::{BTreeMap, BTreeSet};

use seal_core::escape::printable;
use seal_core::kind::Kind;
use seal_core::kind::edit::{Change, edit_each};
use seal_core::kind::file::{self, Document};
use seal_core::kind::resealed::marks;
use seal_core::kind::sealed::SealedSecret;
use seal_core::merge::{Merged, Version, merge};
use seal_core::open::check::check;
use zeroize::Zeroizing;

/// Kind, and namespace and name.
pub(super) type ObjectName = (Kind, String);

/// The sealed objects of a text, each with the number of its document.
pub(super) type Objects = BTreeMap<ObjectName, (usize, SealedSecret)>;

/// Base, ours and theirs.
pub(super) type Texts = [Zeroizing<String>; 3];

/// What three versions of a file mean.
pub(super) struct Meaning {
    pub(super) objects: [Objects; 3],
    /// Keys that each side changed in its own way.
    pub(super) conflicts: Vec<(ObjectName, String)>,
    /// What makes the texts agree in everything else.
    changes: [BTreeMap<ObjectName, Change>; 3],
    /// The objects as they are to be, conflicts as ours has them.
    meant: BTreeMap<ObjectName, SealedSecret>,
}

impl Meaning {
    /// `None` where that cannot be known.
    pub(super) fn of(texts: &Texts) -> Option<Self> {
        let [base, ours, theirs] = texts.each_ref().map(|text| objects(text));
        let objects = [base?, ours?, theirs?];
        let marks = texts.each_ref().map(|text| marks(text));
        let mut this = Self {
            objects: <[Objects; 3]>::default(),
            conflicts: Vec::new(),
            changes: <[BTreeMap<_, _>; 3]>::default(),
            meant: BTreeMap::new(),
        };
        let all: BTreeSet<&ObjectName> = objects.iter().flat_map(BTreeMap::keys).collect();
        for name in all {
            let versions = objects.each_ref().map(|objects| objects.get(name).map(|(_, it)| it));
            match versions {
                [Some(base), Some(ours), Some(theirs)] => {
                    let version = |object, side: usize| Version { object, marks: &marks[side] };
                    this.add(
                        name,
                        ours,
                        merge(version(base, 0), version(ours, 1), version(theirs, 2))?,
                    );
                }
                // One side took it out or gave it another name: it stays so where the other did not change it.
                [Some(base), Some(other), None] | [Some(base), None, Some(other)] => {
                    (base == other).then_some(())?;
                }
                [None, Some(ours), Some(theirs)] if ours != theirs => return None,
                [None, Some(new), _] | [None, None, Some(new)] => {
                    this.meant.insert(name.clone(), new.clone());
                }
                [_, None, None] => {}
            }
        }
        this.objects = objects;
        Some(this)
    }

    fn add(&mut self, name: &ObjectName, ours: &SealedSecret, merged: Merged) {
        self.meant.insert(name.clone(), merged.changes[1].applied_to(ours));
        for (all, change) in self.changes.iter_mut().zip(merged.changes) {
            if !change.is_empty() {
                all.insert(name.clone(), change);
            }
        }
        let conflicts = merged.conflicts.into_iter();
        self.conflicts.extend(conflicts.map(|key| (name.clone(), key)));
    }

    /// Each conflict as a person calls it.
    pub(super) fn names(&self) -> Vec<String> {
        let name = |((_, object), key): &(ObjectName, String)| {
            format!("{} of {}", printable(key), printable(object))
        };
        self.conflicts.iter().map(name).collect()
    }

    /// The texts with all values as they are meant, conflicts left; `None` where one cannot be edited as it stands.
    pub(super) fn applied_to(&self, texts: &Texts) -> Option<Texts> {
        let mut edited = texts.clone();
        for (side, text) in edited.iter_mut().enumerate() {
            *text = changed(text, &self.objects[side], &self.changes[side])?;
        }
        Some(edited)
    }

    /// Whether a merged text has the objects and values that are meant, each object sound.
    pub(super) fn is(&self, merged: &[u8]) -> bool {
        let Some(merged) = std::str::from_utf8(merged).ok().and_then(objects) else { return false };
        let is_meant = |(name, (_, object)): (&ObjectName, &(usize, SealedSecret))| {
            let (spec, meant) = (&object.spec, self.meant.get(name).map(|meant| &meant.spec));
            meant.is_some_and(|meant| spec.values == meant.values && spec.header == meant.header)
                && check(object).is_ok()
        };
        self.conflicts.is_empty() && merged.len() == self.meant.len() && merged.iter().all(is_meant)
    }
}

/// The text with each of `changes` made; `None` where it cannot be edited as it stands.
pub(super) fn changed(
    text: &Zeroizing<String>,
    objects: &Objects,
    changes: &BTreeMap<ObjectName, Change>,
) -> Option<Zeroizing<String>> {
    if changes.is_empty() {
        return Some(text.clone());
    }
    let mut numbered = BTreeMap::new();
    for (name, change) in changes {
        numbered.insert(objects.get(name)?.0, change);
    }
    edit_each(text, &numbered).ok().map(Zeroizing::new)
}

/// The sealed objects of a text by kind and name; `None` where it has one twice, or is none of ours to read.
fn objects(text: &str) -> Option<Objects> {
    let mut objects = BTreeMap::new();
    for (index, document) in file::read(text).ok()?.into_iter().enumerate() {
        if let Document::Sealed(object) = document {
            let name = (object.spec.kind, object.full_name());
            if objects.insert(name, (index, *object)).is_some() {
                return None;
            }
        }
    }
    Some(objects)
}
