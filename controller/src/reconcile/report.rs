//! How a reconcile ended, told to everybody: the status, an Event when it is news, the metrics, the memory; and
//! when the object is looked at next.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use seal_core::kind::sealed::{SealedSecret, SealedSecretStatus};
use seal_core::open::OpenError;
use seal_core::place::Place;
use seal_core::reason::Reason;

use super::conditions;
use super::writing::Written;
use super::{Context, Next};
use crate::api_error;
use crate::memory::Tracked;
use crate::outcome::Outcome;
use crate::plan::{RULES, Refusal};
use crate::target::secret::Undone;
use crate::target::{events, status};
use crate::work::pace;

/// Most recipients that a status names: a tenant can put a thousand times as many into one file.
const MAX_SEALED_TO: usize = 64;

/// Why an object was not applied.
pub(super) enum Failed {
    /// This version's type cannot hold it.
    Unreadable,
    Open(OpenError),
    Refused(Refusal),
    /// The API server judges the Secret itself to be wrong.
    Invalid,
    /// Worth another try.
    Api(kube::Error),
}

impl From<Undone> for Failed {
    fn from(undone: Undone) -> Self {
        match undone {
            Undone::Refused(refusal) => Self::Refused(refusal),
            Undone::Api(error) => error.into(),
        }
    }
}

impl From<kube::Error> for Failed {
    fn from(error: kube::Error) -> Self {
        if api_error::is_invalid(&error) { Self::Invalid } else { Self::Api(error) }
    }
}

/// Nothing was to be done.
pub(super) fn unchanged(tracked: &Tracked, ctx: &Context) -> Next {
    ctx.memory.update(&tracked.id, |it| it.processed(tracked.generation));
    Next::Change
}

/// The live Secret is as the file says.
pub(super) async fn applied(
    tracked: &Tracked,
    sealed: &SealedSecret,
    written: Written,
    ctx: &Context,
) -> Next {
    let generation = sealed.metadata.generation.unwrap_or_default();
    let outcome = Outcome::new(Reason::Applied, keys_in_words(written.keys));
    let next = SealedSecretStatus {
        keys: i64::try_from(written.keys).ok(),
        sealed_to: sealed_to(sealed),
        opened_with: written.opened_with,
        secret: Some(written.secret.clone()),
        plan: Some(RULES),
        last_handled_reconcile_at: tracked.reconcile_at.clone(),
        ..conditions::next(&tracked.status, generation, &outcome)
    };
    if let Err(error) = set_status(tracked, next, ctx).await {
        return retry(tracked, &error, ctx);
    }
    let has_recovered = tracked.reason().is_some_and(|reason| reason != "Applied");
    let event = written.event.or_else(|| has_recovered.then_some(outcome));
    let was_seen = tracked.status.observed_generation.is_some_and(|generation| generation > 0);
    if let Some(event) = event.filter(|_| was_seen) {
        events::tell(&ctx.client, &tracked.id, &event).await;
    }
    ctx.metrics.reconciled(Reason::Applied);
    ctx.memory.update(&tracked.id, |it| it.processed(generation));
    // An edit that the watch told of before the status said Ready has asked for no work.
    if ctx.memory.changed_since(&tracked.id.at.target(), &written.secret) {
        return Next::After(Duration::ZERO);
    }
    Next::Change
}

fn keys_in_words(keys: usize) -> String {
    match keys {
        0 => "this file has no values, and the live Secret is empty".to_owned(),
        1 => "the live Secret has the one key of this file".to_owned(),
        keys => format!("the live Secret has the {keys} keys of this file"),
    }
}

fn sealed_to(sealed: &SealedSecret) -> Vec<String> {
    sealed.sealed_to().into_iter().take(MAX_SEALED_TO).map(str::to_owned).collect()
}

/// The live Secret is as it was.
pub(super) async fn failed(
    tracked: &Tracked,
    generation: i64,
    failed: Failed,
    ctx: &Context,
) -> Next {
    let outcome = outcome(&tracked.id.at.target(), &failed);
    ctx.metrics.reconciled(outcome.reason);
    let is_news = tracked.reason() != Some(outcome.reason.as_str());
    if is_news {
        tracing::info!(object = %tracked.id, reason = %outcome.reason, "{}", outcome.message);
    }
    let next = SealedSecretStatus {
        last_handled_reconcile_at: tracked.reconcile_at.clone(),
        ..conditions::next(&tracked.status, generation, &outcome)
    };
    let written = set_status(tracked, next, ctx).await;
    // A first failure to reach the API server is not yet news for people.
    if is_news && outcome.reason != Reason::Retrying {
        events::tell(&ctx.client, &tracked.id, &outcome).await;
    }
    match (outcome.reason, written) {
        (Reason::Retrying, _) => after_failure(tracked, ctx),
        (_, Err(error)) => retry(tracked, &error, ctx),
        (_, Ok(())) => {
            ctx.memory.update(&tracked.id, |it| it.processed(generation));
            Next::Change
        }
    }
}

fn outcome(target: &Place, failed: &Failed) -> Outcome {
    match failed {
        Failed::Unreadable => Outcome::new(
            Reason::Malformed,
            "the object does not have the shape this version of the controller knows",
        ),
        Failed::Open(error) => Outcome::new(error.reason(), format!("{error}; {}", error.hint())),
        Failed::Refused(Refusal::NotOurs(owner)) => {
            let owned = owner.as_ref().map(|owner| format!(" (owned by {owner})"));
            let message = format!(
                "a Secret {target} exists{} and was not made from a sealed file; it is left alone; delete it, or give the sealed file another name",
                owned.unwrap_or_default()
            );
            Outcome::new(Reason::NotOurs, message)
        }
        Failed::Refused(Refusal::Reserved(problem)) => {
            let message = format!("the Secret {target} is left alone: {problem}");
            Outcome::new(Reason::NotAllowed, message)
        }
        Failed::Invalid => {
            let message = format!(
                "the API server refuses the Secret {target} as invalid: its type may require a key or a form of value that it has not; nothing was changed"
            );
            Outcome::new(Reason::Malformed, message)
        }
        Failed::Api(error) => Outcome::new(Reason::Retrying, api_error::sentence(error)),
    }
}

/// Writes the status when it differs from what is there.
async fn set_status(
    tracked: &Tracked,
    next: SealedSecretStatus,
    ctx: &Context,
) -> Result<(), kube::Error> {
    if next == tracked.status {
        return Ok(());
    }
    match status::write(&ctx.client, &tracked.id, &next).await {
        // The object is deleted. A conflict is tried again: it may be the same object, written by somebody else.
        Err(error) if api_error::code(&error) == 404 => Ok(()),
        Err(error) => Err(error),
        Ok(()) => {
            ctx.memory.update(&tracked.id, |it| it.status = next);
            Ok(())
        }
    }
}

fn retry(tracked: &Tracked, error: &kube::Error, ctx: &Context) -> Next {
    let reason = Reason::Retrying;
    tracing::warn!(object = %tracked.id, %reason, "{}", api_error::sentence(error));
    after_failure(tracked, ctx)
}

fn after_failure(tracked: &Tracked, ctx: &Context) -> Next {
    let random = RandomState::new().hash_one(tracked.failures);
    let (failures, delay) = pace::after_failure(tracked.failures, random);
    ctx.memory.update(&tracked.id, |it| it.failures = failures);
    Next::After(delay)
}
