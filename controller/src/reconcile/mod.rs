//! One sealed object from start to end: open, plan, write, status.
//!
//! Level-triggered: it never matters why it runs. All or nothing per object. What fails for good waits for a
//! change; what fails for now comes back with growing, jittered delays.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{Api, Client};
use seal_core::key::Keyring;
use seal_core::kind::sealed::{SealedSecret, WrittenSecret};
use seal_core::open::allowed::{Policy, check_allowed};
use seal_core::open::check::{Checked, check};
use seal_core::open::{OpenError, Opened, open};
use seal_core::place::Place;
use seal_core::reason::Reason;

use crate::api_error;
use crate::keyring::SharedKeys;
use crate::memory::{Index, Known, Tracked, is_resting};
use crate::metrics::Metrics;
use crate::object_id::{ObjectId, ObjectName};
use crate::outcome::Outcome;
use crate::plan::{Cause, Desired, OnConflict, RULES, Refusal, plan};
use crate::target::secret::{self, Undone};
use crate::target::status;
use crate::work::pace::{backoff, repair_delay};

/// Most recipients that a status names: a tenant can put a thousand times as many into one file.
const MAX_SEALED_TO: usize = 64;

/// From here opening takes more than ten milliseconds.
const MANY_STANZAS: usize = 64;

/// How often a race with another writer is planned again before it waits.
const RACES: usize = 4;

/// What every worker shares.
pub(crate) struct Context {
    /// Talks to the API server.
    pub client: Client,
    /// What is remembered of the cluster.
    pub index: Index,
    /// The identities.
    pub keys: SharedKeys,
    /// What this installation gives.
    pub policy: Policy,
    /// What is counted.
    pub metrics: Metrics,
}

/// When an object is looked at again without anything having changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Only when something changes.
    Change,
    /// After this delay.
    After(Duration),
}

/// What became of one object: the live Secret as it is, or why it is as it was.
enum Done {
    Written(Written),
    Wait(Duration),
}

/// A live Secret that is as its file says.
struct Written {
    written: WrittenSecret,
    keys: usize,
    opened_with: Vec<String>,
    event: Option<Outcome>,
}

