//! One worker: takes an object, brings it to its end, takes the next.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt;

use crate::reconcile::{Context, Next, reconcile};
use crate::work::queue::Queue;

/// How long an object waits whose reconcile panicked.
const AFTER_A_PANIC: Duration = Duration::from_secs(300);

/// No reconcile takes longer: each of its requests is bounded, and this bounds their number.
const AT_MOST: Duration = Duration::from_secs(180);

/// Runs until the queue is closed.
pub(super) async fn work(ctx: Arc<Context>, queue: Arc<Queue>) {
    while let Some(object) = queue.next().await {
        let began = Instant::now();
        let reconciled = AssertUnwindSafe(reconcile(&object, &ctx)).catch_unwind();
        let ended = tokio::time::timeout(AT_MOST, reconciled).await;
        ctx.metrics.took(began.elapsed().as_secs_f64());
        match ended {
            Ok(Ok(Next::Silence)) => {
                if queue.nothing_answers() {
                    tracing::warn!("nothing can be written; work waits until it can");
                }
                queue.add(object.clone());
            }
            Ok(Ok(next)) => {
                if queue.answered() {
                    tracing::info!("the API server answers again");
                }
                if let Next::After(delay) = next {
                    queue.add_after(object.clone(), delay);
                }
            }
            Err(_) => {
                tracing::error!(%object, "a reconcile took too long and was cut off; it is tried again");
                queue.add_after(object.clone(), AFTER_A_PANIC);
            }
            Ok(Err(_)) => {
                tracing::error!(%object, "a reconcile panicked; that is a bug; the others go on");
                queue.add_after(object.clone(), AFTER_A_PANIC);
            }
        }
        queue.done(&object);
    }
}
