//! Keys for some namespaces only: what they open, how they are published, and every road by which one might open more.

use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::api::{Patch, PatchParams};
use kube::{Api, ResourceExt};
use seal_core::key::{Identity, Recipient};
use seal_core::kind::sealed::SealedSecret;
use seal_core::place::{Place, Scope};
use seal_testing::{Cluster, Namespace, eventually_in};
use serde_json::{Value, json};

use crate::cluster_sealed::{create, served};
use crate::keys::add_key;
use crate::support::{Controller, ends, get, map, message, quiet, seal_for, values};
use crate::uninstalling::install;

const NAMESPACES: &str = "seal.dev/namespaces";

fn home(cluster: &Cluster, controller: &Controller) -> Namespace {
    Namespace { name: controller.namespace.clone(), client: cluster.client() }
}

/// Puts a key into the controller's namespace that is for these namespaces.
async fn narrowed(home: &Namespace, name: &str, key: &Identity, namespaces: &str) {
    let text = format!("{}\n", key.to_secret_text().expose());
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "seal.dev/key",
        "metadata": {
            "name": name, "labels": {"seal.dev/key": "active"}, "annotations": {NAMESPACES: namespaces},
        },
        "stringData": {"identity": text},
    });
    home.create(serde_json::from_value::<Secret>(secret).unwrap()).await;
}

async fn annotate(home: &Namespace, name: &str, annotations: Value) -> bool {
    let patch = Patch::Merge(json!({"metadata": {"annotations": annotations}}));
    home.api::<Secret>().patch(name, &PatchParams::default(), &patch).await.is_ok()
}

fn recipient(key: &Identity) -> Recipient {
    key.recipient().parse().unwrap()
}

fn sealed(key: &Identity, ns: &Namespace, name: &str, value: &str) -> SealedSecret {
    let place = Place::new(&ns.name, name).unwrap();
    seal_for(&recipient(key), &place, Scope::of(&place), &[("token", value)])
}

#[tokio::test]
async fn a_key_for_some_namespaces_is_published_beside_the_cluster_s_and_never_as_it() {
    let Some(cluster) = quiet!() else { return };
    let ns = cluster.namespace().await;
    let controller = Controller::own(cluster, &ns, &[]).await;
    let home = home(cluster, &controller);
    let (team, again) = (Identity::generate(), Identity::generate());
    narrowed(&home, "team", &team, &format!("{}, elsewhere", ns.name)).await;
    let maps: Api<ConfigMap> = home.api();
    let published = eventually_in(&maps, "it is published", "seal-recipients", |map| {
        map.data.as_ref().is_some_and(|data| data.contains_key("team.recipient"))
    })
    .await;
    let data = published.data.unwrap();
    assert_eq!(data["recipient"], controller.recipient().as_str());
    assert_eq!(data["team.recipient"], team.recipient());
    assert_eq!(data["team.fingerprint"], team.fingerprint().to_string());
    assert!(data["team.created"].ends_with('Z') && data["created"].ends_with('Z'), "{data:?}");
    assert_eq!(data["team.namespaces"], format!("elsewhere,{}", ns.name));
    let (code, text) = get(&format!("{}/v1/recipients/team", controller.url)).await;
    assert!(code == 200 && text.contains(team.recipient()), "{text}");
    let (_, text) = get(&format!("{}/v1/recipients", controller.url)).await;
    assert!(!text.contains(team.recipient()));
    assert_eq!(get(&format!("{}/v1/recipients/other", controller.url)).await.0, 404);

    // The next one takes over its name; what is put into the map in its place is taken out and told of.
    let next = json!({"seal.dev/key-name": "team", "seal.dev/created": "2100-01-01T00:00:00Z"});
    narrowed(&home, "team-2", &again, &ns.name).await;
    assert!(annotate(&home, "team-2", next).await);
    let is_next = |map: &ConfigMap| {
        map.data.as_ref().is_some_and(|data| {
            data["team.recipient"] == again.recipient() && !data.contains_key("team-2.recipient")
        })
    };
    eventually_in(&maps, "the next is published", "seal-recipients", is_next).await;
    let planted = json!({"data": {"team.recipient": "age1evil"}});
    home.patch::<ConfigMap>("seal-recipients", planted).await;
    eventually_in(&maps, "it is right again", "seal-recipients", is_next).await;
    home.eventually_event("seal-recipients", "Repaired").await;
    ns.create(sealed(&team, &ns, "old", "1")).await;
    ns.create(sealed(&again, &ns, "new", "1")).await;
    ends(&ns, "old", "Applied").await;
    ends(&ns, "new", "Applied").await;
}

