//! Whether a sealed object and its live Secret are as they were left: then no key is used and nothing is read or
//! written.

use super::Context;
use crate::memory::Tracked;
use crate::plan::RULES;

pub(super) fn is_unchanged(tracked: &Tracked, ctx: &Context) -> bool {
    let status = &tracked.status;
    let Some(written) = tracked.written() else { return false };
    let keys = ctx.keys.now();
    tracked.allowed
        && tracked.is_observed()
        && tracked.is_ready()
        && tracked.applied == Some(tracked.generation)
        && ctx.memory.is_still(&tracked.id.at.target(), written)
        && status.plan == Some(RULES)
        && is_answered(tracked)
        && status.opened_with.iter().all(|fingerprint| keys.keyring.holds(fingerprint))
}

/// Whether no request for a reconcile waits for its echo.
fn is_answered(tracked: &Tracked) -> bool {
    let echo = &tracked.status.last_handled_reconcile_at;
    tracked.reconcile_at.is_none() || tracked.reconcile_at == *echo
}
