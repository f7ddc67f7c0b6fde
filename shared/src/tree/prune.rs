//! The guard: which vanished objects are removed, and when so many are gone that nothing is.

use std::collections::BTreeSet;

/// Below this many objects more than one that is gone is too many; from here on more than half.
const FEW: usize = 4;

/// What is to go, or why nothing goes.
#[derive(Debug, PartialEq, Eq)]
pub enum Prune {
    /// What was made of the objects at these places goes.
    Remove(Vec<String>),
    /// So many went at once that a mistake is likelier than a wish.
    Blocked {
        /// How many are no longer in the source.
        vanished: usize,
        /// Of how many.
        total: usize,
    },
}

impl Prune {
    /// Whether something may not go.
    pub fn blocks(&self) -> bool {
        matches!(self, Self::Blocked { .. })
    }
}

/// What an earlier pass or a person has said of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// Nothing.
    Usual,
    /// An earlier pass was blocked, and what it would have removed is neither back nor allowed: neither more objects in the
    /// source nor fewer in the cluster make it less of a mistake.
    Held,
    /// A person wants it.
    Lifted,
}

/// Decides what is removed: known objects that are no longer in the source.
///
/// `known` are their places, each with the path it was last seen at. `present` are all places in the source, refused
/// ones too, and `unread` the paths of files that could not be read: an object last seen there may still be in it.
/// Nothing goes when the source has no object left, when more than half of four or more go at once, when more than
/// one goes of fewer than four, or while the guard is held.
pub fn prune<'k>(
    known: impl Iterator<Item = (&'k String, &'k String)>,
    present: &BTreeSet<String>,
    unread: &BTreeSet<String>,
    guard: Guard,
) -> Prune {
    let mut total = 0;
    let mut vanished = Vec::new();
    for (place, seen_at) in known {
        total += 1;
        if !present.contains(place) && !unread.contains(seen_at) {
            vanished.push(place.clone());
        }
    }
    let emptied = present.is_empty() && unread.is_empty();
    let too_many = if total < FEW { vanished.len() > 1 } else { vanished.len() * 2 > total };
    let is_held = match guard {
        Guard::Usual => emptied || too_many,
        Guard::Held => true,
        Guard::Lifted => false,
    };
    if !vanished.is_empty() && is_held {
        return Prune::Blocked { vanished: vanished.len(), total };
    }
    Prune::Remove(vanished)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::ops::Range;

    use super::*;

    fn known(places: usize) -> BTreeMap<String, String> {
        (0..places).map(|n| (format!("ns/{n}"), format!("{n}.yaml"))).collect()
    }

    fn places(numbers: Range<usize>) -> BTreeSet<String> {
        numbers.map(|n| format!("ns/{n}")).collect()
    }

    /// How many of `total` are removed when `left` are still there.
    fn removed(total: usize, left: usize) -> Option<usize> {
        match prune(known(total).iter(), &places(0..left), &places(0..0), Guard::Usual) {
            Prune::Remove(gone) => Some(gone.len()),
            Prune::Blocked { .. } => None,
        }
    }

    #[test]
    fn up_to_half_may_go_at_once_and_no_more() {
        assert_eq!(removed(10, 10), Some(0));
        assert_eq!(removed(10, 5), Some(5));
        assert_eq!(removed(10, 4), None);
        assert_eq!(removed(4, 2), Some(2));
        assert_eq!(removed(3, 2), Some(1));
        assert_eq!(removed(3, 1), None);
        assert_eq!(removed(2, 1), Some(1));
        assert_eq!(
            removed(1, 0),
            None,
            "an emptied source is a mistake until somebody says otherwise"
        );
        assert_eq!(removed(0, 0), Some(0));
        let all = prune(known(10).iter(), &places(0..0), &places(0..0), Guard::Lifted);
        assert!(matches!(all, Prune::Remove(gone) if gone.len() == 10));
    }

    #[test]
    fn a_file_that_does_not_read_keeps_the_object_last_seen_in_it() {
        let unread = BTreeSet::from(["9.yaml".to_owned()]);
        let plan = prune(known(10).iter(), &places(0..9), &unread, Guard::Usual);
        assert_eq!(plan, Prune::Remove(vec![]));
    }
    #[test]
    fn what_was_blocked_stays_until_it_is_back_or_allowed() {
        let of = |left, guard| prune(known(10).iter(), &places(0..left), &places(0..0), guard);
        assert_eq!(of(9, Guard::Held), Prune::Blocked { vanished: 1, total: 10 });
        assert_eq!(of(10, Guard::Held), Prune::Remove(vec![]));
        assert!(matches!(of(9, Guard::Lifted), Prune::Remove(gone) if gone.len() == 1));
    }
}
