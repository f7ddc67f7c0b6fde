//! What Git sources do, counted for Prometheus. No label names a source, a repository or an object: a label is a reason.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use seal_core::reason::Reason;

use super::tally::Tally;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabels {
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabels {
    result: &'static str,
}

/// What is counted; the registry has the help beside each name.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts {
    looks: Family<ReasonLabels, Counter>,
    objects: Family<ResultLabels, Counter>,
    sources: Gauge<i64, AtomicI64>,
    registry: Arc<Registry>,
}

impl Counts {
    /// Registers everything under `seal_git_`.
    pub(super) fn new() -> Self {
        let mut registry = Registry::default();
        let mut counts = Self::default();
        let of_git = registry.sub_registry_with_prefix("seal_git");
        of_git.register(
            "looks",
            "Looks at a source, by the reason they ended with",
            counts.looks.clone(),
        );
        of_git.register(
            "objects",
            "Sealed objects, by what became of them",
            counts.objects.clone(),
        );
        of_git.register("sources", "GitSources that are served", counts.sources.clone());
        counts.registry = Arc::new(registry);
        counts
    }

    /// One look ended.
    pub(super) fn looked(&self, reason: Reason, tally: Option<&Tally>) {
        self.looks.get_or_create(&ReasonLabels { reason: reason.as_str() }).inc();
        let Some(tally) = tally else { return };
        for (result, number) in
            [("applied", tally.applied), ("refused", tally.refused.len()), ("pruned", tally.pruned)]
        {
            self.objects.get_or_create(&ResultLabels { result }).inc_by(number as u64);
        }
    }

    /// So many sources are served.
    pub(super) fn serves(&self, sources: usize) {
        self.sources.set(i64::try_from(sources).unwrap_or(i64::MAX));
    }

    /// As OpenMetrics.
    pub(super) fn text(&self) -> Response {
        let mut text = String::new();
        if prometheus_client::encoding::text::encode(&mut text, &self.registry).is_err() {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
        let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        ([(header::CONTENT_TYPE, kind)], text).into_response()
    }
}
