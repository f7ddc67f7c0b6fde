//! Objects that somebody changes or deletes again and again: each of them is put right ever later, and the others are not held
//! up by it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use k8s_openapi::jiff::Timestamp;

use crate::object_id::ObjectName;
use crate::work::pace::{Repairs, repair};

/// What was put right under one commit.
#[derive(Debug, Default)]
pub(super) struct Undone(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    objects: BTreeMap<ObjectName, Object>,
    /// When the first of those may be put right that were refused since [`Undone::begin`].
    next: Option<Instant>,
}

#[derive(Debug, Default)]
struct Object {
    repairs: Repairs,
    /// When it may be put right again, as people read it.
    at: String,
}

impl Undone {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A pass begins.
    pub(super) fn begin(&self) {
        self.inner().next = None;
    }

    /// Another commit is applied: nothing of it was undone yet.
    pub(super) fn clear(&self) {
        *self.inner() = Inner::default();
    }

    /// Takes note that an object is put right now; where it was too often, says when it is instead.
    pub(super) fn may_repair(&self, name: &ObjectName, now: Instant) -> Result<(), String> {
        let mut inner = self.inner();
        let object = inner.objects.entry(name.clone()).or_default();
        let (repairs, wait) = repair(object.repairs, now);
        if let Some(wait) = wait {
            let (at, next) = (object.at.clone(), now + wait);
            inner.next = Some(inner.next.map_or(next, |before| before.min(next)));
            return Err(at);
        }
        let spacing = repair(repairs, now).1.unwrap_or_default();
        let at = Timestamp::now().checked_add(spacing).unwrap_or_else(|_| Timestamp::now());
        *object = Object { repairs, at: at.strftime("%H:%M:%SZ").to_string() };
        Ok(())
    }

    /// How long it is until the first may be put right of those that had to wait in this pass.
    pub(super) fn next(&self, now: Instant) -> Option<Duration> {
        self.inner().next.map(|next| next.saturating_duration_since(now))
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
    use seal_core::kind::Kind;

    use super::*;

    fn named(name: &str) -> ObjectName {
        let metadata = ObjectMeta {
            name: Some(name.to_owned()),
            namespace: Some("prod".to_owned()),
            ..ObjectMeta::default()
        };
        ObjectName::of(Kind::SealedSecret, &metadata).unwrap()
    }

    #[test]
    fn one_that_is_undone_again_and_again_waits_alone() {
        let (undone, start) = (Undone::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        let (a, b) = (named("a"), named("b"));
        assert!(undone.may_repair(&a, at(0)).is_ok());
        undone.begin();
        assert!(undone.may_repair(&a, at(0)).is_err());
        assert_eq!(undone.next(at(0)), Some(Duration::from_secs(1)));
        assert!(undone.may_repair(&b, at(0)).is_ok());
        for (seconds, wait) in [(1, 2), (3, 4), (7, 8)] {
            assert!(undone.may_repair(&a, at(seconds)).is_ok());
            undone.begin();
            assert!(undone.may_repair(&a, at(seconds)).is_err());
            assert_eq!(undone.next(at(seconds)), Some(Duration::from_secs(wait)));
        }
        assert!(undone.may_repair(&b, at(7)).is_ok(), "it was left alone meanwhile");
        undone.clear();
        assert!(undone.may_repair(&a, at(7)).is_ok());
        undone.begin();
        assert_eq!(undone.next(at(7)), None);
    }
}
