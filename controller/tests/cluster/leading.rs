//! Two replicas: one leads and writes, the other serves what is only read, and takes over.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use k8s_openapi::api::rbac::v1::Role;
use kube::ResourceExt;
use seal_core::key::Recipient;
use seal_core::place::{Place, Scope};
use seal_testing::{Cluster, Namespace, Process, eventually_in, eventually_within};
use serde_json::json;

use crate::support::{Controller, apply, ends, get, map, quiet, resealed, seal_for, values};

/// Longer than a lease that nobody renews.
const TAKEN_OVER_WITHIN: Duration = Duration::from_secs(60);

/// A controller's home, a namespace that it serves, and ServiceAccounts `seal-controller` and `second` with its rights, so that
/// the audit log tells the writes of two replicas apart.
pub(crate) struct Pair {
    pub(crate) cluster: &'static Cluster,
    pub(crate) home: Namespace,
    pub(crate) ns: Namespace,
}

impl Pair {
    pub(crate) async fn new(cluster: &'static Cluster) -> Self {
        let (home, ns) = (cluster.namespace().await, cluster.namespace().await);
        Controller::install(cluster, &home, &ns).await;
        let mut more = format!(
            "apiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: second, namespace: {}}}\n",
            home.name
        );
        for (namespace, role) in [
            (&home.name, "seal-controller".to_owned()),
            (&ns.name, format!("{}-controller", home.name)),
        ] {
            more += &format!(
                "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\n\
                 metadata: {{name: second, namespace: {namespace}}}\n\
                 roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: {role}}}\n\
                 subjects: [{{kind: ServiceAccount, name: second, namespace: {}}}]\n",
                home.name
            );
        }
        apply(cluster, &more).await;
        Self { cluster, home, ns }
    }

    async fn replica(&self, account: &str, pod: &str) -> Replica {
        let kubeconfig =
            self.cluster.kubeconfig_for_service_account(&self.home.name, account).await;
        self.replica_in(&[], &kubeconfig, pod).await
    }

    /// One with more in its environment, that reaches the API server by this kubeconfig.
    pub(crate) async fn replica_in(
        &self,
        environment: &[String],
        kubeconfig: &Path,
        pod: &str,
    ) -> Replica {
        let args = ["--namespaces", self.ns.name.as_str(), "--pod-name", pod];
        let process = Controller::spawn_in(environment, kubeconfig, &self.home.name, &args);
        let url = format!("http://{}", process.said("address=").await);
        Replica { process, url }
    }

    pub(crate) async fn recipient(&self) -> Recipient {
        let maps = self.home.api::<ConfigMap>();
        let map = eventually_in(&maps, "it is published", "seal-recipients", |map| {
            map.data.as_ref().is_some_and(|data| data.contains_key("recipient"))
        })
        .await;
        map.data.unwrap()["recipient"].parse().unwrap()
    }

    pub(crate) async fn seal(
        &self,
        name: &str,
        value: &str,
    ) -> seal_core::kind::sealed::SealedSecret {
        let place = Place::new(&self.ns.name, name).unwrap();
        seal_for(&self.recipient().await, &place, Scope::of(&place), &[("token", value)])
    }

    pub(crate) async fn until_live(&self, name: &str, value: &str) {
        let wanted = map(&[("token", value)]);
        let api = self.ns.api::<Secret>();
        eventually_within(TAKEN_OVER_WITHIN, "it is live", async || {
            let secret = api.get_opt(name).await.ok()??;
            (values(&secret) == wanted).then_some(())
        })
        .await;
    }

    /// Everything but reads and the lease that this ServiceAccount was let do so far.
    fn written_by(&self, account: &str) -> usize {
        let all = self.cluster.requests_by(&self.home.name, account);
        let is_write = |it: &&seal_testing::Used| {
            !["get", "list", "watch"].contains(&&*it.verb) && it.resource != "leases"
        };
        all.iter().filter(is_write).count()
    }

    pub(crate) async fn until_holder_is(&self, name: &str) {
        let leases = self.home.api::<Lease>();
        eventually_within(TAKEN_OVER_WITHIN, &format!("{name} leads"), async || {
            let lease = leases.get_opt("seal-controller").await.ok()??;
            (lease.spec?.holder_identity? == name).then_some(())
        })
        .await;
    }
}

pub(crate) struct Replica {
    pub(crate) process: Process,
    url: String,
}

impl Replica {
    pub(crate) async fn leads(&self) -> bool {
        let (_, metrics) = get(&format!("{}/metrics", self.url)).await;
        metrics.contains("seal_controller_leading 1\n")
    }

    /// Waits until it has nothing in hand.
    pub(crate) async fn is_idle(&self) {
        self.process.said(" ready ").await;
        eventually_within(TAKEN_OVER_WITHIN, "it is idle", async || {
            let (_, metrics) = get(&format!("{}/metrics", self.url)).await;
            ["queue_depth 0\n", "workers_busy 0\n"]
                .iter()
                .all(|line| metrics.contains(&format!("seal_controller_{line}")))
                .then_some(())
        })
        .await;
    }

    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.process.pid().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }
}

