//! What stands in the file of a [`FileLayout`], and the file as it is to be. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::secret::SecretValue;

use super::error::BadFile;
use super::file::{FileLayout, MAX_BYTES};
use super::{docker_config, env};

/// A file that was read. Its text is plaintext, and whoever read it wipes it.
#[derive(Debug)]
pub struct Held<'a> {
    text: Option<&'a [u8]>,
    entries: Entries<'a>,
}

#[derive(Debug)]
enum Entries<'a> {
    Env(BTreeMap<&'a str, &'a [u8]>),
    DockerConfig(docker_config::File<'a>),
}

/// Which entries the file is to have of us.
#[derive(Debug, Default)]
pub struct Wanted<'a> {
    /// Names that an inventory says are ours.
    pub ours: BTreeSet<&'a str>,
    /// Those of them that stay as they are in the file: of objects that cannot be opened for now.
    pub kept: BTreeSet<&'a str>,
    /// What is written.
    pub set: BTreeMap<&'a str, &'a SecretValue>,
}

impl Wanted<'_> {
    /// Whether an entry of the file is ours and goes.
    pub(super) fn drops(&self, name: &str) -> bool {
        self.ours.contains(name) && !self.kept.contains(name) && !self.set.contains_key(name)
    }
}

/// What is to be done with the file.
#[derive(Debug)]
pub enum Change {
    /// It is as it should be.
    Nothing,
    /// This is its whole content.
    Write(SecretValue),
    /// Nothing is left in it, and it was ours alone.
    Remove,
}

impl<'a> Held<'a> {
    /// Most bytes that are read of a file. Ours are never larger, and a larger one of others is no docker config.
    pub const MAX_BYTES: usize = 2 * MAX_BYTES;

    /// Reads the file, `None` where there is none.
    pub fn read(layout: FileLayout, text: Option<&'a [u8]>) -> Result<Self, BadFile> {
        let there = text.unwrap_or_default();
        let entries = match layout {
            FileLayout::Env => Entries::Env(env::read(there)),
            FileLayout::DockerConfig => Entries::DockerConfig(docker_config::File::read(there)?),
        };
        Ok(Self { text, entries })
    }

    /// Why an entry cannot stand in the file, if so.
    pub fn in_the_way(&self, name: &str, is_ours: bool) -> Option<&'static str> {
        match &self.entries {
            Entries::Env(_) => None,
            Entries::DockerConfig(file) => file.in_the_way(name, is_ours),
        }
    }

    /// Whether an entry of this name is there.
    pub fn holds(&self, name: &str) -> bool {
        match &self.entries {
            Entries::Env(entries) => entries.contains_key(name),
            Entries::DockerConfig(file) => file.holds(name),
        }
    }

    /// Whether an entry says this already.
    pub fn is_same(&self, name: &str, value: &SecretValue) -> bool {
        match &self.entries {
            Entries::Env(entries) => {
                entries.get(name).is_some_and(|there| *there == value.expose())
            }
            Entries::DockerConfig(file) => file.is_same(name, value),
        }
    }

    /// What makes the file as it is wanted.
    pub fn change(&self, wanted: &Wanted<'_>) -> Change {
        let text = match &self.entries {
            Entries::Env(entries) => env::render(entries, &wanted.kept, &wanted.set),
            Entries::DockerConfig(file) if file.is_as_wanted(wanted) => return Change::Nothing,
            Entries::DockerConfig(file) => file.render(wanted),
        };
        match (&self.entries, self.text) {
            (_, Some(there)) if *there == **text => Change::Nothing,
            (Entries::Env(_), there) if text.is_empty() => match there {
                Some(_) => Change::Remove,
                None => Change::Nothing,
            },
            _ => Change::Write(SecretValue::from(text.as_slice())),
        }
    }
}
