//! From an outcome to the conditions of a status. Pure but for the time of a change.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use k8s_openapi::jiff::Timestamp;
use seal_core::reason::Reason;

use crate::outcome::Outcome;

/// The conditions that `outcome` makes of those before. Times change only where a condition's status does.
pub(crate) fn next(
    before: &[Condition],
    generation: i64,
    outcome: &Outcome,
    is_stalled: bool,
) -> Vec<Condition> {
    let (ready, besides) = match outcome.reason {
        Reason::Applied => ("True", None),
        _ if is_stalled => ("False", Some("Stalled")),
        _ => ("False", Some("Reconciling")),
    };
    let mut conditions = vec![condition(before, "Ready", ready, generation, outcome)];
    conditions.extend(besides.map(|type_| condition(before, type_, "True", generation, outcome)));
    conditions
}

/// Those of an object that is suspended at this generation: the verdict stays, or is unknown where there is none.
pub(crate) fn suspended(before: &[Condition], generation: i64) -> Vec<Condition> {
    let message = format!("suspended at generation {generation}");
    let mut conditions: Vec<Condition> = before.to_vec();
    for condition in &mut conditions {
        condition.message.clone_from(&message);
        condition.observed_generation = Some(generation);
    }
    if conditions.is_empty() {
        let outcome = Outcome::new(Reason::Suspended, message);
        conditions.push(condition(before, "Ready", "Unknown", generation, &outcome));
    }
    conditions
}

fn condition(
    before: &[Condition],
    type_: &str,
    status: &str,
    generation: i64,
    outcome: &Outcome,
) -> Condition {
    let same = before.iter().find(|it| it.type_ == type_ && it.status == status);
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
