//! How a ClusterSealedSecret fared at its places, told to everybody. What is told of one place is what is told of a SealedSecret.

use std::collections::BTreeSet;
use std::time::Duration;

use seal_core::escape::cut;
use seal_core::kind::cluster_sealed::{
    Failing, MAX_FAILING_IN_STATUS, MAX_SECRETS_IN_STATUS, Served as ServedSecret,
};
use seal_core::kind::sealed::{SealedSecret, SealedSecretStatus, WrittenSecret};
use seal_core::place::Place;
use seal_core::reason::Reason;

use super::verdict::Failed;
use super::writing::Done;
use super::{Context, Next, conditions, report};
use crate::memory::Tracked;
use crate::outcome::Outcome;
use crate::plan::RULES;
use crate::target::events;

/// Most Events of one reconcile.
const MOST_EVENTS: usize = 8;
/// Most characters of what a status says of one namespace.
const MOST_OF_A_MESSAGE: usize = 512;

/// How it went, by place.
#[derive(Default)]
pub(super) struct Served {
    wanted: usize,
    done: Vec<(Place, WrittenSecret)>,
    /// Whether one of them is as it was left.
    has_still: bool,
    failing: Vec<(Place, Outcome)>,
    events: Vec<(Place, Outcome)>,
    /// What opened the object at the places that were written; none where there was none.
    opened_with: Option<BTreeSet<String>>,
    merged_keys: BTreeSet<String>,
    attached_to: BTreeSet<String>,
    /// ServiceAccounts that are not there or have no room, by namespace and name.
    waiting: Vec<String>,
    /// The soonest time at which one is put right again.
    wait: Option<Duration>,
    /// Whether something is worth another try.
    is_passing: bool,
    is_outage: bool,
    is_silent: bool,
}

impl Served {
    /// Nothing yet, of so many places.
    pub(super) fn of(wanted: usize) -> Self {
        Self { wanted, ..Self::default() }
    }

    /// The live Secret at `place` is as it was left.
    pub(super) fn is_still(&mut self, place: Place, written: WrittenSecret) {
        self.has_still = true;
        self.done.push((place, written));
    }

    /// The namespace of the live Secret at `place` is no longer wanted.
    pub(super) fn released(&mut self, place: Place, message: &'static str) {
        tracing::info!(%place, "{message}");
        self.events.push((place, Outcome::new(Reason::Released, message)));
    }

    /// What became of the live Secret at `place`.
    pub(super) fn add(&mut self, place: Place, done: Result<Done, Failed>) {
        match done {
            Ok(Done::Written(written)) => {
                self.opened_with.get_or_insert_default().extend(written.opened_with);
                self.merged_keys.extend(written.merged_keys);
                self.attached_to.extend(written.attached_to);
                let of_place = |name| format!("{}/{name}", place.namespace);
                self.waiting.extend(written.waiting.into_iter().map(of_place));
                self.events.extend(written.event.map(|event| (place.clone(), event)));
                self.done.push((place, written.secret));
            }
            // Gone: nobody asks. Unmerged: others were faster again and again.
            Ok(Done::Gone) => {}
            Ok(Done::Unmerged) => self.is_passing = true,
            Ok(Done::Contested(contest)) => {
                self.wait = Some(self.wait.unwrap_or(contest.wait).min(contest.wait));
                self.failing.push((place, report::contested_outcome(&contest)));
            }
            Err(failed) => {
                if let Failed::Api(error) = &failed {
                    self.is_passing = true;
                    self.is_outage |= error.is_outage();
                    self.is_silent |= error.is_silence();
                }
                let outcome = failed.outcome(&place);
                self.failing.push((place, outcome));
            }
        }
    }

    fn outcome(&self, sealed: &SealedSecret) -> Outcome {
        let Some((place, first)) = self.failing.first() else { return self.applied(sealed) };
        let others = self.failing.len() - 1;
        let is_alike = self.failing.iter().all(|(_, it)| it.reason == first.reason);
        if self.done.is_empty() && is_alike {
            let more = match others {
                0 => String::new(),
                more => format!("; and so in {more} more: see status.failing"),
            };
            return Outcome::new(first.reason, format!("{}{more}", first.message));
        }
        let more = match others {
            0 => String::new(),
            more => format!("; not in {more} more either: see status.failing"),
        };
        let (done, wanted) = (self.done.len(), self.wanted);
        let message = format!(
            "the live Secret is in {done} of {wanted} namespaces; not in {}, {}: {}{more}",
            place.namespace, first.reason, first.message
        );
        Outcome::new(Reason::Partial, message)
    }

    fn applied(&self, sealed: &SealedSecret) -> Outcome {
        let waiting = report::waiting_sentence(&self.waiting);
        let sentence = report::applied_sentence(keys(sealed), sealed) + &waiting;
        let message = match self.wanted {
            0 => "no namespace has the labels of spec.namespaceSelector by now".to_owned(),
            1 => format!("in one namespace, {sentence}"),
            all => format!("in each of {all} namespaces, {sentence}"),
        };
        Outcome::new(Reason::Applied, message)
    }

    /// Whether only a change of the file or the cluster will cure some of it.
    fn is_stalled(&self) -> bool {
        let passes = |reason| matches!(reason, Reason::Retrying | Reason::Contested);
        self.failing.iter().any(|(_, outcome)| !passes(outcome.reason))
    }

