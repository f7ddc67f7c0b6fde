//! Whether a sealed object and its live Secrets are as they were left: then no key is used and nothing is read or
//! written.

use seal_core::place::Place;

use super::Context;
use crate::memory::{There, Tracked};
use crate::object_id::Kind;
use crate::plan::RULES;

pub(super) fn is_unchanged(tracked: &Tracked, ctx: &Context) -> bool {
    tracked.allowed && tracked.is_observed() && tracked.is_ready() && {
        is_settled(tracked)
            && match tracked.id.at.kind {
                Kind::SealedSecret => {
                    is_still(tracked, tracked.generation, &tracked.id.at.target(), ctx)
                }
                Kind::ClusterSealedSecret => is_everywhere_still(tracked, ctx),
            }
    }
}

/// Whether what was written by the present rules can be left as it is; nobody asks for another look.
pub(super) fn is_settled(tracked: &Tracked) -> bool {
    let status = &tracked.status;
    !tracked.lacks_finalizer()
        && tracked.keeps == (status.kept == Some(true))
        && status.plan == Some(RULES)
        && is_answered(tracked)
}

/// Whether the live Secret at `place` is the one that was written for this generation, with keys that still open there.
pub(super) fn is_still(tracked: &Tracked, generation: i64, place: &Place, ctx: &Context) -> bool {
    let keys = ctx.keys.now();
    let opens = |key: &String| keys.keyring.opens_at(key, &place.namespace);
    let written =
        tracked.written_at(place).filter(|_| tracked.applied_at(place) == Some(generation));
    tracked.status.opened_with.iter().all(opens)
        && written.is_some_and(|written| ctx.memory.is_still(place, written))
}

/// The same at every place of a ClusterSealedSecret, with nothing left where it is not wanted.
fn is_everywhere_still(tracked: &Tracked, ctx: &Context) -> bool {
    let places = ctx.memory.places(&tracked.id, &tracked.wants);
    let is_still = |(place, there): &(Place, There)| {
        *there == There::Yes && is_still(tracked, tracked.generation, place, ctx)
    };
    // Only a status that counts them tells when there are fewer than there were.
    places.is_some_and(|places| {
        let all = places.len();
        tracked.status.served == Some(format!("{all}/{all}")) && places.iter().all(is_still)
    }) && ctx.memory.strays(&tracked.id, &tracked.wants).is_empty()
}

/// Whether no request for a reconcile waits for its echo.
fn is_answered(tracked: &Tracked) -> bool {
    let echo = &tracked.status.last_handled_reconcile_at;
    tracked.reconcile_at.is_none() || tracked.reconcile_at == *echo
}
