//! Text of a source → sealed objects by place, and what was refused before any key was touched. Pure.

use std::collections::{BTreeMap, BTreeSet};

use seal_core::kind::file::{self, Document};
use seal_core::kind::sealed::SealedSecret;
use seal_core::reason::Reason;

use super::refusal::Refusal;
use crate::texts::{Content, SourceFile};

/// The word that makes a broken file ours to report.
const OUR_GROUP: &[u8] = b"seal.dev/";

/// What a source holds.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    /// One for each place, sorted.
    pub(crate) objects: Vec<Object>,
    /// Every place that stands in the source, refused or not: their files stay.
    pub(crate) present: BTreeSet<String>,
    /// Files that may hold objects nobody could read: what was last seen there stays.
    pub(crate) unread: BTreeSet<String>,
    pub(crate) refusals: Vec<Refusal>,
    pub(crate) warnings: BTreeSet<Warning>,
}

/// One sealed object and the file it stands in.
#[derive(Debug)]
pub(crate) struct Object {
    pub(crate) path: String,
    pub(crate) sealed: SealedSecret,
}

/// Something that belongs in no source, and stops nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Warning {
    pub(crate) path: String,
    pub(crate) message: String,
}

/// Reads every file. `known_paths` are those in which an object of ours was seen last.
pub(crate) fn collect(files: Vec<SourceFile>, known_paths: &BTreeSet<&str>) -> Collected {
    let mut collected = Collected::default();
    let mut by_place: BTreeMap<String, Vec<Object>> = BTreeMap::new();
    for SourceFile { path, content } in files {
        let Some(documents) = collected.documents(&path, content, known_paths) else { continue };
        for document in documents {
            match document {
                Document::Sealed(sealed) => match sealed.place() {
                    Ok(place) => {
                        let object = Object { path: path.clone(), sealed: *sealed };
                        by_place.entry(place.to_string()).or_default().push(object);
                    }
                    Err(problem) => {
                        let message = format!("{}: {problem}", sealed.full_name());
                        collected.malformed(&path, message);
                    }
                },
                Document::Plaintext { object } => {
                    let message = format!(
                        "Secret {object} is in clear; seal it, and change its values: they are in the history"
                    );
                    collected.warnings.insert(Warning { path: path.clone(), message });
                }
                Document::Other { .. } => {}
            }
        }
    }
    collected.take(by_place);
    collected
}

impl Collected {
    fn documents(
        &mut self,
        path: &str,
        content: Content,
        known_paths: &BTreeSet<&str>,
    ) -> Option<Vec<Document>> {
        let bytes = match content {
            Content::Bytes(bytes) => bytes,
            Content::TooLarge => {
                let message = "larger than 2 MiB, so it was not read".to_owned();
                if known_paths.contains(path) {
                    self.malformed(path, message);
                } else {
                    self.warnings.insert(Warning { path: path.to_owned(), message });
                }
                return None;
            }
        };
        // Most files of most repositories: no parser needs to see them.
        if !contains(&bytes, OUR_GROUP) && !contains(&bytes, b"Secret") {
            return None;
        }
        let is_ours = contains(&bytes, OUR_GROUP);
        let Ok(text) = String::from_utf8(bytes) else {
            if is_ours {
                self.malformed(path, "not UTF-8 text");
            }
            return None;
        };
        match file::read(&text) {
            Ok(documents) => Some(documents),
            // A template, or anything else that is no manifest yet: not ours to judge.
            Err(_) if !is_ours => None,
            Err(error) => {
                self.unread.insert(path.to_owned());
                self.refusals.push(Refusal::file(path, &error));
                None
            }
        }
    }

    fn malformed(&mut self, path: &str, message: impl Into<String>) {
        self.unread.insert(path.to_owned());
        let hint = "restore the file from Git, or seal the manifest again";
        self.refusals.push(Refusal::new(Reason::Malformed, path, message, hint));
    }

    /// Two files for one place are both refused: which one is meant, nobody can tell.
    fn take(&mut self, by_place: BTreeMap<String, Vec<Object>>) {
        for (place, mut objects) in by_place {
            match &objects[..] {
                [_] => self.objects.append(&mut objects),
                [first, others @ ..] => {
                    for object in &objects {
                        let other = if object.path == first.path { &others[0] } else { first };
                        self.refusals.push(Refusal::duplicate(&object.path, &place, &other.path));
                    }
                }
                [] => {}
            }
            self.present.insert(place);
        }
    }
}

fn contains(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|window| window == word)
}
