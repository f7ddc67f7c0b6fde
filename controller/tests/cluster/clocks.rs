//! Wall clocks that jump, each replica's by itself: libfaketime gives a process another one, and leaves the clock alone that only
//! counts.

use std::fs;
use std::path::{Path, PathBuf};

use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt;
use seal_core::kind::sealed::SealedSecret;
use seal_testing::{Cluster, Proxy};
use serde_json::json;
use tempfile::TempDir;

use crate::leading::{Pair, Replica, lease};
use crate::support::{ends, map, quiet, resealed, values};

const DAY: i64 = 24 * 3600;
const YEAR: i64 = 365 * DAY;
const OBJECTS: usize = 5;

/// A wall clock that is so many seconds from the right one.
struct Clock {
    library: PathBuf,
    folder: TempDir,
}

impl Clock {
    fn new(library: &Path) -> Self {
        let clock = Self { library: library.to_owned(), folder: tempfile::tempdir().unwrap() };
        clock.jumps(0);
        clock
    }

    /// Whole or not at all: the process reads it whenever it asks for the time.
    fn jumps(&self, seconds: i64) {
        fs::write(self.folder.path().join("next"), format!("{seconds:+}\n")).unwrap();
        fs::rename(self.folder.path().join("next"), self.file()).unwrap();
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("now")
    }

    fn environment(&self) -> Vec<String> {
        vec![
            format!("LD_PRELOAD={}", self.library.display()),
            format!("FAKETIME_TIMESTAMP_FILE={}", self.file().display()),
            "FAKETIME_NO_CACHE=1".to_owned(),
            "FAKETIME_DONT_FAKE_MONOTONIC=1".to_owned(),
            "FAKETIME_DISABLE_SHM=1".to_owned(),
        ]
    }
}

/// Two replicas with clocks of their own, of which `a` leads. Nothing between them and the API server asks for the time: what a
/// certificate says of it is another matter.
struct Rig {
    pair: Pair,
    a: (Replica, Clock),
    b: (Replica, Clock),
    _proxies: [Proxy; 2],
}

impl Rig {
    async fn new(cluster: &'static Cluster, library: &Path) -> Self {
        let pair = Pair::new(cluster).await;
        let proxies = [Proxy::start(cluster).await, Proxy::start(cluster).await];
        let start = async |proxy: &Proxy, account: &str, pod: &str| {
            let direct = cluster.kubeconfig_for_service_account(&pair.home.name, account).await;
            let (clock, through) = (Clock::new(library), proxy.kubeconfig(&direct));
            (pair.replica_in(&clock.environment(), &through, pod).await, clock)
        };
        let a = start(&proxies[0], "seal-controller", "a").await;
        a.0.process.said(" ready ").await;
        let b = start(&proxies[1], "second", "b").await;
        b.0.process.said("a leads; this replica waits").await;
        Self { pair, a, b, _proxies: proxies }
    }

    /// Both clocks jump, and then each object gets another value.
    async fn jump_and_change(&self, a: i64, b: i64, value: &str) {
        self.a.1.jumps(a);
        self.b.1.jumps(b);
        for n in 0..OBJECTS {
            let change = resealed(&self.pair.seal(&format!("db-{n}"), value).await);
            self.pair.ns.patch::<SealedSecret>(&format!("db-{n}"), change).await;
        }
        for n in 0..OBJECTS {
            ends(&self.pair.ns, &format!("db-{n}"), "Applied").await;
            let live: Secret = self.pair.ns.get(&format!("db-{n}")).await;
            assert_eq!(values(&live), map(&[("token", value)]));
        }
    }

    /// Live Secrets that this ServiceAccount has written over.
    fn updates_by(&self, account: &str) -> usize {
        let all = self.pair.cluster.requests_by(&self.pair.home.name, account);
        all.iter().filter(|it| it.resource == "secrets" && it.verb == "update").count()
    }
}

/// How far the time of the Ready condition is from the right one.
fn off_by(sealed: &SealedSecret) -> i64 {
    let conditions = &sealed.status.as_ref().unwrap().conditions;
    let ready = conditions.iter().find(|it| it.type_ == "Ready").unwrap();
    ready.last_transition_time.0.as_second() - Timestamp::now().as_second()
}

