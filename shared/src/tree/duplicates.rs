//! Sealed objects of many texts that are for one place: a cluster keeps the one that was applied last.

use std::collections::BTreeMap;

use crate::escape::escaped;
use crate::reason::Reason;

use super::survey::{Finding, Seen, Word};

/// A sealed object and the file that it stands in.
pub type InFile<'a> = (&'a str, &'a Seen);

/// What is wrong with those that are for one place, each with its number in `all`.
///
/// Files that are sealed for different recipients are for different clusters, and may have objects of one name.
pub fn duplicates(all: &[InFile<'_>]) -> Vec<(usize, Finding)> {
    let mut by_place: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (index, (_, seen)) in all.iter().enumerate() {
        seen.places.iter().for_each(|place| by_place.entry(place).or_default().push(index));
    }
    let mut found = Vec::new();
    for (place, indices) in by_place.iter().filter(|(_, indices)| indices.len() > 1) {
        for index in indices {
            let (path, seen) = all[*index];
            let is_same = |other: &&usize| {
                let (in_path, other_seen) = all[**other];
                *other != index && (in_path == path || other_seen.sealed_to == seen.sealed_to)
            };
            let Some(other) = indices.iter().find(is_same) else { continue };
            let (in_path, other) = all[*other];
            let sentence = format!(
                "{place} is sealed here and in {}:{}; a cluster keeps the one that comes last",
                escaped(in_path),
                other.line
            );
            let word = Word::Reason(Reason::Duplicate);
            found.push((*index, Finding { line: seen.line, word, sentence }));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place::Place;

    #[test]
    fn one_place_for_other_recipients_is_another_cluster() {
        let seen = |line, name: &str, to: &str| Seen {
            line,
            name: name.to_owned(),
            places: vec![Place::new("prod", name).unwrap()],
            sealed_to: vec![to.to_owned()],
            expires: None,
        };
        let (a, b, c) = (seen(1, "db", "x"), seen(4, "db", "x"), seen(9, "db", "y"));
        let found = duplicates(&[("a", &a), ("b", &b), ("c", &c)]);
        let lines: Vec<_> = found.iter().map(|(index, it)| (*index, it.line)).collect();
        assert_eq!(lines, [(0, 1), (1, 4)]);
        assert!(found[0].1.sentence.contains("prod/db is sealed here and in b:4"));
        assert_eq!(duplicates(&[("a", &a), ("a", &c)]).len(), 2, "in one file it is a slip");
        assert_eq!(duplicates(&[("a", &a), ("b", &seen(1, "other", "x"))]), []);
    }
}
