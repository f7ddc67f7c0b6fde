//! One sealed object as it is remembered: metadata and status, its ciphertext left out.

use std::collections::BTreeMap;

use k8s_openapi::jiff::Timestamp;
use kube::Resource;
use seal_core::kind::sealed::{SealedSecret, SealedSecretStatus};
use seal_core::open::allowed::{Grants, would_be_allowed};
use seal_core::place::Place;
use tokio::time::Instant;

/// Asks for a reconcile; Flux writes its own.
const RECONCILE_AT: [&str; 2] = ["seal.dev/reconcile-at", "reconcile.fluxcd.io/requestedAt"];
/// Longer than any time. A request is remembered and echoed, and an annotation may have 256 KiB.
const MAX_REQUEST_BYTES: usize = 128;

/// A sealed object, its ciphertext left out.
#[derive(Clone, Debug)]
pub(crate) struct Tracked {
    /// `metadata.uid`.
    pub uid: String,
    /// `metadata.generation`.
    pub generation: i64,
    /// The annotation that asks for a reconcile.
    pub reconcile_at: Option<String>,
    /// `spec.suspend`, or on its way out.
    pub resting: bool,
    /// Whether the checks that need no key let it pass.
    pub allowed: bool,
    /// The status as last read or written.
    pub status: SealedSecretStatus,
    /// Generation and request that were last brought to their end by this process.
    pub(super) processed: Option<(i64, Option<String>)>,
    /// Failures in a row that are worth another try.
    pub failures: u32,
    /// Repairs that came one after the other, and when the next may be.
    pub repairs: (u32, Option<Instant>),
}

impl Tracked {
    /// What is asked for: a generation, and a request for a reconcile.
    pub(super) fn asks(&self) -> (i64, &Option<String>) {
        (self.generation, &self.reconcile_at)
    }

    /// Whether this process has not yet brought the present generation or request to its end.
    pub(crate) fn needs_work(&self) -> bool {
        !self.resting && self.processed != Some((self.generation, self.reconcile_at.clone()))
    }

    /// This generation and request are done with, for better or worse.
    pub(crate) fn processed(&mut self, generation: i64) {
        self.processed = Some((generation, self.reconcile_at.clone()));
    }

    /// Whether the status says Ready=True.
    pub(crate) fn is_ready(&self) -> bool {
        self.status.conditions.iter().any(|it| it.type_ == "Ready" && it.status == "True")
    }
}

pub(super) fn track(sealed: &SealedSecret, place: &Place, grants: &Grants) -> Tracked {
    let meta = sealed.meta();
    let annotations = meta.annotations.as_ref();
    let requests =
        RECONCILE_AT.iter().filter_map(|name| annotations.and_then(|map| map.get(*name)));
    // Both are times, and both may be there: the later one is what is asked for now.
    let reconcile_at = requests
        .filter(|text| text.len() <= MAX_REQUEST_BYTES)
        .max_by_key(|text| (text.parse::<Timestamp>().ok(), *text));
    Tracked {
        uid: meta.uid.clone().unwrap_or_default(),
        generation: meta.generation.unwrap_or_default(),
        reconcile_at: reconcile_at.cloned(),
        resting: is_resting(sealed),
        allowed: would_be_allowed(sealed, place, grants),
        status: sealed.status.clone().unwrap_or_default(),
        processed: None,
        failures: 0,
        repairs: (0, None),
    }
}

/// `spec.suspend`, or on its way out.
pub(crate) fn is_resting(sealed: &SealedSecret) -> bool {
    sealed.spec.suspend == Some(true) || sealed.metadata.deletion_timestamp.is_some()
}

/// About the bytes that an object takes: all that whoever makes it can make large.
pub(super) fn weight(sealed: &SealedSecret) -> usize {
    let map = |map: &BTreeMap<String, String>| -> usize {
        map.iter().map(|(key, value)| 64 + key.len() + value.len()).sum()
    };
    let list = |list: &[String]| -> usize { list.iter().map(|text| 32 + text.len()).sum() };
    let header = |header: &Option<String>| header.as_ref().map_or(0, String::len);
    let blocks = sealed.spec.values.iter().map(|(key, block)| {
        160 + key.len() + header(&block.header) + list(&block.sealed_to) + block.payload.len()
    });
    let template =
        sealed.spec.template.iter().map(|it| {
            map(&it.string_data) + map(&it.metadata.labels) + map(&it.metadata.annotations)
        });
    let metadata = [&sealed.metadata.labels, &sealed.metadata.annotations];
    let metadata = metadata.into_iter().flatten().map(map);
    1024 + blocks.chain(template).chain(metadata).sum::<usize>()
        + header(&sealed.spec.header)
        + list(&sealed.spec.sealed_to)
        + list(&sealed.spec.service_accounts)
        + list(sealed.metadata.finalizers.as_deref().unwrap_or_default())
}
