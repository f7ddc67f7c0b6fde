//! A commit as what is wanted of it: read, sorted by place, and held against the rules of its source. Blocks; no network.
//!
//! Of each content a [`Summary`] is kept, never the sealed objects themselves: those are read again, a few at a time, when
//! they are to be written. A content that was there before is not read at all, so one changed file among thousands costs
//! one file.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use gix::ObjectId;
use seal_core::kind::sealed::SealedSecret;
use seal_core::reason::Reason;
use seal_core::tree::collect::{Content, Refused};

use super::rules::Rules;
use super::summary::{Found, Summary, TOO_MUCH, sealed_of, summary};
use crate::object_id::ObjectName;
use crate::texts::git::Repository;
use crate::texts::{Asked, SourceError};

/// Bytes that the summaries of one commit may take in memory together.
const MAX_HELD_BYTES: usize = 64 * 1024 * 1024;

/// One object that is wanted.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    /// The content that it stands in.
    pub(super) content: ObjectId,
    pub(super) found: Arc<Found>,
}

/// What stands in a commit.
#[derive(Debug, Default)]
pub(super) struct Tree {
    pub(super) candidates: Vec<Candidate>,
    pub(super) refused: Vec<Refused>,
    /// As [`prune`](seal_core::tree::prune::prune) has them.
    pub(super) present: BTreeSet<String>,
    pub(super) unread: BTreeSet<String>,
    /// Files with a Secret in clear.
    pub(super) in_clear: Vec<String>,
}

/// Where a commit is read from.
#[derive(Clone, Debug)]
pub(super) struct From {
    pub(super) store: PathBuf,
    pub(super) path: PathBuf,
    pub(super) commit: ObjectId,
}

/// What the contents of the last commit were, under one generation of their source.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    generation: i64,
    summaries: HashMap<ObjectId, Arc<Summary>>,
}

/// For whom a commit is read.
pub(super) struct Reading<'a> {
    pub(super) rules: &'a Rules,
    /// The paths at which objects of the source were seen last.
    pub(super) known: &'a BTreeSet<String>,
}

/// Reads what of the commit was not seen before.
pub(super) fn read(
    from: &From,
    reading: &Reading<'_>,
    seen: &mut Seen,
) -> Result<Tree, SourceError> {
    let generation = reading.rules.source.metadata.generation.unwrap_or_default();
    let before = std::mem::take(seen);
    let is_known = |paths: &[String]| paths.iter().any(|path| reading.known.contains(path));
    seen.generation = generation;
    let was_seen = |id: &ObjectId, paths: &[String]| {
        let summary = before.summaries.get(id).filter(|_| before.generation == generation)?;
        // What no object is in is judged by whether one was.
        let is_as_known = !summary.present.is_empty() || summary.was_known == is_known(paths);
        (summary.paths == paths && is_as_known).then(|| summary.clone())
    };
    let (mut held, mut all) = (0, Vec::new());
    let repository = Repository::fetched(from.store.clone(), from.path.clone());
    repository.visit(from.commit, Asked(&|| true), &mut |id, paths, content| {
        let summary = match was_seen(&id, &paths) {
            Some(summary) => summary,
            None => Arc::new(summary(reading, paths, content()?, MAX_HELD_BYTES - held)?),
        };
        if summary.is_nothing() {
            return Ok(());
        }
        held += summary.size();
        if held > MAX_HELD_BYTES {
            return Err(SourceError::TooMuch(TOO_MUCH));
        }
        if summary.is_lasting {
            seen.summaries.insert(id, summary.clone());
        }
        all.push((id, summary));
        Ok(())
    })?;
    Ok(sorted(all))
}

/// The commit itself, to be verified.
pub(super) fn commit_object(from: &From) -> Result<Option<Vec<u8>>, SourceError> {
    Repository::fetched(from.store.clone(), from.path.clone()).commit_object(from.commit)
}

/// The objects that are wanted, each whole. One content is in memory at a time.
pub(super) fn whole(
    from: &From,
    candidates: &[Candidate],
) -> Result<Vec<SealedSecret>, SourceError> {
    let repository = Repository::fetched(from.store.clone(), from.path.clone());
    let ids: Vec<ObjectId> = candidates.iter().map(|it| it.content).collect();
    let gone = || SourceError::DamagedCommit(crate::texts::short(from.commit));
    let (mut whole, mut next) = (Vec::new(), candidates.iter());
    repository.contents(from.commit, &ids, &mut |content| {
        let (Some(candidate), Content::Bytes(bytes)) = (next.next(), content) else {
            return Err(gone());
        };
        whole.push(sealed_of(bytes, &candidate.found.name).ok_or_else(gone)?);
        Ok(())
    })?;
    Ok(whole)
}

/// By place: what stands there twice is refused twice.
fn sorted(all: Vec<(ObjectId, Arc<Summary>)>) -> Tree {
    let mut tree = Tree::default();
    let mut by_place: HashMap<&str, Vec<&str>> = HashMap::new();
    for (_, summary) in &all {
        tree.refused.extend(summary.refused.iter().cloned());
        tree.present.extend(summary.present.iter().cloned());
        tree.unread.extend(summary.unread.iter().cloned());
        tree.in_clear.extend(summary.in_clear.iter().cloned());
        for found in &summary.objects {
            for place in &found.places {
                by_place.entry(place).or_default().push(&found.path);
            }
        }
    }
    by_place.retain(|_, paths| paths.len() > 1);
    for (content, summary) in &all {
        for found in &summary.objects {
            match found.places.iter().find_map(|place| Some((place, by_place.get(place.as_str())?)))
            {
                Some((place, paths)) => tree.refused.push(twice(found, place, paths)),
                None => tree.candidates.push(Candidate { content: *content, found: found.clone() }),
            }
        }
    }
    tree.refused.sort_by(|a, b| a.path.cmp(&b.path));
    tree.refused.dedup();
    tree.in_clear.sort();
    tree
}

fn twice(found: &Found, place: &str, paths: &[&str]) -> Refused {
    let other =
        paths.iter().find(|path| **path != found.path).unwrap_or(&found.path.as_str()).to_owned();
    let message = format!("{place} is sealed here and in {other}; neither is applied");
    Refused { reason: Reason::Duplicate, path: found.path.clone(), message }
}

/// The folder of the sealed files, as it is told.
pub(super) fn path_of_folder(from: &From) -> String {
    if from.path.as_os_str().is_empty() { ".".to_owned() } else { from.path.display().to_string() }
}

/// An object that was not applied, as it is told.
pub(super) fn refused(candidate: &Candidate, reason: Reason, message: &str) -> Refused {
    let message = format!("{}: {message}", candidate.found.name);
    Refused { reason, path: candidate.found.path.clone(), message }
}

/// The name of an object as [`Tree::present`] has it.
pub(super) fn place_of(name: &ObjectName) -> String {
    match &name.namespace {
        Some(namespace) => format!("{namespace}/{}", name.name),
        None => format!("/{}", name.name),
    }
}
