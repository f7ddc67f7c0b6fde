//! The keyring: made once, published, watched, and closed to whoever plants a key.

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use k8s_openapi::api::rbac::v1::Role;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, ResourceExt};
use seal_core::key::{Identity, Recipient};
use seal_core::kind::sealed::SealedSecret;
use seal_core::place::{Place, Scope};
use seal_testing::{Cluster, Namespace, eventually, eventually_in};
use serde_json::json;

use crate::support::{Controller, ends, get, map, quiet, seal_for};

/// Puts a key Secret into the controller's namespace, as a restore does.
pub(crate) async fn add_key(
    cluster: &Cluster,
    namespace: &str,
    name: &str,
    identity: &Identity,
    state: &str,
) {
    let text = format!("# restored\n{}\n", identity.to_secret_text().expose());
    let api: Api<Secret> = Api::namespaced(cluster.client(), namespace);
    api.create(&PostParams::default(), &key_secret(name, &text, state)).await.unwrap();
}

pub(crate) fn key_secret(name: &str, text: &str, state: &str) -> Secret {
    let mut secret = crate::support::foreign(name, &[]);
    secret.type_ = Some("seal.dev/key".into());
    secret.metadata.labels = Some(map(&[("seal.dev/key", state)]));
    let data = [("identity".to_owned(), ByteString(text.as_bytes().to_vec()))];
    secret.data = Some(data.into_iter().collect());
    secret
}

fn home(cluster: &Cluster, controller: &Controller) -> Namespace {
    Namespace { name: controller.namespace.clone(), client: cluster.client() }
}

#[tokio::test]
async fn the_first_start_makes_one_key_and_publishes_its_public_half() {
    let Some(cluster) = quiet!() else { return };
    let ns = cluster.namespace().await;
    let controller = Controller::own(cluster, &ns, &[]).await;
    let home = home(cluster, &controller);
    let keys: Vec<Secret> = home.list().await;
    let keys: Vec<_> =
        keys.iter().filter(|it| it.type_.as_deref() == Some("seal.dev/key")).collect();
    assert_eq!(keys.len(), 1);
    assert_eq!(keys[0].labels()["seal.dev/key"], "active");
    let data = keys[0].data.as_ref().unwrap();
    let identity = std::str::from_utf8(&data["identity"].0).unwrap();
    assert!(identity.ends_with('\n'), "an age identity file ends in a line feed");
    let identity = &Identity::parse_file(identity).unwrap()[0];
    assert_eq!(identity.fingerprint().to_string(), controller.fingerprint());
    assert_eq!(data["recipient"].0, identity.recipient().as_bytes());
    let (code, text) = get(&format!("{}/v1/recipients", controller.url)).await;
    assert!(code == 200 && text.contains(identity.recipient()));
}

#[tokio::test]
async fn the_published_recipient_is_restored_when_somebody_edits_or_deletes_it() {
    let Some(cluster) = quiet!() else { return };
    let ns = cluster.namespace().await;
    let controller = Controller::own(cluster, &ns, &[]).await;
    let home = home(cluster, &controller);
    let recipient = controller.recipient().as_str().to_owned();
    let right = |map: &ConfigMap| {
        let names = ["created", "fingerprint", "recipient"];
        map.data
            .as_ref()
            .is_some_and(|data| data.keys().eq(names) && data["recipient"] == recipient)
    };
    home.patch::<ConfigMap>(
        "seal-recipients",
        json!({"data": {"recipient": "age1evil", "more": "x"}}),
    )
    .await;
    home.eventually("it is right again", "seal-recipients", right).await;
    home.delete::<ConfigMap>("seal-recipients").await;
    home.eventually("it is there again", "seal-recipients", right).await;
    let planted = json!({"immutable": true, "data": {"recipient": "age1evil"}});
    home.patch::<ConfigMap>("seal-recipients", planted).await;
    home.eventually("it is made anew", "seal-recipients", |map: &ConfigMap| {
        right(map) && map.immutable != Some(true)
    })
    .await;
    home.eventually_event("seal-recipients", "Repaired").await;
}

