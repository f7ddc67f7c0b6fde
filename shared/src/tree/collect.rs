//! Texts of a source → sealed objects by place, and what was refused before any key was touched.

use std::collections::{BTreeMap, BTreeSet};

use crate::kind::file::{self, Document};
use crate::kind::sealed::SealedSecret;
use crate::names::GROUP_PREFIX;
use crate::reason::Reason;

/// One file of a source that may hold sealed objects.
#[derive(Debug)]
pub struct Text {
    /// Relative to the source, for messages and the inventory; never opened by.
    pub path: String,
    /// What stands in it.
    pub content: Content,
}

/// What was read of a file.
#[derive(Debug)]
pub enum Content {
    /// All of it.
    Bytes(Vec<u8>),
    /// More than is read of one file.
    TooLarge,
}

/// What a source holds.
#[derive(Debug, Default)]
pub struct Collected {
    /// One for each place, sorted.
    pub objects: Vec<Object>,
    /// Every place that stands in the source, refused or not: what was made of it stays.
    pub present: BTreeSet<String>,
    /// Files that may hold objects nobody could read: what was last seen there stays.
    pub unread: BTreeSet<String>,
    /// What is not opened, and why.
    pub refused: Vec<Refused>,
    /// What belongs in no source, and stops nothing.
    pub warnings: BTreeSet<Warning>,
}

/// One sealed object and the file it stands in.
#[derive(Debug)]
pub struct Object {
    /// Relative to the source.
    pub path: String,
    /// Its document, not yet [checked](crate::open::check).
    pub sealed: SealedSecret,
}

/// A file or an object in it that is not opened. Never quotes the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The one word for it: `Malformed` or `Duplicate`.
    pub reason: Reason,
    /// Relative to the source.
    pub path: String,
    /// What is wrong with it.
    pub message: String,
}

/// Something that belongs in no source, and stops nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Warning {
    /// Relative to the source.
    pub path: String,
    /// What it is.
    pub message: String,
}

/// Reads every text. `known_paths` are those in which an object of ours was seen last: one of them that is too large to
/// read is refused, any other is only warned of.
pub fn collect(texts: Vec<Text>, known_paths: &BTreeSet<&str>) -> Collected {
    let mut collected = Collected::default();
    let mut by_place: BTreeMap<String, Vec<Object>> = BTreeMap::new();
    for Text { path, content } in texts {
        for document in collected.documents(&path, content, known_paths) {
            collected.sort_in(&path, document, &mut by_place);
        }
    }
    collected.take(by_place);
    collected
}

impl Collected {
    fn sort_in(
        &mut self,
        path: &str,
        document: Document,
        by_place: &mut BTreeMap<String, Vec<Object>>,
    ) {
        match document {
            Document::Sealed(sealed) => match sealed.place() {
                Ok(place) => {
                    let object = Object { path: path.to_owned(), sealed: *sealed };
                    by_place.entry(place.to_string()).or_default().push(object);
                }
                Err(problem) => self.malformed(path, format!("{}: {problem}", sealed.full_name())),
            },
            Document::Plaintext { object } => self.warn(
                path,
                format!(
                    "Secret {object} is in clear; seal it, and change its values: they are in the history"
                ),
            ),
            Document::Other { .. } => {}
        }
    }

    fn documents(
        &mut self,
        path: &str,
        content: Content,
        known_paths: &BTreeSet<&str>,
    ) -> Vec<Document> {
        let Content::Bytes(bytes) = content else {
            let message = "larger than 2 MiB, so it was not read".to_owned();
            if known_paths.contains(path) {
                self.malformed(path, message);
            } else {
                self.warn(path, message);
            }
            return Vec::new();
        };
        // Most files of most repositories: no parser needs to see them.
        let is_ours = contains(&bytes, GROUP_PREFIX.as_bytes());
        if !is_ours && !contains(&bytes, b"Secret") {
            return Vec::new();
        }
        let Ok(text) = String::from_utf8(bytes) else {
            if is_ours {
                self.malformed(path, "not UTF-8 text".to_owned());
            }
            return Vec::new();
        };
        match file::read(&text) {
            Ok(documents) => return documents,
            Err(error) if is_ours => self.malformed(path, error.to_string()),
            // A template, or anything else that is no manifest yet: not ours to judge.
            Err(_) => {}
        }
        Vec::new()
    }

    fn malformed(&mut self, path: &str, message: String) {
        self.unread.insert(path.to_owned());
        self.refuse(Reason::Malformed, path, message);
    }

    fn refuse(&mut self, reason: Reason, path: &str, message: String) {
        self.refused.push(Refused { reason, path: path.to_owned(), message });
    }

    fn warn(&mut self, path: &str, message: String) {
        self.warnings.insert(Warning { path: path.to_owned(), message });
    }

    /// Two files for one place are both refused: which one is meant, nobody can tell.
    fn take(&mut self, by_place: BTreeMap<String, Vec<Object>>) {
        for (place, mut objects) in by_place {
            match &objects[..] {
                [_] => self.objects.append(&mut objects),
                [first, others @ ..] => {
                    for object in &objects {
                        let other = if object.path == first.path { &others[0] } else { first };
                        let message = format!(
                            "{place} is sealed here and in {}; neither is opened",
                            other.path
                        );
                        self.refuse(Reason::Duplicate, &object.path, message);
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
