//! Whether a Secret that is not ours may be taken over, as `spec.onConflict` of its sealed object wants it.
//!
//! Whoever may create a sealed object may not write Secrets. So `Adopt` needs the word of whoever may, on the Secret itself,
//! and `AdoptEmpty` a Secret in which there is nothing: a placeholder that another program made for this very purpose, known
//! by a label that the sealed object wants as well.

use k8s_openapi::api::core::v1::Secret;

use super::ours::{self, Refusal};
use super::{Desired, OnConflict};

/// Why it may be taken over, as a sentence's end; else why it is left alone.
pub(super) fn reason(
    live: &Secret,
    desired: &Desired<'_>,
    refusal: Refusal,
) -> Result<&'static str, Refusal> {
    match (refusal, desired.on_conflict) {
        (refusal @ Refusal::Reserved(_), _) => Err(refusal),
        (Refusal::NotOurs(_), OnConflict::Adopt) if ours::accepts(&live.metadata, "adopt") => {
            Ok("as its annotation seal.dev/accepts said")
        }
        (Refusal::NotOurs(owner), OnConflict::Adopt) => Err(Refusal::NeedsConsent(owner)),
        (Refusal::NotOurs(None), OnConflict::AdoptEmpty) if is_placeholder(live, desired) => {
            Ok("as every value of it was empty")
        }
        (Refusal::NotOurs(None), OnConflict::AdoptEmpty) => Err(Refusal::NoPlaceholder),
        (refusal, _) => Err(refusal),
    }
}

/// Keys without values, the same type, and each label that the sealed object gives, of which there is at least one.
fn is_placeholder(live: &Secret, desired: &Desired<'_>) -> bool {
    let data = live.data.iter().flatten();
    let is_empty = live.data.as_ref().is_some_and(|data| !data.is_empty())
        && data.into_iter().all(|(_, value)| value.0.is_empty());
    let wanted = &desired.opened.template.metadata.labels;
    let there = live.metadata.labels.as_ref();
    let is_labelled = !wanted.is_empty()
        && wanted
            .iter()
            .all(|(key, value)| there.and_then(|labels| labels.get(key)) == Some(value));
    is_empty && is_labelled && live.type_.as_deref().unwrap_or("Opaque") == desired.type_()
}
