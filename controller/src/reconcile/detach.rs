//! What an object leaves in objects of others goes before it does: its finalizer is set before the first such write, and
//! taken away when nothing of it is left there.
//!
//! An object that is deleted while no controller runs waits for one. One whose namespace is being deleted waits for
//! nothing that cannot be done.

use seal_core::place::Place;

use super::verdict::Failed;
use super::{Context, Next, attach, report};
use crate::api_error::ApiError;
use crate::memory::Tracked;
use crate::object_id::Kind;
use crate::plan::merging_manager;
use crate::target::{finalizer, merging, secret};

/// How often a race with another writer is tried again before it waits.
const RACES: usize = 4;

/// Sets the finalizer where it is missing; says whether the object is there and has it now.
pub(super) async fn hold(tracked: &Tracked, ctx: &Context) -> Result<bool, ApiError> {
    if tracked.detaches {
        return Ok(true);
    }
    let is_held = finalizer::set(&ctx.client, &tracked.id).await?;
    ctx.memory.update(&tracked.id, |it| it.detaches = is_held);
    Ok(is_held)
}

/// Takes the finalizer away: nothing of the object is left in those of others.
pub(super) async fn release(tracked: &Tracked, ctx: &Context) -> Result<(), ApiError> {
    finalizer::clear(&ctx.client, &tracked.id).await?;
    ctx.memory.update(&tracked.id, |it| it.detaches = false);
    Ok(())
}

/// The same after the keys of an object were taken out at one place, where it has no other.
pub(super) async fn release_one(tracked: &Tracked, ctx: &Context) -> Result<(), ApiError> {
    match tracked.id.at.kind {
        Kind::SealedSecret => release(tracked, ctx).await,
        Kind::ClusterSealedSecret => Ok(()),
    }
}

/// An object is on its way out: what it wrote into objects of others goes, unless it is to be kept.
pub(super) async fn leave(tracked: &Tracked, ctx: &Context) -> Next {
    if !tracked.detaches {
        return Next::Change;
    }
    match leave_all(tracked, ctx).await {
        Ok(()) => Next::Change,
        Err(failed) => report::failed(tracked, tracked.generation, failed, ctx).await,
    }
}

async fn leave_all(tracked: &Tracked, ctx: &Context) -> Result<(), Failed> {
    if !tracked.keeps {
        leave_but(tracked, |_| false, &[], ctx).await?;
    }
    Ok(release(tracked, ctx).await?)
}

/// Takes out everything but what is at the places that stay, and there in these ServiceAccounts.
pub(super) async fn leave_but(
    tracked: &Tracked,
    stays: impl Fn(&str) -> bool,
    accounts: &[String],
    ctx: &Context,
) -> Result<(), Failed> {
    let own = tracked.id.at.namespace.as_deref();
    let stays_in = |namespace: &str, name: &String| stays(namespace) && accounts.contains(name);
    let taken_out = attach::take_out(tracked, own, stays_in, ctx).await;
    if let Err(failed) = taken_out
        && !is_beyond_help(&failed, own, ctx).await
    {
        return Err(failed);
    }
    let marked = match tracked.id.at.kind {
        Kind::SealedSecret => vec![tracked.id.at.target()],
        Kind::ClusterSealedSecret => merging::marked(&ctx.client, &tracked.id).await?,
    };
    for place in marked.iter().filter(|place| !stays(&place.namespace)) {
        match leave_at(tracked, place, ctx).await {
            Err(failed) if is_beyond_help(&failed, Some(&place.namespace), ctx).await => {}
            result => result?,
        }
    }
    Ok(())
}

async fn leave_at(tracked: &Tracked, place: &Place, ctx: &Context) -> Result<(), Failed> {
    let manager = merging_manager(&tracked.id);
    let mut races = 0;
    loop {
        match merging::unmerge(&ctx.client, place, &manager).await {
            Err(error) if error.is_race() && races < RACES => races += 1,
            Err(error) if error.is_invalid() => return Err(Failed::Held),
            result => return Ok(result?),
        }
    }
}

/// Whether the namespace is going anyway, and everything in it.
async fn is_beyond_help(failed: &Failed, namespace: Option<&str>, ctx: &Context) -> bool {
    let is_refused = match failed {
        Failed::Api(error) => !error.is_race() && !error.is_silence(),
        _ => true,
    };
    let Some(namespace) = namespace.filter(|_| is_refused) else { return false };
    secret::is_terminating(&ctx.client, namespace).await
}
