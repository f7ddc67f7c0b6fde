//! One sealed object from start to end: open, plan, write, status. A table of contents: each step is a file.
//!
//! Level-triggered: it never matters why it runs. All or nothing per object. What fails for good waits for a
//! change; what fails for now comes back with growing, jittered delays.

mod attach;
mod cluster_sealed;
mod conditions;
mod context;
mod detach;
mod leftovers;
mod opening;
mod overwritten;
mod report;
mod served;
mod unchanged;
mod verdict;
mod writing;

use std::time::Duration;

use seal_core::kind::sealed::SealedSecret;

use crate::memory::Tracked;
use crate::object_id::{Kind, ObjectName};
pub(crate) use context::Context;
pub(crate) use leftovers::take_out_leftovers;
use opening::Found;
use verdict::Failed;
use writing::Done;

/// How long an object waits for which there is no room: the others have their turn meanwhile.
const UNTIL_ROOM: Duration = Duration::from_millis(50);

/// When an object is looked at again without anything having changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Only when something changes.
    Change,
    /// After this delay.
    After(Duration),
    /// Once the API server answers again: nothing did.
    Silence,
}

/// Brings the sealed object that has this name to its end.
pub(crate) async fn reconcile(name: &ObjectName, ctx: &Context) -> Next {
    let Some((tracked, fresh)) = ctx.memory.turn(name) else { return Next::Change };
    if tracked.deleted {
        return detach::leave(&tracked, ctx).await;
    }
    if let Some(wait) = overwritten::waits(&tracked, ctx) {
        return Next::After(wait);
    }
    if tracked.suspended {
        return report::suspended(&tracked, ctx).await;
    }
    if !tracked.readable {
        return report::failed(&tracked, tracked.generation, Failed::Unreadable, ctx).await;
    }
    if unchanged::is_unchanged(&tracked, ctx) && attach::is_as_it_was(&tracked, ctx).await {
        return report::unchanged(&tracked, ctx);
    }
    // The room is given back when all is done.
    let (sealed, _room) = match opening::sealed_object(&tracked, fresh, ctx).await {
        Ok(Found::Object(sealed, room)) => (sealed, room),
        Ok(Found::Nothing) => return Next::Change,
        Ok(Found::NoRoom) => return Next::After(UNTIL_ROOM),
        Err(failed) => return report::failed(&tracked, tracked.generation, failed, ctx).await,
    };
    match tracked.id.at.kind {
        Kind::SealedSecret => serve_one(&tracked, &sealed, ctx).await,
        Kind::ClusterSealedSecret => cluster_sealed::serve(&tracked, &sealed, ctx).await,
    }
}

/// A SealedSecret and its one live Secret.
async fn serve_one(tracked: &Tracked, sealed: &SealedSecret, ctx: &Context) -> Next {
    let generation = sealed.metadata.generation.unwrap_or_default();
    match open_and_write(tracked, sealed, ctx).await {
        Ok(Done::Written(written)) => report::applied(tracked, sealed, written, ctx).await,
        Ok(Done::Gone | Done::Unmerged) => Next::Change,
        Ok(Done::Contested(contest)) => report::contested(tracked, generation, contest, ctx).await,
        Err(failed) => report::failed(tracked, generation, failed, ctx).await,
    }
}

async fn open_and_write(
    tracked: &Tracked,
    sealed: &SealedSecret,
    ctx: &Context,
) -> Result<Done, Failed> {
    let target = tracked.id.at.target();
    let keyring = &ctx.keys.now().keyring;
    let opened = opening::open_at(sealed, &target, keyring, ctx).map_err(Failed::Open)?;
    let done = writing::write(tracked, sealed, &opened, &target, ctx).await?;
    attach::attach_one_place(tracked, &sealed.spec.service_accounts, &target, done, ctx).await
}
