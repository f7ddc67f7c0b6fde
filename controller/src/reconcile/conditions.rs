//! From an outcome to the status of a sealed object.

use seal_core::kind::sealed::SealedSecretStatus;
use seal_core::reason::Reason;

use crate::conditions;
use crate::outcome::Outcome;

/// The status that `outcome` makes of `before`.
pub(super) fn next(
    before: &SealedSecretStatus,
    generation: i64,
    outcome: &Outcome,
) -> SealedSecretStatus {
    let passes = matches!(outcome.reason, Reason::Retrying | Reason::Contested);
    next_of(before, generation, outcome, !passes)
}

/// The same for an outcome of several places, of which some may be stalled.
pub(super) fn next_of(
    before: &SealedSecretStatus,
    generation: i64,
    outcome: &Outcome,
    is_stalled: bool,
) -> SealedSecretStatus {
    let conditions = conditions::next(&before.conditions, generation, outcome, is_stalled);
    SealedSecretStatus { observed_generation: Some(generation), conditions, ..before.clone() }
}

/// The status of an object that is suspended at this generation.
pub(super) fn suspended(before: &SealedSecretStatus, generation: i64) -> SealedSecretStatus {
    let conditions = conditions::suspended(&before.conditions, generation);
    SealedSecretStatus { observed_generation: Some(generation), conditions, ..before.clone() }
}