#[tokio::test]
async fn clocks_that_jump_by_years_change_neither_who_leads_nor_what_is_live_nor_which_key_is_newest()
 {
    let Some(library) = seal_testing::tool!("libfaketime.so.1") else { return };
    let Some(cluster) = quiet!() else { return };
    let rig = Rig::new(cluster, &library).await;
    for n in 0..OBJECTS {
        rig.pair.ns.create(rig.pair.seal(&format!("db-{n}"), "0").await).await;
    }
    rig.jump_and_change(0, 0, "1").await;
    let transitions = lease(&rig.pair).await.spec.unwrap().lease_transitions;
    let before = off_by(&rig.pair.ns.get("db-0").await);

    rig.jump_and_change(YEAR, -2 * YEAR, "2").await;
    rig.jump_and_change(-2 * YEAR, YEAR, "3").await;
    // Told with the clock of who writes, where something has changed, and left alone where nothing has.
    let since = off_by(&rig.pair.ns.get("db-0").await);
    assert!(since <= before && since > -DAY, "{since} s");
    rig.pair.ns.create(rig.pair.seal("new", "1").await).await;
    let since = off_by(&ends(&rig.pair.ns, "new", "Applied").await);
    assert!((-2 * YEAR - DAY..-2 * YEAR + DAY).contains(&since), "the clock has jumped: {since} s");
    rig.pair.ns.patch::<Secret>("db-0", json!({"data": {"token": "eA=="}})).await;
    rig.pair.until_live("db-0", "3").await;

    // Nobody else took the lead, and each change was one write.
    let now = lease(&rig.pair).await.spec.unwrap();
    assert_eq!((now.holder_identity.as_deref(), now.lease_transitions), (Some("a"), transitions));
    assert!(rig.a.0.leads().await && !rig.b.0.leads().await);
    rig.a.0.is_idle().await;
    assert_eq!((rig.updates_by("seal-controller"), rig.updates_by("second")), (3 * OBJECTS + 1, 0));

    // The next key is made two years ago, and is the newest all the same.
    let first: Secret = rig.pair.home.get("seal-key-first").await;
    let asks = json!({"metadata": {"annotations": {"seal.dev/rotate": "1"}}});
    rig.pair.home.patch::<Secret>("seal-key-first", asks).await;
    rig.a.0.process.said("made the key that was asked for").await;
    let keys: Vec<Secret> = rig.pair.home.list().await;
    let made = |key: &Secret| key.annotations().get("seal.dev/created").cloned();
    let next = keys.iter().filter(|it| made(it) > made(&first)).collect::<Vec<_>>();
    let [next] = next[..] else { panic!("{} keys are newer", next.len()) };
    let recipient = String::from_utf8(next.data.as_ref().unwrap()["recipient"].0.clone()).unwrap();
    let is_next =
        |map: &ConfigMap| map.data.as_ref().is_some_and(|it| it["recipient"] == recipient);
    rig.pair.home.eventually("it is published", "seal-recipients", is_next).await;
    taken_over(&rig).await;
}

/// The leader is killed: the other one, whose clock is three years later, counts as long as ever until it leads.
async fn taken_over(rig: &Rig) {
    rig.a.0.signal("-KILL");
    let change = resealed(&rig.pair.seal("db-0", "4").await);
    rig.pair.ns.patch::<SealedSecret>("db-0", change).await;
    rig.pair.until_holder_is("b").await;
    rig.pair.until_live("db-0", "4").await;
    ends(&rig.pair.ns, "db-0", "Applied").await;
}

#[tokio::test]
async fn a_replica_whose_clock_is_before_the_certificate_of_the_api_server_waits_until_it_is_right()
{
    let Some(library) = seal_testing::tool!("libfaketime.so.1") else { return };
    let Some(cluster) = quiet!() else { return };
    let pair = Pair::new(cluster).await;
    let direct = cluster.kubeconfig_for_service_account(&pair.home.name, "seal-controller").await;
    let clock = Clock::new(&library);
    clock.jumps(-2 * YEAR);
    let a = pair.replica_in(&clock.environment(), &direct, "a").await;
    a.process.said("the API server does not answer").await;
    assert!(!a.leads().await && !a.process.has_ended());
    clock.jumps(0);
    a.process.said(" ready ").await;
    pair.ns.create(pair.seal("db", "1").await).await;
    ends(&pair.ns, "db", "Applied").await;
}
