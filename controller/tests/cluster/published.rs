//! The ConfigMap `seal-recipients` as somebody else has made it: whatever is in it, it ends as it must be, or that is told.

use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::jiff::Timestamp;
use seal_core::key::{Identity, Recipient};
use seal_core::place::{Place, Scope};
use seal_testing::Namespace;
use serde_json::{Value, json};

use crate::keys::add_key;
use crate::support::{Controller, ends, map, quiet, seal_for};

const NAME: &str = "seal-recipients";

async fn make(home: &Namespace, mut content: Value) {
    content["metadata"] = json!({"name": NAME, "finalizers": content["finalizers"]});
    content.as_object_mut().unwrap().remove("finalizers");
    home.create(serde_json::from_value::<ConfigMap>(content).unwrap()).await;
}

/// Waits until it has the recipient, its fingerprint and when its key was made, and nothing else.
async fn is_right(home: &Namespace, key: &Identity) {
    let fingerprint = key.fingerprint().to_string();
    let data = map(&[("recipient", key.recipient()), ("fingerprint", &fingerprint)]);
    home.eventually("it is right", NAME, |map: &ConfigMap| {
        let mut published = map.data.clone().unwrap_or_default();
        let made = published.remove("created");
        published == data
            && made.is_some_and(|time| time.parse::<Timestamp>().is_ok())
            && map.binary_data.is_none()
            && map.immutable != Some(true)
            && map.metadata.deletion_timestamp.is_none()
    })
    .await;
}

#[tokio::test]
async fn whatever_somebody_has_put_into_the_map_before_the_first_start_or_later_is_put_right() {
    let Some(cluster) = quiet!() else { return };
    let large = "eHh4".repeat(100_000);
    let wrong = [
        json!({"binaryData": {"recipient": "ZXZpbA==", "fingerprint": large}}),
        json!({"data": {"recipients": "age1evil", ".data": "x", "Recipient": large}}),
        json!({"data": {"recipient": "\u{1b}[2J\n", "fingerprint": ""}}),
        json!({"immutable": true, "data": {"a": "b"}, "binaryData": {"recipient": "AA=="}}),
        json!({"immutable": true}),
        json!({}),
    ];
    for content in wrong {
        let (home, ns) = (cluster.namespace().await, cluster.namespace().await);
        let key = Identity::generate();
        add_key(cluster, &home.name, "key", &key, "active").await;
        make(&home, content).await;
        let _controller = Controller::start_in(cluster, &home, &ns, &[]).await;
        is_right(&home, &key).await;
        let more = json!({"binaryData": {"more": "eHh4"}, "data": {"Recipient": "age1evil"}});
        home.patch::<ConfigMap>(NAME, more).await;
        is_right(&home, &key).await;
    }
}

#[tokio::test]
async fn a_map_that_somebody_holds_is_told_of_and_keeps_no_object_from_being_applied() {
    let Some(cluster) = quiet!() else { return };
    let (home, ns) = (cluster.namespace().await, cluster.namespace().await);
    let key = Identity::generate();
    add_key(cluster, &home.name, "key", &key, "active").await;
    make(&home, json!({"immutable": true, "finalizers": ["example.com/held"]})).await;
    Controller::install(cluster, &home, &ns).await;
    let process = Controller::spawn(cluster, &home.name, &["--namespaces", &ns.name]).await;
    process.said("seal-recipients are not as they must be: cannot create the ConfigMap").await;
    let place = Place::new(&ns.name, "db").unwrap();
    let recipient: Recipient = key.recipient().parse().unwrap();
    ns.create(seal_for(&recipient, &place, Scope::of(&place), &[("a", "1")])).await;
    ends(&ns, "db", "Applied").await;
    home.patch::<ConfigMap>(NAME, json!({"metadata": {"finalizers": null}})).await;
    is_right(&home, &key).await;
    process.said("seal-recipients are as they must be").await;
}
