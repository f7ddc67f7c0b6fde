//! One commit onto the cluster: what differs is written, what is gone may go. Nothing is remembered but in the cluster:
//! an object carries the mark of its source, so a process that is killed in the middle goes on where it was.

use std::collections::{BTreeSet, VecDeque};
use std::time::Instant;

use futures::future::{FusedFuture, OptionFuture};
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use kube::Client;
use seal_core::escape::escaped;
use seal_core::kind::sealed::SealedSecret;
use seal_core::reason::Reason;
use seal_core::tree::collect::Refused;
use seal_core::tree::prune::Guard;

use super::live::LiveObjects;
use super::object::{Live, Mark};
use super::plan::{Plan, plan};
use super::pruning::Its;
use super::tally::Tally;
use super::tree::{self, Candidate, From, Tree, refused};
use super::turn::in_thread;
use super::undone::Undone;
use super::watching::Unwatched;
use crate::api_error::ApiError;
use crate::outcome::Outcome;
use crate::target::sources::{self, Wanted};
use crate::texts::SourceError;

/// Objects that are written at the same time.
const AT_ONCE: usize = 16;
/// Objects that are read at once, to be written.
const IN_HAND: usize = 64;
const CHANGED_AT_ONCE: &str = "somebody changed or deleted it as soon as it was written";

/// For whom a pass is.
pub(super) struct Pass<'a> {
    pub(super) client: &'a Client,
    pub(super) live: &'a LiveObjects,
    pub(super) unwatched: &'a Unwatched,
    pub(super) from: &'a From,
    /// Name and uid of the source.
    pub(super) source: &'a str,
    pub(super) uid: &'a str,
    /// Whether there is a source with a uid.
    pub(super) is_there: &'a (dyn Fn(&str) -> bool + Sync),
    /// In which alone something is written or removed.
    pub(super) namespaces: &'a [String],
    /// What was put right under this commit before; none in its first pass, which puts nothing right.
    pub(super) undone: Option<&'a Undone>,
    pub(super) prunes: bool,
    /// Whether objects may go.
    pub(super) guard: Guard,
}

/// What is to be written of an object.
struct Write {
    /// The uid of the object that it is written over; none where it is made.
    replaces: Option<String>,
    mark: String,
    /// Whether somebody had changed or deleted it.
    repairs: bool,
    /// The labels and annotations that its file set and does not set any more.
    dropped: Vec<String>,
}

