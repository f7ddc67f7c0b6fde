//! Keys where something fails half way: what could be done is done and told, and the rest is done once it can be.

use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use k8s_openapi::api::rbac::v1::Role;
use kube::ResourceExt;
use kube::api::PostParams;
use seal_core::key::Identity;
use seal_testing::{Namespace, eventually};
use serde_json::json;

use crate::key_verbs::{Desk, private};
use crate::keys::add_key;
use crate::policies::{allow_again, deny};
use crate::support::{Controller, foreign, quiet};

/// Waits until the policy counts, or counts no more.
async fn until_b_is(home: &Namespace, denied: bool) {
    let probe = PostParams { dry_run: true, ..PostParams::default() };
    eventually("the policy is taken up", async || {
        let made = home.api().create(&probe, &foreign("b", &[("a", "1")])).await;
        (made.is_err() == denied).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_restore_that_fails_half_way_says_what_it_has_made_and_goes_on_there_the_next_time() {
    let Some(cluster) = quiet!() else { return };
    let desk = Desk::of(cluster, &cluster.namespace().await.name);
    let keys = ["a", "b", "c"].map(|name| (name, Identity::generate()));
    let secrets = keys.iter().map(|(name, key)| {
        let identity = format!("{}\n", key.to_secret_text().expose());
        json!({
            "apiVersion": "v1", "kind": "Secret", "type": "seal.dev/key",
            "metadata": {"name": name, "labels": {"seal.dev/key": "active"}},
            "stringData": {"identity": identity},
        })
    });
    let items: Vec<_> = secrets.collect();
    let backup = json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string();
    private(&desk.at("keys.json"), &backup);
    deny(cluster, &desk.home, "CREATE", "object.metadata.name != 'b'").await;
    until_b_is(&desk.home, true).await;
    let made = |name: &str, key: &Identity| format!("restored {name}: {}", key.fingerprint());
    let [a, b, c] = keys.each_ref().map(|(name, key)| made(name, key));
    let there = format!("a is there: {}", keys[0].1.fingerprint());

    let ran =
        desk.key(&["restore", "keys.json"]).await.exits(1, &[&a, "refuses to create Secrets"]);
    assert!(!ran.stderr.contains(&b) && !ran.stderr.contains(&c), "{}", ran.stderr);
    assert_eq!(desk.names().await, ["a"]);
    allow_again(&desk.home).await;
    until_b_is(&desk.home, false).await;
    desk.key(&["restore", "keys.json"]).await.exits(0, &[&there, &b, &c]);
    assert_eq!(desk.names().await, ["a", "b", "c"]);
}

#[tokio::test]
async fn a_key_that_cannot_be_made_keeps_no_other_from_being_published() {
    let Some(cluster) = quiet!() else { return };
    let ns = cluster.namespace().await;
    let controller = Controller::own(cluster, &ns, &[]).await;
    let home = Namespace { name: controller.namespace.clone(), client: cluster.client() };
    let role: Role = home.get("seal-controller").await;
    let mut rules = role.rules.clone().unwrap();
    for rule in &mut rules {
        if rule.resources.iter().flatten().any(|it| it == "secrets") {
            rule.verbs.retain(|verb| verb != "create");
        }
    }
    home.patch::<Role>("seal-controller", json!({"rules": rules})).await;
    let asks = json!({"metadata": {"annotations": {"seal.dev/rotate": "1"}}});
    home.patch::<Secret>("seal-key-first", asks).await;
    controller.process.said("seal-recipients are not as they must be: cannot create").await;

    // Another is published meanwhile, and what somebody plants is taken out.
    let next = Identity::generate();
    add_key(cluster, &home.name, "next", &next, "active").await;
    let later = json!({"metadata": {"annotations": {"seal.dev/created": "2100-01-01T00:00:00Z"}}});
    home.patch::<Secret>("next", later).await;
    let is_next = |map: &ConfigMap| {
        map.data.as_ref().is_some_and(|data| data["recipient"] == next.recipient())
    };
    home.eventually("the next is published", "seal-recipients", is_next).await;
    let planted = json!({"data": {"recipient": "age1evil"}});
    home.patch::<ConfigMap>("seal-recipients", planted).await;
    home.eventually("it is right again", "seal-recipients", is_next).await;
    let secrets: Vec<Secret> = home.list().await;
    assert_eq!(secrets.iter().filter(|it| it.name_any() != "next").count(), 1);

    home.patch::<Role>("seal-controller", json!({"rules": role.rules})).await;
    controller.process.said("made the key that was asked for").await;
    controller.process.said("seal-recipients are as they must be").await;
}
