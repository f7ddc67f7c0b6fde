//! One worker: takes an object, brings it to its end, takes the next.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt;

use crate::reconcile::{Context, Next, reconcile};
use crate::work::queue::Queue;

/// How long an object waits whose reconcile panicked.
const AFTER_A_PANIC: Duration = Duration::from_secs(300);

/// Runs until the queue is closed.
pub(super) async fn work(ctx: Arc<Context>, queue: Arc<Queue>) {
    while let Some(object) = queue.next().await {
        let began = Instant::now();
        let ended = AssertUnwindSafe(reconcile(&object, &ctx)).catch_unwind().await;
        ctx.metrics.took(began.elapsed().as_secs_f64());
        match ended {
            Ok(Next::Change) => {}
            Ok(Next::After(delay)) => queue.add_after(object.clone(), delay),
            Err(_) => {
                tracing::error!(%object, "a reconcile panicked; that is a bug; the others go on");
                queue.add_after(object.clone(), AFTER_A_PANIC);
            }
        }
        queue.done(&object);
    }
}