/// Why an object was not applied.
enum Failed {
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

/// Brings the sealed object at `place` to its end.
pub(crate) async fn reconcile(place: &Place, ctx: &Context) -> Next {
    let Some(tracked) = ctx.index.get(place).filter(|tracked| !tracked.resting) else {
        return Next::Change;
    };
    if unchanged(place, &tracked, ctx) {
        finished(ctx, place, &tracked, tracked.generation);
        return Next::Change;
    }
    let sealed = match sealed_object(place, &tracked, ctx).await {
        Ok(Some(sealed)) => sealed,
        Ok(None) => return Next::Change, // deleted, replaced or suspended: the watch tells
        Err(error) => return failed(place, &tracked, tracked.generation, error.into(), ctx).await,
    };
    let generation = sealed.metadata.generation.unwrap_or_default();
    match apply(place, &tracked, &sealed, ctx).await {
        Ok(Done::Written(written)) => applied(place, &tracked, &sealed, written, ctx).await,
        Ok(Done::Wait(delay)) => Next::After(delay),
        Err(error) => failed(place, &tracked, generation, error, ctx).await,
    }
}

/// No key operation and no write while all of this holds.
fn unchanged(place: &Place, tracked: &Tracked, ctx: &Context) -> bool {
    let status = &tracked.status;
    let Known::Version(live) = ctx.index.live(place) else { return false };
    let keys = ctx.keys.now();
    tracked.allowed
        && status.observed_generation == Some(tracked.generation)
        && tracked.is_ready()
        && status.secret.as_ref() == Some(&live.written)
        && status.plan == Some(RULES)
        && tracked
            .reconcile_at
            .as_ref()
            .is_none_or(|at| status.last_handled_reconcile_at.as_ref() == Some(at))
        && status.opened_with.iter().all(|fingerprint| keys.keyring.holds(fingerprint))
}

/// The object itself: from its watch event while that is at hand, else read again.
async fn sealed_object(
    place: &Place,
    tracked: &Tracked,
    ctx: &Context,
) -> Result<Option<Arc<SealedSecret>>, kube::Error> {
    if let Some(sealed) = ctx.index.take_fresh(place)
        && sealed.metadata.uid.as_deref() == Some(&tracked.uid)
        && sealed.metadata.generation == Some(tracked.generation)
    {
        return Ok(Some(sealed));
    }
    let api: Api<SealedSecret> = Api::namespaced(ctx.client.clone(), &place.namespace);
    let sealed = api.get_opt(&place.name).await?;
    let same = |it: &SealedSecret| it.metadata.uid.as_deref() == Some(&tracked.uid);
    Ok(sealed.filter(|it| same(it) && !is_resting(it)).map(Arc::new))
}

/// Open, plan, write.
async fn apply(
    place: &Place,
    tracked: &Tracked,
    sealed: &SealedSecret,
    ctx: &Context,
) -> Result<Done, Failed> {
    let checked = check(sealed).map_err(Failed::Open)?;
    check_allowed(sealed, place, &ctx.policy).map_err(Failed::Open)?;
    let opened = open_beside(&checked, &ctx.keys.now().keyring);
    let opened = opened.map_err(Failed::Open)?;
    let owner =
        ObjectId { at: Arc::new(ObjectName::sealed_secret(place)), uid: tracked.uid.clone() };
    let on_conflict = OnConflict::parse(sealed.spec.on_conflict.as_deref());
    let desired = Desired { opened: &opened, place, owner: &owner, on_conflict };
    for _ in 0..RACES {
        match write(place, tracked, &desired, ctx).await {
            Err(Failed::Api(error)) if api_error::is_race(&error) => {}
            result => return result,
        }
        if let Some(live) = secret::read(&ctx.client, place).await? {
            ctx.index.saw_live(place, &live.metadata);
        }
    }
    write(place, tracked, &desired, ctx).await
}

/// A thousand stanzas take a tenth of a second: the endpoints and the watches go on meanwhile. For an ordinary file
/// another thread would cost more, in memory too, than it saves.
fn open_beside(checked: &Checked<'_>, keyring: &Keyring) -> Result<Opened, OpenError> {
    let stanzas: usize = checked.stanza_types().iter().map(Vec::len).sum();
    if stanzas > MANY_STANZAS {
        tokio::task::block_in_place(|| open(checked, keyring))
    } else {
        open(checked, keyring)
    }
}

async fn write(
    place: &Place,
    tracked: &Tracked,
    desired: &Desired<'_>,
    ctx: &Context,
) -> Result<Done, Failed> {
    let live = match ctx.index.live(place) {
        Known::Absent => None,
        Known::Version(_) | Known::Unknown => secret::read(&ctx.client, place).await?,
    };
    let has_been_applied =
        tracked.is_ready() && tracked.status.observed_generation == Some(tracked.generation);
    let cause = if has_been_applied { Cause::Drift } else { Cause::File };
    let plan = plan(live.as_ref(), desired, cause);
    drop(live);
    if plan.is_repair()
        && let Some(delay) = repair_delay(place, tracked, ctx)
    {
        return Ok(Done::Wait(delay));
    }
    let event = plan.event().cloned();
    let written = secret::carry_out(&ctx.client, plan).await?;
    ctx.index.saw_live(place, &written);
    let opened = desired.opened;
    Ok(Done::Written(Written {
        written: version(&written),
        keys: opened.values.len(),
        opened_with: opened.opened_with.iter().map(ToString::to_string).collect(),
        event,
    }))
}

fn told(reason: Reason, message: String) -> Outcome {
    Outcome { reason, message }
}

fn version(metadata: &ObjectMeta) -> WrittenSecret {
    WrittenSecret {
        uid: metadata.uid.clone().unwrap_or_default(),
        resource_version: metadata.resource_version.clone().unwrap_or_default(),
    }
}

async fn applied(
    place: &Place,
    tracked: &Tracked,
    sealed: &SealedSecret,
    done: Written,
    ctx: &Context,
) -> Next {
    let Written { written, keys, opened_with, event } = done;
    let generation = sealed.metadata.generation.unwrap_or_default();
    let message = format!("the live Secret has the {keys} keys of this file");
    let outcome = Outcome { reason: Reason::Applied, message };
    let mut next = status::next(&tracked.status, generation, &outcome);
    next.keys = i64::try_from(keys).ok();
    next.sealed_to = sealed_to(sealed);
    next.opened_with = opened_with;
    next.secret = Some(written.clone());
    next.plan = Some(RULES);
    next.last_handled_reconcile_at.clone_from(&tracked.reconcile_at);
    let recovered = status::reason(&tracked.status).is_some_and(|reason| reason != "Applied");
    let event = event.or_else(|| recovered.then(|| outcome.clone()));
    if let Err(error) = set_status(place, tracked, next, ctx).await {
        return retry(place, tracked, &error, ctx);
    }
    if let Some(event) =
        event.filter(|_| tracked.status.observed_generation.is_some_and(|it| it > 0))
    {
        status::tell(&ctx.client, place, &tracked.uid, &event).await;
    }
    ctx.metrics.reconciled(Reason::Applied);
    finished(ctx, place, tracked, generation);
    // Somebody changed it before the status said that it is ours: that event found nobody who cared.
    if ctx.index.changed_since(place, &written) {
        return Next::After(Duration::ZERO);
    }
    Next::Change
}

fn sealed_to(sealed: &SealedSecret) -> Vec<String> {
    let all = sealed.spec.envelopes.iter().flat_map(|envelope| envelope.sealed_to.clone());
    let all = all.collect::<std::collections::BTreeSet<_>>();
    all.into_iter().take(MAX_SEALED_TO).collect()
}

async fn failed(
    place: &Place,
    tracked: &Tracked,
    generation: i64,
    error: Failed,
    ctx: &Context,
) -> Next {
    let outcome = outcome(place, &error);
    ctx.metrics.reconciled(outcome.reason);
    let news = status::reason(&tracked.status) != Some(outcome.reason.as_str());
    if news {
        tracing::info!(%place, reason = %outcome.reason, "{}", outcome.message);
    }
    let mut next = status::next(&tracked.status, generation, &outcome);
    next.last_handled_reconcile_at.clone_from(&tracked.reconcile_at);
    let written = set_status(place, tracked, next, ctx).await;
    // A first failure to reach the API server is not yet news for people.
    if news && outcome.reason != Reason::Retrying {
        status::tell(&ctx.client, place, &tracked.uid, &outcome).await;
    }
    match (outcome.reason, written) {
        (Reason::Retrying, _) => Next::After(backoff(place, tracked, ctx)),
        (_, Err(error)) => retry(place, tracked, &error, ctx),
        (_, Ok(())) => {
            finished(ctx, place, tracked, generation);
            Next::Change
        }
    }
}

fn outcome(place: &Place, error: &Failed) -> Outcome {
    match error {
        Failed::Open(error) => told(error.reason(), format!("{error}; {}", error.hint())),
        Failed::Refused(Refusal::NotOurs(owner)) => {
            let owner = owner.as_ref().map(|owner| format!(" (owned by {owner})"));
            let owner = owner.unwrap_or_default();
            let message = format!(
                "a Secret {place} exists{owner} and was not made from a sealed file; it is left alone; delete it, or give the sealed file another name"
            );
            told(Reason::NotOurs, message)
        }
        Failed::Refused(Refusal::Reserved(problem)) => {
            told(Reason::NotAllowed, format!("the Secret {place} is left alone: {problem}"))
        }
        Failed::Invalid => {
            let message = format!(
                "the API server refuses the Secret {place} as invalid: its type may require a key or a form of value that it has not; nothing was changed"
            );
            told(Reason::Malformed, message)
        }
        Failed::Api(error) => told(Reason::Retrying, api_error::sentence(error)),
    }
}

/// Writes the status when it differs from what is there.
async fn set_status(
    place: &Place,
    tracked: &Tracked,
    next: seal_core::kind::sealed::SealedSecretStatus,
    ctx: &Context,
) -> Result<(), kube::Error> {
    if next == tracked.status {
        return Ok(());
    }
    match status::write(&ctx.client, place, &tracked.uid, &next).await {
        // Gone: nothing to say any more. A conflict may be another object of that name, which the watch tells
        // of, or a busy one, whose status would stay old.
        Err(error) if api_error::code(&error) == 404 => Ok(()),
        Err(error) => Err(error),
        Ok(()) => {
            ctx.index.update(place, &tracked.uid, |it| it.status = next);
            Ok(())
        }
    }
}

fn retry(place: &Place, tracked: &Tracked, error: &kube::Error, ctx: &Context) -> Next {
    tracing::warn!(%place, reason = %Reason::Retrying, "{}", api_error::sentence(error));
    Next::After(backoff(place, tracked, ctx))
}

fn finished(ctx: &Context, place: &Place, tracked: &Tracked, generation: i64) {
    drop(ctx.index.take_fresh(place)); // when it was not read after all
    ctx.index.update(place, &tracked.uid, |it| {
        it.failures = 0;
        it.processed(generation);
    });
}
