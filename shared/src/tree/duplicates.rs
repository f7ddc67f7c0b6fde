//! Sealed objects of many texts that are for one place: a cluster keeps the one that was applied last.

use std::collections::HashMap;

use crate::escape::escaped;
use crate::place::Place;
use crate::reason::Reason;

use super::survey::{Finding, Seen, Word};

/// A sealed object and the file that it stands in.
pub type InFile<'a> = (&'a str, &'a Seen);

/// What an object lays hold of at a place.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Hold<'a> {
    /// Anything: every object does.
    Any,
    /// The whole Secret.
    Own,
    /// A key in a Secret of others.
    Key(&'a str),
}

/// Which objects of one place may meet in a cluster: those of one file, and those that are sealed for the same recipients.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Together<'a> {
    File(&'a str),
    Recipients(&'a [String]),
}

type Claim<'a> = (&'a Place, Together<'a>, Hold<'a>);

/// The first two objects of a claim: whichever one looks, the first other is among them.
type FirstTwo = (usize, Option<usize>);

/// What is wrong with those that are for one place, each with its number in `all`.
///
/// Files that are sealed for different recipients are for different clusters, and may have objects of one name. Takes one look
/// at each object, however many are for one place.
pub fn duplicates(all: &[InFile<'_>]) -> Vec<(usize, Finding)> {
    let mut claims: HashMap<Claim<'_>, FirstTwo> = HashMap::new();
    for (index, (path, seen)) in all.iter().enumerate() {
        for place in &seen.places {
            for hold in [Hold::Any].into_iter().chain(holds(seen)) {
                for together in together(path, seen) {
                    let first = claims.entry((place, together, hold)).or_insert((index, None));
                    if first.0 != index {
                        first.1.get_or_insert(index);
                    }
                }
            }
        }
    }
    let mut found = Vec::new();
    for (index, (path, seen)) in all.iter().enumerate() {
        for place in &seen.places {
            let meets = meets(seen).flat_map(|hold| together(path, seen).map(|it| (it, hold)));
            let others = meets.filter_map(|(together, hold)| {
                let (first, second) = *claims.get(&(place, together, hold))?;
                if first == index { second } else { Some(first) }
            });
            if let Some(other) = others.min() {
                found.push((index, finding(place, seen, all[other])));
            }
        }
    }
    found
}

fn together<'a>(path: &'a str, seen: &'a Seen) -> [Together<'a>; 2] {
    [Together::File(path), Together::Recipients(&seen.sealed_to)]
}

/// What an object lays hold of: its Secret, or keys in one of others.
fn holds(seen: &Seen) -> impl Iterator<Item = Hold<'_>> {
    let own = seen.merged.is_none().then_some(Hold::Own);
    own.into_iter().chain(seen.merged.iter().flatten().map(|key| Hold::Key(key)))
}

/// Holds of others that it cannot stand beside.
fn meets(seen: &Seen) -> impl Iterator<Item = Hold<'_>> {
    let whole = if seen.merged.is_none() { Hold::Any } else { Hold::Own };
    [whole].into_iter().chain(seen.merged.iter().flatten().map(|key| Hold::Key(key)))
}

fn finding(place: &Place, seen: &Seen, (in_path, other): InFile<'_>) -> Finding {
    let (in_path, line) = (escaped(in_path), other.line);
    let what = conflict(seen, other);
    let sentence = format!("{place} is sealed here and in {in_path}:{line}; {what}");
    Finding { line: seen.line, word: Word::Reason(Reason::Duplicate), sentence }
}

/// What a cluster makes of two objects for one place that are in each other's way.
fn conflict(one: &Seen, other: &Seen) -> String {
    let is_shared = |key: &&String| other.merged.as_ref().is_some_and(|it| it.contains(*key));
    match one.merged.iter().flatten().find(is_shared) {
        Some(key) => format!("both merge the key {}", escaped(key)),
        None if one.merged.is_none() && other.merged.is_none() && one.kind == other.kind => {
            "a cluster keeps the one that comes last".to_owned()
        }
        None => {
            "the live Secret is of whichever made it first, and the other is left out".to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::Kind;

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

    #[test]
    fn many_objects_for_one_place_are_told_apart_in_one_pass() {
        // Looked at in pairs, these would take a day.
        let many: Vec<Seen> = (0..200_000)
            .map(|n| Seen {
                line: 1,
                name: "db".to_owned(),
                kind: Kind::SealedSecret,
                places: vec![Place::new("prod", "db").unwrap()],
                merged: (n % 2 == 0).then(|| [format!("k{n}")].into()),
                sealed_to: vec![if n % 2 == 0 { "x".to_owned() } else { n.to_string() }],
                expires: None,
            })
            .collect();
        let paths: Vec<String> = (0..many.len()).map(|n| n.to_string()).collect();
        let all: Vec<InFile<'_>> = paths.iter().map(String::as_str).zip(&many).collect();
        assert_eq!(duplicates(&all), []);
    }
}
