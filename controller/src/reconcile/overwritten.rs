//! A status that somebody else keeps writing: left for a while, and told.

use std::time::{Duration, Instant};

use super::Context;
use crate::memory::Tracked;

/// How long the status is left as somebody else writes it; the log says so once.
pub(super) fn waits(tracked: &Tracked, ctx: &Context) -> Option<Duration> {
    if !tracked.is_overwritten() {
        return None;
    }
    let mut wait = None;
    ctx.memory.update(&tracked.id, |it| wait = it.waits_to_overwrite(Instant::now()));
    let wait = wait?;
    if !wait.is_known {
        tracing::warn!(
            object = %tracked.id,
            "somebody else keeps writing the status; ours is written ever later: does another controller serve this namespace?"
        );
    }
    Some(wait.time)
}
