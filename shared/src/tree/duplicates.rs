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
                let is_there = in_path == path || other_seen.sealed_to == seen.sealed_to;
                *other != index && is_there && conflict(seen, other_seen).is_some()
            };
            let Some(other) = indices.iter().find(is_same) else { continue };
            let (in_path, other) = all[*other];
            let what = conflict(seen, other).unwrap_or_default();
            let (in_path, line) = (escaped(in_path), other.line);
            let sentence = format!("{place} is sealed here and in {in_path}:{line}; {what}");
            let word = Word::Reason(Reason::Duplicate);
            found.push((*index, Finding { line: seen.line, word, sentence }));
        }
    }
    found
}

/// What a cluster makes of two objects for one place; nothing where both merge other keys into a Secret of others.
fn conflict(one: &Seen, other: &Seen) -> Option<String> {
    match (&one.merged, &other.merged) {
        (Some(keys), Some(others)) => {
            let key = keys.intersection(others).next()?;
            Some(format!("both merge the key {}", escaped(key)))
        }
        (None, None) if one.kind == other.kind => {
            Some("a cluster keeps the one that comes last".to_owned())
        }
        _ => Some(
            "the live Secret is of whichever made it first, and the other is left out".to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::Kind;
    use crate::place::Place;

    #[test]
    fn one_place_for_other_recipients_is_another_cluster() {
        let seen = |line, name: &str, to: &str| Seen {
            line,
            name: name.to_owned(),
            kind: Kind::SealedSecret,
            merged: None,
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
    #[test]
    fn what_two_merge_into_one_secret_is_twice_where_they_share_a_key() {
        let merging = |line, kind, keys: &[&str]| Seen {
            line,
            name: "db".to_owned(),
            kind,
            places: vec![Place::new("prod", "db").unwrap()],
            merged: Some(keys.iter().map(|key| (*key).to_owned()).collect()),
            sealed_to: vec!["x".to_owned()],
            expires: None,
        };
        let one = merging(1, Kind::SealedSecret, &["a", "b"]);
        let other = merging(1, Kind::ClusterSealedSecret, &["c"]);
        assert_eq!(duplicates(&[("one", &one), ("other", &other)]), []);
        let same = merging(1, Kind::SealedSecret, &["b"]);
        let found = duplicates(&[("one", &one), ("other", &other), ("same", &same)]);
        let said: Vec<_> = found.iter().map(|(_, it)| it.sentence.as_str()).collect();
        assert_eq!(said.len(), 2);
        assert!(said[0].ends_with("in same:1; both merge the key b"), "{said:?}");
        let own = Seen { merged: None, ..other.clone() };
        let found = duplicates(&[("one", &one), ("own", &own)]);
        assert!(found[0].1.sentence.contains("whichever made it first"));
    }
}
