//! What a replica that does not lead sends to the API server: nothing that writes.
//!
//! The last thing that a request passes, after every wait of ours, so that one which waited while the lease went to another is
//! not sent. What is past it is bounded by the rest of the lease; and every write names the version that it was made for.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http::{Method, Request};
use tower::{BoxError, Layer, Service};

/// Until when this process may write; closed at first.
#[derive(Clone, Debug)]
pub(crate) struct Fence {
    began: Instant,
    /// Milliseconds after `began`.
    open_until: Arc<AtomicU64>,
}

impl Fence {
    pub(crate) fn closed() -> Self {
        Self { began: Instant::now(), open_until: Arc::default() }
    }

    /// Open until that time, and no longer.
    pub(crate) fn open_until(&self, time: Instant) {
        let millis = time.saturating_duration_since(self.began).as_millis();
        self.open_until.store(u64::try_from(millis).unwrap_or(u64::MAX), Ordering::Release);
    }

    pub(crate) fn close(&self) {
        self.open_until.store(0, Ordering::Release);
    }

    pub(crate) fn is_open(&self) -> bool {
        let until = Duration::from_millis(self.open_until.load(Ordering::Acquire));
        self.began.elapsed() < until
    }
}

/// Puts a [`Fence`] before a client.
#[derive(Clone, Debug)]
pub(super) struct FenceLayer(pub(super) Fence);

impl<S> Layer<S> for FenceLayer {
    type Service = Fenced<S>;

    fn layer(&self, inner: S) -> Fenced<S> {
        Fenced { inner, fence: self.0.clone() }
    }
}

/// A client behind a fence.
#[derive(Clone, Debug)]
pub(super) struct Fenced<S> {
    inner: S,
    fence: Fence,
}

/// Why a request was not sent.
#[derive(Debug, thiserror::Error)]
#[error("this replica does not hold the lease")]
struct NotLeading;

impl<S, B> Service<Request<B>> for Fenced<S>
where
    S: Service<Request<B>, Response: Send + 'static, Error = BoxError>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        if request.method() != Method::GET && !self.fence.is_open() {
            return Box::pin(std::future::ready(Err(NotLeading.into())));
        }
        Box::pin(self.inner.call(request))
    }
}

#[cfg(test)]
mod tests {
    use tower::{ServiceExt, service_fn};

    use super::*;

    async fn passes(fence: &Fence, method: Method) -> bool {
        let server = service_fn(|_: Request<()>| std::future::ready(Ok::<_, BoxError>(())));
        let request = Request::builder().method(method).body(()).unwrap();
        FenceLayer(fence.clone()).layer(server).oneshot(request).await.is_ok()
    }

    #[tokio::test]
    async fn nothing_that_writes_passes_before_or_after_the_time_that_was_given() {
        let fence = Fence::closed();
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            fence.close();
            assert!(!passes(&fence, method.clone()).await, "{method}");
            fence.open_until(Instant::now() + Duration::from_secs(3600));
            assert!(passes(&fence, method.clone()).await, "{method}");
            fence.open_until(Instant::now());
            assert!(!passes(&fence, method.clone()).await, "{method}");
        }
        assert!(passes(&fence, Method::GET).await);
    }
}
