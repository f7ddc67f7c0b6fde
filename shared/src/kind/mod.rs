//! The kinds of `seal.dev`: one type for the file in Git and the custom resource, and its text.
//!
//! [`sealed`] is the type, [`crd`] how a cluster learns of it, [`file`] its text read and written, [`locate`] where something
//! stands in it, [`edit`] one text changed line by line or, in JSON, field by field, [`resealed`] which of its values were only sealed anew, [`brief`] it without ciphertext, [`kustomization`] what of a kustomization may be in clear. Nothing here knows a key, and nothing is authenticated.

mod blocks;
pub mod brief;
pub mod cluster_sealed;
pub mod crd;
pub mod edit;
mod edit_json;
mod edit_lines;
pub mod file;
pub(crate) mod file_error;
pub mod format;
pub mod git_source;
pub mod kustomization;
pub mod locate;
pub(crate) mod plaintext;
pub mod resealed;
pub mod sealed;
pub mod status;
mod time;

use crate::names::{CLUSTER_SEALED_SECRET, SEALED_SECRET};

/// The kinds of sealed objects: one spec, one engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// In the namespace of its one live Secret.
    #[default]
    SealedSecret,
    /// In no namespace, with a live Secret in each of several.
    ClusterSealedSecret,
}

impl Kind {
    /// `kind`, as manifests have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SealedSecret => SEALED_SECRET,
            Self::ClusterSealedSecret => CLUSTER_SEALED_SECRET,
        }
    }

    /// The kind of this word, if it is one of ours.
    pub fn of(word: &str) -> Option<Self> {
        [Self::SealedSecret, Self::ClusterSealedSecret]
            .into_iter()
            .find(|kind| kind.as_str() == word)
    }
}
