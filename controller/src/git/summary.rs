//! What one content of a repository holds for a source: digests of its objects, and what is refused of it.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use seal_core::kind::Kind;
use seal_core::kind::sealed::SealedSecret;
use seal_core::tree::collect::{Collected, Collector, Content, Object, Refused, Text};

use super::object::{Mark, Says};
use super::tree::Reading;
use crate::object_id::ObjectName;
use crate::texts::SourceError;

/// What is beyond the limit then.
pub(super) const TOO_MUCH: &str = "what is said of all sealed objects together";
/// What an entry of a list or map costs besides its texts.
const OF_AN_ENTRY: usize = 96;

/// One content, and all files that have it.
#[derive(Debug)]
pub(super) struct Summary {
    pub(super) paths: Vec<String>,
    pub(super) objects: Vec<Arc<Found>>,
    pub(super) refused: Vec<Refused>,
    pub(super) present: Vec<String>,
    pub(super) unread: Vec<String>,
    pub(super) in_clear: Vec<String>,
    /// Whether an object of the source was last seen in one of these files.
    pub(super) was_known: bool,
    /// Whether it will be the same whenever this content is read under this generation of the source.
    pub(super) is_lasting: bool,
}

/// One object that may be applied.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) name: ObjectName,
    pub(super) path: String,
    pub(super) says: Says,
    /// The labels and annotations that it sets.
    pub(super) sets: Vec<String>,
    /// Where its live Secrets go.
    pub(super) places: Vec<String>,
}

impl Summary {
    /// Whether nothing is said of it, nor to be remembered.
    pub(super) fn is_nothing(&self) -> bool {
        !self.is_lasting && self.refused.is_empty() && self.in_clear.is_empty()
    }

    /// Bytes that it takes.
    pub(super) fn size(&self) -> usize {
        let texts =
            |texts: &[String]| texts.iter().map(|text| OF_AN_ENTRY + text.len()).sum::<usize>();
        let refused: usize =
            self.refused.iter().map(|it| OF_AN_ENTRY + it.path.len() + it.message.len()).sum();
        let objects = self.objects.iter().map(|it| {
            5 * OF_AN_ENTRY
                + it.path.len()
                + 2 * it.name.name.len()
                + texts(&it.sets)
                + texts(&it.places)
        });
        let lists = [&self.paths, &self.present, &self.unread, &self.in_clear];
        OF_AN_ENTRY
            + refused
            + objects.sum::<usize>()
            + lists.iter().map(|it| texts(it)).sum::<usize>()
    }
}

/// Reads a content and holds what is in it against the rules.
///
/// An error where it holds more than `most` bytes of names and sentences.
pub(super) fn summary(
    reading: &Reading<'_>,
    paths: Vec<String>,
    content: Content,
    most: usize,
) -> Result<Summary, SourceError> {
    let is_lasting = matches!(content, Content::Bytes(_));
    let was_known = paths.iter().any(|path| reading.known.contains(path));
    let mut collector =
        Collector::for_cluster(reading.known, &reading.rules.namespaces).at_most(most);
    collector.add(Text { paths: paths.clone(), content });
    if collector.held() > most {
        return Err(SourceError::TooMuch(TOO_MUCH));
    }
    let Collected { objects, present, unread, mut refused, warnings, .. } = collector.finish();
    let mut found = Vec::new();
    for (name, path, sealed, places) in by_name(objects) {
        if places.len() < sealed.places().len() {
            continue; // one of its places was refused, and said to be
        }
        match reading.rules.problem(&sealed) {
            Some((reason, message)) => refused.push(Refused { reason, path, message }),
            None => {
                let (says, sets) = (Says::of(&sealed), Mark::sets_of(&sealed));
                found.push(Arc::new(Found { name, path, says, sets, places }));
            }
        }
    }
    let in_clear = warnings.into_iter().filter(|it| it.in_clear).map(|it| it.path).collect();
    Ok(Summary {
        paths,
        objects: found,
        refused,
        present: present.into_iter().collect(),
        unread: unread.into_iter().collect(),
        in_clear,
        was_known,
        is_lasting,
    })
}

/// The object of that name in a content.
pub(super) fn sealed_of(bytes: Vec<u8>, name: &ObjectName) -> Option<SealedSecret> {
    let (known, namespaces) = (BTreeSet::new(), BTreeSet::new());
    let mut collector = Collector::for_cluster(&known, &namespaces);
    let documents = collector.sealed_in(bytes);
    documents
        .into_iter()
        .find(|sealed| ObjectName::of(sealed.spec.kind, &sealed.metadata).as_ref() == Some(name))
}

/// A ClusterSealedSecret stands there once for each of its namespaces, and is applied once or not at all.
fn by_name(objects: Vec<Object>) -> Vec<(ObjectName, String, Rc<SealedSecret>, Vec<String>)> {
    let mut by_name: BTreeMap<ObjectName, (String, Rc<SealedSecret>, Vec<String>)> =
        BTreeMap::new();
    for Object { path, place, sealed } in objects {
        let name = match sealed.spec.kind {
            Kind::SealedSecret => ObjectName::sealed_secret(&place),
            Kind::ClusterSealedSecret => ObjectName::cluster_sealed_secret(&place),
        };
        let entry = by_name.entry(name).or_insert((path, sealed, Vec::new()));
        entry.2.push(place.to_string());
    }
    by_name.into_iter().map(|(name, (path, sealed, places))| (name, path, sealed, places)).collect()
}

#[cfg(test)]
mod tests {
    use seal_core::kind::git_source::GitSource;

    use super::super::rules::{Limits, Rules};
    use super::*;

    #[test]
    fn one_text_of_many_names_and_objects_is_given_up_where_it_would_be_too_much() {
        let one = |n: usize| {
            format!(
                "apiVersion: seal.dev/v1\nkind: SealedSecret\nmetadata: {{name: a{n}, namespace: x}}\nspec: {{scope: {{namespaces: [x], name: a{n}}}, sealedTo: [], header: x, values: {{a: {{payload: AAAA}}}}}}\n"
            )
        };
        let text: Vec<String> = (0..2000).map(one).collect();
        let paths = (0..2000).map(|n| format!("{n}.yaml")).collect();
        let limits = Limits { closed_namespaces: BTreeSet::new(), cluster_sealed_secrets: false };
        let (rules, known) = (Rules::of(&GitSource::default(), &limits), BTreeSet::new());
        let reading = Reading { rules: &rules, known: &known };
        let content = Content::Bytes(text.join("---\n").into_bytes());
        // All of it would be four million sentences.
        let summary = summary(&reading, paths, content, 1 << 20);
        assert_eq!(summary.err(), Some(SourceError::TooMuch(TOO_MUCH)));
    }
}
