//! One ClusterSealedSecret: opened once, written at each of its places, taken away where it is no longer wanted. What happens
//! to each live Secret is what happens to that of a SealedSecret.

use futures::StreamExt;
use futures::stream;
use seal_core::kind::sealed::SealedSecret;
use seal_core::metadata::is_tracking;
use seal_core::open::allowed::may_be_opened_at;
use seal_core::open::check::check;
use seal_core::open::{OpenError, Opened};
use seal_core::place::Place;

use super::served::{self, Served};
use super::verdict::Failed;
use super::writing::{self, Done};
use super::{Context, Next, attach, detach, opening, report, unchanged};
use crate::memory::{There, Tracked, Wants};
use crate::target::secret::{self, Removed};

/// Live Secrets of one object that are written at the same time.
const AT_ONCE: usize = 16;

pub(super) async fn serve(tracked: &Tracked, sealed: &SealedSecret, ctx: &Context) -> Next {
    let generation = sealed.metadata.generation.unwrap_or_default();
    match serve_all(tracked, sealed, generation, ctx).await {
        Ok(served) => served::report(tracked, sealed, served, ctx).await,
        Err(failed) => report::failed(tracked, generation, failed, ctx).await,
    }
}

/// What is wrong with the object itself is an error; what is in the way at one place is not.
async fn serve_all(
    tracked: &Tracked,
    sealed: &SealedSecret,
    generation: i64,
    ctx: &Context,
) -> Result<Served, Failed> {
    let wants = Wants::of(sealed);
    check_object(sealed, &wants, ctx).map_err(Failed::Open)?;
    let places = ctx.memory.places(&tracked.id, &wants).ok_or(Failed::NoNamespaces)?;
    let mut served = Served::of(places.len());
    take_away(tracked, &wants, &mut served, ctx).await;
    if tracked.detaches {
        leave_others(tracked, sealed, &places, ctx).await?;
    }
    let due = due(tracked, sealed, places, &mut served, ctx);
    let Some(first) = due.first() else { return Ok(served) };
    let mut opened = opening::open_at(sealed, first, ctx).map_err(Failed::Open)?;
    leave_tracking_out(&mut opened);
    let opened = &opened;
    let mut writes = stream::iter(due)
        .map(|place| async move {
            let _turn = ctx.copies.acquire_many(turns(tracked.bytes)).await;
            let done = write(tracked, sealed, opened, &place, ctx).await;
            (place, done)
        })
        .buffer_unordered(AT_ONCE);
    let mut is_settled = true;
    while let Some((place, done)) = writes.next().await {
        is_settled &= matches!(done, Ok(Done::Written(_)) | Err(Failed::Refused(_)));
        remember(tracked, generation, &place, &done, ctx);
        served.add(place, done);
    }
    if is_settled {
        attach::settle(tracked, ctx);
    }
    Ok(served)
}

async fn write(
    tracked: &Tracked,
    sealed: &SealedSecret,
    opened: &Opened,
    place: &Place,
    ctx: &Context,
) -> Result<Done, Failed> {
    let done = writing::write(tracked, sealed, opened, place, ctx).await?;
    attach::attach_written(tracked, &sealed.spec.service_accounts, place, done, ctx).await
}

/// Takes out of objects of others what this one has in them where it is not wanted any more. Once for a generation and its
/// namespaces: an edit of a ServiceAccount or a Secret puts nothing of ours elsewhere.
async fn leave_others(
    tracked: &Tracked,
    sealed: &SealedSecret,
    places: &[(Place, There)],
    ctx: &Context,
) -> Result<(), Failed> {
    let generation = sealed.metadata.generation.unwrap_or_default();
    let namespaces: Vec<String> = places.iter().map(|(place, _)| place.namespace.clone()).collect();
    if !tracked.attaching.may_be_elsewhere(generation, &namespaces) {
        return Ok(());
    }
    let accounts = &sealed.spec.service_accounts;
    let holds = tracked.merges || !accounts.is_empty();
    let stays = |namespace: &str| holds && namespaces.iter().any(|wanted| wanted == namespace);
    detach::leave_but(tracked, stays, accounts, ctx).await?;
    if !holds {
        detach::release(tracked, ctx).await?;
    }
    ctx.memory.update(&tracked.id, |it| it.attaching.is_nowhere_else(generation, namespaces));
    Ok(())
}