#[tokio::test]
async fn the_newest_active_key_is_published_and_a_retired_one_still_opens() {
    let Some(cluster) = quiet!() else { return };
    let ns = cluster.namespace().await;
    let controller = Controller::own(cluster, &ns, &[]).await;
    let home = home(cluster, &controller);
    let old = controller.seal(&ns, "old", &[("a", "1")]);
    let next = Identity::generate();
    // Creation times have whole seconds: the newer key must be of a later one.
    let first: Secret = home
        .list()
        .await
        .into_iter()
        .find(|it: &Secret| it.type_.as_deref() == Some("seal.dev/key"))
        .unwrap();
    let made = first.creation_timestamp().unwrap().0.as_second();
    eventually("the clock is past the first key's second", async || {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        (now.as_secs() as i64 > made).then_some(())
    })
    .await;
    add_key(cluster, &home.name, "next", &next, "active").await;
    let maps: Api<ConfigMap> = home.api();
    eventually_in(&maps, "the next key is published", "seal-recipients", |map| {
        map.data.as_ref().is_some_and(|data| data["recipient"] == next.recipient())
    })
    .await;
    let retire = json!({"metadata": {"labels": {"seal.dev/key": "retired"}}});
    home.patch::<Secret>(&first.name_any(), retire.clone()).await;
    ns.create(old).await;
    ends(&ns, "old", "Applied").await;
    home.patch::<Secret>("next", retire).await;
    // No active key is left: nothing is published any more, and nothing is taken back.
    eventually("nothing is published", async || {
        (get(&format!("{}/v1/recipients", controller.url)).await.0 == 503).then_some(())
    })
    .await;
    // A key that was ours and is deleted while it is published is no alarm.
    let active = json!({"metadata": {"labels": {"seal.dev/key": "active"}}});
    home.patch::<Secret>("next", active).await;
    eventually_in(&maps, "it is published again", "seal-recipients", |map| {
        map.data.as_ref().is_some_and(|data| data.contains_key("recipient"))
    })
    .await;
    home.delete::<Secret>("next").await;
    eventually_in(&maps, "it is taken out", "seal-recipients", |map| {
        map.data.as_ref().is_none_or(|data| !data.contains_key("recipient"))
    })
    .await;
    assert!(!controller.process.log().contains("sealed to somebody else"));
}

#[tokio::test]
async fn of_two_active_keys_the_one_made_last_is_published_whenever_the_other_was_restored() {
    let Some(cluster) = quiet!() else { return };
    let ns = cluster.namespace().await;
    let controller = Controller::own(cluster, &ns, &[]).await;
    let home = home(cluster, &controller);
    let old = Identity::generate();
    let text = format!("{}\n", old.to_secret_text().expose());
    let mut secret = key_secret("restored", &text, "active");
    secret.metadata.annotations = Some(map(&[("seal.dev/created", "2020-01-31T00:00:00Z")]));
    home.create(secret).await;
    // What is sealed to it opens: it is in the keyring.
    let place = Place::new(&ns.name, "db").unwrap();
    let to: Recipient = old.recipient().parse().unwrap();
    ns.create(seal_for(&to, &place, Scope::of(&place), &[("a", "1")])).await;
    ends(&ns, "db", "Applied").await;
    assert_eq!(published(&home).await, controller.recipient().as_str());
}

#[tokio::test]
async fn a_key_secret_that_is_no_key_is_rejected_by_event_and_never_a_crash() {
    let Some(cluster) = quiet!() else { return };
    let ns = cluster.namespace().await;
    let controller = Controller::own(cluster, &ns, &[]).await;
    let home = home(cluster, &controller);
    let canary = crate::support::CANARY;
    home.create(key_secret("garbage", &format!("AGE-SECRET-KEY-PQ-1{canary}"), "active")).await;
    let event = home.eventually_event("garbage", "KeyRejected").await;
    assert!(!format!("{event:?}").contains(canary) && !controller.process.log().contains(canary));

    // Of the right form, but made from a sealed file, or owned.
    let planted = Identity::generate();
    let text = format!("{}\n", planted.to_secret_text().expose());
    let mut secret = key_secret("planted", &text, "active");
    secret.metadata.annotations = Some(map(&[("seal.dev/applied", "{}")]));
    home.create(secret).await;
    home.eventually_event("planted", "KeyRejected").await;
    let mut untyped = key_secret("untyped", &text, "active");
    untyped.type_ = None;
    home.create(untyped).await;
    home.eventually_event("untyped", "KeyRejected").await;
    ns.create(controller.seal(&ns, "db", &[("a", "1")])).await;
    ends(&ns, "db", "Applied").await;
    let (_, published) = get(&format!("{}/v1/recipients", controller.url)).await;
    assert!(
        published.contains(controller.recipient().as_str())
            && !published.contains(planted.recipient())
    );
}

#[tokio::test]
async fn a_recovery_install_makes_no_key_and_waits_for_one() {
    let Some(cluster) = quiet!() else { return };
    let ns = cluster.namespace().await;
    let restored = Identity::generate();
    let controller =
        Controller::own_with_key(cluster, &ns, &["--require-existing-key"], &restored).await;
    assert_eq!(controller.fingerprint(), restored.fingerprint().to_string());
    let keys: Vec<Secret> = home(cluster, &controller).list().await;
    assert_eq!(keys.iter().filter(|it| it.type_.as_deref() == Some("seal.dev/key")).count(), 1);
    let api: Api<Secret> = Api::namespaced(cluster.client(), &controller.namespace);
    let relabel = json!({"metadata": {"labels": {"seal.dev/key": "nonsense"}}});
    api.patch("restored", &PatchParams::default(), &Patch::Merge(relabel)).await.unwrap();
    ns.create(controller.seal(&ns, "db", &[("a", "1")])).await;
    ends(&ns, "db", "NoMatchingKey").await;
    api.patch(
        "restored",
        &PatchParams::default(),
        &Patch::Merge(json!({"metadata": {"labels": {"seal.dev/key": "retired"}}})),
    )
    .await
    .unwrap();
    ends(&ns, "db", "Applied").await;
}

