//! A commit as what is wanted of it: read, sorted by place, and held against the rules of its source. Blocks; no network.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use gix::ObjectId;
use seal_core::kind::Kind;
use seal_core::kind::git_source::GitSource;
use seal_core::kind::sealed::SealedSecret;
use seal_core::reason::Reason;
use seal_core::tree::collect::{Collected, Collector, Refused};

use super::rules::{Limits, problem};
use crate::object_id::ObjectName;
use crate::texts::git::Repository;
use crate::texts::{Asked, SourceError};

/// Bytes that the sealed objects of one commit, and what is said of its files, may take in memory together.
const MAX_HELD_BYTES: usize = 96 * 1024 * 1024;

/// One object that is wanted.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) name: ObjectName,
    pub(super) path: String,
    pub(super) sealed: SealedSecret,
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

/// Reads the commit. `known` are the paths at which objects of the source were seen last.
pub(super) fn read(
    from: From,
    source: &GitSource,
    limits: &Limits,
    known: &BTreeSet<String>,
    asked: Asked<'_>,
) -> Result<Tree, SourceError> {
    let namespaces: BTreeSet<String> = source.spec.namespaces.iter().cloned().collect();
    let mut collector = Collector::for_cluster(known, &namespaces);
    let repository = Repository::fetched(from.store, from.path);
    repository.read(from.commit, asked, &mut |text| {
        collector.add(text);
        if collector.held() > MAX_HELD_BYTES {
            return Err(SourceError::TooMuch("bytes of all sealed objects together"));
        }
        Ok(())
    })?;
    Ok(judged(collector.finish(), source, limits))
}

/// The commit itself, to be verified.
pub(super) fn commit_object(from: &From) -> Result<Option<Vec<u8>>, SourceError> {
    Repository::fetched(from.store.clone(), from.path.clone()).commit_object(from.commit)
}

fn judged(collected: Collected, source: &GitSource, limits: &Limits) -> Tree {
    let Collected { objects, present, unread, mut refused, warnings, .. } = collected;
    // A ClusterSealedSecret stands there once for each of its namespaces, and is applied once or not at all.
    let mut by_name: BTreeMap<ObjectName, (String, Rc<SealedSecret>, usize)> = BTreeMap::new();
    for object in objects {
        let name = match object.sealed.spec.kind {
            Kind::SealedSecret => ObjectName::sealed_secret(&object.place),
            Kind::ClusterSealedSecret => ObjectName::cluster_sealed_secret(&object.place),
        };
        let entry = by_name.entry(name).or_insert((object.path, object.sealed, 0));
        entry.2 += 1;
    }
    let mut candidates = Vec::new();
    for (name, (path, sealed, places)) in by_name {
        if places < sealed.places().len() {
            continue; // one of its places was refused, and said to be
        }
        match problem(&sealed, source, limits) {
            Some((reason, message)) => refused.push(Refused { reason, path, message }),
            None => candidates.push(Candidate { name, path, sealed: Rc::unwrap_or_clone(sealed) }),
        }
    }
    refused.sort_by(|a, b| a.path.cmp(&b.path));
    refused.dedup();
    let in_clear = warnings.into_iter().map(|warning| warning.path).collect();
    Tree { candidates, refused, present, unread, in_clear }
}

/// An object that was not applied, as it is told.
pub(super) fn refused(candidate: &Candidate, reason: Reason, message: &str) -> Refused {
    let message = format!("{}: {message}", candidate.name);
    Refused { reason, path: candidate.path.clone(), message }
}

/// The name of an object as [`Tree::present`] has it.
pub(super) fn place_of(name: &Arc<ObjectName>) -> String {
    match &name.namespace {
        Some(namespace) => format!("{namespace}/{}", name.name),
        None => format!("/{}", name.name),
    }
}
