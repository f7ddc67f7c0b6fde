//! What fails around a controller in a year. After each: the live Secrets are what the sealed objects say, and nothing of others
//! was touched.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Namespace as CoreNamespace, Secret};
use k8s_openapi::api::rbac::v1::Role;
use kube::Api;
use kube::api::DeleteParams;
use seal_core::kind::sealed::SealedSecret;
use seal_testing::{Cluster, Namespace, eventually, eventually_within};
use serde_json::json;

use crate::cluster_sealed::make_namespace;
use crate::support::{Controller, ends, foreign, get, install_in, map, quiet, resealed, values};
use crate::uninstalling::install;

/// Longer than any pause of the controller after an outage.
const SERVED_WITHIN: Duration = Duration::from_secs(60);
/// Times that a process is killed.
const KILLS: u64 = 50;

/// What each live Secret must be.
type Model = BTreeMap<String, String>;

/// Seals a value anew, over what is there.
async fn set(controller: &Controller, ns: &Namespace, model: &mut Model, name: &str, value: &str) {
    let sealed = controller.seal(ns, name, &[("token", value)]);
    if model.insert(name.to_owned(), value.to_owned()).is_none() {
        ns.create(sealed).await;
    } else {
        ns.patch::<SealedSecret>(name, resealed(&sealed)).await;
    }
}

/// Waits until the live Secrets are as the model says, and nothing else is there.
async fn is_as(ns: &Namespace, model: &Model) {
    for (name, value) in model {
        let wanted = map(&[("token", value)]);
        let what = format!("{name} is {value}");
        let api = ns.api::<Secret>();
        eventually_within(SERVED_WITHIN, &what, async || {
            let secret = api.get_opt(name).await.ok()??;
            (values(&secret) == wanted).then_some(())
        })
        .await;
        ends(ns, name, "Applied").await;
    }
    let theirs: Secret = ns.get("theirs").await;
    assert_eq!(values(&theirs), map(&[("a", "theirs")]));
    assert_eq!(ns.list::<Secret>().await.len(), model.len() + 1);
}

fn kill(controller: &Controller) {
    let pid = controller.process.pid().to_string();
    assert!(Command::new("kill").args(["-KILL", &pid]).status().unwrap().success());
}

#[tokio::test]
async fn killed_at_fifty_moments_it_ends_where_the_sealed_objects_say() {
    let Some(cluster) = quiet!() else { return };
    let (home, ns) = (cluster.namespace().await, cluster.namespace().await);
    let mut controller = Controller::start_in(cluster, &home, &ns, &[]).await;
    ns.create(foreign("theirs", &[("a", "theirs")])).await;
    let mut model = Model::new();
    for name in ["a", "b", "c", "d"] {
        set(&controller, &ns, &mut model, name, "0").await;
    }
    is_as(&ns, &model).await;
    let args = ["--namespaces", ns.name.as_str()];
    for turn in 0..KILLS {
        let (name, other) =
            (["a", "b", "c", "d"][turn as usize % 4], ["b", "c", "d", "a"][turn as usize % 4]);
        set(&controller, &ns, &mut model, name, &turn.to_string()).await;
        let _ = ns.api::<Secret>().delete(other, &DeleteParams::default()).await;
        // The moment is the fault: within a start, a list, a write, a status, or at rest.
        tokio::time::sleep(Duration::from_millis(turn * 37 % 400)).await;
        kill(&controller);
        let process = Controller::spawn(cluster, &home.name, &args).await;
        controller.process = process;
    }
    is_as(&ns, &model).await;
    let keys: Vec<Secret> = home.list().await;
    assert_eq!(keys.iter().filter(|it| it.type_.as_deref() == Some("seal.dev/key")).count(), 1);
}

#[tokio::test]
async fn of_a_thousand_edits_of_one_object_the_last_is_live_and_the_others_are_served() {
    let Some(cluster) = quiet!() else { return };
    let ns = cluster.namespace().await;
    let controller = Controller::own(cluster, &ns, &[]).await;
    ns.create(foreign("theirs", &[("a", "theirs")])).await;
    let mut model = Model::new();
    for turn in 0..1000 {
        set(&controller, &ns, &mut model, "edited", &turn.to_string()).await;
        if turn == 500 {
            set(&controller, &ns, &mut model, "other", "1").await;
            ends(&ns, "other", "Applied").await;
        }
    }
    is_as(&ns, &model).await;
    controller.is_idle().await;
    let (_, metrics) = get(&format!("{}/metrics", controller.url)).await;
    assert!(!metrics.contains("result=\"refused\""), "{metrics}");
}

#[tokio::test]
async fn a_role_that_is_taken_away_and_given_back_delays_and_loses_nothing() {
    let Some(cluster) = quiet!() else { return };
    let ns = cluster.namespace().await;
    let controller = Controller::own(cluster, &ns, &[]).await;
    ns.create(foreign("theirs", &[("a", "theirs")])).await;
    let mut model = Model::new();
    set(&controller, &ns, &mut model, "db", "1").await;
    is_as(&ns, &model).await;
    let name = format!("{}-controller", controller.namespace);
    let role: Role = ns.get(&name).await;
    for kept in [0, 1] {
        let rules = role.rules.clone().unwrap();
        ns.patch::<Role>(&name, json!({"rules": rules[..kept]})).await;
        set(&controller, &ns, &mut model, "db", &format!("without {kept}")).await;
        ns.api::<Secret>().delete("db", &DeleteParams::default()).await.unwrap();
        controller.process.said("is interrupted and begins again").await;
        ns.patch::<Role>(&name, json!({"rules": rules})).await;
        is_as(&ns, &model).await;
    }
    assert!(!controller.process.has_ended());
}

