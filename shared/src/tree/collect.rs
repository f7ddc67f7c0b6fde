//! Texts of a source → sealed objects by place, and what was refused before any key was touched.
//!
//! A [`Collector`] takes one text after another and keeps of each only what is to be opened: the text and its tree are gone
//! before the next one comes. What it keeps is counted in bytes, and whoever feeds it ends above a limit of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use zeroize::Zeroizing;

use crate::kind::Kind;
use crate::kind::file::{self, Document};
use crate::kind::sealed::SealedSecret;
use crate::names::GROUP_PREFIX;
use crate::open::check::check_at;
use crate::place::Place;
use crate::reason::Reason;
use crate::text;
use crate::yaml::Copies;

pub use super::collected::{Collected, Content, Object, Refused, Text, Warning};
use super::held::{OF_AN_ENTRY, size_of_object};
use super::unread::is_manifest;

/// Takes the texts of a source one after another.
#[derive(Debug)]
pub struct Collector<'a> {
    pub(super) known_paths: &'a BTreeSet<String>,
    namespaces: &'a BTreeSet<String>,
    copies: Copies,
    by_place: BTreeMap<String, Found>,
    collected: Collected,
    held: usize,
    /// Above it nothing more is taken: one text of many names and objects would be more than all others.
    most: usize,
    /// Whether the objects go to a cluster: then each keeps its labels and annotations, and one outside of the namespaces
    /// is refused.
    for_cluster: bool,
}

/// What stands in the source for one place.
#[derive(Debug)]
struct Found {
    /// Every file it stands in, once for each time.
    paths: Vec<String>,
    verdict: Verdict,
    /// Bytes that it was counted with.
    size: usize,
}

#[derive(Debug)]
enum Verdict {
    Kept(Place, Rc<SealedSecret>),
    Refused(Reason, String),
    /// It stands there more than once, so neither is opened.
    Twice,
}

impl<'a> Collector<'a> {
    /// `known_paths` are those in which an object of ours was seen last: one of them that is too large to read is refused,
    /// any other is only warned of. Objects outside `namespaces` are counted and left alone.
    pub fn new(known_paths: &'a BTreeSet<String>, namespaces: &'a BTreeSet<String>) -> Self {
        Self {
            known_paths,
            namespaces,
            copies: Copies::default(),
            by_place: BTreeMap::new(),
            collected: Collected::default(),
            held: 0,
            most: usize::MAX,
            for_cluster: false,
        }
    }

    /// The same for objects that are applied to a cluster: they keep their labels and annotations, and one outside of
    /// `namespaces` is refused rather than left alone.
    pub fn for_cluster(
        known_paths: &'a BTreeSet<String>,
        namespaces: &'a BTreeSet<String>,
    ) -> Self {
        Self { for_cluster: true, ..Self::new(known_paths, namespaces) }
    }

    /// The same, which takes nothing more once it holds more bytes than these.
    pub fn at_most(self, most: usize) -> Self {
        Self { most, ..self }
    }

    /// Bytes that are kept of what was added.
    pub fn held(&self) -> usize {
        self.held
    }

    /// Reads one text and keeps what is needed of it.
    pub fn add(&mut self, Text { paths, content }: Text) {
        for document in self.documents(&paths, content) {
            if self.held > self.most {
                return; // whoever feeds it says so
            }
            self.sort_in(&paths, document);
        }
    }

    /// What was found, all texts being there.
    pub fn finish(mut self) -> Collected {
        for (place, Found { mut paths, verdict, .. }) in std::mem::take(&mut self.by_place) {
            paths.sort();
            match (verdict, paths.pop()) {
                (Verdict::Kept(place, sealed), Some(path)) => {
                    self.collected.objects.push(Object { path, place, sealed });
                }
                (Verdict::Refused(reason, message), Some(path)) => {
                    self.refuse(reason, &path, message);
                }
                (Verdict::Twice, Some(last)) => self.duplicates(&place, &paths, &last),
                (_, None) => {}
            }
            self.collected.present.insert(place);
        }
        self.collected
    }

    /// The sealed objects in a text that was judged before, with what their file says of each.
    pub fn sealed_in(&mut self, bytes: Vec<u8>) -> Vec<SealedSecret> {
        let documents = self.documents(&[], Content::Bytes(bytes)).into_iter();
        let sealed = documents.filter_map(|document| match document {
            Document::Sealed(mut sealed) => {
                sealed.keep_what_a_file_says();
                Some(*sealed)
            }
            _ => None,
        });
        sealed.collect()
    }

    fn sort_in(&mut self, paths: &[String], document: Document) {
        match document {
            Document::Sealed(mut sealed) => match sealed.place() {
                Ok(_) => {
                    if self.for_cluster {
                        sealed.keep_what_a_file_says();
                    } else {
                        sealed.forget_what_the_server_adds();
                    }
                    self.sealed(paths, Rc::new(*sealed));
                }
                Err(problem) => self.malformed(paths, &format!("{}: {problem}", sealed.full_name())),
            },
            // Of a cluster's repository the same that `seal check` finds: not what sops has encrypted, nor a template.
            Document::Plaintext { has_values: false, .. } if self.for_cluster => {}
            Document::Plaintext { object, .. } => self.warn(
                paths,
                &format!(
                    "Secret {object} is in clear; seal it, and change its values: they are in the history"
                ),
                true,
            ),
            Document::Kustomization(_) | Document::Other { .. } => {}
        }
    }

