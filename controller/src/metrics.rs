//! Counters for Prometheus. No label names an object or a namespace: that would publish the inventory of the
//! cluster. A label is a reason, or the fingerprint of a key, of which there are a few and which are public.
//!
//! A status is written by whoever may write statuses, so a reason or a fingerprint found in one can be any word
//! that they chose.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, AtomicU64};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use seal_core::reason::Reason;

use crate::keyring::Keys;
use crate::memory::Memory;
use crate::work::queue::Load;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabels {
    result: &'static str,
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabels {
    state: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KeyLabels {
    key: String,
}

/// What is counted; the registry has the help beside each name.
#[derive(Clone, Default)]
pub(crate) struct Metrics {
    reconciles: Family<ResultLabels, Counter>,
    duration: Option<Histogram>,
    opens: Counter,
    leading: Gauge<i64, AtomicI64>,
    queue_depth: Gauge<i64, AtomicI64>,
    workers_busy: Gauge<i64, AtomicI64>,
    sealed_objects: Family<StateLabels, Gauge>,
    objects_by_key: Family<KeyLabels, Gauge>,
    key_created: Family<KeyLabels, Gauge<f64, AtomicU64>>,
}

impl Metrics {
    /// Registers everything under `seal_controller_`.
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let registry = registry.sub_registry_with_prefix("seal_controller");
        let duration = Histogram::new([0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0]);
        let metrics = Self { duration: Some(duration.clone()), ..Self::default() };
        registry.register(
            "reconciles",
            "Sealed objects brought to their end, by how they ended",
            metrics.reconciles.clone(),
        );
        registry.register("reconcile_duration_seconds", "Time one reconcile took", duration);
        registry.register(
            "opens",
            "Sealed objects on which a private key was tried",
            metrics.opens.clone(),
        );
        metrics.register_load(registry);
        registry.register(
            "sealed_objects",
            "Sealed objects by the reason of their Ready condition",
            metrics.sealed_objects.clone(),
        );
        registry.register(
            "sealed_objects_by_key",
            "Sealed objects whose live Secret was opened with this key",
            metrics.objects_by_key.clone(),
        );
        registry.register(
            "key_created_timestamp_seconds",
            "When the key was made",
            metrics.key_created.clone(),
        );
        metrics
    }

    /// One reconcile ended.
    pub(crate) fn reconciled(&self, reason: Reason) {
        let result = match reason {
            Reason::Applied => "applied",
            Reason::Retrying => "retrying",
            _ => "refused",
        };
        self.reconciles.get_or_create(&ResultLabels { result, reason: reason.as_str() }).inc();
    }

    /// One reconcile took this long.
    pub(crate) fn took(&self, seconds: f64) {
        if let Some(duration) = &self.duration {
            duration.observe(seconds);
        }
    }

    /// A private key is about to be tried.
    pub(crate) fn opens(&self) {
        self.opens.inc();
    }

    fn register_load(&self, registry: &mut Registry) {
        registry.register(
            "leading",
            "1 while this replica leads, and 0 while it waits",
            self.leading.clone(),
        );
        registry.register(
            "queue_depth",
            "Sealed objects that wait for a worker",
            self.queue_depth.clone(),
        );
        registry.register(
            "workers_busy",
            "Workers that have a sealed object",
            self.workers_busy.clone(),
        );
    }

    /// Sets the gauges that are computed when somebody asks.
    pub(crate) fn observe(&self, keys: &Keys, memory: &Memory, load: Load, leads: bool) {
        self.leading.set(i64::from(leads));
        self.queue_depth.set(i64::try_from(load.waiting).unwrap_or(i64::MAX));
        self.workers_busy.set(i64::try_from(load.at_work).unwrap_or(i64::MAX));
        self.sealed_objects.clear();
        self.objects_by_key.clear();
        self.key_created.clear();
        for (fingerprint, created) in &keys.created {
            let key = KeyLabels { key: fingerprint.to_string() };
            self.objects_by_key.get_or_create(&key).set(0);
            #[expect(clippy::cast_precision_loss, reason = "a Unix time fits 53 bits")]
            self.key_created.get_or_create(&key).set(*created as f64);
        }
        memory.for_each(|tracked| {
            let state = tracked.reason().unwrap_or("New").to_owned();
            self.sealed_objects.get_or_create(&StateLabels { state }).inc();
            let used: BTreeSet<&String> = tracked.status.opened_with.iter().collect();
            for key in used {
                self.objects_by_key.get_or_create(&KeyLabels { key: key.clone() }).inc();
            }
        });
    }
}
