//! What a status says: how a look ended, as conditions, counts and named files.

use gix::ObjectId;
use seal_core::escape::cut;
use seal_core::kind::git_source::{
    Counts, GitSource, GitSourceStatus, MAX_REFUSED_IN_STATUS, RefusedFile,
};
use seal_core::names::{ALLOW_PRUNE, FLUX_RECONCILE_AT, RECONCILE_AT};
use seal_core::reason::Reason;

use super::Shared;
use super::end::End;
use super::tally::Tally;
use super::turn::Between;
use crate::conditions;
use crate::outcome::Outcome;
use crate::texts::short;

/// Bytes of a path or sentence.
const MOST_BYTES: usize = 512;

/// The verdict over a commit that was applied as far as it could be.
pub(super) fn verdict(tally: &Tally, commit: ObjectId) -> Outcome {
    let Tally { applied, unchanged, pruned, refused, prune_blocked, .. } = tally;
    let counts = format!("{applied} applied, {unchanged} unchanged, {pruned} pruned");
    if let Some((vanished, total)) = prune_blocked {
        let message = format!(
            "{vanished} of {total} objects are gone from the repository at once, and stay in the cluster. If that is meant: annotate the GitSource {ALLOW_PRUNE}={commit}"
        );
        return Outcome::new(Reason::PruneBlocked, message);
    }
    if refused.is_empty() {
        return Outcome::new(Reason::Applied, format!("commit {}: {counts}", short(commit)));
    }
    let all_are = |reasons: &[Reason]| refused.iter().all(|it| reasons.contains(&it.reason));
    let reason = if all_are(&[Reason::Retrying]) {
        Reason::Retrying
    } else if all_are(&[Reason::Retrying, Reason::Contested]) {
        Reason::Contested
    } else {
        Reason::Partial
    };
    let number = refused.len();
    let message =
        format!("commit {}: {counts}, {number} refused: see status.refused", short(commit));
    Outcome::new(reason, message)
}

/// What the status says then.
pub(super) fn next_status(
    source: &GitSource,
    before: &GitSourceStatus,
    generation: i64,
    end: End,
    is_stalled: bool,
) -> GitSourceStatus {
    let End { outcome, tally, attempted, applied, .. } = end;
    let mut next = GitSourceStatus {
        observed_generation: Some(generation),
        conditions: conditions::next(&before.conditions, generation, &outcome, is_stalled),
        webhook_path: source.spec.webhook.as_ref().map(|_| path_of(source)),
        last_handled_reconcile_at: asked_at(source),
        ..before.clone()
    };
    if attempted.is_some() {
        next.last_attempted_revision = attempted;
    }
    if applied.is_some() {
        next.last_applied_revision = applied;
        next.last_applied_from = Some(applied_from(source));
    }
    if let Some(tally) = tally {
        // Where nothing is pruned nothing is known of it.
        if source.spec.prune == Some(true) {
            next.prune_blocked = tally.holds_prune.then_some(true);
        }
        next.objects = Some(counts(&tally, before.objects, &next, before));
        next.refused = named(&tally);
        next.in_clear = tally
            .in_clear
            .iter()
            .take(MAX_REFUSED_IN_STATUS)
            .map(|path| cut(path, MOST_BYTES))
            .collect();
    }
    steady(before, &mut next);
    next
}

/// Where a forge delivers to.
fn path_of(source: &GitSource) -> String {
    format!("/hook/{}", source.metadata.name.as_deref().unwrap_or_default())
}

/// The first of the files that were not applied.
fn named(tally: &Tally) -> Vec<RefusedFile> {
    let first = tally.refused.iter().take(MAX_REFUSED_IN_STATUS);
    first
        .map(|it| RefusedFile {
            path: cut(&it.path, MOST_BYTES),
            reason: it.reason.to_string(),
            message: cut(&it.message, MOST_BYTES),
        })
        .collect()
}

/// A pass that changed nothing leaves the counts of the pass before that did, while the commit is the same.
fn counts(
    tally: &Tally,
    before: Option<Counts>,
    next: &GitSourceStatus,
    status: &GitSourceStatus,
) -> Counts {
    let of = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    let now = Counts {
        applied: of(tally.applied),
        unchanged: of(tally.unchanged),
        refused: of(tally.refused.len()),
        pruned: of(tally.pruned),
    };
    match before {
        Some(before)
            if now.applied == 0
                && now.pruned == 0
                && now.refused == before.refused
                && now.unchanged == before.applied + before.unchanged
                && next.last_applied_revision == status.last_applied_revision =>
        {
            before
        }
        _ => now,
    }
}

/// The repository and what of it is applied.
pub(super) fn applied_from(source: &GitSource) -> String {
    let reference = serde_json::to_string(&source.spec.reference).unwrap_or_default();
    format!("{} {reference}", source.spec.url)
}

pub(super) fn annotation<'a>(source: &'a GitSource, key: &str) -> Option<&'a str> {
    source.metadata.annotations.as_ref()?.get(key).map(String::as_str)
}

fn asked_at(source: &GitSource) -> Option<String> {
    let asked = annotation(source, RECONCILE_AT).or_else(|| annotation(source, FLUX_RECONCILE_AT));
    asked.map(|text| cut(text, 256))
}

/// Writes the status where it differs; says whether it is written.
pub(super) async fn write(
    shared: &Shared,
    source: &GitSource,
    between: &mut Between,
    before: GitSourceStatus,
    next: GitSourceStatus,
) -> bool {
    if next == before {
        between.status = Some(before);
        return true;
    }
    match crate::target::sources::status(&shared.client, source, &next).await {
        Ok(()) => {
            shared.tell(source, &before, &next).await;
            between.status = Some(next);
            true
        }
        Err(error) => {
            tracing::warn!("{error}");
            between.status = Some(before);
            false
        }
    }
}

/// The message of a pass that changed nothing is that of the pass before, so that nothing is written every minute.
fn steady(before: &GitSourceStatus, next: &mut GitSourceStatus) {
    let is_same = before.objects == next.objects
        && before.last_applied_revision == next.last_applied_revision;
    for condition in next.conditions.iter_mut().filter(|_| is_same) {
        let same = before.conditions.iter().find(|it| {
            it.type_ == condition.type_
                && it.reason == condition.reason
                && it.status == condition.status
        });
        if let Some(same) = same.filter(|it| {
            ["Applied", "Partial", "Contested"].contains(&it.reason.as_str())
                && !it.message.starts_with("suspended at")
        }) {
            condition.message.clone_from(&same.message);
        }
    }
}
