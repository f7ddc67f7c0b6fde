//! Waiting for something to become true: looked for again and again, for half a minute at most.
//!
//! A test that waits for a moment and hopes is wrong twice, on a busy machine and on a quiet one.
//! What is printed when the time is up is chosen here, and is never what is in a Secret: a version,
//! and the conditions of a status.

use std::fmt::Debug;
use std::time::{Duration, Instant};

use kube::{Api, Resource, ResourceExt as _};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::sleep;

use crate::namespace::must;

/// How long anything may take to become true.
pub const DEADLINE: Duration = Duration::from_secs(30);
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// Looks until there is something, and returns it. Panics after [`DEADLINE`], saying `what` it
/// waited for.
pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    poll(what, async || look().await.ok_or_else(|| "nothing".to_string())).await
}

/// The same where something else bounds how long it may take.
pub async fn eventually_within<T>(
    within: Duration,
    what: &str,
    mut look: impl AsyncFnMut() -> Option<T>,
) -> T {
    poll_within(within, what, async || look().await.ok_or_else(|| "nothing".to_string())).await
}

/// Reads one object until it is there and `holds`, and returns it as it then was.
pub async fn eventually_in<K>(
    api: &Api<K>,
    what: &str,
    name: &str,
    mut holds: impl FnMut(&K) -> bool,
) -> K
where
    K: Resource<DynamicType = ()> + Clone + Debug + Serialize + DeserializeOwned,
{
    poll(what, async || {
        match must(api.get_opt(name).await, &format!("reading {} {name}", K::kind(&()))) {
            Some(object) if holds(&object) => Ok(object),
            other => Err(outline(other.as_ref())),
        }
    })
    .await
}

/// Reads one object until it is gone.
pub async fn eventually_gone<K>(api: &Api<K>, name: &str)
where
    K: Resource<DynamicType = ()> + Clone + Debug + Serialize + DeserializeOwned,
{
    let kind = K::kind(&());
    poll(&format!("{kind} {name} is gone"), async || {
        match must(api.get_opt(name).await, &format!("reading {kind} {name}")) {
            Some(object) => Err(outline(Some(&object))),
            None => Ok(()),
        }
    })
    .await;
}

/// `Err` is what was seen instead.
pub(crate) async fn poll<T>(what: &str, look: impl AsyncFnMut() -> Result<T, String>) -> T {
    poll_within(DEADLINE, what, look).await
}

async fn poll_within<T>(
    within: Duration,
    what: &str,
    mut look: impl AsyncFnMut() -> Result<T, String>,
) -> T {
    let deadline = Instant::now() + within;
    loop {
        match look().await {
            Ok(found) => return found,
            Err(seen) if Instant::now() > deadline => {
                panic!("not within {within:?}: {what}; last seen: {seen}")
            }
            Err(_) => sleep(BETWEEN_LOOKS).await,
        }
    }
}

/// What may be printed about any object.
fn outline<K: Resource<DynamicType = ()> + Serialize>(object: Option<&K>) -> String {
    let Some(object) = object else { return format!("no such {}", K::kind(&())) };
    let version = object.resource_version().unwrap_or_default();
    let deleting = if object.meta().deletion_timestamp.is_some() { ", being deleted" } else { "" };
    let status =
        serde_json::to_value(object).unwrap_or_default().pointer("/status/conditions").cloned();
    let conditions: Vec<String> =
        status.iter().flat_map(|all| all.as_array().into_iter().flatten()).map(condition).collect();
    let conditions =
        if conditions.is_empty() { "no conditions".to_string() } else { conditions.join(", ") };
    format!("version {version}{deleting}, {conditions}")
}

/// `Ready=False NotOurs: the Secret db was not made from a sealed file`
fn condition(condition: &Value) -> String {
    let word = |field: &str| condition[field].as_str().unwrap_or_default().to_string();
    format!("{}={} {}: {}", word("type"), word("status"), word("reason"), word("message"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::api::core::v1::{Namespace, Secret};
    use serde_json::json;

    #[test]
    fn what_is_printed_of_a_secret_is_never_what_is_in_it() {
        let metadata = json!({"name": "db", "resourceVersion": "7"});
        let secret = json!({"metadata": metadata, "stringData": {"password": "hunter2"}});
        let secret: Secret = serde_json::from_value(secret).unwrap();
        assert_eq!(outline(Some(&secret)), "version 7, no conditions");
    }

    #[test]
    fn what_is_printed_of_a_status_is_each_condition() {
        let metadata = json!({"resourceVersion": "7", "deletionTimestamp": "2026-01-01T00:00:00Z"});
        let message = "made elsewhere";
        let ready =
            json!({"type": "Ready", "status": "False", "reason": "NotOurs", "message": message});
        let object = json!({"metadata": metadata, "status": {"conditions": [ready]}});
        let object: Namespace = serde_json::from_value(object).unwrap();
        assert_eq!(
            outline(Some(&object)),
            "version 7, being deleted, Ready=False NotOurs: made elsewhere"
        );
        assert_eq!(outline::<Namespace>(None), "no such Namespace");
    }
}