#[tokio::test]
async fn what_narrows_a_key_counts_whatever_else_is_said_of_it() {
    let Some(cluster) = quiet!() else { return };
    let ns = cluster.namespace().await;
    let controller = Controller::own(cluster, &ns, &[]).await;
    let home = home(cluster, &controller);

    // Narrowed after it has opened something: what is live stays, and is told of; widened again, it heals.
    let late = Identity::generate();
    add_key(cluster, &home.name, "late", &late, "retired").await;
    ns.create(sealed(&late, &ns, "late", "1")).await;
    ends(&ns, "late", "Applied").await;
    assert!(annotate(&home, "late", json!({NAMESPACES: "elsewhere"})).await);
    let refused = ends(&ns, "late", "NoMatchingKey").await;
    let words = message(&refused);
    let reason = format!("{} is held for other namespaces only", late.fingerprint());
    assert!(words.contains(&reason) && words.contains(NAMESPACES), "{words}");
    assert!(!words.contains("elsewhere"), "other tenants are nobody's business: {words}");
    assert_eq!(values(&ns.get("late").await), map(&[("token", "1")]));
    assert!(annotate(&home, "late", json!({NAMESPACES: null})).await);
    ends(&ns, "late", "Applied").await;
    assert!(controller.process.log().contains("opens in more namespaces than before"));

    // The same key in a second Secret, without the annotation, as a backup of the identity alone restores it.
    let twice = Identity::generate();
    narrowed(&home, "twice", &twice, "elsewhere").await;
    add_key(cluster, &home.name, "twice-again", &twice, "active").await;
    ns.create(sealed(&twice, &ns, "twice", "1")).await;
    ends(&ns, "twice", "NoMatchingKey").await;
    let (_, text) = get(&format!("{}/v1/recipients", controller.url)).await;
    assert!(!text.contains(twice.recipient()));
    home.eventually_event("twice-again", "KeyRejected").await; // which says so

    // An annotation that cannot be read means nowhere, not everywhere.
    for (name, annotation) in [("empty", ""), ("star", "*"), ("comma", "a,,b"), ("upper", "A")] {
        let key = Identity::generate();
        narrowed(&home, name, &key, annotation).await;
        home.eventually_event(name, "KeyRejected").await;
        ns.create(sealed(&key, &ns, name, "1")).await;
        ends(&ns, name, "NoMatchingKey").await;
    }

    // Nor does a slip in its name.
    let slip = Identity::generate();
    add_key(cluster, &home.name, "slip", &slip, "retired").await;
    ns.create(sealed(&slip, &ns, "slip", "1")).await;
    ends(&ns, "slip", "Applied").await;
    assert!(annotate(&home, "slip", json!({"seal.dev/namespace": "elsewhere"})).await);
    home.eventually_event("slip", "KeyRejected").await;
    ends(&ns, "slip", "NoMatchingKey").await;
}

#[tokio::test]
async fn a_restart_over_a_key_that_was_narrowed_meanwhile_opens_nothing_with_it() {
    let Some(cluster) = quiet!() else { return };
    let (home, ns) = (cluster.namespace().await, cluster.namespace().await);
    let (team, all) = (Identity::generate(), Identity::generate());
    narrowed(&home, "team", &team, &ns.name).await;
    add_key(cluster, &home.name, "all", &all, "active").await;
    let mut controller = Controller::start_in(cluster, &home, &ns, &[]).await;
    ns.create(sealed(&team, &ns, "db", "1")).await;
    ends(&ns, "db", "Applied").await;
    let before = ns.get::<Secret>("db").await.resource_version();
    drop(controller);
    controller = Controller::start_in(cluster, &home, &ns, &[]).await;
    controller.is_idle().await;
    assert_eq!(ns.get::<Secret>("db").await.resource_version(), before);
    drop(controller);
    assert!(annotate(&home, "team", json!({NAMESPACES: "elsewhere"})).await);
    controller = Controller::start_in(cluster, &home, &ns, &[]).await;
    ends(&ns, "db", "NoMatchingKey").await;
    assert_eq!(ns.get::<Secret>("db").await.resource_version(), before);
    drop(controller);
}

