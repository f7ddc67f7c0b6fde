//! From opened values to a live Secret that has them: read where there may be one, plan, wait where a repair comes
//! too soon, carry out, and plan again after a race.

use std::time::{Duration, Instant};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use seal_core::kind::sealed::{SealedSecret, WrittenSecret};
use seal_core::open::Opened;
use seal_core::place::Place;

use super::Context;
use super::report::Failed;
use crate::api_error;
use crate::memory::Tracked;
use crate::outcome::Outcome;
use crate::plan::{Cause, Desired, OnConflict, plan};
use crate::target::secret;
use crate::work::pace;

/// How often a race with another writer is planned again before it waits.
const RACES: usize = 4;

/// What became of the live Secret.
pub(super) enum Done {
    Written(Written),
    /// It is repaired after this delay.
    Wait(Duration),
}

/// A live Secret that is as its file says.
pub(super) struct Written {
    pub(super) secret: WrittenSecret,
    /// Number of its keys.
    pub(super) keys: usize,
    pub(super) opened_with: Vec<String>,
    pub(super) event: Option<Outcome>,
}

pub(super) async fn write(
    tracked: &Tracked,
    sealed: &SealedSecret,
    opened: &Opened,
    target: &Place,
    ctx: &Context,
) -> Result<Done, Failed> {
    let on_conflict = OnConflict::parse(sealed.spec.on_conflict.as_deref());
    let desired = Desired { opened, place: target, owner: &tracked.id, on_conflict };
    for _ in 0..RACES {
        match write_once(tracked, &desired, ctx).await {
            Err(Failed::Api(error)) if api_error::is_race(&error) => {}
            result => return result,
        }
        if let Some(live) = secret::read(&ctx.client, target).await? {
            ctx.memory.saw_live(&tracked.id, target, &live.metadata);
        }
    }
    write_once(tracked, &desired, ctx).await
}

async fn write_once(
    tracked: &Tracked,
    desired: &Desired<'_>,
    ctx: &Context,
) -> Result<Done, Failed> {
    let live = if ctx.memory.is_absent(desired.place) {
        None
    } else {
        secret::read(&ctx.client, desired.place).await?
    };
    let plan = plan(live.as_ref(), desired, cause(tracked));
    drop(live);
    if plan.is_repair() {
        let (repairs, wait) = pace::repair(tracked.repairs, Instant::now());
        ctx.memory.update(&tracked.id, |it| it.repairs = repairs);
        if let Some(delay) = wait {
            return Ok(Done::Wait(delay));
        }
    }
    let event = plan.event().cloned();
    let metadata = secret::carry_out(&ctx.client, plan).await?;
    ctx.memory.saw_live(&tracked.id, desired.place, &metadata);
    Ok(Done::Written(Written {
        secret: version(metadata),
        keys: desired.opened.values.len(),
        opened_with: desired.opened.opened_with.iter().map(ToString::to_string).collect(),
        event,
    }))
}

fn cause(tracked: &Tracked) -> Cause {
    if tracked.is_ready() && tracked.is_observed() { Cause::Drift } else { Cause::File }
}

fn version(metadata: ObjectMeta) -> WrittenSecret {
    WrittenSecret {
        uid: metadata.uid.unwrap_or_default(),
        resource_version: metadata.resource_version.unwrap_or_default(),
    }
}
