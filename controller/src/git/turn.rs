//! One look at a source: fetch, verify, apply. The order of it all.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use gix::ObjectId;
use seal_core::kind::git_source::{GitSource, GitSourceStatus};
use seal_core::names::ALLOW_PRUNE;
use seal_core::reason::Reason;
use seal_core::tree::prune::Guard;

use super::Shared;
use super::accepting::Fetched;
use super::applying::Pass;
use super::credentials;
use super::end::End;
use super::pruning::Its;
use super::report::{annotation, applied_from, next_status, verdict, write};
use super::rules::Rules;
use super::tally::Tally;
use super::tree::{self, From, Reading, Seen, Tree};
use super::undone::Undone;
use super::watching::Unwatched;
use crate::conditions;
use crate::outcome::Outcome;
use crate::texts::SourceError;

/// What a source holds on to between two looks.
#[derive(Debug, Default)]
pub(super) struct Between {
    /// The commit that was last accepted, and where its objects are.
    good: Option<From>,
    /// Why the last commit that was asked for is not applied, if it is not.
    failed: Option<Outcome>,
    /// What its contents were.
    seen: Seen,
    /// What was put right under the present commit, which was passed already.
    undone: Undone,
    passed: Option<ObjectId>,
    /// Whether objects wait for somebody to say that they may go; none before the first pass, and the status says then.
    is_blocked: Option<bool>,
    /// The status as it was last written.
    pub(super) status: Option<GitSourceStatus>,
}

impl Between {
    /// Whether a commit that was accepted is at hand.
    pub(super) fn has_good(&self) -> bool {
        self.good.is_some()
    }
}

/// When to look again; at the next interval, where nothing is said.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Again {
    /// Something passing stands in the way: sooner, and not before that time.
    pub(super) sooner: Option<Duration>,
    /// An object that was undone too often may be put right then.
    pub(super) repair_in: Option<Duration>,
}

/// Brings the cluster to what was fetched, or, without that, to what it is to be anyhow.
pub(super) async fn turn(
    shared: &Shared,
    source: &GitSource,
    between: &mut Between,
    fetched: Option<Fetched>,
) -> Again {
    let status = between.status.take().or_else(|| source.status.clone()).unwrap_or_default();
    let generation = source.metadata.generation.unwrap_or_default();
    if source.spec.suspend == Some(true) {
        let next = GitSourceStatus {
            observed_generation: Some(generation),
            conditions: conditions::suspended(&status.conditions, generation),
            ..status.clone()
        };
        write(shared, source, between, status, next).await;
        return Again::default();
    }
    let end = match can_begin(shared, source).await {
        Ok(unwatched) => look(shared, source, &status, between, &unwatched, fetched).await,
        Err(end) => Some(end),
    };
    let Some(end) = end else {
        between.status = Some(status);
        return Again::default();
    };
    shared.counts.looked(end.outcome.reason, end.tally.as_ref());
    let (passes, retry_after) = (end.passes(), end.retry_after);
    if let Some(sentence) = end.tally.as_ref().and_then(Tally::repair_sentence) {
        shared.tell_of_repair(source, sentence).await;
    }
    let is_stalled = !passes && !end.refused_for(Reason::Contested);
    let next = next_status(source, &status, generation, end, is_stalled);
    let is_written = write(shared, source, between, status, next).await;
    let sooner = (passes || !is_written).then_some(retry_after);
    Again { sooner, repair_in: between.undone.next(Instant::now()) }
}

/// Where nothing can be applied; an error where that is everywhere.
async fn can_begin(shared: &Shared, source: &GitSource) -> Result<Unwatched, End> {
    if let Some(problem) = source.problem() {
        return Err(End::of(Outcome::new(Reason::Malformed, problem)));
    }
    let unwatched = shared.unwatched(source).await;
    let is_unwatched = |namespace: &String| unwatched.contains_key(&Some(namespace.clone()));
    match unwatched.values().next_back() {
        Some(last) if source.spec.namespaces.iter().all(is_unwatched) => Err(End::of(last.clone())),
        _ => Ok(unwatched),
    }
}

/// None where there is nothing yet to look at: the first fetch is under way.
async fn look(
    shared: &Shared,
    source: &GitSource,
    status: &GitSourceStatus,
    between: &mut Between,
    unwatched: &Unwatched,
    fetched: Option<Fetched>,
) -> Option<End> {
    // A repair changes nothing about what the last fetch has found.
    let before = between.good.clone();
    let is_fetch = fetched.is_some();
    let (failed, attempted) = take(between, fetched);
    // While the server is away or the new commit is refused, the last good one is put right.
    let Some(from) = between.good.clone().or_else(|| remembered(shared, source, status)) else {
        return failed.or_else(|| is_fetch.then(nothing));
    };
    let passed = pass(shared, source, &from, status, unwatched, between).await;
    Some(match (passed, failed) {
        (Ok(tally), Some(end)) => End { tally: Some(tally), ..end },
        (Ok(tally), None) => applied(tally, from.commit, attempted, status),
        (Err(_), Some(end)) => {
            between.good = None; // the next fetch asks for it as well
            end.and_no_repair()
        }
        // What an earlier process has fetched is gone with its cache: a fetch is under way.
        (Err(_), None) if !is_fetch && between.good.is_none() => return None,
        (Err(error), None) => {
            // The one before is put right, if its objects are still there.
            between.good = before.filter(|before| before.commit != from.commit);
            between.failed = Some(unreadable(&error));
            End { attempted, ..End::of(unreadable(&error)) }
        }
    })
}

