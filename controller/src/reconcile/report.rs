//! How a reconcile ended, told to everybody: the status, an Event when it is news, the log, the metrics, the memory;
//! and when the object is looked at next.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use seal_core::kind::sealed::{SealedSecret, SealedSecretStatus};
use seal_core::preset::Preset;
use seal_core::reason::Reason;

use super::conditions;
use super::verdict::Failed;
use super::writing::{Contest, Written};
use super::{Context, Next};
use crate::api_error::ApiError;
use crate::memory::Tracked;
use crate::outcome::Outcome;
use crate::plan::RULES;
use crate::target::{events, status};

/// Most recipients that a status names: a tenant can put a thousand times as many into one file.
const MAX_SEALED_TO: usize = 64;
/// Most ServiceAccounts that a message names: a tenant can name 64, each as long as a name can be.
const MOST_WAITING: usize = 8;

/// Nothing was to be done.
pub(super) fn unchanged(tracked: &Tracked, ctx: &Context) -> Next {
    ctx.memory.update(&tracked.id, |it| it.processed(tracked.generation));
    Next::Change
}

/// Nothing is done while it is suspended; that this is so is said.
pub(super) async fn suspended(tracked: &Tracked, ctx: &Context) -> Next {
    let next = conditions::suspended(&tracked.status, tracked.generation);
    match set_status(tracked, next, ctx).await {
        Ok(()) => unchanged(tracked, ctx),
        Err(error) => retry(tracked, &error, ctx).await,
    }
}

/// The live Secret is as the file says.
pub(super) async fn applied(
    tracked: &Tracked,
    sealed: &SealedSecret,
    written: Written,
    ctx: &Context,
) -> Next {
    let generation = sealed.metadata.generation.unwrap_or_default();
    let outcome = Outcome::new(
        Reason::Applied,
        applied_sentence(written.keys, sealed) + &waiting_sentence(&written.waiting),
    );
    let next = applied_status(tracked, sealed, &written, &outcome);
    if !is_only_another_version(&tracked.status, &next)
        && let Err(error) = set_status(tracked, next, ctx).await
    {
        return retry(tracked, &error, ctx).await;
    }
    let has_recovered = tracked.reason().is_some_and(|reason| reason != "Applied");
    if has_recovered {
        tracing::info!(object = %tracked.id, reason = %outcome.reason, "{}", outcome.message);
    }
    let event = written.event.or_else(|| has_recovered.then_some(outcome));
    let was_seen = tracked.status.observed_generation.is_some_and(|generation| generation > 0);
    if let Some(event) = event.filter(|_| was_seen) {
        events::tell(&ctx.client, &tracked.id, &event).await;
    }
    ctx.metrics.reconciled(Reason::Applied);
    ctx.memory.update(&tracked.id, |it| {
        it.processed(generation);
        it.applied = Some(generation);
        it.confirmed(written.secret.clone());
    });
    // An edit that the watch told of before the status said Ready has asked for no work.
    if ctx.memory.changed_since(&tracked.id.at.target(), &written.secret) {
        return Next::After(Duration::ZERO);
    }
    Next::Change
}

fn applied_status(
    tracked: &Tracked,
    sealed: &SealedSecret,
    written: &Written,
    outcome: &Outcome,
) -> SealedSecretStatus {
    let generation = sealed.metadata.generation.unwrap_or_default();
    SealedSecretStatus {
        keys: i64::try_from(written.keys).ok(),
        sealed_to: sealed_to(sealed),
        opened_with: written.opened_with.clone(),
        secret: Some(written.secret.clone()),
        kept: tracked.keeps.then_some(true),
        merged_keys: written.merged_keys.clone(),
        attached_to: written.attached_to.clone(),
        plan: Some(RULES),
        last_handled_reconcile_at: tracked.reconcile_at.clone(),
        ..conditions::next(&tracked.status, generation, outcome)
    }
}

/// Somebody else wrote metadata of the live Secret that is none of ours: nobody is woken for that.
fn is_only_another_version(before: &SealedSecretStatus, next: &SealedSecretStatus) -> bool {
    let same_secret = match (&before.secret, &next.secret) {
        (Some(before), Some(next)) => before.uid == next.uid,
        _ => false,
    };
    same_secret && *before == SealedSecretStatus { secret: before.secret.clone(), ..next.clone() }
}

/// How many keys it has, and when the platform that it was made for sees a change.
pub(super) fn applied_sentence(keys: usize, sealed: &SealedSecret) -> String {
    let mut sentence = keys_sentence(keys);
    if let Some((preset, _)) = Preset::noted(sealed) {
        let type_ = sealed.spec.template.as_ref().and_then(|it| it.type_.as_deref());
        sentence = format!("{sentence}; {}", preset.sentence(type_));
    }
    if sealed.unknown_on_delete() {
        sentence += "; its annotation seal.dev/on-delete has another word than keep or delete, and is taken for keep";
    }
    sentence
}

/// Where it is not attached, of the ServiceAccounts that the file names.
pub(super) fn waiting_sentence(waiting: &[String]) -> String {
    match waiting {
        [] => String::new(),
        names if names.len() <= MOST_WAITING => {
            format!("; not attached yet to {}", names.join(", "))
        }
        names => {
            let (named, more) = names.split_at(MOST_WAITING);
            format!("; not attached yet to {} and {} more", named.join(", "), more.len())
        }
    }
}

fn keys_sentence(keys: usize) -> String {
    match keys {
        0 => "the live Secret has no keys, as this file has none".to_owned(),
        1 => "the live Secret has the one key of this file".to_owned(),
        keys => format!("the live Secret has the {keys} keys of this file"),
    }
}

