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
enum Edit {
    Put(String, String),
    Remove(String),
}

type Plain = BTreeMap<String, String>;

/// A file with its values, and whoever opens and seals it.
struct World {
    keyring: Keyring,
    to: Vec<Recipient>,
    dice: u64,
    folder: PathBuf,
}

impl World {
    fn new(seed: u64) -> Self {
        let (keyring, to) = key();
        let folder = std::env::temp_dir().join(format!("seal-merge-{}-{seed}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self { keyring, to, dice: seed, folder }
    }

    /// The same numbers for the same seed, so that a failure can be seen again.
    fn below(&mut self, limit: usize) -> usize {
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

    fn base(&mut self, size: usize) -> (String, Plain) {
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
    fn any(&mut self, plain: &Plain, but: Option<&str>) -> Edit {
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

    fn apply(&self, text: &str, edit: &Edit) -> String {
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

    fn opens_to(&self, text: &str) -> Plain {
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

fn note(plain: &mut Plain, edit: &Edit) {
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