/// Takes over what a fetch gave; says what stands in the way, and which commit was fetched.
fn take(between: &mut Between, fetched: Option<Fetched>) -> (Option<End>, Option<String>) {
    let (mut failed, mut attempted) = (between.failed.clone().map(End::of), None);
    if let Some(Fetched { accepted, live }) = fetched {
        between.good = between.good.take().or(live);
        match accepted {
            Ok(from) => {
                attempted = Some(from.commit.to_string());
                (between.good, failed) = (Some(from), None);
            }
            Err(end) => failed = Some(end),
        }
        between.failed = failed.as_ref().map(|end| end.outcome.clone());
    }
    (failed, attempted)
}

fn nothing() -> End {
    End::of(Outcome::new(Reason::Retrying, "nothing was fetched"))
}

fn unreadable(error: &SourceError) -> Outcome {
    Outcome::new(error.reason(), format!("{error}; {}", error.hint()))
}

/// The commit that was live when the process before this one ended, if its objects are still here.
pub(super) fn remembered(
    shared: &Shared,
    source: &GitSource,
    status: &GitSourceStatus,
) -> Option<From> {
    let is_same = status.last_applied_from.as_deref() == Some(applied_from(source).as_str());
    let hash = status.last_applied_revision.as_deref().filter(|_| is_same)?;
    let commit = ObjectId::from_hex(hash.as_bytes()).ok()?;
    let store = shared.fetches.store(&source.spec.url, &credentials::reference(source));
    Some(From { store, path: credentials::path(source), commit })
}

fn applied(
    tally: Tally,
    commit: ObjectId,
    attempted: Option<String>,
    status: &GitSourceStatus,
) -> End {
    let attempted = attempted.or_else(|| status.last_attempted_revision.clone());
    let is_whole = tally.refused.iter().all(|it| it.reason != Reason::Retrying);
    let outcome = verdict(&tally, commit);
    let applied = is_whole.then(|| commit.to_string());
    End { tally: Some(tally), attempted, applied, ..End::of(outcome) }
}

async fn pass(
    shared: &Shared,
    source: &GitSource,
    from: &From,
    status: &GitSourceStatus,
    unwatched: &Unwatched,
    between: &mut Between,
) -> Result<Tally, SourceError> {
    let uid = source.metadata.uid.clone().unwrap_or_default();
    // What is there before the pass: what the commit adds makes it no smaller a part that is gone.
    let its = shared.live.of_source(&uid);
    let tree = read(shared, source, from, &its, between).await?;
    if between.passed != Some(from.commit) {
        between.undone.clear();
    }
    between.undone.begin();
    let is_blocked = between.is_blocked.unwrap_or(status.prune_blocked == Some(true));
    let pass = Pass {
        client: &shared.client,
        live: &shared.live,
        unwatched,
        from,
        source: source.metadata.name.as_deref().unwrap_or_default(),
        uid: &uid,
        is_there: &|uid| shared.is_there(uid),
        namespaces: &source.spec.namespaces,
        undone: (between.passed == Some(from.commit)).then_some(&between.undone),
        prunes: source.spec.prune == Some(true),
        guard: guard(source, &from.commit.to_string(), is_blocked),
    };
    let tally = pass.apply(tree, its).await?;
    between.passed = Some(from.commit);
    if source.spec.prune == Some(true) {
        between.is_blocked = Some(tally.holds_prune);
    }
    Ok(tally)
}

fn guard(source: &GitSource, commit: &str, is_blocked: bool) -> Guard {
    match annotation(source, ALLOW_PRUNE) {
        Some(allowed) if allowed == commit => Guard::Lifted,
        _ if is_blocked => Guard::Held,
        _ => Guard::Usual,
    }
}

/// What stands in the commit, with what is remembered of its contents.
async fn read(
    shared: &Shared,
    source: &GitSource,
    from: &From,
    its: &Its,
    between: &mut Between,
) -> Result<Tree, SourceError> {
    let marks = its.iter().filter_map(|(_, live)| live.mark.as_ref());
    let known: BTreeSet<String> = marks.map(|mark| mark.path.clone()).collect();
    let rules = Rules::of(source, &shared.limits);
    let mut seen = std::mem::take(&mut between.seen);
    let read = in_thread(from.clone(), move |from| {
        let reading = Reading { rules: &rules, known: &known };
        tree::read(&from, &reading, &mut seen).map(|tree| (tree, seen))
    });
    let read = read.await;
    if let Err(SourceError::DamagedCommit(_)) = &read {
        shared.fetches.distrust(&from.store);
    }
    let (tree, seen) = read?;
    between.seen = seen;
    Ok(tree)
}

pub(super) async fn in_thread<I, T>(
    from: I,
    work: impl FnOnce(I) -> Result<T, SourceError> + Send + 'static,
) -> Result<T, SourceError>
where
    I: Send + 'static,
    T: Send + 'static,
{
    let done = tokio::task::spawn_blocking(move || work(from)).await;
    done.unwrap_or_else(|_| Err(SourceError::DamagedCommit("that was fetched".to_owned())))
}
