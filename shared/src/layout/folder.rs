//! The layouts in which each object has files of its own.

use std::collections::BTreeMap;

use crate::kind::sealed::SealedSecret;
use crate::open::Opened;
use crate::place::Place;
use crate::secret::SecretValue;

use super::error::LayoutError;
use super::{faasd, flyte, tree};

/// A layout of files beneath a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FolderLayout {
    /// `<namespace>/<name>/<key>`, each key a file that only its owner reads.
    Tree,
    /// `<namespace>/<name>`, the one key of an object, written over in place: what faasd mounts into functions.
    Faasd,
    /// `<name>/<key>` in lower case: what flytekit reads.
    Flyte,
}

impl FolderLayout {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tree => "tree",
            Self::Faasd => "faasd",
            Self::Flyte => "flyte",
        }
    }

    /// Mode of the folders that the layout makes.
    pub fn folder_mode(self) -> u32 {
        match self {
            Self::Tree => tree::FOLDER_MODE,
            Self::Faasd => faasd::FOLDER_MODE,
            Self::Flyte => flyte::FOLDER_MODE,
        }
    }

    /// Whether a file that is there is written over where it lies, so that whoever has it mounted sees the change.
    pub fn in_place(self) -> bool {
        self == Self::Faasd
    }

    /// Whether files at the top of the folder are seen by what reads it, so that none of ours may lie there.
    pub fn top_is_read(self) -> bool {
        self == Self::Faasd
    }
}

/// All files of one object. Not `Clone`, not `Serialize`: it moves into the plan of a write and ends there.
#[derive(Debug)]
pub struct LaidOut {
    /// Whose files these are.
    pub place: Place,
    /// The files, sorted by path. None where the object does not belong into the layout.
    pub files: Vec<LaidFile>,
}

/// One file to be.
#[derive(Debug)]
pub struct LaidFile {
    /// The names from the output folder down to the file; never empty, none with a separator.
    pub path: Vec<String>,
    /// Permissions of the file.
    pub mode: u32,
    /// Its whole content.
    pub value: SecretValue,
}

/// Says where each value of an opened object goes.
///
/// The names come from an object that [`crate::open::check::check`] let through, so that none can leave its folder.
/// Whether objects of different places share a path is for [`survey`] to say.
pub fn lay_out(layout: FolderLayout, opened: Opened) -> Result<LaidOut, LayoutError> {
    let Opened { place, values, .. } = opened;
    let files = match layout {
        FolderLayout::Tree => tree::files(&place, values),
        FolderLayout::Faasd => faasd::files(&place, values)?,
        FolderLayout::Flyte => flyte::files(&place, values),
    };
    Ok(LaidOut { place, files })
}

/// What the names of all objects say together, without a key.
#[derive(Debug, Default)]
pub struct Survey {
    /// Paths that would come of more than one value: of each object the first of them. None of these is written.
    pub refused: BTreeMap<Place, LayoutError>,
    /// Whose each path is, where a layout lets it pass from one place to another.
    pub claims: BTreeMap<String, Place>,
}

/// The keys that a sealed object will have when it is opened.
pub fn keys_of(sealed: &SealedSecret) -> impl Iterator<Item = &str> {
    let clear = sealed.spec.template.iter().flat_map(|template| template.string_data.keys());
    sealed.spec.values.keys().chain(clear).map(String::as_str)
}

/// Looks at the names of all objects that are to be laid out: their places and keys.
pub fn survey<'a>(
    layout: FolderLayout,
    objects: impl IntoIterator<Item = (&'a Place, Vec<&'a str>)>,
) -> Survey {
    // The others have namespace and name in each path.
    if layout != FolderLayout::Flyte {
        return Survey::default();
    }
    let mut all: BTreeMap<String, Vec<(Place, &str)>> = BTreeMap::new();
    for (place, keys) in objects {
        for key in keys {
            let path = flyte::path(place, key).join("/");
            all.entry(path).or_default().push((place.clone(), key));
        }
    }
    let mut survey = Survey::default();
    for (path, mut claimed) in all {
        if let [(place, _)] = &claimed[..] {
            survey.claims.insert(path, place.clone());
            continue;
        }
        claimed.sort();
        let named = |at: usize| format!("{} (key {})", claimed[at].0, claimed[at].1);
        let error = LayoutError::Collision { what: path, one: named(0), other: named(1) };
        for (place, _) in &claimed {
            survey.refused.entry(place.clone()).or_insert_with(|| error.clone());
        }
    }
    survey.claims.retain(|_, place| !survey.refused.contains_key(place));
    survey
}