/// The key Secrets of a namespace by name, and every recipient that was ever seen published.
async fn keys_of(home: &Namespace) -> Vec<String> {
    let secrets: Vec<Secret> = home.list().await;
    let is_key = |it: &&Secret| it.type_.as_deref() == Some("seal.dev/key");
    secrets.iter().filter(is_key).map(ResourceExt::name_any).collect()
}

async fn published(home: &Namespace) -> String {
    home.get::<ConfigMap>("seal-recipients").await.data.unwrap()["recipient"].clone()
}

#[tokio::test]
async fn ten_restarts_beside_another_process_keep_the_one_key() {
    let Some(cluster) = quiet!() else { return };
    let ns = cluster.namespace().await;
    let home = cluster.namespace().await;
    // Two that start together over an empty namespace are the worst case for the first key.
    Controller::install(cluster, &home, &ns).await;
    let replica = async |name: &str| {
        let args = ["--namespaces", ns.name.as_str(), "--pod-name", name];
        Controller::spawn(cluster, &home.name, &args).await
    };
    let mut both = [replica("a").await, replica("b").await];
    let maps: Api<ConfigMap> = home.api();
    eventually_in(&maps, "the recipient is published", "seal-recipients", |map| {
        map.data.as_ref().is_some_and(|data| data.contains_key("recipient"))
    })
    .await;
    assert_eq!(keys_of(&home).await, ["seal-key-first"]);
    let recipient = published(&home).await;
    let place = Place::new(&ns.name, "db").unwrap();
    let to: Recipient = recipient.parse().unwrap();
    ns.create(seal_for(&to, &place, Scope::of(&place), &[("a", "1")])).await;
    let before = crate::support::version(&live_after_applied(&ns).await);
    for turn in 0..10 {
        let again = replica(["a", "b"][turn % 2]).await;
        let stopped = std::mem::replace(&mut both[turn % 2], again);
        stopped.terminate().await;
        assert_eq!(published(&home).await, recipient);
    }
    for process in both {
        process.terminate().await;
    }
    // And alone, with nobody beside it.
    for _ in 0..3 {
        let alone = Controller::start_in(cluster, &home, &ns, &[]).await;
        assert_eq!(published(&home).await, recipient);
        alone.process.terminate().await;
    }
    assert_eq!(keys_of(&home).await, ["seal-key-first"]);
    assert_eq!(crate::support::version(&live_after_applied(&ns).await), before);
}

async fn live_after_applied(ns: &Namespace) -> Secret {
    ends(ns, "db", "Applied").await;
    ns.get::<Secret>("db").await
}

#[tokio::test]
async fn until_the_keys_are_listed_nothing_is_ready_and_no_key_is_made() {
    let Some(cluster) = quiet!() else { return };
    let ns = cluster.namespace().await;
    let home = cluster.namespace().await;
    let controller = Controller::start_in(cluster, &home, &ns, &[]).await;
    ns.create(controller.seal(&ns, "db", &[("a", "1")])).await;
    let applied = ends(&ns, "db", "Applied").await;
    controller.process.terminate().await;

    let rules = home.get::<Role>("seal-controller").await.rules;
    home.patch::<Role>("seal-controller", json!({"rules": []})).await;
    let blind = Controller::spawn(cluster, &home.name, &["--namespaces", &ns.name]).await;
    let url = format!("http://{}", blind.said("address=").await);
    blind.said("the watch of keys is interrupted").await;
    assert_eq!(get(&format!("{url}/readyz")).await.0, 503);
    assert_eq!(keys_of(&home).await.len(), 1);
    assert_eq!(ns.get::<SealedSecret>("db").await.resource_version(), applied.resource_version());

    home.patch::<Role>("seal-controller", json!({"rules": rules})).await;
    blind.said(" ready ").await;
    assert_eq!(get(&format!("{url}/readyz")).await.0, 200);
    assert_eq!(keys_of(&home).await.len(), 1);
    assert_eq!(published(&home).await, controller_recipient(&applied, &home).await);
}

