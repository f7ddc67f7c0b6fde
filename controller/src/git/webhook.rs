//! Deliveries of forges: they wake a source, and do nothing else. Nothing of a body is parsed, logged or kept.
//!
//! `POST /hook/NAME`, signed as GitHub, Gitea and Forgejo do (HMAC-SHA-256 over the raw body) or with the token that GitLab
//! sends along. A delivery that is not right gets the same answer whether there is such a source or not.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use http_body_util::{BodyExt, Limited};
use seal_core::kind::git_source::GitSource;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use super::Wake;
use crate::mac;

/// Bytes of a body.
const MAX_BODY: usize = 256 * 1024;
/// The time for a body to arrive.
const BODY_WITHIN: Duration = Duration::from_secs(10);
/// Bodies in memory at the same time.
const BODIES: usize = 8;

/// The sources that have a webhook.
#[derive(Debug)]
pub(super) struct Hooks {
    hooks: Mutex<BTreeMap<String, Hook>>,
    bodies: Semaphore,
}

struct Hook {
    uid: String,
    token: Zeroizing<Vec<u8>>,
    wake: Arc<Wake>,
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
    pub(super) fn add(&self, name: &str, uid: &str, wake: Arc<Wake>) {
        let hook = Hook { uid: uid.to_owned(), token: Zeroizing::default(), wake };
        self.hooks().insert(name.to_owned(), hook);
    }

    /// What its deliveries are signed with from now on; nothing, and none is right.
    pub(super) fn set(&self, name: &str, uid: &str, token: Option<Zeroizing<Vec<u8>>>) {
        if let Some(hook) = self.hooks().get_mut(name).filter(|hook| hook.uid == uid) {
            hook.token = token.unwrap_or_default();
        }
    }

    /// The source is gone.
    pub(super) fn remove(&self, name: &str, uid: &str) {
        let mut hooks = self.hooks();
        if hooks.get(name).is_some_and(|hook| hook.uid == uid) {
            hooks.remove(name);
        }
    }

    /// Whom a delivery wakes, if it is right.
    fn woken(&self, name: &str, headers: &HeaderMap, body: &[u8]) -> Option<Arc<Wake>> {
        let hooks = self.hooks();
        let hook = hooks.get(name).filter(|hook| !hook.token.is_empty())?;
        is_right(&hook.token, headers, body).then(|| hook.wake.clone())
    }
}

/// Where a forge delivers to.
pub(super) fn path_of(source: &GitSource) -> String {
    format!("/hook/{}", source.metadata.name.as_deref().unwrap_or_default())
}

/// Whether a delivery is signed with the token. The first header that is there decides.
pub(super) fn is_right(token: &[u8], headers: &HeaderMap, body: &[u8]) -> bool {
    let header = |name: &str| headers.get(name).map(|value| value.as_bytes());
    if let Some(signature) = header("x-hub-signature-256") {
        return signature.strip_prefix(b"sha256=").is_some_and(|hex| is_signed(token, hex, body));
    }
    if let Some(signature) = header("x-gitea-signature").or_else(|| header("x-forgejo-signature")) {
        return is_signed(token, signature, body);
    }
    // By their digests, so that not even the length of the token shows in the time.
    header("x-gitlab-token")
        .is_some_and(|sent| mac::is_same(&mac::sha256(sent), &mac::sha256(token)))
}

fn is_signed(token: &[u8], hex: &[u8], body: &[u8]) -> bool {
    let digit = |c: u8| char::from(c).to_digit(16).and_then(|it| u8::try_from(it).ok());
    if hex.len() != 64 {
        return false;
    }
    let tag: Option<Vec<u8>> =
        hex.chunks(2).map(|pair| Some(digit(pair[0])? * 16 + digit(pair[1])?)).collect();
    tag.is_some_and(|tag| mac::is_sha256(token, body, &tag))
}

/// The route.
pub(super) fn router(hooks: Arc<Hooks>) -> Router {
    Router::new().route("/hook/{name}", post(deliver)).with_state(hooks)
}

async fn deliver(
    State(hooks): State<Arc<Hooks>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> StatusCode {
    let Ok(_one_of) = hooks.bodies.try_acquire() else {
        return StatusCode::SERVICE_UNAVAILABLE; // forges deliver again, and the poller comes anyway
    };
    let body = tokio::time::timeout(BODY_WITHIN, Limited::new(body, MAX_BODY).collect()).await;
    let Ok(body) = body else { return StatusCode::REQUEST_TIMEOUT };
    let Ok(body) = body else { return StatusCode::PAYLOAD_TOO_LARGE };
    match hooks.woken(&name, &headers, &body.to_bytes()) {
        Some(wake) => {
            wake.to_fetch();
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
    fn a_delivery_is_right_as_each_forge_signs_it() {
        // The example of GitHub's page "Validating webhook deliveries".
        let signature = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let body = b"Hello, World!";
        let hub = format!("sha256={signature}");
        assert!(is_right(TOKEN, &headers("x-hub-signature-256", &hub), body));
        assert!(is_right(TOKEN, &headers("x-gitea-signature", signature), body));
        assert!(is_right(TOKEN, &headers("x-gitlab-token", "It's a Secret to Everybody"), body));
        for (name, value, body) in [
            ("x-hub-signature-256", hub.as_str(), &b"Hello, World"[..]),
            ("x-hub-signature-256", signature, body),
            ("x-hub-signature-256", "sha256=", body),
            ("x-hub-signature", "sha1=01dc10d0c83e72ed246219cdd91669667fe2ca59", body),
            ("x-gitea-signature", "", body),
            ("x-gitea-signature", &signature[2..], body),
            ("x-gitlab-token", "It's a Secret to Everybod", body),
            ("x-gitlab-token", "", body),
            ("authorization", "It's a Secret to Everybody", body),
        ] {
            assert!(!is_right(TOKEN, &headers(name, value), body), "{name}: {value}");
        }
    }

    #[test]
    fn a_source_without_a_token_is_woken_by_nobody() {
        let hooks = Hooks::default();
        hooks.add("app", "1", Arc::default());
        assert!(hooks.woken("app", &headers("x-gitlab-token", ""), b"").is_none());
        hooks.set("app", "2", Some(Zeroizing::new(TOKEN.to_vec())));
        let right = headers("x-gitlab-token", "It's a Secret to Everybody");
        assert!(hooks.woken("app", &right, b"").is_none());
        hooks.set("app", "1", Some(Zeroizing::new(TOKEN.to_vec())));
        assert!(hooks.woken("app", &right, b"").is_some());
        assert!(hooks.woken("other", &right, b"").is_none());
    }
}
