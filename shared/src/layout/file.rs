//! The layouts in which all objects share one file.

use std::collections::{BTreeMap, BTreeSet};

use crate::open::Opened;
use crate::place::Place;
use crate::secret::SecretValue;

use super::error::LayoutError;
use super::{docker_config, env};

/// Most bytes of all entries together, and of the file that is there.
pub(super) const MAX_BYTES: usize = 4 * 1024 * 1024;

/// A layout of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileLayout {
    /// `KEY=value`, a line for each key: what docker, compose and systemd read.
    Env,
    /// Registries and their credentials: what docker and faasd read.
    DockerConfig,
}

impl FileLayout {
    /// Permissions of the file.
    pub const MODE: u32 = 0o600;

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Env => "env",
            Self::DockerConfig => "docker-config",
        }
    }

    /// Whether the file may be there before us, with entries of others, which stay.
    pub fn is_shared(self) -> bool {
        self == Self::DockerConfig
    }
}

/// The entries of one object: names, and what stands in the file for each. Not `Clone`, not `Serialize`.
#[derive(Debug)]
pub struct LaidEntries {
    /// Whose entries these are.
    pub place: Place,
    /// Variable or registry, and its value as it stands in the file.
    pub entries: BTreeMap<String, SecretValue>,
}

/// All objects of a file.
#[derive(Debug)]
pub struct Folded {
    /// What goes into the file.
    pub objects: Vec<LaidEntries>,
    /// What would share an entry with another object.
    pub refused: Vec<(Place, LayoutError)>,
}

/// Takes opened objects one after another and keeps their entries, which go into one file together.
#[derive(Debug)]
pub struct Fold {
    layout: FileLayout,
    objects: Vec<LaidEntries>,
    bytes: usize,
}

impl Fold {
    /// Without an object yet.
    pub fn new(layout: FileLayout) -> Self {
        Self { layout, objects: Vec::new(), bytes: 0 }
    }

    /// Takes the entries of an object, or none of them.
    pub fn add(&mut self, opened: Opened) -> Result<(), LayoutError> {
        let Opened { place, values, .. } = opened;
        let object = place.to_string();
        let entries = match self.layout {
            FileLayout::Env => env::entries(&object, values)?,
            FileLayout::DockerConfig => docker_config::entries(&object, &values)?,
        };
        let size = |(name, value): (&String, &SecretValue)| name.len() + value.expose().len() + 16;
        let bytes: usize = entries.iter().map(size).sum();
        if self.bytes + bytes > MAX_BYTES {
            return Err(LayoutError::TooMuch { object });
        }
        self.bytes += bytes;
        self.objects.push(LaidEntries { place, entries });
        Ok(())
    }

    /// An object of which nothing goes into the file.
    pub fn add_nothing(&mut self, place: Place) {
        self.objects.push(LaidEntries { place, entries: BTreeMap::new() });
    }

    /// What goes into the file, all objects being there. An entry of two objects is of neither.
    pub fn finish(self) -> Folded {
        let mut holders: BTreeMap<&str, Vec<&Place>> = BTreeMap::new();
        for LaidEntries { place, entries } in &self.objects {
            for name in entries.keys() {
                holders.entry(name).or_default().push(place);
            }
        }
        let mut refused: BTreeMap<Place, LayoutError> = BTreeMap::new();
        for (name, places) in holders.iter().filter(|(_, places)| places.len() > 1) {
            let [one, other] = [places[0], places[1]].map(ToString::to_string);
            let error = LayoutError::Collision { what: (*name).to_owned(), one, other };
            for place in places {
                refused.entry((*place).clone()).or_insert_with(|| error.clone());
            }
        }
        let names: BTreeSet<&Place> = refused.keys().collect();
        let (objects, _dropped): (Vec<_>, Vec<_>) =
            self.objects.into_iter().partition(|object| !names.contains(&object.place));
        Folded { objects, refused: refused.into_iter().collect() }
    }
}
