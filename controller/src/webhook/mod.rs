//! Deliveries of forges: they wake a source, and do nothing else. Nothing of a body is parsed, logged or kept.
//!
//! `POST /hook/NAME`, signed as GitHub, Gitea and Forgejo do (HMAC-SHA-256 over the raw body) or with the token that GitLab
//! sends along. A delivery that is not right gets the same answer whether there is such a source or not.

mod signature;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use http_body_util::{BodyExt, Limited};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use signature::is_right;

/// Bytes of a body.
const MAX_BODY: usize = 256 * 1024;
/// The time for a body to arrive.
const BODY_WITHIN: Duration = Duration::from_secs(10);
/// Bodies in memory at the same time.
const BODIES: usize = 8;

/// What a delivery does.
pub(crate) type Wakes = Arc<dyn Fn() + Send + Sync>;

/// The sources that have a webhook.
#[derive(Debug)]
pub(crate) struct Hooks {
    hooks: Mutex<BTreeMap<String, Hook>>,
    bodies: Semaphore,
}

struct Hook {
    uid: String,
    token: Zeroizing<Vec<u8>>,
    wake: Wakes,
}

impl std::fmt::Debug for Hook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

impl Default for Hooks {
    fn default() -> Self {
        Self { hooks: Mutex::default(), bodies: Semaphore::new(BODIES) }
    }
}

impl Hooks {
    fn hooks(&self) -> MutexGuard<'_, BTreeMap<String, Hook>> {
        self.hooks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// There is such a source now, to be woken so; it has no token yet.
    pub(crate) fn add(&self, name: &str, uid: &str, wake: Wakes) {
        let hook = Hook { uid: uid.to_owned(), token: Zeroizing::default(), wake };
        self.hooks().insert(name.to_owned(), hook);
    }

    /// What its deliveries are signed with from now on; nothing, and none is right.
    pub(crate) fn set(&self, name: &str, uid: &str, token: Option<Zeroizing<Vec<u8>>>) {
        if let Some(hook) = self.hooks().get_mut(name).filter(|hook| hook.uid == uid) {
            hook.token = token.unwrap_or_default();
        }
    }

    /// The source is gone.
    pub(crate) fn remove(&self, name: &str, uid: &str) {
        let mut hooks = self.hooks();
        if hooks.get(name).is_some_and(|hook| hook.uid == uid) {
            hooks.remove(name);
        }
    }

    /// Whom a delivery wakes, if it is right.
    fn woken(&self, name: &str, headers: &HeaderMap, body: &[u8]) -> Option<Wakes> {
        let hooks = self.hooks();
        let hook = hooks.get(name).filter(|hook| !hook.token.is_empty())?;
        let header = |name: &str| headers.get(name).map(|value| value.as_bytes());
        is_right(&hook.token, header, body).then(|| hook.wake.clone())
    }
}

/// The route.
pub(crate) fn router(hooks: Arc<Hooks>) -> Router {
    Router::new().route("/hook/{name}", post(deliver)).with_state(hooks)
}

async fn deliver(
    State(hooks): State<Arc<Hooks>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> StatusCode {
    let length = headers.get("content-length").and_then(|it| it.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > MAX_BODY as u64) {
        return StatusCode::PAYLOAD_TOO_LARGE;
    }
    let Ok(_one_of) = hooks.bodies.try_acquire() else {
        return StatusCode::SERVICE_UNAVAILABLE; // forges deliver again, and the poller comes anyway
    };
    let body = tokio::time::timeout(BODY_WITHIN, Limited::new(body, MAX_BODY).collect()).await;
    let Ok(body) = body else { return StatusCode::REQUEST_TIMEOUT };
    let Ok(body) = body else { return StatusCode::PAYLOAD_TOO_LARGE };
    match hooks.woken(&name, &headers, &body.to_bytes()) {
        Some(wake) => {
            wake();
            StatusCode::ACCEPTED
        }
        None => StatusCode::UNAUTHORIZED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &[u8] = b"It's a Secret to Everybody";

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name.parse().unwrap(), value.parse().unwrap())])
    }

    #[test]
    fn a_source_without_a_token_is_woken_by_nobody() {
        let hooks = Hooks::default();
        hooks.add("app", "1", Arc::new(|| {}));
        assert!(hooks.woken("app", &headers("x-gitlab-token", ""), b"").is_none());
        hooks.set("app", "2", Some(Zeroizing::new(TOKEN.to_vec())));
        let right = headers("x-gitlab-token", "It's a Secret to Everybody");
        assert!(hooks.woken("app", &right, b"").is_none());
        hooks.set("app", "1", Some(Zeroizing::new(TOKEN.to_vec())));
        assert!(hooks.woken("app", &right, b"").is_some());
        assert!(hooks.woken("other", &right, b"").is_none());
    }
}