impl Pass<'_> {
    /// Brings the cluster to what the commit says, where `its` are there. An error is one of reading it.
    pub(super) async fn apply(&self, tree: Tree, its: Its) -> Result<Tally, SourceError> {
        let Tree { candidates, refused, present, unread, in_clear } = tree;
        let mut tally = Tally { refused, in_clear, ..Tally::default() };
        tally.refused.extend(self.without_files(&candidates));
        let mut to_write = Vec::new();
        for candidate in candidates {
            match self.decide(&candidate) {
                Ok(None) => tally.unchanged += 1,
                Ok(Some(write)) => to_write.push((candidate, write)),
                Err(refused) => tally.refused.push(refused),
            }
        }
        self.write_all(to_write, &mut tally).await?;
        if self.prunes {
            self.prune(its, &present, &unread, &mut tally).await;
        }
        tally.refused.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(tally)
    }

    /// What cannot be applied to is said, also where no file is for it: something of it may be to be pruned.
    fn without_files(&self, candidates: &[Candidate]) -> Vec<Refused> {
        let of: BTreeSet<_> = candidates.iter().map(|it| &it.found.name.namespace).collect();
        let others = self.unwatched.iter().filter(|(namespace, _)| !of.contains(namespace));
        let path = || tree::path_of_folder(self.from);
        others
            .map(|(_, Outcome { reason, message })| Refused {
                reason: *reason,
                path: path(),
                message: message.clone(),
            })
            .collect()
    }

    /// What is to be written of an object, if anything; or why it is not.
    fn decide(&self, candidate: &Candidate) -> Result<Option<Write>, Refused> {
        let found = &candidate.found;
        if let Some(Outcome { reason, message }) = self.unwatched.get(&found.name.namespace) {
            return Err(refused(candidate, *reason, message));
        }
        let live = self.live.get(&found.name);
        let mark = Mark {
            source: self.source.to_owned(),
            uid: self.uid.to_owned(),
            path: found.path.clone(),
            sets: found.sets.clone(),
        };
        let before = live.as_ref().and_then(|live| live.mark.as_ref());
        let planned = plan(&found.says, live.as_deref(), (self.source, self.uid), self.is_there);
        let repairs = matches!(planned, Plan::Create | Plan::Replace { .. });
        let replaces = match planned {
            Plan::Leave if before == Some(&mark) => return Ok(None),
            // It was moved to another file.
            Plan::Leave => live.as_ref().map(|live| live.uid.clone()),
            Plan::Create => None,
            Plan::Replace { uid } => Some(uid),
            Plan::Refuse(reason, message) => return Err(refused(candidate, reason, &message)),
        };
        if let Some(undone) = self.undone.filter(|_| repairs)
            && let Err(at) = undone.may_repair(&found.name, Instant::now())
        {
            return Err(refused(candidate, Reason::Contested, &contested(live.as_deref(), &at)));
        }
        let repairs = repairs && self.undone.is_some();
        let dropped = before.map(|mark| mark.sets.clone()).unwrap_or_default();
        let dropped = dropped.into_iter().filter(|it| !mark.sets.contains(it)).collect();
        let mark = mark.to_text();
        if mark.len() > Mark::MOST_BYTES {
            let message = "its path, labels and annotations are longer than 64 KiB";
            return Err(refused(candidate, Reason::Malformed, message));
        }
        Ok(Some(Write { replaces, mark, repairs, dropped }))
    }

    /// Writes all, and reads the next ones meanwhile.
    async fn write_all(
        &self,
        mut to_write: Vec<(Candidate, Write)>,
        tally: &mut Tally,
    ) -> Result<(), SourceError> {
        let (mut ready, mut writing) = (VecDeque::new(), FuturesUnordered::new());
        let mut reading = OptionFuture::from(None);
        loop {
            if ready.len() < AT_ONCE && reading.is_terminated() && !to_write.is_empty() {
                let some = to_write.split_off(to_write.len().saturating_sub(IN_HAND));
                reading = OptionFuture::from(Some(self.whole(some).boxed().fuse()));
            }
            while writing.len() < AT_ONCE
                && let Some((candidate, sealed, write)) = ready.pop_front()
            {
                writing.push(self.write(candidate, sealed, write));
            }
            tokio::select! {
                Some(whole) = &mut reading => {
                    reading = OptionFuture::from(None);
                    ready.extend(whole?);
                }
                Some(written) = writing.next() => match written {
                    Ok(repaired) => tally.applies(repaired),
                    Err(refused) => tally.refuse(refused),
                },
                else => return Ok(()),
            }
        }
    }

    async fn whole(
        &self,
        some: Vec<(Candidate, Write)>,
    ) -> Result<Vec<(Candidate, SealedSecret, Write)>, SourceError> {
        let from = self.from.clone();
        in_thread(some, move |some| {
            let (candidates, writes): (Vec<Candidate>, Vec<Write>) = some.into_iter().unzip();
            let whole = tree::whole(&from, &candidates)?;
            let both = candidates.into_iter().zip(whole).zip(writes);
            Ok(both.map(|((candidate, sealed), write)| (candidate, sealed, write)).collect())
        })
        .await
    }

    async fn write(
        &self,
        candidate: Candidate,
        sealed: SealedSecret,
        write: Write,
    ) -> Result<Option<String>, Refused> {
        let (name, wanted) = (&candidate.found.name, Wanted { sealed: &sealed, mark: write.mark });
        self.live.writes(name, &candidate.found.says);
        let written = match &write.replaces {
            None => sources::create(self.client, name, &wanted).await,
            Some(uid) => sources::replace(self.client, name, uid, &wanted, &write.dropped).await,
        };
        match written {
            Ok(written) if self.live.wrote(name, &written) => {
                Ok(write.repairs.then(|| name.to_string()))
            }
            Ok(_) => Err(refused(&candidate, Reason::Retrying, CHANGED_AT_ONCE)),
            Err(error) => {
                self.live.not_written(name);
                Err(refused(&candidate, reason_of(&error), &error.to_string()))
            }
        }
    }
}

fn contested(live: Option<&Live>, at: &str) -> String {
    let who = live.and_then(|live| live.writer.as_deref()).map_or_else(
        || "somebody keeps deleting or changing it".to_owned(),
        |writer| format!("{} keeps changing it", escaped(writer)),
    );
    format!("{who}: it is put right again at {at}")
}

/// What the API server judges to be wrong is so until the file changes; all else may pass.
pub(super) fn reason_of(error: &ApiError) -> Reason {
    match error.code() {
        _ if error.is_invalid() => Reason::Malformed,
        403 => Reason::NotAllowed,
        _ => Reason::Retrying,
    }
}
