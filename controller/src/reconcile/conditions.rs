//! From an outcome to the conditions of a status. Pure but for the time of a change.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use k8s_openapi::jiff::Timestamp;
use seal_core::kind::sealed::SealedSecretStatus;
use seal_core::reason::Reason;

use crate::outcome::Outcome;

/// The status that `outcome` makes of `before`. Times change only where a condition's status does.
pub(super) fn next(
    before: &SealedSecretStatus,
    generation: i64,
    outcome: &Outcome,
) -> SealedSecretStatus {
    let (ready, besides) = match outcome.reason {
        Reason::Applied => ("True", None),
        Reason::Retrying => ("False", Some("Reconciling")),
        _ => ("False", Some("Stalled")),
    };
    let mut conditions = vec![condition(before, "Ready", ready, generation, outcome)];
    conditions.extend(besides.map(|type_| condition(before, type_, "True", generation, outcome)));
    SealedSecretStatus { observed_generation: Some(generation), conditions, ..before.clone() }
}

fn condition(
    before: &SealedSecretStatus,
    type_: &str,
    status: &str,
    generation: i64,
    outcome: &Outcome,
) -> Condition {
    let same = before.conditions.iter().find(|it| it.type_ == type_ && it.status == status);
    let since = same.map_or_else(|| Time(Timestamp::now()), |it| it.last_transition_time.clone());
    Condition {
        type_: type_.to_owned(),
        status: status.to_owned(),
        reason: outcome.reason.to_string(),
        message: outcome.message.clone(),
        observed_generation: Some(generation),
        last_transition_time: since,
    }
}
