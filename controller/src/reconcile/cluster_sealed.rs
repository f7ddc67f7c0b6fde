//! One ClusterSealedSecret: opened once for all namespaces that have the same keys, written at each of its places, taken away where it is no longer wanted. What happens
//! to each live Secret is what happens to that of a SealedSecret.

use std::collections::BTreeMap;

use futures::StreamExt;
use futures::stream;
use seal_core::key::Keyring;
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
    match serve_all(tracked, sealed, ctx).await {
        Ok(served) => served::report(tracked, sealed, served, ctx).await,
        Err(failed) => report::failed(tracked, generation, failed, ctx).await,
    }
}

/// What is wrong with the object itself is an error; what is in the way at one place is not.
async fn serve_all(
    tracked: &Tracked,
    sealed: &SealedSecret,
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
    if due.is_empty() {
        return Ok(served);
    }
    let keys = ctx.keys.now();
    let groups = by_keys(due, &keys.keyring);
    let (is_one, mut is_settled) = (groups.len() == 1, true);
    for places in groups {
        match opening::open_at(sealed, &places[0], &keys.keyring, ctx) {
            Ok(opened) => {
                is_settled &= write_all(tracked, sealed, opened, places, &mut served, ctx).await;
            }
            Err(error) if is_one && !is_of_place(&error) => return Err(Failed::Open(error)),
            Err(error) => {
                is_settled = false;
                let failed = |place| (place, Err(Failed::Open(error.clone())));
                places.into_iter().map(failed).for_each(|(place, it)| served.add(place, it));
            }
        }
    }
    if is_settled {
        attach::settle(tracked, ctx);
    }
    Ok(served)
}

/// The places whose namespaces have the same keys: the object is opened once for each of these.
fn by_keys(due: Vec<Place>, keyring: &Keyring) -> Vec<Vec<Place>> {
    let mut groups: BTreeMap<_, Vec<Place>> = BTreeMap::new();
    for place in due {
        let narrowed: Vec<_> = keyring.narrowed_at(&place.namespace).into_iter().cloned().collect();
        groups.entry(narrowed).or_default().push(place);
    }
    groups.into_values().collect()
}

/// Whether it opens elsewhere, where a key for some namespaces serves.
fn is_of_place(error: &OpenError) -> bool {
    matches!(error, OpenError::NoMatchingKey { elsewhere: Some(_), .. })
}

/// Writes the live Secrets at places with the same keys; says whether all are as they will stay.
async fn write_all(
    tracked: &Tracked,
    sealed: &SealedSecret,
    mut opened: Opened,
    places: Vec<Place>,
    served: &mut Served,
    ctx: &Context,
) -> bool {
    let generation = sealed.metadata.generation.unwrap_or_default();
    leave_tracking_out(&mut opened);
    let opened = &opened;
    let mut writes = stream::iter(places)
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
    is_settled
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
    let may_skip = unchanged::is_settled(tracked) && !tracked.attaching.is_due();
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
