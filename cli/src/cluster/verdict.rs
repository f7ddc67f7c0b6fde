//! What a sealed object in a cluster says of itself: Ready, never Ready, or not yet. Asks nobody.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use seal_core::escape::escaped;
use seal_core::kind::sealed::{SealedSecret, SealedSecretSpec};
use seal_core::reason::Reason;

/// Characters of a message.
const MOST_OF_A_MESSAGE: usize = 1000;

/// How far an object is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Ready, with the controller's message.
    Ready(String),
    /// Only a change of the file or of the cluster gets it further: the word for it, and the message.
    Stalled(String, String),
    /// Why not yet.
    Waits(String),
}

/// Judges `object`; with `spec`, it must be that of a file, and with `asked`, that request must have been handled.
pub(super) fn verdict(
    object: &SealedSecret,
    spec: Option<&SealedSecretSpec>,
    asked: Option<&str>,
) -> Verdict {
    if object.metadata.deletion_timestamp.is_some() {
        return Verdict::Waits("it is being deleted".to_owned());
    }
    if spec.is_some_and(|spec| *spec != object.spec) {
        return Verdict::Waits(
            "the cluster has another one than the file: is it applied?".to_owned(),
        );
    }
    let status = object.status.clone().unwrap_or_default();
    let generation = object.metadata.generation.unwrap_or_default();
    if status.observed_generation != Some(generation) {
        return Verdict::Waits(format!(
            "no controller has looked at its generation {generation} yet"
        ));
    }
    let is_suspended = object.spec.suspend == Some(true); // and so is no request handled
    if asked.is_some() && !is_suspended && status.last_handled_reconcile_at.as_deref() != asked {
        return Verdict::Waits("no controller has looked at it since it was asked".to_owned());
    }
    of_conditions(object, &status.conditions)
}

/// What the conditions of this very generation say.
fn of_conditions(object: &SealedSecret, conditions: &[Condition]) -> Verdict {
    let of_type = |type_: &str| conditions.iter().find(|it| it.type_ == type_);
    let is_true = |condition: &&Condition| condition.status == "True";
    if let Some(stalled) = of_type("Stalled").filter(is_true) {
        return Verdict::Stalled(escaped(&stalled.reason), message(stalled));
    }
    match of_type("Ready") {
        // Its verdict may be that of an earlier generation, which is live.
        Some(ready) if object.spec.suspend == Some(true) => {
            Verdict::Stalled(Reason::Suspended.as_str().to_owned(), message(ready))
        }
        Some(ready) if ready.status == "True" => Verdict::Ready(message(ready)),
        Some(ready) if ready.reason == Reason::Suspended.as_str() => {
            Verdict::Stalled(ready.reason.clone(), message(ready))
        }
        Some(ready) => Verdict::Waits(format!("{}: {}", escaped(&ready.reason), message(ready))),
        None => Verdict::Waits("its controller says nothing of it yet".to_owned()),
    }
}

fn message(condition: &Condition) -> String {
    seal_core::escape::cut(&condition.message, MOST_OF_A_MESSAGE)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(status: serde_json::Value) -> SealedSecret {
        serde_json::from_value(json!({
            "apiVersion": "seal.dev/v1", "kind": "SealedSecret",
            "metadata": {"name": "db", "namespace": "prod", "generation": 2},
            "spec": {"scope": {"namespaces": ["prod"], "name": "db"}}, "status": status,
        }))
        .unwrap()
    }

    fn condition(type_: &str, status: &str, reason: &str) -> serde_json::Value {
        let time = "2026-01-01T00:00:00Z";
        json!({"type": type_, "status": status, "reason": reason, "message": "m", "lastTransitionTime": time})
    }

    #[test]
    fn only_what_is_said_of_this_generation_counts() {
        let ready = condition("Ready", "True", "Applied");
        let at = |generation: i64| {
            verdict(
                &object(json!({"observedGeneration": generation, "conditions": [ready]})),
                None,
                None,
            )
        };
        assert_eq!(at(2), Verdict::Ready("m".to_owned()));
        for generation in [-1, 1] {
            assert!(matches!(at(generation), Verdict::Waits(why) if why.contains("generation 2")));
        }
        assert!(matches!(verdict(&object(json!({})), None, None), Verdict::Waits(_)));
    }

    #[test]
    fn what_waits_is_told_from_what_will_never_be() {
        let not = |reason: &str| condition("Ready", "False", reason);
        let of = |conditions: serde_json::Value| {
            verdict(&object(json!({"observedGeneration": 2, "conditions": conditions})), None, None)
        };
        let stalled = of(json!([not("WrongPlace"), condition("Stalled", "True", "WrongPlace")]));
        assert_eq!(stalled, Verdict::Stalled("WrongPlace".to_owned(), "m".to_owned()));
        let retrying = of(json!([not("Retrying"), condition("Reconciling", "True", "Retrying")]));
        assert_eq!(retrying, Verdict::Waits("Retrying: m".to_owned()));
        let suspended = of(json!([condition("Ready", "Unknown", "Suspended")]));
        assert_eq!(suspended, Verdict::Stalled("Suspended".to_owned(), "m".to_owned()));
        assert!(matches!(of(json!([])), Verdict::Waits(_)));
        let ready = json!([condition("Ready", "True", "Applied")]);
        let mut paused = object(json!({"observedGeneration": 2, "conditions": ready}));
        paused.spec.suspend = Some(true);
        assert!(
            matches!(verdict(&paused, None, None), Verdict::Stalled(word, _) if word == "Suspended")
        );
    }

    #[test]
    fn another_spec_than_the_file_s_is_not_what_is_waited_for() {
        let ready =
            json!({"observedGeneration": 2, "conditions": [condition("Ready", "True", "Applied")]});
        let object = object(ready);
        let other = SealedSecretSpec { suspend: Some(true), ..object.spec.clone() };
        assert!(matches!(verdict(&object, Some(&object.spec), None), Verdict::Ready(_)));
        assert!(
            matches!(verdict(&object, Some(&other), None), Verdict::Waits(why) if why.contains("file"))
        );
    }
}
