//! What is asked again at once, a few times, before a reconcile or a list fails over it: an API server that is busy, and
//! a read that met a server in trouble. A list of many pages would else begin again at its first for each of them.

use std::time::Duration;

use http::{Method, Request, Response, StatusCode};
use kube::client::Body;
use tokio::time::Sleep;
use tower::BoxError;
use tower::retry::Policy;

/// How often one request is asked again.
const TRIES: u32 = 5;
/// Before the first; it doubles.
const FIRST: Duration = Duration::from_millis(100);

/// The tries of one request.
#[derive(Clone, Debug, Default)]
pub(super) struct Retry {
    tried: u32,
}

impl Retry {
    /// Whether an answer means that the request was not carried out, or that carrying it out twice does no harm.
    fn is_worth_it(method: &Method, status: StatusCode) -> bool {
        match status.as_u16() {
            429 => true,
            500 | 502 | 503 | 504 => method == Method::GET,
            _ => false,
        }
    }
}

impl<B> Policy<Request<Body>, Response<B>, BoxError> for Retry {
    type Future = Sleep;

    fn retry(
        &mut self,
        request: &mut Request<Body>,
        result: &mut Result<Response<B>, BoxError>,
    ) -> Option<Sleep> {
        let status = result.as_ref().ok()?.status();
        if self.tried >= TRIES || !Self::is_worth_it(request.method(), status) {
            return None;
        }
        let delay = FIRST * 2_u32.pow(self.tried);
        self.tried += 1;
        Some(tokio::time::sleep(delay))
    }

    fn clone_request(&mut self, request: &Request<Body>) -> Option<Request<Body>> {
        let mut clone = Request::new(request.body().try_clone()?);
        *clone.method_mut() = request.method().clone();
        *clone.uri_mut() = request.uri().clone();
        *clone.version_mut() = request.version();
        *clone.headers_mut() = request.headers().clone();
        *clone.extensions_mut() = request.extensions().clone();
        Some(clone)
    }
}
