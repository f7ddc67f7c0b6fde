//! The sealed objects of a text: all of them, or the one that flags name.

use std::path::Path;

use seal_core::kind::file::{self, Document};
use seal_core::kind::sealed::SealedSecret;

use crate::console;
use crate::error::Failure;
use crate::files;

/// The flags that choose one of several objects in a file.
#[derive(Debug, clap::Args)]
pub(crate) struct PickArgs {
    /// Of several objects in the file, the one in this namespace
    #[arg(short, long, value_name = "NS")]
    pub(crate) namespace: Option<String>,
    /// Of several objects in the file, the one with this name
    #[arg(long)]
    pub(crate) name: Option<String>,
}

/// The sealed objects of a text and their positions among its documents. Other manifests are named and left.
pub(crate) fn read(path: &Path, text: &str) -> Result<Vec<(usize, SealedSecret)>, Failure> {
    let documents = file::read(text).map_err(|error| Failure::from(error).about_file(path))?;
    let mut objects = Vec::new();
    for (index, document) in documents.into_iter().enumerate() {
        match document {
            Document::Sealed(object) => objects.push((index, *object)),
            Document::Plaintext { object } => console::warn(&format!(
                "{}: Secret {object} is not sealed: everyone who has the file can read it",
                files::name_of(path)
            )),
            Document::Other { kind } => {
                console::note(&format!(
                    "{}: left out {kind}, which is not a SealedSecret",
                    files::name_of(path)
                ));
            }
        }
    }
    if objects.is_empty() {
        return Err(Failure::input(format!(
            "there is no SealedSecret in {}",
            files::name_of(path)
        ))
        .hint("`seal FILE` makes one of a Secret manifest"));
    }
    Ok(objects)
}

impl PickArgs {
    fn means(&self, object: &SealedSecret) -> bool {
        let metadata = &object.metadata;
        (self.namespace.is_none() || self.namespace == metadata.namespace)
            && (self.name.is_none() || self.name == metadata.name)
    }

    /// The one object that is meant; a file with one needs no flags.
    pub(crate) fn pick(
        &self,
        path: &Path,
        objects: Vec<(usize, SealedSecret)>,
    ) -> Result<(usize, SealedSecret), Failure> {
        let names: Vec<String> = objects.iter().map(|(_, object)| object.full_name()).collect();
        let mut chosen = objects.into_iter().filter(|(_, object)| self.means(object));
        match (chosen.next(), chosen.next()) {
            (Some(one), None) => Ok(one),
            (found, _) => {
                let what = if found.is_some() { "several objects in" } else { "no such object in" };
                Err(Failure::input(format!(
                    "{what} {}: it has {}",
                    files::name_of(path),
                    names.join(", ")
                ))
                .hint("name one with -n NS --name NAME"))
            }
        }
    }
}
