//! One file: which sealed objects are in it, for whom they are and for whom they are to be. Opens nothing.
//!
//! A tree may have a hundred thousand files, so of each little is kept: what is due is read again when its turn comes, and must be
//! the same then.

use std::collections::BTreeSet;
use std::path::PathBuf;

use seal_core::key::Recipient;
use seal_core::kind::file::{self, Document, FileError};
use seal_core::kind::sealed::SealedSecret;
use seal_core::tree::survey::{MOST_BYTES, concerns, may_concern};
use seal_core::{Problem, seal, text};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::super::tree::Source;
use crate::editing::{self, Editing};
use crate::error::Failure;
use crate::files;
use crate::policy::{Choices, Chosen, Target};

/// What was found in one file.
pub(super) struct Looked {
    pub(super) path: PathBuf,
    digest: Digest,
    /// Its sealed objects that are to be sealed anew.
    pub(super) due: Vec<Due>,
    /// How many are not.
    pub(super) done: usize,
    /// Payloads of all of them, for finding copies.
    pub(super) payloads: BTreeSet<Digest>,
    /// For whom its rule seals: fingerprints, and the sentence that names them.
    pub(super) wanted: BTreeSet<String>,
    pub(super) sentence: String,
}

/// A sealed object that is to be sealed anew.
pub(super) struct Due {
    /// Its position among the documents.
    pub(super) index: usize,
    pub(super) name: String,
    /// Hints of whom it is sealed to.
    pub(super) sealed_to: BTreeSet<String>,
}

/// Stands for a text: SHA-256.
pub(super) type Digest = [u8; 32];

fn digest(text: &str) -> Digest {
    Sha256::digest(text).into()
}

impl Looked {
    /// A file that may hold these payloads and cannot be judged: it is for nobody who is known.
    pub(super) fn unjudged<'w>(path: PathBuf, payloads: impl Iterator<Item = &'w str>) -> Self {
        let payloads = payloads.map(digest).collect();
        let (wanted, sentence) = (BTreeSet::new(), String::new());
        Self {
            path,
            digest: Digest::default(),
            due: Vec::new(),
            done: 0,
            payloads,
            wanted,
            sentence,
        }
    }

    /// The file's text, if it is still what was looked at.
    pub(super) fn text(&self) -> Result<Zeroizing<String>, Failure> {
        let changed = || editing::changed_meanwhile(&self.path);
        let bytes = files::read_small(&self.path, MOST_BYTES)?.ok_or_else(changed)?;
        let text = text::decode(bytes).map_err(|_| changed())?;
        if digest(&text) == self.digest { Ok(text) } else { Err(changed()) }
    }

    /// What is due of a text of this file, with the positions.
    pub(super) fn objects(&self, text: &str) -> Result<Vec<(usize, SealedSecret)>, Failure> {
        let objects =
            sealed_objects(text).map_err(|error| Failure::from(error).about_file(&self.path))?;
        let is_due = |index: usize| self.due.iter().any(|due| due.index == index);
        Ok(objects.into_iter().filter(|(index, _)| is_due(*index)).collect())
    }
}

/// What a file turned out to be.
pub(super) enum Seen {
    Sealed(Looked),
    /// A template, which is left as it is; with the sentence that says so.
    Template(String),
    /// Nothing that is sealed.
    Other,
}

/// Looks at one file.
pub(super) fn look(source: &Source, choices: &mut Choices<'_>) -> Result<Seen, Failure> {
    let path = &source.path;
    let Some(bytes) = files::read_small(path, MOST_BYTES)? else {
        let large = Failure::input("it is larger than 2 MiB, and was not read");
        return if source.is_meant() { Err(large.about(path.display())) } else { Ok(Seen::Other) };
    };
    let may_concern = if source.is_meant() { may_concern(&bytes) } else { concerns(&bytes) };
    if !source.is_named && !may_concern {
        return Ok(Seen::Other);
    }
    let text = match text::decode(bytes) {
        Ok(text) => text,
        Err(_) if !source.is_meant() => return Ok(Seen::Other),
        Err(error) => return Err(Failure::input(error.to_string()).about(path.display())),
    };
    let objects = match sealed_objects(&text) {
        Ok(objects) => objects,
        Err(FileError::Text { error, .. }) if error.problem == Problem::Template => {
            return Ok(Seen::Template(format!("{}: left as it is: {error}", path.display())));
        }
        Err(_) if !source.is_meant() => return Ok(Seen::Other),
        Err(error) => return Err(Failure::from(error).about_file(path)),
    };
    if objects.is_empty() {
        let none = Failure::input("there is no sealed object in it").about(path.display());
        return if source.is_named { Err(none) } else { Ok(Seen::Other) };
    }
    let chosen = choices.of(Target::Edited(path.clone()))?;
    held_against(path.clone(), digest(&text), objects, &chosen).map(Seen::Sealed)
}

fn sealed_objects(text: &str) -> Result<Vec<(usize, SealedSecret)>, FileError> {
    let documents = file::read(text)?.into_iter().enumerate();
    let sealed = documents.filter_map(|(index, document)| match document {
        Document::Sealed(object) => Some((index, *object)),
        _ => None,
    });
    Ok(sealed.collect())
}

/// Which of the objects are due, by the recipients of the file's rule.
fn held_against(
    path: PathBuf,
    digest: Digest,
    objects: Vec<(usize, SealedSecret)>,
    chosen: &Chosen,
) -> Result<Looked, Failure> {
    let wanted = Recipient::fingerprints(&chosen.recipients);
    let all = objects.iter().flat_map(|(_, object)| object.spec.values.values());
    let payloads = all.map(|block| self::digest(&block.payload)).collect();
    let (mut due, mut done) = (Vec::new(), 0);
    for (index, object) in objects {
        let editing = Editing::of(&path, Zeroizing::default(), index, object)?;
        let is_empty = editing.object.spec.values.is_empty();
        if is_empty || seal::is_sealed_for(&editing.object, &chosen.recipients) {
            done += 1;
            continue;
        }
        editing.may_be_sealed(chosen)?;
        let object = &editing.object;
        let sealed_to = object.sealed_to().into_iter().map(str::to_owned).collect();
        due.push(Due { index, name: object.full_name(), sealed_to });
    }
    Ok(Looked { path, digest, due, done, payloads, wanted, sentence: chosen.sentence.clone() })
}
