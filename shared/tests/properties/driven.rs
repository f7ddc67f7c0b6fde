//! Two branches that each edited a sealed file or sealed it anew, merged by what their blocks say.

use std::collections::BTreeSet;

use seal_core::kind::edit::edit;
use seal_core::kind::resealed::marks;
use seal_core::merge::{Version, merge};
use seal_core::seal::reseal;

use super::merging::{Edit, Plain, World, note};
use super::{opened, read};

/// A branch: its text, its values, and the keys that it gave another value or took out.
struct Branch {
    text: String,
    plain: Plain,
    touched: BTreeSet<String>,
}

/// Some edits, and at most one time everything sealed anew among them.
fn branch(world: &mut World, base: &str, plain: &Plain) -> Branch {
    let mut branch =
        Branch { text: base.to_owned(), plain: plain.clone(), touched: BTreeSet::new() };
    let reseals_at = world.below(5);
    for step in 0..4 {
        if step == reseals_at {
            branch.text = resealed(world, &branch.text);
        }
        if world.below(2) == 0 {
            let edit = world.any(&branch.plain, None);
            branch.text = world.apply(&branch.text, &edit);
            note(&mut branch.plain, &edit);
            let (Edit::Put(name, _) | Edit::Remove(name)) = edit;
            branch.touched.insert(name);
        }
    }
    branch
}

fn resealed(world: &World, text: &str) -> String {
    let file = read(text);
    if file.spec.values.is_empty() {
        return text.to_owned();
    }
    let values = opened(&file, &world.keyring).unwrap().values;
    edit(text, 0, &reseal(&file, &values, &world.to).unwrap()).unwrap()
}

/// 300 pairs of branches: each key ends as the one side left it that touched it, and is a conflict where both did.
#[test]
fn each_key_is_as_the_side_left_it_that_meant_another_value() {
    let (mut conflicts, mut both_resealed) = (0, 0);
    for seed in 5000..5300 {
        let mut world = World::new(seed);
        let size = 1 + world.below(6);
        let (base, plain) = world.base(size);
        let (ours, theirs) = (branch(&mut world, &base, &plain), branch(&mut world, &base, &plain));
        let texts = [&base, &ours.text, &theirs.text];
        let objects = texts.map(|text| read(text));
        let marks = texts.map(|text| marks(text));
        let version = |side: usize| Version { object: &objects[side], marks: &marks[side] };
        let merged = merge(version(0), version(1), version(2)).unwrap();
        let is_conflict = |name: &&String| {
            let [before, a, b] =
                [&plain, &ours.plain, &theirs.plain].map(|plain| plain.contains_key(*name));
            ours.touched.contains(*name)
                && theirs.touched.contains(*name)
                && (a || b)
                && (before || (a && b))
        };
        let all: BTreeSet<&String> =
            plain.keys().chain(ours.plain.keys()).chain(theirs.plain.keys()).collect();
        let expected: BTreeSet<String> = all.iter().copied().filter(is_conflict).cloned().collect();
        assert_eq!(merged.conflicts, expected, "seed {seed}");
        conflicts += expected.len();
        both_resealed += usize::from(!marks[1].is_empty() && !marks[2].is_empty());
        let edited: Vec<String> =
            (0..3).map(|side| edit(texts[side], 0, &merged.changes[side]).unwrap()).collect();
        for (side, branch) in [(1, &ours), (2, &theirs)] {
            let opened = world.opens_to(&edited[side]);
            for name in &all {
                let meant = match (expected.contains(*name), ours.touched.contains(*name)) {
                    (true, _) => branch.plain.get(*name),
                    (false, true) => ours.plain.get(*name),
                    (false, false) => theirs.plain.get(*name),
                };
                assert_eq!(opened.get(*name), meant, "seed {seed}: {name} on side {side}");
            }
        }
        if expected.is_empty() {
            let values = [1, 2].map(|side| read(&edited[side]).spec.values);
            assert_eq!(values[0], values[1], "seed {seed}: the sides agree");
        }
    }
    assert!(
        conflicts > 20 && both_resealed > 50,
        "{conflicts} conflicts, {both_resealed} times both"
    );
}