    fn status(
        &self,
        tracked: &Tracked,
        sealed: &SealedSecret,
        outcome: &Outcome,
    ) -> SealedSecretStatus {
        let generation = sealed.metadata.generation.unwrap_or_default();
        let fits = self.done.len() <= MAX_SECRETS_IN_STATUS;
        let secrets = if fits { self.secrets() } else { Vec::new() };
        SealedSecretStatus {
            keys: i64::try_from(keys(sealed)).ok(),
            sealed_to: report::sealed_to(sealed),
            opened_with: self.opened_with(&tracked.status.opened_with),
            served: Some(format!("{}/{}", self.done.len(), self.wanted)),
            secrets,
            failing: self.failing(),
            kept: tracked.keeps.then_some(true),
            merged_keys: self.kept_names(&self.merged_keys, &tracked.status.merged_keys),
            attached_to: self.kept_names(&self.attached_to, &tracked.status.attached_to),
            plan: Some(RULES),
            last_handled_reconcile_at: tracked.reconcile_at.clone(),
            ..conditions::next_of(&tracked.status, generation, outcome, self.is_stalled())
        }
    }

    /// What opened it at any place; `before` where none was looked at, and beside it where some are as they were.
    fn opened_with(&self, before: &[String]) -> Vec<String> {
        let Some(opened_with) = &self.opened_with else { return before.to_vec() };
        let mut opened_with = opened_with.clone();
        if self.has_still {
            opened_with.extend(before.iter().cloned());
        }
        opened_with.into_iter().collect()
    }

    /// What was found at the places that were looked at; what was said before, where none was.
    fn kept_names(&self, found: &BTreeSet<String>, before: &[String]) -> Vec<String> {
        match self.opened_with {
            Some(_) => found.iter().cloned().collect(),
            None => before.to_vec(),
        }
    }

    fn secrets(&self) -> Vec<ServedSecret> {
        let mut secrets = Vec::with_capacity(self.done.len());
        for (place, WrittenSecret { uid, resource_version }) in &self.done {
            let (namespace, uid) = (place.namespace.clone(), uid.clone());
            secrets.push(ServedSecret {
                namespace,
                uid,
                resource_version: resource_version.clone(),
            });
        }
        secrets.sort_by(|a, b| a.namespace.cmp(&b.namespace));
        secrets
    }

    fn failing(&self) -> Vec<Failing> {
        let mut failing = Vec::new();
        for (place, outcome) in self.failing.iter().take(MAX_FAILING_IN_STATUS) {
            failing.push(Failing {
                namespace: place.namespace.clone(),
                reason: outcome.reason.to_string(),
                message: cut(&outcome.message, MOST_OF_A_MESSAGE),
            });
        }
        failing
    }
}

/// Number of values, sealed and clear.
fn keys(sealed: &SealedSecret) -> usize {
    let clear = sealed.spec.template.as_ref().map_or(0, |template| template.string_data.len());
    sealed.spec.values.len() + clear
}

/// Tells how it went, and says when the object is looked at next.
pub(super) async fn report(
    tracked: &Tracked,
    sealed: &SealedSecret,
    mut served: Served,
    ctx: &Context,
) -> Next {
    if served.is_silent {
        return Next::Silence; // a status could not be written either
    }
    served.failing.sort_by(|a, b| a.0.cmp(&b.0));
    let generation = sealed.metadata.generation.unwrap_or_default();
    let outcome = served.outcome(sealed);
    ctx.metrics.reconciled(outcome.reason);
    let was_seen = tracked.status.observed_generation.is_some_and(|generation| generation > 0);
    let is_news = tracked.reason() != Some(outcome.reason.as_str())
        && (was_seen || outcome.reason != Reason::Applied);
    if is_news {
        tracing::info!(object = %tracked.id, reason = %outcome.reason, "{}", outcome.message);
    }
    let next = served.status(tracked, sealed, &outcome);
    if !is_only_other_versions(&tracked.status, &next)
        && let Err(error) = report::set_status(tracked, next, ctx).await
    {
        return report::retry(tracked, &error, ctx).await;
    }
    if was_seen {
        tell_of_places(tracked, &served, ctx).await;
    }
    if is_news && !served.is_passing {
        events::tell(&ctx.client, &tracked.id, &outcome).await;
    }
    when_next(tracked, generation, &served, &outcome, ctx).await
}

async fn tell_of_places(tracked: &Tracked, served: &Served, ctx: &Context) {
    for (place, event) in served.events.iter().take(MOST_EVENTS) {
        let message = format!("in {}: {}", place.namespace, event.message);
        events::tell(&ctx.client, &tracked.id, &Outcome::new(event.reason, message)).await;
    }
}

async fn when_next(
    tracked: &Tracked,
    generation: i64,
    served: &Served,
    outcome: &Outcome,
    ctx: &Context,
) -> Next {
    if served.is_passing {
        return report::again(tracked, outcome, served.is_outage, ctx).await;
    }
    ctx.memory.update(&tracked.id, |it| {
        it.processed(generation);
        it.applied = Some(generation);
    });
    if let Some(wait) = served.wait {
        return Next::After(wait);
    }
    // An edit that the watch told of before we were through has asked for no work.
    let mut done = served.done.iter();
    if done.any(|(place, written)| ctx.memory.changed_since(place, written)) {
        return Next::After(Duration::ZERO);
    }
    Next::Change
}

/// Somebody else wrote metadata of live Secrets that is none of ours: nobody is woken for that.
fn is_only_other_versions(before: &SealedSecretStatus, next: &SealedSecretStatus) -> bool {
    let secrets = |status: &SealedSecretStatus| -> Vec<(String, String)> {
        status.secrets.iter().map(|it| (it.namespace.clone(), it.uid.clone())).collect()
    };
    secrets(before) == secrets(next)
        && *before == SealedSecretStatus { secrets: before.secrets.clone(), ..next.clone() }
}
