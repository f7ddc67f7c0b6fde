//! The sealed objects of a text: all of them, or the one that flags name.

use std::path::{Path, PathBuf};

use seal_core::kind::Kind;
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

/// The file that is named; standard input when none is and it is a pipe.
pub(crate) fn input(named: Option<&PathBuf>) -> Result<PathBuf, Failure> {
    match named {
        Some(path) => Ok(path.clone()),
        None if files::stdin_is_terminal() => Err(Failure::input("no sealed file is named")
            .hint("name it, or - for standard input, which is also read when it is a pipe")),
        None => Ok(PathBuf::from("-")),
    }
}

/// The sealed objects of a text and their positions among its documents. Other manifests are named and left.
pub(crate) fn read(path: &Path, text: &str) -> Result<Vec<(usize, SealedSecret)>, Failure> {
    let documents = file::read(text).map_err(|error| Failure::from(error).about_file(path))?;
    let mut objects = Vec::new();
    for (index, document) in documents.into_iter().enumerate() {
        match document {
            Document::Sealed(object) => objects.push((index, *object)),
            Document::Plaintext { object, .. } => console::warn(&format!(
                "{}: Secret {object} is not sealed: everyone who has the file can read it",
                files::name_of(path)
            )),
            Document::Kustomization(_) | Document::Other { .. } => {
                let kind = document.to_string();
                let what = if kind.is_empty() {
                    "what has no kind and"
                } else {
                    &format!("{kind}, which")
                };
                console::note(&format!(
                    "{}: left out {what} is no sealed object",
                    files::name_of(path)
                ));
            }
        }
    }
    if text.trim().is_empty() {
        let message = format!("{} is empty", files::name_of(path));
        return Err(Failure::input(message).hint(files::EMPTIED));
    }
    if objects.is_empty() {
        return Err(Failure::input(format!(
            "there is no sealed object in {}",
            files::name_of(path)
        ))
        .hint("`seal FILE` makes one of a Secret manifest"));
    }
    Ok(objects)
}

impl PickArgs {
    fn means(&self, object: &SealedSecret) -> bool {
        let metadata = &object.metadata;
        let is_in = |namespace: &String| match object.spec.kind {
            Kind::SealedSecret => metadata.namespace.as_ref() == Some(namespace),
            Kind::ClusterSealedSecret => {
                let scope = &object.spec.scope;
                scope.any_namespace() || scope.namespaces.contains(namespace)
            }
        };
        self.namespace.as_ref().is_none_or(is_in)
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
        let (first, second) = match (chosen.next(), chosen.next()) {
            (Some(one), None) => return Ok(one),
            both => both,
        };
        let file = files::name_of(path);
        let Some((_, first)) = first else {
            let asked = self.in_words();
            return Err(Failure::input(format!("there is no {asked} in {file}"))
                .hint(format!("it has {}", names.join(", "))));
        };
        let same = std::iter::once(second).flatten().chain(chosen);
        let name = first.full_name();
        if same.into_iter().any(|(_, other)| other.full_name() == name) {
            return Err(Failure::input(format!("{name} stands in {file} more than once"))
                .hint("take one of them out with an editor: of two, a cluster keeps the last"));
        }
        let message = format!("several objects in {file}: it has {}", names.join(", "));
        Err(Failure::input(message).hint("name one with -n NS --name NAME"))
    }

    /// What the flags ask for.
    fn in_words(&self) -> String {
        let name = self.name.as_deref().unwrap_or("object");
        match &self.namespace {
            Some(namespace) => format!("{name} of the namespace {namespace}"),
            None => name.to_owned(),
        }
    }
}
