//! What `spec.onConflict` takes over, and that nobody takes over more.

use k8s_openapi::api::core::v1::Secret;
use seal_core::kind::sealed::{ON_CONFLICT, SealedSecret, Template, TemplateMetadata};
use seal_testing::Namespace;
use serde_json::json;

use crate::support::{Controller, ends, foreign, map, message, shared, values, version, with};

/// A sealed object of this name with `onConflict` and a label for its Secret.
fn wanting(controller: &Controller, ns: &Namespace, name: &str, on_conflict: &str) -> SealedSecret {
    let metadata =
        TemplateMetadata { labels: map(&[("team", "a")]), ..TemplateMetadata::default() };
    let template = Template { metadata, ..Template::default() };
    let mut sealed = with(template, controller.seal(ns, name, &[("secret", "ours")]));
    sealed.spec.on_conflict = Some(on_conflict.to_owned());
    sealed
}

#[tokio::test]
async fn a_placeholder_is_filled_and_the_message_says_when_that_takes_effect() {
    let Some((cluster, controller)) = shared!() else { return };
    let ns = cluster.namespace().await;
    let mut placeholder = foreign("db", &[("secret", "")]);
    placeholder.metadata.labels = Some(map(&[("team", "a"), ("theirs", "kept")]));
    ns.create(placeholder).await;
    let mut sealed = wanting(controller, &ns, "db", "AdoptEmpty");
    sealed.metadata.annotations = Some(map(&[("seal.dev/for", "direktiv")]));
    ns.create(sealed).await;
    let told = message(&ends(&ns, "db", "Applied").await);
    assert!(told.contains("for direktiv: flows see it in their next run"), "{told}");
    let live: Secret = ns.get("db").await;
    assert_eq!(values(&live), map(&[("secret", "ours")]));
    assert_eq!(live.metadata.labels.unwrap(), map(&[("team", "a"), ("theirs", "kept")]));
}

#[tokio::test]
async fn a_secret_is_adopted_without_a_moment_without_it_once_its_writer_consents() {
    let Some((cluster, controller)) = shared!() else { return };
    let ns = cluster.namespace().await;
    let theirs = ns.create(foreign("db", &[("secret", "theirs")])).await;
    ns.create(wanting(controller, &ns, "db", "Adopt")).await;
    let told = message(&ends(&ns, "db", "NotOurs").await);
    let consent = format!("kubectl annotate secret -n {} db seal.dev/accepts=adopt", ns.name);
    assert!(told.ends_with(&consent), "{told}");
    assert_eq!(version(&ns.get("db").await), version(&theirs));
    ns.patch::<Secret>("db", json!({"metadata": {"annotations": {"seal.dev/accepts": "adopt"}}}))
        .await;
    ends(&ns, "db", "Applied").await;
    let live: Secret = ns.get("db").await;
    assert_eq!(
        (live.metadata.uid.clone(), values(&live)),
        (theirs.metadata.uid, map(&[("secret", "ours")]))
    );
    assert!(!live.metadata.annotations.unwrap().contains_key("seal.dev/accepts"));
    ns.eventually_event("db", "Adopted").await;
}

/// Each road by which somebody who may create sealed objects, and nothing else, could read, overwrite, relabel or delete a
/// Secret that is there.
#[tokio::test]
async fn whoever_may_only_create_sealed_objects_takes_over_no_secret_that_has_something_in_it() {
    let Some((cluster, controller)) = shared!() else { return };
    let ns = cluster.namespace().await;
    let mut versions = Vec::new();
    for word in ON_CONFLICT {
        let name = word.to_ascii_lowercase();
        let mut theirs = foreign(&name, &[("secret", "theirs")]);
        theirs.metadata.labels = Some(map(&[("team", "a")]));
        versions.push((name.clone(), version(&ns.create(theirs).await)));
        let mut sealed = wanting(controller, &ns, &name, word);
        // What a tenant writes on the sealed object is no consent of whoever may write the Secret.
        sealed.metadata.annotations = Some(map(&[("seal.dev/accepts", "adopt")]));
        ns.create(sealed).await;
        ends(&ns, &name, "NotOurs").await;
    }
    for (name, before) in versions {
        assert_eq!(version(&ns.get(&name).await), before, "{name}");
        ns.delete::<SealedSecret>(&name).await;
        ns.eventually_gone::<SealedSecret>(&name).await;
        assert_eq!(version(&ns.get(&name).await), before, "{name}");
    }
}
