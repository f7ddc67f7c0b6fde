//! Sealed objects in any layout → the block layout, whose lines [`edit`](super::edit) can change one by one. Needs no key
//! and no plaintext. Comments are kept; what only a cluster knows of an object is left out and named.

use std::collections::BTreeMap;

use super::edit::{is_editable, with_ends};
use super::file::{self, Document, FileError};
use super::sealed::SealedSecret;
use crate::yaml;

/// What kubectl keeps of an applied manifest: a copy of the object itself.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// The fields of metadata that are the file's; the others are the cluster's.
const OF_THE_FILE: [&str; 4] = ["name", "namespace", "labels", "annotations"];

/// A text in block layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Formatted {
    /// The text.
    pub text: String,
    /// Fields that were left out, each after its object: `prod/db: metadata.uid`.
    pub dropped: Vec<String>,
}

/// Why a text was not written anew.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// Not a sealed file.
    #[error("{0}")]
    File(#[from] FileError),
    /// Something whose layout is not ours to change.
    #[error("{0} stands beside the sealed objects")]
    Beside(String),
    /// A sealed object that would not read as the same again.
    #[error("{0} cannot be written in block layout")]
    Changed(String),
}

/// Writes every sealed object of `text` in block layout; where each can be edited as it is, only puts back the comments that
/// end its blocks. `None` where nothing changes.
pub fn format(text: &str) -> Result<Option<Formatted>, FormatError> {
    let text = text.trim_start_matches('\u{feff}');
    if is_editable(text)? {
        let ended = with_ends(text).filter(|ended| ended != text);
        return Ok(ended.map(|text| Formatted { text, dropped: Vec::new() }));
    }
    let mut objects = Vec::new();
    let mut dropped = Vec::new();
    for document in file::read(text)? {
        match document {
            Document::Sealed(object) => objects.push(of_the_file(*object, &mut dropped)),
            other => return Err(FormatError::Beside(other.to_string())),
        }
    }
    let text = written(&objects, &yaml::comments(text));
    match file::read(&text)?.iter().zip(&objects).find(|(read, object)| !is_same(read, object)) {
        Some((_, object)) => Err(FormatError::Changed(object.full_name())),
        None => Ok(Some(Formatted { text, dropped })),
    }
}

fn written(objects: &[SealedSecret], comments: &[Vec<String>]) -> String {
    let mut text = String::new();
    for (index, object) in objects.iter().enumerate() {
        if index > 0 {
            text.push_str("---\n");
        }
        // The items of a List are one document, whose comments go above all of them.
        let above = match comments {
            _ if comments.len() == objects.len() => comments[index].clone(),
            all if index == 0 => all.concat(),
            _ => Vec::new(),
        };
        let ends = |comment: &String| comment.starts_with(" end of ");
        for comment in above.iter().filter(|comment| !ends(comment)) {
            text.extend(["#", comment.as_str(), "\n"]);
        }
        text.push_str(&file::write(object));
    }
    text
}

fn is_same(read: &Document, object: &SealedSecret) -> bool {
    matches!(read, Document::Sealed(read) if **read == *object)
}

/// The object without what the cluster added to it.
fn of_the_file(object: SealedSecret, dropped: &mut Vec<String>) -> SealedSecret {
    let name = object.full_name();
    let mut fields: BTreeMap<String, serde_json::Value> = serde_json::to_value(&object.metadata)
        .and_then(serde_json::from_value)
        .expect("metadata is a map with names");
    fields.retain(|field, _| {
        let keeps = OF_THE_FILE.contains(&field.as_str());
        if !keeps {
            dropped.push(format!("{name}: metadata.{field}"));
        }
        keeps
    });
    if object.status.is_some() {
        dropped.push(format!("{name}: status"));
    }
    let mut metadata = object.metadata;
    if let Some(annotations) = &mut metadata.annotations
        && annotations.remove(LAST_APPLIED).is_some()
    {
        dropped.push(format!("{name}: annotation {LAST_APPLIED}"));
    }
    let annotations = metadata.annotations.filter(|annotations| !annotations.is_empty());
    let mut kept = SealedSecret::new("", object.spec);
    kept.metadata.name = metadata.name;
    kept.metadata.namespace = metadata.namespace;
    kept.metadata.labels = metadata.labels;
    kept.metadata.annotations = annotations;
    kept
}
