//! Objects as large and as odd as the API server admits them: each ends with its reason and a short sentence, whoever is
//! beside them is served, and the controller stays within the memory that is shipped as its limit.

use k8s_openapi::api::core::v1::{Event, Secret};
use kube::Api;
use kube::api::PostParams;
use seal_core::key::Identity;
use seal_core::kind::sealed::SealedSecret;
use seal_core::reason::Reason;
use seal_testing::{Namespace, eventually_within};
use serde_json::json;

use crate::bounds::{SHIPPED_LIMIT_KB, peak_kb};
use crate::hostile_maker::{Maker, ODD, and_a_stanza, and_a_value};
use crate::keys::add_key;
use crate::support::{Controller, ends, message, quiet, ready, values};

/// How the API server refuses what is too large for its schema, its own limit and that of etcd.
const SIZES: [u16; 3] = [422, 413, 500];
type More = fn(&SealedSecret) -> SealedSecret;
/// Objects of which no larger one is admitted, and what is one more.
const LARGEST: [(&str, More); 3] =
    [("values", and_a_value), ("headers", and_a_stanza), ("hybrid", and_a_value)];
/// Bytes of a condition's message: a scope of 64 namespaces with names as long as they can be, and what is said of it.
pub(crate) const MOST_OF_A_MESSAGE: usize = 6 << 10;
/// What Kubernetes takes as the note of an Event.
const MOST_OF_A_NOTE: usize = 1 << 10;
/// Thousands of key operations, on a machine that does other things.
const LONG: std::time::Duration = std::time::Duration::from_secs(120);
fn is_unprintable(c: char) -> bool {
    c.is_control() || ODD.contains(c) && !c.is_ascii_graphic() && c != ' '
}

/// What people read: short, without a value, and without what steers their terminal.
pub(crate) fn is_fit_to_read(what: &str, text: &str, most: usize) {
    assert!(text.len() <= most, "{what} has {} bytes", text.len());
    assert!(!text.contains(is_unprintable), "{what}: {text:?}");
    // Of one file a value stands where a key does, which is no secret wherever it stands.
    let text = text.replace("the block of canary", "");
    assert!(!text.contains("canary"), "{what} repeats a value: {text}");
}

pub(crate) async fn events_are_fit_to_read(ns: &Namespace) {
    for event in ns.list::<Event>().await {
        let reason = event.reason.unwrap();
        assert!(Reason::ALL.iter().any(|it| it.as_str() == reason), "{reason}");
        is_fit_to_read("an Event", &event.message.unwrap(), MOST_OF_A_NOTE);
    }
}

#[tokio::test]
async fn objects_as_large_and_odd_as_are_admitted_end_with_a_short_reason_and_hold_up_no_other() {
    let Some(cluster) = quiet!() else { return };
    let (home, ns, other) =
        (cluster.namespace().await, cluster.namespace().await, cluster.namespace().await);
    let keys = [Identity::generate(), Identity::generate_classic()];
    add_key(cluster, &home.name, "hybrid", &keys[0], "active").await;
    add_key(cluster, &home.name, "classic", &keys[1], "retired").await;
    Controller::install(cluster, &home, &other).await;
    Controller::install(cluster, &home, &ns).await;
    let served = format!("{},{}", ns.name, other.name);
    let args = ["--namespaces", &served, "--attach-pull-secrets"];
    let controller = Controller::start(cluster, &home.name, &args).await;
    let maker = Maker { ns: &ns, hybrid: &keys[0], classic: &keys[1] };
    let admitted = maker.admitted();
    let objects: Api<SealedSecret> = ns.api();
    for (sealed, _) in &admitted {
        ns.create(sealed.clone()).await;
    }
    for (name, more) in LARGEST {
        let named = |it: &&(SealedSecret, _)| it.0.metadata.name.as_deref() == Some(name);
        let mut larger = more(&admitted.iter().find(named).unwrap().0);
        larger.metadata.name = Some(format!("more-{name}"));
        let refused = objects.create(&PostParams::default(), &larger).await.map(drop).unwrap_err();
        assert!(matches!(&refused, kube::Error::Api(it) if SIZES.contains(&it.code)), "{refused}");
    }
    for (ns, name) in [(&ns, "beside"), (&other, "elsewhere")] {
        ns.create(controller.seal(ns, name, &[("a", "1")])).await;
        ends(ns, name, "Applied").await;
    }

    for (sealed, reason) in &admitted {
        let name = sealed.metadata.name.clone().unwrap();
        let told = is_told(&ns, &name).await;
        assert_eq!(ready(&told).unwrap().1, reason.as_str(), "{name}: {:?}", message(&told));
        is_fit_to_read(&name, &message(&told), MOST_OF_A_MESSAGE);
    }
    // Every key of one is put right, and that is told.
    let every = values(&ns.get::<Secret>("values").await).into_keys().map(|key| (key, json!(null)));
    let every: serde_json::Map<_, _> = every.collect();
    ns.patch::<Secret>("values", json!({"data": every})).await;
    ns.eventually_event("values", "Repaired").await;
    events_are_fit_to_read(&ns).await;
    println!("peak of the controller: {} kB", is_alive(&controller, &other).await);
}

async fn is_told(ns: &Namespace, name: &str) -> SealedSecret {
    let api: Api<SealedSecret> = ns.api();
    eventually_within(LONG, &format!("{name} has its verdict"), async || {
        let sealed = api.get(name).await.unwrap();
        ready(&sealed).is_some().then_some(sealed)
    })
    .await
}

/// It serves, its log is fit to read, and it has never had more memory than it is given; gives the most that it had, in kB.
async fn is_alive(controller: &Controller, ns: &Namespace) -> u64 {
    ns.create(controller.seal(ns, "afterwards", &[("a", "1")])).await;
    ends(ns, "afterwards", "Applied").await;
    assert!(!controller.process.has_ended());
    for line in controller.process.log().lines() {
        is_fit_to_read("a line of the log", line, 2 * MOST_OF_A_MESSAGE);
    }
    let peak = peak_kb(&controller.process);
    assert!(peak < SHIPPED_LIMIT_KB, "{peak} kB at most");
    peak
}
