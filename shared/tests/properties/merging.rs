//! Two branches that each edited a sealed file, merged line by line by Git, which knows nothing of the format.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use seal_core::key::{Keyring, Recipient};
use seal_core::kind::file;

use super::editing::{set, unset};
use super::{db, key, opened, read, sealed, values};

/// What a branch did.
#[derive(Clone, Debug)]
pub(super) enum Edit {
    Put(String, String),
    Remove(String),
}

pub(super) type Plain = BTreeMap<String, String>;

/// A file with its values, and whoever opens and seals it.
pub(super) struct World {
    pub(super) keyring: Keyring,
    pub(super) to: Vec<Recipient>,
    dice: u64,
    folder: PathBuf,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let (keyring, to) = key();
        let folder = std::env::temp_dir().join(format!("seal-merge-{}-{seed}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self { keyring, to, dice: seed, folder }
    }

    /// The same numbers for the same seed, so that a failure can be seen again.
    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.dice = self
            .dice
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.dice >> 33).unwrap() % limit
    }

    fn new_name(&mut self, taken: &Plain) -> String {
        loop {
            let name: String =
                (0..3).map(|_| char::from(b'a' + u8::try_from(self.below(10)).unwrap())).collect();
            if !taken.contains_key(&name) {
                return name;
            }
        }
    }

    pub(super) fn base(&mut self, size: usize) -> (String, Plain) {
        let mut plain = Plain::new();
        for _ in 0..size {
            let name = self.new_name(&plain);
            plain.insert(name, "first".to_owned());
        }
        let pairs: Vec<(&str, &[u8])> =
            plain.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        (file::write(&sealed(values(&pairs), db(), &self.to)), plain)
    }

    fn value(&mut self) -> String {
        format!("value {}", self.below(1 << 20))
    }

    /// A change of a value that is there.
    fn change(&mut self, plain: &Plain) -> Edit {
        let at = self.below(plain.len());
        let name = plain.keys().nth(at).unwrap().clone();
        Edit::Put(name, self.value())
    }

    /// Any edit: of `plain` without `but`.
    pub(super) fn any(&mut self, plain: &Plain, but: Option<&str>) -> Edit {
        let mut others = plain.clone();
        others.retain(|name, _| Some(name.as_str()) != but);
        match self.below(3) {
            0 if !others.is_empty() => self.change(&others),
            1 if !others.is_empty() => {
                let Edit::Put(name, _) = self.change(&others) else { unreachable!() };
                Edit::Remove(name)
            }
            _ => Edit::Put(self.new_name(plain), self.value()),
        }
    }

    pub(super) fn apply(&self, text: &str, edit: &Edit) -> String {
        match edit {
            Edit::Put(name, value) => set(text, name, value.as_bytes(), &self.to).unwrap(),
            Edit::Remove(name) => unset(text, name).unwrap(),
        }
    }

    /// Some edits one after the other on one branch.
    fn history(&mut self, mut text: String, mut plain: Plain) -> (String, Plain) {
        for _ in 0..self.below(5) {
            let edit = self.any(&plain, None);
            text = self.apply(&text, &edit);
            note(&mut plain, &edit);
        }
        (text, plain)
    }

    /// Every value changed that was there before the addition.
    fn neighbours_changed(&mut self, text: &str, plain: &Plain) -> String {
        let mut text = text.to_owned();
        for name in plain.keys() {
            let edit = Edit::Put(name.clone(), self.value());
            text = self.apply(&text, &edit);
        }
        text
    }

    /// What `git merge-file` makes of both; `None` where it finds a conflict.
    fn merge(&self, base: &str, ours: &str, theirs: &str) -> Option<String> {
        let names = [("ours", ours), ("base", base), ("theirs", theirs)];
        for (name, text) in names {
            std::fs::write(self.folder.join(name), text).unwrap();
        }
        let git = Command::new("git")
            .current_dir(&self.folder)
            .args(["merge-file", "-p", "ours", "base", "theirs"])
            .output()
            .expect("git runs");
        git.status.success().then(|| String::from_utf8(git.stdout).unwrap())
    }

    pub(super) fn opens_to(&self, text: &str) -> Plain {
        let opened = opened(&read(text), &self.keyring).unwrap();
        let text = |value: &[u8]| String::from_utf8(value.to_vec()).unwrap();
        opened.values.iter().map(|(name, value)| (name.clone(), text(value.expose()))).collect()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

pub(super) fn note(plain: &mut Plain, edit: &Edit) {
    match edit {
        Edit::Put(name, value) => drop(plain.insert(name.clone(), value.clone())),
        Edit::Remove(name) => drop(plain.remove(name)),
    }
}

/// 200 pairs: one branch changes a value, the other does anything to another key.
#[test]
fn a_changed_value_merges_clean_with_every_edit_of_another_key() {
    for seed in 0..200 {
        let mut world = World::new(seed);
        let size = 1 + world.below(12);
        let (text, plain) = world.base(size);
        let (text, plain) = world.history(text, plain);
        if plain.is_empty() {
            continue;
        }
        let Edit::Put(name, value) = world.change(&plain) else { unreachable!() };
        let theirs = world.any(&plain, Some(&name));
        let ours = Edit::Put(name, value);
        let merged = world.merge(&text, &world.apply(&text, &ours), &world.apply(&text, &theirs));
        let merged =
            merged.unwrap_or_else(|| panic!("seed {seed}: {ours:?} and {theirs:?} conflict"));
        let mut expected = plain;
        note(&mut expected, &ours);
        note(&mut expected, &theirs);
        assert_eq!(world.opens_to(&merged), expected, "seed {seed}");
    }
}

/// 100 pairs of branches that each add the same key, one of them after a history of its own: were both additions kept
/// without a conflict, `kubectl apply` would take the last.
#[test]
fn one_key_added_on_two_branches_conflicts() {
    for seed in 2000..2100 {
        let mut world = World::new(seed);
        let size = 1 + world.below(6);
        let (text, plain) = world.base(size);
        let (text, plain) = world.history(text, plain);
        let name = world.new_name(&plain);
        let (ours, theirs) = (world.value(), world.value());
        let theirs = world.apply(&text, &Edit::Put(name.clone(), theirs));
        // Everything else may have changed before, or change after.
        let (before, plain) = world.history(text.clone(), plain);
        let added = world.apply(&before, &Edit::Put(name.clone(), ours));
        for ours in [&added, &world.neighbours_changed(&added, &plain)] {
            assert!(world.merge(&text, ours, &theirs).is_none(), "seed {seed}");
            assert!(world.merge(&text, &theirs, ours).is_none(), "seed {seed}");
        }
    }
}

/// A commit of the history undone, or picked onto an older branch, as `git revert` and `git cherry-pick` merge it.
#[test]
fn a_commit_that_is_reverted_or_picked_without_a_conflict_leaves_a_file_that_opens() {
    let (mut reverted, mut picked) = (0, 0);
    for seed in 3000..3100 {
        let mut world = World::new(seed);
        let size = 1 + world.below(4);
        let (text, plain) = world.base(size);
        let mut commits = vec![(text, plain)];
        for _ in 0..6 {
            let (text, mut plain) = commits.last().unwrap().clone();
            let edit = world.any(&plain, None);
            note(&mut plain, &edit);
            commits.push((world.apply(&text, &edit), plain));
        }
        let head = commits.last().unwrap();
        for pair in commits.windows(2) {
            let (before, after) = (&pair[0], &pair[1]);
            if let Some(merged) = world.merge(&after.0, &head.0, &before.0) {
                reverted += 1;
                let expected = merged_values(&after.1, &head.1, &before.1);
                assert_eq!(world.opens_to(&merged), expected, "seed {seed}: reverted");
            }
            let release = &commits[0];
            if let Some(merged) = world.merge(&before.0, &release.0, &after.0) {
                picked += 1;
                let expected = merged_values(&before.1, &release.1, &after.1);
                assert_eq!(world.opens_to(&merged), expected, "seed {seed}: picked");
            }
        }
    }
    assert!(reverted > 200 && picked > 200, "{reverted} reverted and {picked} picked clean");
}

/// What a merge of maps is: of each key what the side has that changed it.
fn merged_values(base: &Plain, ours: &Plain, theirs: &Plain) -> Plain {
    let mut merged = Plain::new();
    for name in base.keys().chain(ours.keys()).chain(theirs.keys()) {
        let changed = theirs.get(name) != base.get(name);
        if let Some(value) = if changed { theirs.get(name) } else { ours.get(name) } {
            merged.insert(name.clone(), value.clone());
        }
    }
    merged
}

/// Two additions between the same two keys, or two neighbours taken out, are one place to Git: those conflict.
/// What does not must be right.
#[test]
fn every_clean_merge_of_two_edits_opens_to_both() {
    let mut clean = 0;
    for seed in 1000..1200 {
        let mut world = World::new(seed);
        let size = 1 + world.below(8);
        let (text, plain) = world.base(size);
        let (text, plain) = world.history(text, plain);
        let (ours, theirs) = (world.any(&plain, None), world.any(&plain, None));
        let merged = world.merge(&text, &world.apply(&text, &ours), &world.apply(&text, &theirs));
        let Some(merged) = merged else { continue };
        clean += 1;
        let mut expected = plain;
        note(&mut expected, &ours);
        note(&mut expected, &theirs);
        assert_eq!(world.opens_to(&merged), expected, "seed {seed}: {ours:?} and {theirs:?}");
    }
    assert!(clean > 120, "{clean} of 200 merged clean");
}