    /// At each of its places. Where a ClusterSealedSecret lists none, labels of namespaces would choose, and here are none.
    fn sealed(&mut self, paths: &[String], sealed: Rc<SealedSecret>) {
        let places = sealed.places();
        if sealed.spec.kind == Kind::ClusterSealedSecret {
            let name = sealed.metadata.name.as_deref().unwrap_or_default();
            self.collected.present.insert(format!("/{name}"));
        }
        if places.is_empty() {
            let who =
                if self.for_cluster { "a repository may not say" } else { "only a cluster has" };
            let message = format!(
                "{}: its namespaces are chosen by their labels, which {who}",
                sealed.full_name()
            );
            paths.iter().for_each(|path| self.refuse(Reason::NotAllowed, path, message.clone()));
        }
        for place in &places {
            self.found(paths, place, sealed.clone(), size_of_object(&sealed) / places.len());
        }
    }

    /// `size` is what it is counted with at this place.
    fn found(&mut self, paths: &[String], place: &Place, sealed: Rc<SealedSecret>, size: usize) {
        let name = place.to_string();
        if !self.namespaces.contains(&place.namespace) {
            self.collected.skipped += paths.len();
            if self.for_cluster {
                let message = format!("{place}: its namespace is none of spec.namespaces");
                paths
                    .iter()
                    .for_each(|path| self.refuse(Reason::NotAllowed, path, message.clone()));
            }
            self.hold(&name);
            self.collected.present.insert(name);
            return;
        }
        paths.iter().for_each(|path| self.hold(path));
        if let Some(found) = self.by_place.get_mut(&name) {
            if matches!(found.verdict, Verdict::Kept(..)) {
                self.held = self.held.saturating_sub(found.size);
            }
            found.verdict = Verdict::Twice;
            found.paths.extend_from_slice(paths);
            return;
        }
        let verdict = match check_at(&sealed, place.clone()).map(drop) {
            _ if paths.len() > 1 => Verdict::Twice,
            Err(error) => Verdict::Refused(error.reason(), error.to_string()),
            Ok(()) => Verdict::Kept(place.clone(), sealed),
        };
        match &verdict {
            Verdict::Kept(..) => self.held += size,
            Verdict::Refused(_, message) => self.hold(message),
            Verdict::Twice => {}
        }
        self.hold(&name);
        self.by_place.insert(name, Found { paths: paths.to_vec(), verdict, size });
    }

    fn documents(&mut self, paths: &[String], content: Content) -> Vec<Document> {
        let bytes = match content {
            Content::Bytes(bytes) => bytes,
            Content::TooLarge => {
                self.too_large(paths);
                return Vec::new();
            }
            Content::Link => {
                paths.iter().for_each(|path| self.link(path));
                return Vec::new();
            }
        };
        // Most files of most repositories: no parser needs to see them.
        let is_ours = text::mentions(&bytes, GROUP_PREFIX);
        let known: Vec<String> =
            paths.iter().filter(|path| self.known_paths.contains(*path)).cloned().collect();
        if !is_ours && known.is_empty() && !text::mentions(&bytes, "Secret") {
            return Vec::new();
        }
        let text = text::decode(Zeroizing::new(bytes)).map_err(|error| error.to_string());
        let read = text.and_then(|text| {
            file::read_one_of(&text, &mut self.copies).map_err(|error| error.to_string())
        });
        match read {
            // A pointer to large storage, something encrypted as a whole, what is left of a file: not gone, but not to be read.
            Ok(documents) if !documents.iter().any(is_manifest) => self.malformed(
                &known,
                "an object was last seen in it, and no manifest is in it; to remove the object, delete the file",
            ),
            Ok(documents) => return documents,
            // Only sealed files are judged, and what was one. Anything else may be a template, or no manifest yet.
            Err(error) if is_ours => self.malformed(paths, &error),
            Err(error) => self.malformed(&known, &error),
        }
        Vec::new()
    }

    pub(super) fn malformed(&mut self, paths: &[String], message: &str) {
        for path in paths {
            self.collected.unread.insert(path.clone());
            self.refuse(Reason::Malformed, path, message.to_owned());
        }
    }

    fn refuse(&mut self, reason: Reason, path: &str, message: String) {
        self.hold(path);
        self.hold(&message);
        self.collected.refused.push(Refused { reason, path: path.to_owned(), message });
    }

    pub(super) fn warn(&mut self, paths: &[String], message: &str, in_clear: bool) {
        for path in paths {
            self.hold(path);
            self.hold(message);
            let (path, message) = (path.clone(), message.to_owned());
            let warning = Warning { path, message, in_clear };
            self.collected.warnings.insert(warning);
        }
    }

    /// Two files for one place are both refused: which one is meant, nobody can tell.
    fn duplicates(&mut self, place: &str, others: &[String], last: &String) {
        let first = others.first().unwrap_or(last);
        for path in others.iter().chain([last]) {
            let other = if path == first { others.get(1).unwrap_or(last) } else { first };
            let message = format!("{place} is sealed here and in {other}; neither is opened");
            self.refuse(Reason::Duplicate, path, message);
        }
    }

    fn hold(&mut self, text: &str) {
        self.held += OF_AN_ENTRY + text.len();
    }
}