/// The recipient whose fingerprint opened `applied`, as its key Secret has it.
async fn controller_recipient(applied: &SealedSecret, home: &Namespace) -> String {
    let key: Secret = home.get("seal-key-first").await;
    let recipient = String::from_utf8(key.data.unwrap()["recipient"].0.clone()).unwrap();
    let fingerprint = seal_core::key::Fingerprint::of(&recipient).to_string();
    assert_eq!(applied.status.as_ref().unwrap().opened_with, [fingerprint]);
    recipient
}

#[tokio::test]
async fn beside_a_key_that_does_not_count_none_is_made() {
    let Some(cluster) = quiet!() else { return };
    let identity = Identity::generate();
    let text = format!("{}\n", identity.to_secret_text().expose());
    let mut unlabelled = key_secret("seal-key-old", &text, "active");
    unlabelled.metadata.labels = None;
    let mut untyped = key_secret("seal-key-old", &text, "active");
    untyped.type_ = None;
    let broken = [
        unlabelled,
        untyped,
        key_secret("seal-key-old", &text, "activ"),
        key_secret("seal-key-old", &text[..text.len() / 2], "active"),
    ];
    for key in broken {
        let ns = cluster.namespace().await;
        let home = cluster.namespace().await;
        home.create(key).await;
        Controller::install(cluster, &home, &ns).await;
        let process = Controller::spawn(cluster, &home.name, &["--namespaces", &ns.name]).await;
        process.said(" ready ").await;
        home.eventually_event("seal-key-old", "KeyRejected").await;
        assert!(process.log().contains("broken=\"seal-key-old\""), "{}", process.log());
        let secrets: Vec<Secret> = home.list().await;
        assert_eq!(secrets.len(), 1, "no key was made beside the broken one");
        assert!(home.find::<ConfigMap>("seal-recipients").await.is_none());
    }
}

#[tokio::test]
async fn a_first_key_whose_name_another_secret_has_is_said_and_made_once_that_is_gone() {
    let Some(cluster) = quiet!() else { return };
    let (ns, home) = (cluster.namespace().await, cluster.namespace().await);
    home.create(crate::support::foreign("seal-key-first", &[("a", "1")])).await;
    Controller::install(cluster, &home, &ns).await;
    let process = Controller::spawn(cluster, &home.name, &["--namespaces", &ns.name]).await;
    process.said("or it is no key and must go").await;
    process.terminate().await;
    home.delete::<Secret>("seal-key-first").await;
    let controller = Controller::start_in(cluster, &home, &ns, &[]).await;
    assert_eq!(keys_of(&home).await, ["seal-key-first"]);
    controller.process.terminate().await;
}

#[tokio::test]
async fn a_lost_key_is_said_and_nothing_is_published_until_there_is_another() {
    let Some(cluster) = quiet!() else { return };
    let (ns, home) = (cluster.namespace().await, cluster.namespace().await);
    let first = Controller::start_in(cluster, &home, &ns, &[]).await;
    home.delete::<Secret>("seal-key-first").await;
    first.process.said("no key is held, and nothing can be opened").await;
    first.process.said("no key is active: none is published").await;
    home.eventually("nobody is told to seal to it", "seal-recipients", |map: &ConfigMap| {
        map.data.as_ref().is_none_or(|data| data.is_empty())
    })
    .await;
    let lost = first.fingerprint();
    first.process.terminate().await;
    let again = Controller::start_in(cluster, &home, &ns, &[]).await;
    assert_ne!(again.fingerprint(), lost);
    again.process.terminate().await;
}

#[tokio::test]
async fn a_restored_key_is_the_only_one_and_the_first_one_once_deleted_does_not_come_back() {
    let Some(cluster) = quiet!() else { return };
    let (ns, home) = (cluster.namespace().await, cluster.namespace().await);
    let restored = Identity::generate();
    add_key(cluster, &home.name, "restored", &restored, "active").await;
    for _ in 0..2 {
        let controller = Controller::start_in(cluster, &home, &ns, &[]).await;
        assert_eq!(controller.fingerprint(), restored.fingerprint().to_string());
        assert_eq!(keys_of(&home).await, ["restored"]);
        controller.process.terminate().await;
    }

    // The other order: a new cluster has made its first key before the backup is brought in.
    let (ns, home) = (cluster.namespace().await, cluster.namespace().await);
    let early = Controller::start_in(cluster, &home, &ns, &[]).await;
    add_key(cluster, &home.name, "restored", &restored, "active").await;
    early.process.terminate().await;
    home.delete::<Secret>("seal-key-first").await;
    for _ in 0..2 {
        let controller = Controller::start_in(cluster, &home, &ns, &[]).await;
        home.eventually("the restored key is published", "seal-recipients", |map: &ConfigMap| {
            map.data.as_ref().is_some_and(|data| data["recipient"] == restored.recipient())
        })
        .await;
        assert_eq!(keys_of(&home).await, ["restored"]);
        controller.process.terminate().await;
    }
}
