//! When an object is looked at again: what is undone again and what fails are spaced, so that neither two
//! controllers that disagree nor an API server in trouble are worn out.

use std::time::Duration;

use seal_core::place::Place;
use tokio::time::Instant;

use crate::memory::Tracked;
use crate::reconcile::Context;

/// Repairs that are undone again are spaced 1 s, doubling to 5 min: two controllers that disagree must not
/// wear out the API server.
pub(crate) fn repair_delay(place: &Place, tracked: &Tracked, ctx: &Context) -> Option<Duration> {
    let now = Instant::now();
    let (repairs, not_before) = tracked.repairs;
    match not_before {
        Some(at) if now < at => return Some(at - now),
        // Left alone for as long again as the spacing was: the next one is a first one.
        Some(at) if now < at + spacing(repairs) => {}
        _ => {
            let next = (1, Some(now + spacing(1)));
            ctx.index.update(place, &tracked.uid, |it| it.repairs = next);
            return None;
        }
    }
    let repairs = repairs + 1;
    let next = (repairs, Some(now + spacing(repairs)));
    ctx.index.update(place, &tracked.uid, |it| it.repairs = next);
    None
}

fn spacing(repairs: u32) -> Duration {
    Duration::from_secs((1_u64 << repairs.saturating_sub(1).min(10)).min(300))
}

/// 1 s doubling to 5 min, with up to a quarter more, so that what failed together does not return together.
pub(crate) fn backoff(place: &Place, tracked: &Tracked, ctx: &Context) -> Duration {
    let failures = tracked.failures + 1;
    ctx.index.update(place, &tracked.uid, |it| it.failures = failures);
    let seconds = (1_u64 << failures.min(9).saturating_sub(1)).min(300);
    let jitter = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), failures) % 250;
    Duration::from_millis(seconds * (1000 + jitter))
}
