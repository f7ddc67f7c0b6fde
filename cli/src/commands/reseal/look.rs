//! One file: which sealed objects are in it, for whom they are and for whom they are to be. Opens nothing.

use std::collections::BTreeSet;
use std::path::PathBuf;

use seal_core::key::Recipient;
use seal_core::kind::file::{self, Document, FileError};
use seal_core::kind::sealed::SealedSecret;
use seal_core::tree::survey::{MOST_BYTES, concerns};
use seal_core::{Problem, seal, text};
use zeroize::Zeroizing;

use super::super::tree::Source;
use crate::console;
use crate::editing::Editing;
use crate::error::Failure;
use crate::files;
use crate::policy::{Choices, Chosen, Target};

/// What was found in one file.
pub(super) struct Looked {
    pub(super) path: PathBuf,
    pub(super) text: Zeroizing<String>,
    /// Its sealed objects that are to be sealed anew, with their positions among the documents.
    pub(super) due: Vec<(usize, SealedSecret)>,
    /// How many are not.
    pub(super) done: usize,
    /// Payloads of all of them, for finding copies.
    pub(super) payloads: BTreeSet<String>,
    /// For whom its rule seals: fingerprints, and the sentence that names them.
    pub(super) wanted: BTreeSet<String>,
    pub(super) sentence: String,
}

/// Looks at one file; `None` where it has no sealed object.
pub(super) fn look(source: &Source, choices: &mut Choices<'_>) -> Result<Option<Looked>, Failure> {
    let path = &source.path;
    let Some(bytes) = files::read_small(path, MOST_BYTES)? else {
        let large = Failure::input("it is larger than 2 MiB, and was not read");
        return if source.is_meant() { Err(large.about(path.display())) } else { Ok(None) };
    };
    if !source.is_named && !concerns(&bytes) {
        return Ok(None);
    }
    let text = match text::decode(bytes) {
        Ok(text) => text,
        Err(_) if !source.is_meant() => return Ok(None),
        Err(error) => return Err(Failure::input(error.to_string()).about(path.display())),
    };
    let objects = match sealed_objects(&text) {
        Ok(objects) => objects,
        Err(FileError::Text { error, .. }) if error.problem == Problem::Template => {
            console::note(&format!("{}: left as it is: {error}", path.display()));
            return Ok(None);
        }
        Err(_) if !source.is_meant() => return Ok(None),
        Err(error) => return Err(Failure::from(error).about_file(path)),
    };
    if objects.is_empty() {
        let none = Failure::input("there is no sealed object in it").about(path.display());
        return if source.is_named { Err(none) } else { Ok(None) };
    }
    let chosen = choices.of(Target::Edited(path.clone()))?;
    held_against(path.clone(), text, objects, &chosen).map(Some)
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
    text: Zeroizing<String>,
    objects: Vec<(usize, SealedSecret)>,
    chosen: &Chosen,
) -> Result<Looked, Failure> {
    let wanted = Recipient::fingerprints(&chosen.recipients);
    let all = objects.iter().flat_map(|(_, object)| object.spec.values.values());
    let payloads = all.map(|block| block.payload.clone()).collect();
    let (mut due, mut done) = (Vec::new(), 0);
    for (index, object) in objects {
        let editing = Editing::of(&path, Zeroizing::default(), index, object)?;
        let is_empty = editing.object.spec.values.is_empty();
        if is_empty || seal::is_sealed_for(&editing.object, &chosen.recipients) {
            done += 1;
            continue;
        }
        editing.may_be_sealed(chosen)?;
        due.push((index, editing.object));
    }
    Ok(Looked { path, text, due, done, payloads, wanted, sentence: chosen.sentence.clone() })
}
