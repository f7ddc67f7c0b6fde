//! From opened values to a live Secret that has them: read where there may be one, plan, wait where a repair comes
//! too soon, carry out, and plan again after a race.

use std::time::{Duration, Instant};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use seal_core::kind::sealed::{SealedSecret, WrittenSecret};
use seal_core::open::Opened;
use seal_core::place::Place;

use super::Context;
use super::verdict::Failed;
use crate::memory::Tracked;
use crate::outcome::Outcome;
use crate::plan::{Cause, Desired, OnConflict, other_writer, plan};
use crate::target::secret;
use crate::work::pace;

/// How often a race with another writer is planned again before it waits.
const RACES: usize = 4;

/// What became of the live Secret.
pub(super) enum Done {
    Written(Written),
    /// It is put right again later.
    Contested(Contest),
}

/// A live Secret that is as its file says.
pub(super) struct Written {
    pub(super) secret: WrittenSecret,
    /// Number of its keys.
    pub(super) keys: usize,
    pub(super) opened_with: Vec<String>,
    pub(super) event: Option<Outcome>,
}

/// A live Secret that somebody else keeps changing.
pub(super) struct Contest {
    /// Who, as far as the Secret says.
    pub(super) by: Option<String>,
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
        on_conflict: OnConflict::parse(sealed.spec.on_conflict.as_deref()),
    };
    for _ in 0..RACES {
        match write_once(tracked, &desired, ctx).await {
            Err(Failed::Api(error)) if error.is_race() => {}
            result => return result,
        }
        if let Some(live) = secret::read_meta(&ctx.client, target).await? {
            ctx.memory.saw_live(&tracked.id, target, &live);
        }
    }
    write_once(tracked, &desired, ctx).await
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
    if plan.is_repair() {
        let now = Instant::now();
        let (mut repairs, wait) = pace::repair(tracked.repairs_at(desired.place), now);
        let is_known = repairs.is_told;
        repairs.is_told = wait.is_some();
        ctx.memory.update(&tracked.id, |it| it.set_repairs_at(desired.place, repairs));
        if let Some(wait) = wait {
            let by = live.as_ref().and_then(other_writer);
            return Ok(Done::Contested(Contest { by, wait, is_known }));
        }
    }
    drop(live);
    let event = plan.event().cloned();
    let metadata = secret::carry_out(&ctx.client, plan).await?;
    drop(room);
    ctx.memory.saw_live(&tracked.id, desired.place, &metadata);
    Ok(Done::Written(Written {
        secret: version(metadata),
        keys: desired.opened.values.len(),
        opened_with: desired.opened.opened_with.iter().map(ToString::to_string).collect(),
        event,
    }))
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