#[tokio::test]
async fn of_two_replicas_from_the_first_second_one_writes_and_both_serve() {
    let Some(cluster) = quiet!() else { return };
    let pair = Pair::new(cluster).await;
    let (a, b) = tokio::join!(pair.replica("seal-controller", "a"), pair.replica("second", "b"));
    let recipient = pair.recipient().await;
    for n in 0..5 {
        pair.ns.create(pair.seal(&format!("db-{n}"), "1").await).await;
    }
    for n in 0..5 {
        ends(&pair.ns, &format!("db-{n}"), "Applied").await;
    }
    let writers: Vec<usize> =
        ["seal-controller", "second"].map(|account| pair.written_by(account)).to_vec();
    assert_eq!(writers.iter().filter(|count| **count > 0).count(), 1, "{writers:?}");
    assert_ne!(a.leads().await, b.leads().await);
    for replica in [&a, &b] {
        assert_eq!(get(&format!("{}/readyz", replica.url)).await.0, 200);
        let (code, text) = get(&format!("{}/v1/recipients", replica.url)).await;
        assert!(code == 200 && text.contains(recipient.as_str()));
    }
    let keys: Vec<Secret> = pair.home.list().await;
    let keys = keys.iter().filter(|it| it.type_.as_deref() == Some("seal.dev/key"));
    assert_eq!(keys.count(), 1);
}

#[tokio::test]
async fn a_leader_that_stops_or_is_killed_is_followed_and_one_in_the_same_pod_goes_on_at_once() {
    let Some(cluster) = quiet!() else { return };
    let pair = Pair::new(cluster).await;
    let a = pair.replica("seal-controller", "a").await;
    pair.until_holder_is("a").await;
    let b = pair.replica("second", "b").await;
    b.process.said("a leads; this replica waits").await;
    pair.ns.create(pair.seal("db", "1").await).await;
    pair.until_live("db", "1").await;
    // Given back on a stop.
    let (_, log) = a.process.terminate().await;
    assert!(log.trim_end().ends_with("stopped"), "{log}");
    pair.until_holder_is("b").await;
    let before = pair.ns.get::<Secret>("db").await.resource_version();
    b.process.said(" ready ").await;
    assert_eq!(
        pair.ns.get::<Secret>("db").await.resource_version(),
        before,
        "it is as it was left"
    );
    // Killed without a word, with one that waits; what is made meanwhile is served.
    let a = pair.replica("seal-controller", "a").await;
    a.process.said("b leads; this replica waits").await;
    b.signal("-KILL");
    pair.ns.create(pair.seal("meanwhile", "1").await).await;
    pair.until_live("meanwhile", "1").await;
    pair.until_holder_is("a").await;
    // A container that is started again in its pod need not wait for the end of its own lease.
    let transitions = lease(&pair).await.spec.unwrap().lease_transitions;
    a.signal("-KILL");
    let again = pair.replica("seal-controller", "a").await;
    again.process.said(" ready ").await;
    assert_eq!(lease(&pair).await.spec.unwrap().lease_transitions, transitions.map(|it| it + 1));
}

pub(crate) async fn lease(pair: &Pair) -> Lease {
    pair.home.get("seal-controller").await
}

#[tokio::test]
async fn a_leader_that_was_paused_past_its_lease_writes_nothing_more_and_ends() {
    let Some(cluster) = quiet!() else { return };
    let pair = Pair::new(cluster).await;
    let a = pair.replica("seal-controller", "a").await;
    pair.until_holder_is("a").await;
    let b = pair.replica("second", "b").await;
    pair.ns.create(pair.seal("db", "1").await).await;
    pair.until_live("db", "1").await;
    ends(&pair.ns, "db", "Applied").await;
    a.is_idle().await;
    a.signal("-STOP");
    let written = pair.written_by("seal-controller");
    // While nobody leads, and for the one that is paused: when it wakes it has work.
    let change = resealed(&pair.seal("db", "2").await);
    pair.ns.patch::<seal_core::kind::sealed::SealedSecret>("db", change).await;
    pair.until_holder_is("b").await;
    pair.until_live("db", "2").await;
    a.signal("-CONT");
    a.process.said("b leads now").await;
    eventually_within(TAKEN_OVER_WITHIN, "it ends", async || a.process.has_ended().then_some(()))
        .await;
    assert_eq!(pair.written_by("seal-controller"), written);
    assert_eq!(values(&pair.ns.get("db").await), map(&[("token", "2")]));
    assert!(b.leads().await);
}

#[tokio::test]
async fn while_the_lease_cannot_be_renewed_nothing_is_written_and_then_all_is() {
    let Some(cluster) = quiet!() else { return };
    let pair = Pair::new(cluster).await;
    let a = pair.replica("seal-controller", "a").await;
    a.process.said(" ready ").await;
    // Others may write on it, and delete it.
    let label = json!({"metadata": {"labels": {"seen": "1"}}});
    pair.home.patch::<Lease>("seal-controller", label).await;
    pair.home.delete::<Lease>("seal-controller").await;
    pair.until_holder_is("a").await;
    pair.ns.create(pair.seal("old", "1").await).await;
    pair.until_live("old", "1").await;
    let role: Role = pair.home.get("seal-controller").await;
    let without: Vec<_> = role
        .rules
        .clone()
        .unwrap()
        .into_iter()
        .filter(|rule| {
            let groups: BTreeSet<String> = rule.api_groups.iter().flatten().cloned().collect();
            !groups.contains("coordination.k8s.io")
        })
        .collect();
    pair.home.patch::<Role>("seal-controller", json!({"rules": without})).await;
    a.process.said("nothing is written until it is").await;
    let written = pair.written_by("seal-controller");
    pair.ns.delete::<Secret>("old").await;
    pair.ns.create(pair.seal("db", "1").await).await;
    a.process.said("nothing can be written; work").await;
    assert!(!a.leads().await);
    assert_eq!(pair.written_by("seal-controller"), written);
    pair.home.patch::<Role>("seal-controller", json!({"rules": role.rules})).await;
    pair.until_live("db", "1").await;
    pair.until_live("old", "1").await;
    let log = a.process.log();
    assert!(log.contains("this replica writes again"));
    // What it could not write itself was undone by nobody.
    assert!(!log.contains("Contested"), "{log}");
}
