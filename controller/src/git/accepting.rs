//! Whether a commit may be applied: fetched, signed by somebody who is allowed to, and no rewriting of history.

use std::sync::Arc;
use std::time::Instant;

use gix::ObjectId;
use seal_core::kind::git_source::{GitSource, GitSourceStatus};
use seal_core::names::ACCEPT_REVISION;
use seal_core::reason::Reason;

use super::Shared;
use super::credentials;
use super::end::End;
use super::fetching::{Found, Wanted};
use super::report::{annotation, applied_from};
use super::tree::{self, From};
use super::turn::{in_thread, remembered};
use super::verify::Signers;
use crate::fetch::FetchError;
use crate::fetch::job::{self, Job, Reference};
use crate::outcome::Outcome;
use crate::texts::short;

/// What a fetch gave.
pub(super) struct Fetched {
    pub(super) accepted: Result<From, End>,
    /// What is live, where it is not the new commit and an earlier process has fetched it into a cache that is gone.
    pub(super) live: Option<From>,
}

impl Fetched {
    /// No server was asked, or no answer is to come.
    pub(super) fn nothing() -> Self {
        let outcome = Outcome::new(Reason::Retrying, "nothing was fetched");
        Self { accepted: Err(End::of(outcome)), live: None }
    }
}

/// Fetches, and says whether what was fetched may be applied. With `has_good` what is live is at hand.
pub(super) async fn fetch(
    shared: Arc<Shared>,
    source: Arc<GitSource>,
    status: GitSourceStatus,
    has_good: bool,
    asked: Instant,
    wanted: Wanted,
) -> Fetched {
    let accepted = new_commit(&shared, &source, &status, asked, &wanted).await;
    let live = match &accepted {
        Err(_) if !has_good => live(&shared, &source, &status, asked, &wanted).await,
        _ => None,
    };
    Fetched { accepted, live }
}

/// Fetches the commit that is live, by its hash, where it is not here any more. It was accepted when it was applied.
async fn live(
    shared: &Shared,
    source: &GitSource,
    status: &GitSourceStatus,
    asked: Instant,
    wanted: &Wanted,
) -> Option<From> {
    let from = remembered(shared, source, status)?;
    if in_thread(from.clone(), |from| tree::commit_object(&from)).await.is_ok_and(|it| it.is_some())
    {
        return Some(from);
    }
    let job = credentials::job(&shared.client, source).await.ok()?;
    let job = Job { reference: Reference::Commit(from.commit.to_string()), ..job };
    let Found { store, answer } = shared.fetches.fetch(job, "", asked, wanted).await;
    answer.is_ok().then_some(From { store, ..from })
}

async fn new_commit(
    shared: &Shared,
    source: &GitSource,
    status: &GitSourceStatus,
    asked: Instant,
    wanted: &Wanted,
) -> Result<From, End> {
    let verify = source.spec.verify.as_ref().map(|verify| verify.allowed_signers.as_str());
    let signers = verify.map(Signers::parse).transpose();
    let signers = signers.map_err(|it| End::of(Outcome::new(Reason::Malformed, it)))?;
    let job = asked_for(shared, source, status).await?;
    let fetched = shared.fetches.fetch(job, verify.unwrap_or_default(), asked, wanted).await;
    let Found { store, answer } = fetched;
    let job::Fetched { commit, descends } = answer.map_err(|error| fetch_failed(&error))?;
    let id = ObjectId::from_hex(commit.as_bytes());
    let id = id.map_err(|_| End::of(Outcome::new(Reason::Retrying, "no commit was fetched")))?;
    shared.fetched(uid(source), &store, id);
    let from = From { store, path: credentials::path(source), commit: id };
    let refused = |reason, message: String| End {
        attempted: Some(commit.clone()),
        ..End::of(Outcome::new(reason, message))
    };
    if let Some(signers) = signers {
        let object = in_thread(from.clone(), |from| tree::commit_object(&from)).await;
        let object = object.map_err(|it| refused(it.reason(), it.to_string()))?.unwrap_or_default();
        if let Some(problem) = signers.problem(&object) {
            let message = not_verified(status, id, problem);
            return Err(refused(Reason::NotVerified, message));
        }
    }
    if !descends && annotation(source, ACCEPT_REVISION) != Some(commit.as_str()) {
        let message = rewritten(source, status, &commit);
        return Err(refused(Reason::NotFastForward, message));
    }
    Ok(from)
}

/// What is asked of the server, and what its forge's deliveries are signed with, as the Secrets have it now.
async fn asked_for(
    shared: &Shared,
    source: &GitSource,
    status: &GitSourceStatus,
) -> Result<Job, End> {
    read_token(shared, source).await.map_err(End::of)?;
    let job = credentials::job(&shared.client, source).await.map_err(End::of)?;
    // Of another repository or branch it need not descend: whoever wrote the GitSource chose it.
    let is_same = status.last_applied_from.as_deref() == Some(applied_from(source).as_str());
    Ok(Job { ancestor: status.last_applied_revision.clone().filter(|_| is_same), ..job })
}

/// Reads what deliveries are signed with, and says whether that is another token now. Without one no delivery is right.
pub(super) async fn read_token(shared: &Shared, source: &GitSource) -> Result<bool, Outcome> {
    let token = credentials::token(&shared.client, source).await;
    let (token, read) = match token {
        Ok(token) => (token, Ok(())),
        Err(outcome) => (None, Err(outcome)),
    };
    let name = source.metadata.name.as_deref().unwrap_or_default();
    let is_another = shared.hooks.set(name, uid(source), token);
    read.map(|()| is_another)
}

fn uid(source: &GitSource) -> &str {
    source.metadata.uid.as_deref().unwrap_or_default()
}

fn not_verified(status: &GitSourceStatus, commit: ObjectId, problem: &str) -> String {
    let is_live = status.last_applied_revision == Some(commit.to_string());
    let commit = short(commit);
    if is_live {
        format!(
            "commit {commit} is live and what it says is kept so, although {problem}: merge one that an allowed key has signed"
        )
    } else {
        format!("commit {commit} is not applied: {problem}")
    }
}

fn rewritten(source: &GitSource, status: &GitSourceStatus, commit: &str) -> String {
    let of = |hash: &str| hash.chars().take(7).collect::<String>();
    let before = status.last_applied_revision.as_deref().unwrap_or_default();
    format!(
        "commit {} does not descend from {}, which is live: history was rewritten. To go on all the same: kubectl annotate --overwrite -n {} gitsource {} {ACCEPT_REVISION}={commit}",
        of(commit),
        of(before),
        source.metadata.namespace.as_deref().unwrap_or_default(),
        source.metadata.name.as_deref().unwrap_or_default(),
    )
}

fn fetch_failed(error: &FetchError) -> End {
    let retry_after = error.retry_after().unwrap_or_default();
    let message = format!("{error}; {}", error.hint());
    End { retry_after, ..End::of(Outcome::new(error.reason(), message)) }
}
