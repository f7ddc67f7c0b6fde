//! From opened values to a live Secret that has them: read where there may be one, plan, wait where a repair comes
//! too soon, carry out, and plan again after a race.

use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use seal_core::kind::sealed::{SealedSecret, WrittenSecret};
use seal_core::open::Opened;
use seal_core::place::Place;

use super::verdict::Failed;
use super::{Context, detach};
use crate::memory::Tracked;
use crate::object_id::Kind;
use crate::outcome::Outcome;
use crate::plan::{Cause, Desired, OnConflict, Plan, plan};
use crate::target::secret;
use crate::work::pace;

/// How often a race with another writer is planned again before it waits.
const RACES: usize = 4;

/// What became of the live Secret.
pub(super) enum Done {
    Written(Written),
    /// It is put right again later.
    Contested(Contest),
    /// The sealed object is gone or on its way out.
    Gone,
    /// What this object had in a Secret of others is out of it: to be planned again.
    Unmerged,
}

/// A live Secret that is as its file says.
pub(super) struct Written {
    pub(super) secret: WrittenSecret,
    /// Number of its keys.
    pub(super) keys: usize,
    pub(super) opened_with: Vec<String>,
    /// Those that are beside keys of others.
    pub(super) merged_keys: Vec<String>,
    /// The ServiceAccounts that have it.
    pub(super) attached_to: Vec<String>,
    /// Those that are not there, or have no room.
    pub(super) waiting: Vec<String>,
    pub(super) event: Option<Outcome>,
}

/// What somebody else keeps changing.
pub(super) struct Contest {
    /// Who, as far as the Secret says.
    pub(super) by: Option<String>,
    /// What is changed.
    pub(super) what: String,
    /// Until it may be put right again.
    pub(super) wait: Duration,
    /// Whether that time was known before.
    pub(super) is_known: bool,
}

pub(super) async fn write(
    tracked: &Tracked,
    sealed: &SealedSecret,
    opened: &Opened,
    target: &Place,
    ctx: &Context,
) -> Result<Done, Failed> {
    let generation = sealed.metadata.generation.unwrap_or_default();
    let written = tracked.written_at(target);
    let desired = Desired {
        opened,
        place: target,
        owner: &tracked.id,
        generation,
        written_uid: written.map(|written| written.uid.as_str()),
        merged_keys: merged_keys(tracked),
        on_conflict: OnConflict::parse(sealed.spec.on_conflict.as_deref()),
        keep: tracked.keeps,
        was_kept: tracked.status.kept == Some(true),
    };
    for _ in 0..RACES {
        match write_once(tracked, &desired, ctx).await {
            Err(Failed::Api(error)) if error.is_race() => {}
            Ok(Done::Unmerged) => {}
            result => return result,
        }
        if let Some(live) = secret::read_meta(&ctx.client, target).await? {
            ctx.memory.saw_live(&tracked.id, target, &live);
        }
    }
    write_once(tracked, &desired, ctx).await
}

/// The keys that this object has merged at its place. Of one with several a status names no keys by place, so that there
/// `managedFields` alone says what is ours.
fn merged_keys(tracked: &Tracked) -> &[String] {
    match tracked.id.at.kind {
        Kind::SealedSecret => &tracked.status.merged_keys,
        Kind::ClusterSealedSecret => &[],
    }
}

async fn write_once(
    tracked: &Tracked,
    desired: &Desired<'_>,
    ctx: &Context,
) -> Result<Done, Failed> {
    let (live, room) = if ctx.memory.is_absent(desired.place) {
        (None, None)
    } else {
        secret::read(&ctx.client, &ctx.bytes, desired.place).await?
    };
    let plan = plan(live.as_ref(), desired, cause(tracked, desired));
    if let Some(contest) = contest(tracked, desired.place, &plan, live.as_ref(), ctx) {
        return Ok(Done::Contested(contest));
    }
    drop(live);
    let event = plan.event().cloned();
    let (is_merged, unmerges) = (plan.is_merged(desired), matches!(plan, Plan::Unmerge { .. }));
    if is_merged && !detach::hold(tracked, ctx).await? {
        return Ok(Done::Gone);
    }
    let metadata = carry_out(tracked, desired.place, plan, ctx).await?;
    drop(room);
    ctx.memory.saw_live(&tracked.id, desired.place, &metadata);
    if unmerges {
        detach::release_one(tracked, ctx).await?;
        return Ok(Done::Unmerged);
    }
    let merged = desired.opened.values.keys().filter(|_| is_merged);
    Ok(Done::Written(Written {
        merged_keys: merged.cloned().collect(),
        attached_to: vec![],
        waiting: vec![],
        secret: version(metadata),
        keys: desired.opened.values.len(),
        opened_with: desired.opened.opened_with.iter().map(ToString::to_string).collect(),
        event,
    }))
}

/// Where nothing could be put right, the next try is no second repair of what nobody has undone.
async fn carry_out(
    tracked: &Tracked,
    place: &Place,
    plan: Plan,
    ctx: &Context,
) -> Result<ObjectMeta, secret::Undone> {
    let carried_out = secret::carry_out(&ctx.client, plan).await;
    if carried_out.is_err() {
        let repairs = tracked.repairs_at(place);
        ctx.memory.update(&tracked.id, |it| it.set_repairs_at(place, repairs));
    }
    carried_out
}

/// Whether the plan undoes what somebody else did, and it is not the time yet to do that again.
fn contest(
    tracked: &Tracked,
    place: &Place,
    plan: &Plan,
    live: Option<&Secret>,
    ctx: &Context,
) -> Option<Contest> {
    if !plan.is_repair() {
        return None;
    }
    let (mut repairs, wait) = pace::repair(tracked.repairs_at(place), Instant::now());
    let is_known = repairs.is_told;
    repairs.is_told = wait.is_some();
    ctx.memory.update(&tracked.id, |it| it.set_repairs_at(place, repairs));
    let by = live.and_then(|live| plan.contender(live));
    Some(Contest { by, what: "the live Secret".to_owned(), wait: wait?, is_known })
}

/// What has been applied at this generation and differs was changed by somebody else.
fn cause(tracked: &Tracked, desired: &Desired<'_>) -> Cause {
    let applied = tracked.applied_at(desired.place);
    if applied == Some(desired.generation) { Cause::Drift } else { Cause::File }
}

fn version(metadata: ObjectMeta) -> WrittenSecret {
    WrittenSecret {
        uid: metadata.uid.unwrap_or_default(),
        resource_version: metadata.resource_version.unwrap_or_default(),
    }
}