#[tokio::test]
async fn an_etcd_that_is_killed_or_frozen_with_the_api_server_delays_and_loses_nothing() {
    let Some(mut cluster) = seal_testing::own_cluster!() else { return };
    install_in(&cluster).await;
    let ns = cluster.namespace().await;
    let controller = Controller::own(&cluster, &ns, &[]).await;
    ns.create(foreign("theirs", &[("a", "theirs")])).await;
    let mut model = Model::new();
    set(&controller, &ns, &mut model, "db", "1").await;
    is_as(&ns, &model).await;
    cluster.restart_etcd();
    until_it_answers(&cluster).await;
    set(&controller, &ns, &mut model, "db", "2").await;
    is_as(&ns, &model).await;
    // Longer than a leader writes without renewing.
    cluster.freeze();
    controller.process.said("nothing is written until it is").await;
    cluster.thaw();
    until_it_answers(&cluster).await;
    set(&controller, &ns, &mut model, "db", "3").await;
    is_as(&ns, &model).await;
    assert!(!controller.process.has_ended());
}

/// What it watched is a history that is no more: it would not see a change until versions are as high again.
#[tokio::test]
async fn an_etcd_that_is_restored_from_a_copy_is_begun_with_anew() {
    let Some(mut cluster) = seal_testing::own_cluster!() else { return };
    install_in(&cluster).await;
    let ns = cluster.namespace().await;
    let controller = Controller::own(&cluster, &ns, &[]).await;
    ns.create(foreign("theirs", &[("a", "theirs")])).await;
    let mut model = Model::new();
    set(&controller, &ns, &mut model, "db", "1").await;
    is_as(&ns, &model).await;
    let saved = cluster.save_etcd().await;
    let at_the_time = model.clone();
    for value in ["2", "3", "4"] {
        set(&controller, &ns, &mut model, "db", value).await;
        is_as(&ns, &model).await;
    }
    // By the Lease it is seen, which is renewed every two seconds: a copy that is younger than that is no older history.
    let version = async |cluster: &Cluster| {
        let get = [
            "get",
            "lease",
            "-n",
            &controller.namespace,
            "-o",
            "jsonpath={.items[*].metadata.resourceVersion}",
        ];
        cluster.kubectl(&get, "").await.stdout
    };
    let before = version(&cluster).await;
    eventually("the Lease is renewed", async || (version(&cluster).await != before).then_some(()))
        .await;
    cluster.restore_etcd(&saved).await;
    controller.process.said("versions went back, as after a restore of etcd").await;
    eventually("it ends", async || controller.process.has_ended().then_some(())).await;
    let controller =
        Controller::start(&cluster, &controller.namespace, &["--namespaces", &ns.name]).await;
    model = at_the_time;
    is_as(&ns, &model).await;
    set(&controller, &ns, &mut model, "db", "5").await;
    is_as(&ns, &model).await;
}

async fn until_it_answers(cluster: &Cluster) {
    let namespaces: Api<CoreNamespace> = Api::all(cluster.client());
    eventually_within(SERVED_WITHIN, "the API server answers", async || {
        namespaces.list(&Default::default()).await.ok().map(drop)
    })
    .await;
}

#[tokio::test]
async fn a_namespace_that_is_deleted_and_made_again_is_served_again_and_holds_up_no_other() {
    let Some(cluster) = seal_testing::own_cluster!() else { return };
    install(&cluster).await;
    let controller = Controller::start(&cluster, "seal-system", &[]).await;
    let other = cluster.namespace().await;
    let gone = make_namespace(&cluster, "gone", &[]).await;
    gone.create(controller.seal(&gone, "db", &[("a", "1")])).await;
    ends(&gone, "db", "Applied").await;
    // While something holds it, nothing new is taken there.
    let held = json!({"metadata": {"finalizers": ["example.com/held"]}});
    gone.patch::<SealedSecret>("db", held).await;
    let namespaces: Api<CoreNamespace> = Api::all(cluster.client());
    namespaces.delete("gone", &DeleteParams::default()).await.unwrap();
    other.create(controller.seal(&other, "db", &[("a", "2")])).await;
    ends(&other, "db", "Applied").await;
    gone.patch::<SealedSecret>("db", json!({"metadata": {"finalizers": null}})).await;
    eventually("it is gone", async || {
        namespaces.get_opt("gone").await.ok()?.is_none().then_some(())
    })
    .await;
    let again = make_namespace(&cluster, "gone", &[]).await;
    again.create(controller.seal(&again, "db", &[("a", "3")])).await;
    ends(&again, "db", "Applied").await;
    assert_eq!(values(&again.get("db").await), map(&[("a", "3")]));
    assert!(!controller.process.has_ended());
}