/// The spec of a ClusterSealedSecret for these namespaces, sealed to each of these keys.
fn for_both(keys: &[Recipient], name: &str, namespaces: &[&Namespace]) -> Value {
    let mut names: Vec<String> = namespaces.iter().map(|it| it.name.clone()).collect();
    names.sort();
    let scope = Scope { namespaces: names, name: name.to_owned() };
    let manifest = seal_core::manifest::Manifest {
        namespace: None,
        name: None,
        template: Default::default(),
        values: [("token".to_owned(), seal_core::secret::SecretValue::from(b"1".as_slice()))]
            .into(),
        dropped: vec![],
        empty: vec![],
    };
    let place = Place::new("default", name).unwrap();
    let sealed = seal_core::seal::seal(manifest, &place, scope, &Default::default(), keys).unwrap();
    serde_json::to_value(&sealed.spec).unwrap()
}

#[tokio::test]
async fn a_cluster_sealed_secret_carries_no_key_out_of_its_namespaces() {
    let Some(cluster) = seal_testing::own_cluster!() else { return };
    install(&cluster).await;
    let controller = Controller::start(&cluster, "seal-system", &[]).await;
    let home = home(&cluster, &controller);
    // So that each is the first in one of the cases.
    let (a, b) = (cluster.namespace().await, cluster.namespace().await);
    for (number, (here, there)) in [(&a, &b), (&b, &a)].into_iter().enumerate() {
        let team = Identity::generate();
        narrowed(&home, &format!("team-{number}"), &team, &here.name).await;
        let alone = format!("alone-{number}");
        create(&cluster, &alone, for_both(&[recipient(&team)], &alone, &[here, there])).await;
        let status = served(&cluster, &alone, "Partial", "1/2").await;
        assert_eq!(status["failing"][0]["namespace"], there.name);
        assert_eq!(status["failing"][0]["reason"], "NoMatchingKey");
        assert!(here.find::<Secret>(&alone).await.is_some());
        assert!(there.find::<Secret>(&alone).await.is_none());

        // Sealed to the cluster's key as well, each namespace is served by the one that opens there.
        let both = format!("both-{number}");
        let keys = [recipient(&team), controller.recipient()];
        create(&cluster, &both, for_both(&keys, &both, &[here, there])).await;
        let status = served(&cluster, &both, "Applied", "2/2").await;
        let mut opened: Vec<&str> =
            status["openedWith"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        opened.sort_unstable();
        let mut expected = [team.fingerprint().to_string(), controller.fingerprint()];
        expected.sort();
        assert_eq!(opened, expected);
    }
}

#[tokio::test]
async fn the_shipped_guard_lets_a_key_be_narrowed_and_not_widened() {
    let Some(cluster) = seal_testing::own_cluster!() else { return };
    install(&cluster).await;
    let home = Namespace { name: "seal-system".into(), client: cluster.client() };
    narrowed(&home, "team", &Identity::generate_classic(), "a, b,c").await;
    for wider in [json!(null), json!("a,b,c,d"), json!("*"), json!("")] {
        assert!(!annotate(&home, "team", json!({NAMESPACES: wider})).await, "{wider}");
    }
    for narrower in ["c,b", "b"] {
        assert!(annotate(&home, "team", json!({NAMESPACES: narrower})).await, "{narrower}");
    }
    assert!(!annotate(&home, "team", json!({NAMESPACES: "b,c"})).await);
    assert!(annotate(&home, "team", json!({"seal.dev/allow-delete": "true"})).await);
    assert!(annotate(&home, "team", json!({NAMESPACES: null})).await);
}
