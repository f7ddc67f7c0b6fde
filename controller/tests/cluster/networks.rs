//! Networks that go silent and API servers that are slow: every object is served once it can be.

use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use seal_core::kind::sealed::SealedSecret;
use seal_testing::{Behaviour, Cluster, Namespace, Proxy, eventually_within};
use serde_json::json;

use crate::support::{Controller, ends, get, quiet, ready, resealed, values};

/// A connection that died is given up after 30 s.
const GIVEN_UP: std::time::Duration = std::time::Duration::from_secs(90);

/// A controller behind a proxy, serving one namespace.
struct Behind {
    ns: Namespace,
    proxy: Proxy,
    controller: Controller,
}

impl Behind {
    async fn start(cluster: &Cluster) -> Self {
        let (ns, home) = (cluster.namespace().await, cluster.namespace().await);
        Controller::install(cluster, &home, &ns).await;
        let proxy = Proxy::start(cluster).await;
        let direct = cluster.kubeconfig_for_service_account(&home.name, "seal-controller").await;
        let args = ["--namespaces", &ns.name];
        let process = Controller::spawn_with(&proxy.kubeconfig(&direct), &home.name, &args);
        let controller = Controller::ready(cluster, &home.name, process).await;
        Self { ns, proxy, controller }
    }

    async fn create(&self, from: usize, to: usize) {
        for n in from..to {
            let name = format!("s{n}");
            self.ns.create(self.controller.seal(&self.ns, &name, &[("a", "1")])).await;
        }
    }

    async fn all_are_applied(&self, count: usize) {
        let api: Api<SealedSecret> = self.ns.api();
        eventually_within(GIVEN_UP, "all are applied", async || {
            let objects = api.list(&Default::default()).await.unwrap().items;
            let applied = objects.iter().filter_map(ready).filter(|it| it.1 == "Applied").count();
            (objects.len() == count && applied == count).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn a_network_that_goes_silent_amid_many_objects_delays_them_and_loses_none() {
    let Some(cluster) = quiet!() else { return };
    let behind = Behind::start(cluster).await;
    behind.create(0, 200).await;
    behind.proxy.now(Behaviour::Silent);
    behind.create(200, 400).await;
    assert_eq!(get(&format!("{}/livez", behind.controller.url)).await.0, 200);
    behind.proxy.now(Behaviour::Passes);
    behind.all_are_applied(400).await;
}

#[tokio::test]
async fn connections_that_die_without_a_word_are_given_up_and_what_changed_meanwhile_is_served() {
    let Some(cluster) = quiet!() else { return };
    let behind = Behind::start(cluster).await;
    behind.create(0, 20).await;
    behind.all_are_applied(20).await;
    behind.controller.is_idle().await;
    behind.proxy.lets_connections_die();
    behind.create(20, 40).await;
    let changed = resealed(&behind.controller.seal(&behind.ns, "s0", &[("a", "2")]));
    behind.ns.patch::<SealedSecret>("s0", changed).await;
    behind.ns.patch::<Secret>("s1", json!({"data": {"a": "Mg=="}})).await;
    behind.all_are_applied(40).await;
    eventually_within(GIVEN_UP, "what was changed is as it should be", async || {
        let (first, second) = (behind.ns.get("s0").await, behind.ns.get("s1").await);
        (values(&first)["a"] == "2" && values(&second)["a"] == "1").then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_api_server_that_answers_429_and_500_in_turn_delays_every_object_and_refuses_none() {
    let Some(cluster) = quiet!() else { return };
    let behind = Behind::start(cluster).await;
    behind.proxy.now(Behaviour::Faulty);
    behind.create(0, 50).await;
    let api: Api<SealedSecret> = behind.ns.api();
    eventually_within(GIVEN_UP, "some are applied all the same", async || {
        let objects = api.list(&Default::default()).await.unwrap().items;
        objects.iter().filter_map(ready).any(|it| it.1 == "Applied").then_some(())
    })
    .await;
    behind.proxy.now(Behaviour::Passes);
    behind.all_are_applied(50).await;
}

#[tokio::test]
async fn after_an_outage_of_the_api_server_everything_is_served_again() {
    let Some(mut cluster) = seal_testing::own_cluster!() else { return };
    crate::support::install_in(&cluster).await;
    let ns = cluster.namespace().await;
    let controller = Controller::own(&cluster, &ns, &[]).await;
    ns.create(controller.seal(&ns, "before", &[("a", "1")])).await;
    ends(&ns, "before", "Applied").await;
    cluster.stop();
    controller.process.said("is interrupted and begins again").await;
    cluster.restart_apiserver().await;
    let again = std::time::Instant::now();
    ns.create(controller.seal(&ns, "after", &[("a", "1")])).await;
    ends(&ns, "after", "Applied").await;
    println!("served {} ms after the API server was there again", again.elapsed().as_millis());
    ns.patch::<Secret>("before", json!({"data": {"a": "Mg=="}})).await;
    ns.eventually("drift is put right", "before", |live: &Secret| values(live)["a"] == "1").await;
    controller.process.said("goes on").await;
    assert!(!controller.process.has_ended());
}
