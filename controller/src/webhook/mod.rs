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
use http_body_util::BodyExt;
use zeroize::Zeroizing;

use crate::mac;
use signature::Check;

/// Bytes of a body, of which none is kept. GitHub sends no more.
const MAX_BODY: u64 = 25 * 1024 * 1024;
/// The time for a body to arrive.
const BODY_WITHIN: Duration = Duration::from_secs(10);

/// What a delivery does: one that is right wakes its source. One that is not may mean that the token is another one now.
pub(crate) type Wakes = Arc<dyn Fn(Delivery) + Send + Sync>;

/// What was made of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    Right,
    Wrong,
}

/// The sources that have a webhook.
#[derive(Debug, Default)]
pub(crate) struct Hooks {
    hooks: Mutex<BTreeMap<String, Hook>>,
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

impl Hooks {
    fn hooks(&self) -> MutexGuard<'_, BTreeMap<String, Hook>> {
        self.hooks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// There is such a source now, to be woken so; it has no token yet.
    pub(crate) fn add(&self, name: &str, uid: &str, wake: Wakes) {
        let hook = Hook { uid: uid.to_owned(), token: Zeroizing::default(), wake };
        self.hooks().insert(name.to_owned(), hook);
    }

    /// What its deliveries are signed with from now on; nothing, and none is right. Says whether that is another one.
    pub(crate) fn set(&self, name: &str, uid: &str, token: Option<Zeroizing<Vec<u8>>>) -> bool {
        let mut hooks = self.hooks();
        let Some(hook) = hooks.get_mut(name).filter(|hook| hook.uid == uid) else { return false };
        let before = std::mem::replace(&mut hook.token, token.unwrap_or_default());
        !mac::is_same(&before, &hook.token)
    }

    /// The source is gone.
    pub(crate) fn remove(&self, name: &str, uid: &str) {
        let mut hooks = self.hooks();
        if hooks.get(name).is_some_and(|hook| hook.uid == uid) {
            hooks.remove(name);
        }
    }

    /// Begins to look at a delivery, and whom it is for.
    fn begin(&self, name: &str, headers: &HeaderMap) -> (Check, Option<Wakes>) {
        let hooks = self.hooks();
        let hook = hooks.get(name);
        let token = hook.map(|hook| hook.token.as_slice()).unwrap_or_default();
        let header = |name: &str| headers.get(name).map(|value| value.as_bytes());
        // Without a token nothing is right, whatever is signed with none.
        let check =
            if token.is_empty() { Check::Known(false) } else { Check::begin(token, header) };
        (check, hook.map(|hook| hook.wake.clone()))
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
    if length.is_some_and(|length| length > MAX_BODY) {
        return StatusCode::PAYLOAD_TOO_LARGE;
    }
    let (check, wakes) = hooks.begin(&name, &headers);
    let checked = tokio::time::timeout(BODY_WITHIN, checked(check, body)).await;
    let is_right = match checked.unwrap_or(Err(StatusCode::REQUEST_TIMEOUT)) {
        Ok(is_right) => is_right,
        Err(code) => return code,
    };
    let delivery = if is_right { Delivery::Right } else { Delivery::Wrong };
    if let Some(wake) = wakes {
        wake(delivery);
    }
    if is_right { StatusCode::ACCEPTED } else { StatusCode::UNAUTHORIZED }
}

/// Whether the delivery with this body is right.
async fn checked(mut check: Check, mut body: Body) -> Result<bool, StatusCode> {
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| StatusCode::BAD_REQUEST)?;
        let Some(part) = frame.data_ref() else { continue };
        length += part.len() as u64;
        if length > MAX_BODY {
            return Err(StatusCode::PAYLOAD_TOO_LARGE);
        }
        check.take(part);
    }
    Ok(check.was_right())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &[u8] = b"It's a Secret to Everybody";

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name.parse().unwrap(), value.parse().unwrap())])
    }

    fn wakes(hooks: &Hooks, name: &str, headers: &HeaderMap) -> bool {
        let (check, wakes) = hooks.begin(name, headers);
        check.was_right() && wakes.is_some()
    }

    #[test]
    fn a_source_without_a_token_is_woken_by_nobody() {
        let hooks = Hooks::default();
        hooks.add("app", "1", Arc::new(|_| {}));
        assert!(!wakes(&hooks, "app", &headers("x-gitlab-token", "")));
        // HMAC-SHA-256 of nothing under no key at all.
        let empty = "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad";
        assert!(!wakes(&hooks, "app", &headers("x-gitea-signature", empty)));
        assert!(!wakes(&hooks, "other", &headers("x-gitea-signature", empty)));
        hooks.set("app", "2", Some(Zeroizing::new(TOKEN.to_vec())));
        let right = headers("x-gitlab-token", "It's a Secret to Everybody");
        assert!(!wakes(&hooks, "app", &right));
        hooks.set("app", "1", Some(Zeroizing::new(TOKEN.to_vec())));
        assert!(wakes(&hooks, "app", &right));
        assert!(!wakes(&hooks, "other", &right));
    }
}