pub(super) fn sealed_to(sealed: &SealedSecret) -> Vec<String> {
    sealed.sealed_to().into_iter().take(MAX_SEALED_TO).map(str::to_owned).collect()
}

/// Somebody else keeps undoing what the file says, and it is not the time yet to undo that again.
pub(super) async fn contested(
    tracked: &Tracked,
    generation: i64,
    contest: Contest,
    ctx: &Context,
) -> Next {
    let Contest { wait, is_known, .. } = contest;
    ctx.metrics.reconciled(Reason::Contested);
    // The watch wakes this object at every edit: what is known is not said again.
    if is_known && tracked.reason() == Some(Reason::Contested.as_str()) {
        return Next::After(wait);
    }
    let outcome = contested_outcome(&contest);
    let is_news = tell_of(tracked, &outcome);
    let next = conditions::next(&tracked.status, generation, &outcome);
    if let Err(error) = set_status(tracked, next, ctx).await {
        return retry(tracked, &error, ctx).await;
    }
    if is_news {
        events::tell(&ctx.client, &tracked.id, &outcome).await;
    }
    Next::After(wait)
}

/// Who undoes it, and when it is put right again.
pub(super) fn contested_outcome(contest: &Contest) -> Outcome {
    let seconds = i64::try_from(contest.wait.as_secs()).unwrap_or(i64::MAX);
    let at = Timestamp::now().saturating_add(SignedDuration::from_secs(seconds));
    let at = at.map(|at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()).unwrap_or_default();
    let message = format!(
        "{} keeps changing {}; it is put right again at {at}; {}",
        contest.by.as_deref().unwrap_or("another writer"),
        contest.what,
        Reason::Contested.hint()
    );
    Outcome::new(Reason::Contested, message)
}

/// The live Secret is as it was.
pub(super) async fn failed(
    tracked: &Tracked,
    generation: i64,
    failed: Failed,
    ctx: &Context,
) -> Next {
    if let Failed::Api(error) = &failed
        && error.is_silence()
    {
        return Next::Silence; // a status could not be written either
    }
    let outcome = failed.outcome(&tracked.id.at.target());
    ctx.metrics.reconciled(outcome.reason);
    let is_news = tell_of(tracked, &outcome);
    let next = SealedSecretStatus {
        last_handled_reconcile_at: tracked.reconcile_at.clone(),
        ..conditions::next(&tracked.status, generation, &outcome)
    };
    let written = set_status(tracked, next, ctx).await;
    if outcome.reason == Reason::Retrying {
        let is_outage = matches!(&failed, Failed::Api(error) if error.is_outage());
        return again(tracked, &outcome, is_outage, ctx).await;
    }
    match written {
        Err(error) => {
            // Where no status can be written nothing remembers that it was said but the Event itself.
            if is_news && tracked.trouble.sentence.is_empty() {
                events::tell_once(&ctx.client, &tracked.id, &outcome).await;
            }
            retry(tracked, &error, ctx).await
        }
        Ok(()) => {
            if is_news {
                events::tell(&ctx.client, &tracked.id, &outcome).await;
            }
            ctx.memory.update(&tracked.id, |it| it.processed(generation));
            Next::Change
        }
    }
}

/// A line in the log when the reason is another one than before; says whether it is.
fn tell_of(tracked: &Tracked, outcome: &Outcome) -> bool {
    let is_news = tracked.reason() != Some(outcome.reason.as_str());
    if is_news {
        tracing::info!(object = %tracked.id, reason = %outcome.reason, "{}", outcome.message);
    }
    is_news
}

/// Writes the status when it differs from what is there.
pub(super) async fn set_status(
    tracked: &Tracked,
    mut next: SealedSecretStatus,
    ctx: &Context,
) -> Result<(), ApiError> {
    if !tracked.merges {
        // What this object had merged is taken out, and others may put keys of these names there.
        next.merged_keys.clear();
    }
    if next == tracked.status {
        return Ok(());
    }
    ctx.memory.update(&tracked.id, |it| it.writes_status(&next));
    match status::write(&ctx.client, &tracked.id, &next).await {
        // The object is deleted. A conflict is tried again: it may be the same object, written by somebody else.
        Err(error) if error.code() == 404 => Ok(()),
        Err(error) => Err(error),
        Ok(version) => {
            ctx.memory.update(&tracked.id, |it| it.wrote_status(next, version.as_deref()));
            Ok(())
        }
    }
}

/// The API server did not answer, or did not take a status: nothing but the log and a later Event can tell.
pub(super) async fn retry(tracked: &Tracked, error: &ApiError, ctx: &Context) -> Next {
    if error.is_silence() {
        return Next::Silence;
    }
    ctx.metrics.reconciled(Reason::Retrying);
    let outcome = Outcome::new(Reason::Retrying, error.to_string());
    if tracked.trouble.sentence != outcome.message {
        tracing::warn!(object = %tracked.id, reason = %outcome.reason, "{}", outcome.message);
    }
    again(tracked, &outcome, error.is_outage(), ctx).await
}

/// When it is tried again; people are told once it has lasted for a minute.
pub(super) async fn again(
    tracked: &Tracked,
    outcome: &Outcome,
    is_outage: bool,
    ctx: &Context,
) -> Next {
    let now = Instant::now();
    let random = RandomState::new().hash_one(&tracked.id.uid);
    let (mut trouble, delay) = tracked.trouble.again(is_outage, random, now);
    if trouble.is_to_be_told(now) {
        trouble.is_told = true;
        events::tell(&ctx.client, &tracked.id, outcome).await;
    }
    trouble.sentence.clone_from(&outcome.message);
    ctx.memory.update(&tracked.id, |it| it.trouble = trouble);
    Next::After(delay)
}