/// The places at which there is work; what is so at the others is said already.
fn due(
    tracked: &Tracked,
    sealed: &SealedSecret,
    places: Vec<(Place, There)>,
    served: &mut Served,
    ctx: &Context,
) -> Vec<Place> {
    let there = places.iter().filter(|(_, there)| *there == There::Yes);
    let there = there.map(|(place, _)| place.namespace.as_str()).collect();
    ctx.memory.update(&tracked.id, |it| it.keep_copies_at(&there));
    let generation = sealed.metadata.generation.unwrap_or_default();
    let may_skip = unchanged::is_settled(tracked, ctx) && !tracked.attaching.is_due();
    let mut due = Vec::new();
    for (place, there) in places {
        match may_be_written(sealed, &place, there, ctx) {
            Err(failed) => served.add(place, Err(failed)),
            Ok(()) if may_skip && unchanged::is_still(tracked, generation, &place, ctx) => {
                let written = tracked.written_at(&place).cloned().unwrap_or_default();
                served.is_still(place, written);
            }
            Ok(()) => due.push(place),
        }
    }
    due
}

/// What holds for the object at whichever place: its shape, its name, and whether labels may choose.
fn check_object(sealed: &SealedSecret, wants: &Wants, ctx: &Context) -> Result<(), OpenError> {
    let checked = check(sealed)?;
    match wants {
        Wants::Chosen(_) => checked.allowed(&ctx.grants).map(drop),
        Wants::Own | Wants::Listed(_) => Ok(()),
    }
}

fn may_be_written(
    sealed: &SealedSecret,
    place: &Place,
    there: There,
    ctx: &Context,
) -> Result<(), Failed> {
    match there {
        There::Yes => may_be_opened_at(sealed, place, &ctx.grants).map_err(Failed::Open),
        There::No | There::Going => Err(Failed::NoNamespace(there)),
    }
}

const DELETED: &str = "the live Secret was deleted, since the namespace is not wanted any more";
const LEFT: &str = "the namespace is not wanted any more, and the Secret is left there, since somebody else has made or written it; it goes when this object is deleted";

/// Deletes the live Secrets of this object where they are not wanted any more.
async fn take_away(tracked: &Tracked, wants: &Wants, served: &mut Served, ctx: &Context) {
    for place in ctx.memory.strays(&tracked.id, wants) {
        match secret::remove(&ctx.client, &tracked.id, &place).await {
            Ok(removed) => {
                ctx.memory.update(&tracked.id, |it| it.let_go_of(&place));
                match removed {
                    Removed::Deleted => served.released(place, DELETED),
                    Removed::Left => served.released(place, LEFT),
                    Removed::Nothing => {}
                }
            }
            Err(error) => served.add(place, Err(error.into())),
        }
    }
}

/// A GitOps tool or Helm takes an object with its marks for its own and prunes it: on a copy they would be wrong.
fn leave_tracking_out(opened: &mut Opened) {
    let metadata = &mut opened.template.metadata;
    metadata.labels.retain(|name, value| !is_tracking(name, value));
    metadata.annotations.retain(|name, value| !is_tracking(name, value));
}

fn remember(
    tracked: &Tracked,
    generation: i64,
    place: &Place,
    done: &Result<Done, Failed>,
    ctx: &Context,
) {
    match done {
        Ok(Done::Written(written)) => ctx.memory.update(&tracked.id, |it| {
            it.confirmed_at(place, generation, written.secret.clone());
        }),
        Err(Failed::Refused(_)) => ctx.memory.update(&tracked.id, |it| it.let_go_of(place)),
        Ok(Done::Contested(_) | Done::Gone | Done::Unmerged) | Err(_) => {}
    }
}

/// How many of the turns that all objects share one live Secret takes: the larger, the fewer are in memory.
fn turns(bytes: usize) -> u32 {
    u32::try_from(bytes >> 16).unwrap_or(u32::MAX).clamp(1, Context::COPIES)
}
