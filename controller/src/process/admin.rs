//! The read-only endpoints: `/livez`, `/readyz`, `/metrics`, `/v1/recipients`, `/v1/recipients/KEY`. Nothing here opens, verifies or
//! rotates anything, and no request has a body that is read.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus_client::registry::Registry;

use super::leader::Replica;
use crate::keyring::{Published, PublishedFor};
use crate::reconcile::Context;
use crate::work::queue::Queue;

/// What the endpoints look at.
pub(crate) struct Admin {
    /// The controller.
    pub ctx: Arc<Context>,
    /// Whether it leads.
    pub replica: Replica,
    /// Its work.
    pub queue: Arc<Queue>,
    /// What `/metrics` encodes.
    pub registry: Registry,
    /// Set once the keys are listed: whether a replica leads is not asked.
    pub ready: Arc<AtomicBool>,
}

/// The routes.
pub(crate) fn router(admin: Admin) -> Router {
    Router::new()
        .route("/livez", get(|| async { "ok" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .route("/v1/recipients", get(recipients))
        .route("/v1/recipients/{key}", get(recipient_of))
        .with_state(Arc::new(admin))
}

async fn ready(State(admin): State<Arc<Admin>>) -> (StatusCode, &'static str) {
    if admin.ready.load(Ordering::Acquire) {
        (StatusCode::OK, "ok")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "the keys are not listed yet")
    }
}

async fn metrics(State(admin): State<Arc<Admin>>) -> Response {
    let Context { metrics, keys, memory, .. } = &*admin.ctx;
    metrics.observe(&keys.now(), memory, admin.queue.load(), admin.replica.leads());
    let mut text = String::new();
    if prometheus_client::encoding::text::encode(&mut text, &admin.registry).is_err() {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}

/// The published recipient, one line; age's `-R` takes it as it is.
async fn recipients(State(admin): State<Arc<Admin>>) -> Response {
    match &admin.ctx.keys.now().published {
        Some(published) => text_of(published, ""),
        None => (StatusCode::SERVICE_UNAVAILABLE, "there is no active key\n").into_response(),
    }
}

/// The same of a key for some namespaces.
async fn recipient_of(State(admin): State<Arc<Admin>>, Path(name): Path<String>) -> Response {
    match admin.ctx.keys.now().published_for.get(&name) {
        Some(PublishedFor { key, namespaces }) => {
            let namespaces: Vec<&str> = namespaces.iter().map(String::as_str).collect();
            text_of(key, &format!(", opens in {}", namespaces.join(",")))
        }
        None => (StatusCode::NOT_FOUND, "there is no active key of that name\n").into_response(),
    }
}

fn text_of(published: &Published, opens_in: &str) -> Response {
    let Published { fingerprint, recipient } = published;
    let text = format!("# {fingerprint}{opens_in}\n{recipient}\n");
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}
