//! [`Opened`] → relative paths, modes and bytes: where a layout opens a sealed file to when there is no cluster.
//!
//! Pure. Nothing here touches a disk: `seal-disk` writes what this says, and checks every name again. A layout is one
//! file in this folder, one variant, and one arm in each `match`.

mod tree;

use std::fmt;
use std::str::FromStr;

use crate::open::Opened;
use crate::place::Place;
use crate::secret::SecretValue;

/// Where opened values go, named for what reads them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// `<namespace>/<name>/<key>`, each key a file that only its owner reads.
    Tree,
}

impl Layout {
    /// Every layout there is, for help and for errors.
    pub const ALL: [Self; 1] = [Self::Tree];

    /// The word for it on the command line and in an inventory.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tree => "tree",
        }
    }

    /// Mode of the folders that the layout makes.
    pub fn folder_mode(self) -> u32 {
        match self {
            Self::Tree => tree::FOLDER_MODE,
        }
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that names no layout of this version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no layout of that name; there is {}", Layout::ALL.map(Layout::as_str).join(", "))]
pub struct UnknownLayout;

impl FromStr for Layout {
    type Err = UnknownLayout;

    fn from_str(word: &str) -> Result<Self, UnknownLayout> {
        Self::ALL.into_iter().find(|layout| layout.as_str() == word).ok_or(UnknownLayout)
    }
}

/// All files of one object. Not `Clone`, not `Serialize`: it moves into the plan of a write and ends there.
#[derive(Debug)]
pub struct LaidOut {
    /// Whose files these are.
    pub place: Place,
    /// The files, sorted by path.
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
/// The names come from an object that [`crate::open::check::check`] let through, so that none can leave its folder
/// and no two objects of different places share a file.
pub fn lay_out(layout: Layout, opened: Opened) -> LaidOut {
    let Opened { place, values, .. } = opened;
    let files = match layout {
        Layout::Tree => tree::files(&place, values),
    };
    LaidOut { place, files }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_tree_has_a_folder_for_the_namespace_and_one_for_the_name() {
        let opened = Opened {
            place: Place::new("prod", "db").unwrap(),
            template: Default::default(),
            values: BTreeMap::from([("tls.crt".to_owned(), b"x".as_slice().into())]),
            opened_with: Default::default(),
        };
        let laid = lay_out("tree".parse().unwrap(), opened);
        let [file] = &laid.files[..] else { panic!("one value is one file") };
        assert_eq!(file.path, ["prod", "db", "tls.crt"]);
        assert_eq!((file.mode, Layout::Tree.folder_mode()), (0o600, 0o700));
        assert_eq!(file.value.expose(), b"x");
    }

    #[test]
    fn an_unknown_layout_names_those_there_are() {
        let unknown = "forest".parse::<Layout>().unwrap_err();
        assert_eq!(unknown.to_string(), "no layout of that name; there is tree");
    }
}
