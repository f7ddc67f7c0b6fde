//! [`Opened`](crate::open::Opened) → names, modes and bytes: where a layout opens sealed files to when there is no cluster.
//!
//! Pure. Nothing here touches a disk: `seal-disk` writes what this says, and checks every name again. There are two kinds of
//! layout: in a [`FolderLayout`] each object has files of its own, in a [`FileLayout`] all objects share one file, in which
//! other people may have lines too. A layout is one file in this folder, one variant, and one arm in each `match`.

mod direktiv;
mod docker_config;
mod env;
mod error;
mod faasd;
mod file;
mod flyte;
mod folder;
mod held;
mod tree;

use std::fmt;
use std::str::FromStr;

use crate::kind::sealed::SealedSecret;
use crate::secret_type::is_docker_config;

pub use direktiv::{DirektivSecret, sealing};
pub use error::{BadFile, LayoutError};
pub use file::{FileLayout, Fold, Folded, LaidEntries};
pub use folder::{FolderLayout, LaidFile, LaidOut, Survey, keys_of, lay_out, survey};
pub use held::{Change, Held, Wanted};

/// Where opened values go, named for what reads them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Each object has files of its own beneath a folder.
    Folder(FolderLayout),
    /// All objects are in one file.
    File(FileLayout),
}

impl Layout {
    /// Every layout there is, for help and for errors.
    pub const ALL: [Self; 5] = [
        Self::Folder(FolderLayout::Tree),
        Self::Folder(FolderLayout::Faasd),
        Self::Folder(FolderLayout::Flyte),
        Self::File(FileLayout::Env),
        Self::File(FileLayout::DockerConfig),
    ];

    /// The word for it on the command line and in an inventory.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Folder(layout) => layout.as_str(),
            Self::File(layout) => layout.as_str(),
        }
    }

    /// Whether objects of this one's type belong into the layout: a registry's credentials are no variable and no file of
    /// a function, and `docker-config` is made of nothing else. So several layouts can be made of one repository.
    pub fn takes(self, sealed: &SealedSecret) -> bool {
        let type_ = type_of(sealed);
        match self {
            Self::Folder(FolderLayout::Tree | FolderLayout::Flyte) => true,
            Self::Folder(FolderLayout::Faasd) | Self::File(FileLayout::Env) => {
                !is_docker_config(type_)
            }
            Self::File(FileLayout::DockerConfig) => is_docker_config(type_),
        }
    }

    /// Why an object does not belong into the layout, for whoever named it.
    pub fn other_type(self, sealed: &SealedSecret) -> LayoutError {
        let type_ = type_of(sealed).to_owned();
        LayoutError::OtherType { object: sealed.full_name(), type_, layout: self }
    }
}

fn type_of(sealed: &SealedSecret) -> &str {
    let template = sealed.spec.template.as_ref();
    template.and_then(|template| template.type_.as_deref()).unwrap_or("Opaque")
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

#[cfg(test)]
mod tests;
