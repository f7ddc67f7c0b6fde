//! One commit onto the cluster: what differs is written, what is gone may go. Nothing is remembered but in the cluster:
//! an object carries the mark of its source, so a process that is killed in the middle goes on where it was.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::{StreamExt, stream};
use kube::Client;
use seal_core::kind::sealed::SealedSecret;
use seal_core::reason::Reason;
use seal_core::tree::collect::Refused;
use seal_core::tree::prune::{Prune, prune};

use super::live::{Live, LiveObjects, Mark, Says};
use super::plan::{Plan, plan};
use super::tree::{Candidate, Tree, place_of, refused};
use crate::api_error::ApiError;
use crate::object_id::ObjectName;
use crate::target::sources::{self, Wanted};

/// Objects that are written at the same time.
const AT_ONCE: usize = 16;

/// For whom a pass is.
pub(super) struct Pass<'a> {
    pub(super) client: &'a Client,
    pub(super) live: &'a LiveObjects,
    /// Name and uid of the source.
    pub(super) source: &'a str,
    pub(super) uid: &'a str,
    /// Whether there is a source with a uid.
    pub(super) is_there: &'a (dyn Fn(&str) -> bool + Sync),
    pub(super) prunes: bool,
    /// Whether objects may go, however many.
    pub(super) allow_prune: bool,
}

/// How a pass ended.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) applied: usize,
    pub(super) unchanged: usize,
    pub(super) pruned: usize,
    pub(super) refused: Vec<Refused>,
    pub(super) in_clear: Vec<String>,
    /// How many objects would have gone, and of how many.
    pub(super) prune_blocked: Option<(usize, usize)>,
}

enum Done {
    Applied,
    Unchanged,
    Refused(Refused),
}

impl Pass<'_> {
    /// Brings the cluster to what the commit says.
    pub(super) async fn apply(&self, tree: Tree) -> Tally {
        let Tree { candidates, refused, present, unread, in_clear } = tree;
        let mut tally = Tally { refused, in_clear, ..Tally::default() };
        let mut all = stream::iter(candidates)
            .map(|candidate| async move { self.one(&candidate).await })
            .buffer_unordered(AT_ONCE);
        while let Some(done) = all.next().await {
            match done {
                Done::Applied => tally.applied += 1,
                Done::Unchanged => tally.unchanged += 1,
                Done::Refused(refused) => tally.refused.push(refused),
            }
        }
        let its = self.live.of_source(self.uid);
        let known: BTreeMap<String, String> = its
            .iter()
            .filter_map(|(name, live)| Some((place_of(name), live.mark.as_ref()?.path.clone())))
            .collect();
        if self.prunes {
            match prune(known.iter(), &present, &unread, self.allow_prune) {
                Prune::Remove(places) => self.remove(&its, &places, &mut tally).await,
                Prune::Blocked { vanished, total } => tally.prune_blocked = Some((vanished, total)),
            }
        }
        tally.refused.sort_by(|a, b| a.path.cmp(&b.path));
        tally
    }

    async fn one(&self, candidate: &Candidate) -> Done {
        let live = self.live.get(&candidate.name);
        let wanted = Says::of(&candidate.sealed);
        let mark = Mark::for_file(self.source, self.uid, &candidate.path, &candidate.sealed);
        let write = Wanted { sealed: &candidate.sealed, mark: mark.to_text() };
        if write.mark.len() > Mark::MOST_BYTES {
            let message = "its path, labels and annotations are longer than 64 KiB";
            return Done::Refused(refused(candidate, Reason::Malformed, message));
        }
        let written = match plan(&wanted, live.as_ref(), self.uid, self.is_there) {
            Plan::Leave if live.as_ref().and_then(|it| it.mark.as_ref()) == Some(&mark) => {
                return Done::Unchanged;
            }
            // It was moved to another file.
            Plan::Leave => {
                let uid = live.as_ref().map(|live| live.uid.clone()).unwrap_or_default();
                self.replace(candidate, &uid, &write, &[]).await
            }
            Plan::Create => sources::create(self.client, &candidate.name, &write).await,
            Plan::Replace { uid } => {
                let dropped = dropped(live.as_ref(), &mark);
                self.replace(candidate, &uid, &write, &dropped).await
            }
            Plan::Refuse(reason, message) => {
                return Done::Refused(refused(candidate, reason, &message));
            }
        };
        match written {
            Ok(sealed) => {
                // Its event comes later, and the next pass may come before.
                self.live.seen(candidate.name.kind, sealed);
                Done::Applied
            }
            Err(error) => Done::Refused(refused(candidate, reason_of(&error), &error.to_string())),
        }
    }

    async fn replace(
        &self,
        candidate: &Candidate,
        uid: &str,
        wanted: &Wanted<'_>,
        dropped: &[String],
    ) -> Result<SealedSecret, ApiError> {
        sources::replace(self.client, &candidate.name, uid, wanted, dropped).await
    }

    async fn remove(&self, its: &[(Arc<ObjectName>, Live)], places: &[String], tally: &mut Tally) {
        for (name, live) in its.iter().filter(|(name, _)| places.contains(&place_of(name))) {
            let gone = sources::delete(self.client, name, &live.uid, &live.resource_version).await;
            match gone {
                Ok(()) => tally.pruned += 1,
                Err(error) => {
                    let path = live.mark.as_ref().map(|mark| mark.path.clone()).unwrap_or_default();
                    let message = format!("{name}: {error}");
                    tally.refused.push(Refused { reason: reason_of(&error), path, message });
                }
            }
        }
    }
}

/// The labels and annotations that its file set and does not set any more.
fn dropped(live: Option<&Live>, mark: &Mark) -> Vec<String> {
    let before = live.and_then(|live| live.mark.as_ref()).map(|mark| mark.sets.clone());
    before.unwrap_or_default().into_iter().filter(|it| !mark.sets.contains(it)).collect()
}

/// What the API server judges to be wrong is so until the file changes; all else may pass.
fn reason_of(error: &ApiError) -> Reason {
    match error.code() {
        _ if error.is_invalid() => Reason::Malformed,
        403 => Reason::NotAllowed,
        _ => Reason::Retrying,
    }
}
