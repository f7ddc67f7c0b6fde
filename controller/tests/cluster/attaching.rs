//! `spec.serviceAccounts`: the live Secret as an imagePullSecret of ServiceAccounts.

use k8s_openapi::api::core::v1::{Event, LocalObjectReference, Secret, ServiceAccount};
use kube::api::{Patch, PatchParams};
use seal_core::kind::sealed::{SealedSecret, Template};
use seal_testing::{Namespace, eventually};
use serde_json::json;

use crate::support::{Controller, ends, foreign, message, quiet, ready, shared, with};

/// A docker config that the kubelet reads.
const CONFIG: &str = r#"{"auths":{"registry.example":{"auth":"dTpw"}}}"#;

/// A sealed docker config `reg` for these ServiceAccounts.
fn registry(
    controller: &Controller,
    ns: &Namespace,
    config: &str,
    accounts: &[&str],
) -> SealedSecret {
    let type_ = Some("kubernetes.io/dockerconfigjson".into());
    let template = Template { type_, ..Template::default() };
    let mut sealed = with(template, controller.seal(ns, "reg", &[(".dockerconfigjson", config)]));
    sealed.spec.service_accounts = accounts.iter().map(|name| (*name).to_owned()).collect();
    sealed
}

pub(crate) async fn attach(
    controller: &Controller,
    ns: &Namespace,
    accounts: &[&str],
) -> SealedSecret {
    ns.create(registry(controller, ns, CONFIG, accounts)).await;
    ends(ns, "reg", "Applied").await
}

pub(crate) async fn make_account(ns: &Namespace, name: &str, secrets: &[&str]) {
    let listed = secrets.iter().map(|name| LocalObjectReference { name: (*name).to_owned() });
    let mut account = ServiceAccount::default();
    account.metadata.name = Some(name.to_owned());
    account.image_pull_secrets = Some(listed.collect());
    ns.create(account).await;
}

/// Waits until the ServiceAccount has exactly these imagePullSecrets.
pub(crate) async fn has(ns: &Namespace, name: &str, secrets: &[&str]) {
    let what = format!("{name} has {secrets:?}");
    ns.eventually(&what, name, |account: &ServiceAccount| listed(account) == secrets).await;
}

fn listed(account: &ServiceAccount) -> Vec<&str> {
    account.image_pull_secrets.iter().flatten().map(|it| it.name.as_str()).collect()
}

/// Puts another list in the place of what is there.
async fn lists(ns: &Namespace, name: &str, secrets: &[&str]) {
    let entries: Vec<_> = secrets.iter().map(|name| json!({"name": name})).collect();
    ns.patch::<ServiceAccount>(name, json!({"imagePullSecrets": entries})).await;
}

#[tokio::test]
async fn without_the_flag_nothing_is_attached_and_the_flag_is_named() {
    let Some((cluster, controller)) = shared!() else { return };
    let ns = cluster.namespace().await;
    make_account(&ns, "builder", &["theirs"]).await;
    ns.create(registry(controller, &ns, CONFIG, &["builder"])).await;
    let told = message(&ends(&ns, "reg", "NotAllowed").await);
    assert!(told.contains("--attach-pull-secrets"), "{told}");
    assert_eq!(ns.find::<Secret>("reg").await, None);
    has(&ns, "builder", &["theirs"]).await;
}

#[tokio::test]
async fn it_is_appended_served_when_the_account_comes_later_and_taken_out_again() {
    let Some(cluster) = quiet!() else { return };
    let ns = cluster.namespace().await;
    let controller = Controller::own(cluster, &ns, &["--attach-pull-secrets"]).await;
    make_account(&ns, "builder", &["theirs"]).await;
    make_account(&ns, "hand", &["reg", "theirs"]).await;
    let sealed = attach(&controller, &ns, &["builder", "hand", "later"]).await;
    has(&ns, "builder", &["theirs", "reg"]).await;
    assert!(message(&sealed).contains("not attached yet to later (no such"));
    make_account(&ns, "later", &[]).await;
    has(&ns, "later", &["reg"]).await;
    ns.eventually("nothing is missing", "reg", |sealed: &SealedSecret| {
        ready(sealed).is_some() && !message(sealed).contains("not attached yet")
    })
    .await;
    // Taken off the list, then the object itself: what was there before stays.
    let fewer = json!({"spec": {"serviceAccounts": ["hand", "later"]}});
    ns.patch::<SealedSecret>("reg", fewer).await;
    has(&ns, "builder", &["theirs"]).await;
    lists(&ns, "later", &["reg", "more"]).await;
    ns.delete::<SealedSecret>("reg").await;
    ns.eventually_gone::<SealedSecret>("reg").await;
    has(&ns, "later", &["more"]).await;
    has(&ns, "hand", &["reg", "theirs"]).await;
    let account: ServiceAccount = ns.get("later").await;
    assert_eq!(account.metadata.annotations, None);
}

#[tokio::test]
async fn an_object_deleted_while_no_controller_runs_is_taken_out_at_the_next_start() {
    let Some(cluster) = quiet!() else { return };
    let (ns, home) = (cluster.namespace().await, cluster.namespace().await);
    let flags = ["--attach-pull-secrets"];
    let controller = Controller::start_in(cluster, &home, &ns, &flags).await;
    make_account(&ns, "builder", &["theirs"]).await;
    attach(&controller, &ns, &["builder"]).await;
    controller.process.terminate().await;
    ns.delete::<SealedSecret>("reg").await;
    let again = Controller::start_in(cluster, &home, &ns, &flags).await;
    ns.eventually_gone::<SealedSecret>("reg").await;
    has(&ns, "builder", &["theirs"]).await;
    again.is_idle().await;
}

#[tokio::test]
async fn what_an_object_left_that_was_deleted_without_the_flag_goes_when_it_is_given_again() {
    let Some(cluster) = quiet!() else { return };
    let (ns, home) = (cluster.namespace().await, cluster.namespace().await);
    let flags = ["--attach-pull-secrets"];
    let controller = Controller::start_in(cluster, &home, &ns, &flags).await;
    make_account(&ns, "builder", &["theirs"]).await;
    for name in ["reg", "stays"] {
        let mut sealed = named_registry(&controller, &ns, name);
        if name == "stays" {
            let keep = [("seal.dev/on-delete".to_owned(), "keep".to_owned())];
            sealed.metadata.annotations = Some(keep.into());
        }
        ns.create(sealed).await;
        ends(&ns, name, "Applied").await;
    }
    controller.process.terminate().await;
    let without = Controller::start_in(cluster, &home, &ns, &[]).await;
    for name in ["reg", "stays"] {
        ns.delete::<SealedSecret>(name).await;
        ns.eventually_gone::<SealedSecret>(name).await;
    }
    ns.eventually_gone::<Secret>("reg").await;
    has(&ns, "builder", &["theirs", "reg", "stays"]).await;
    without.process.terminate().await;
    let again = Controller::start_in(cluster, &home, &ns, &flags).await;
    has(&ns, "builder", &["theirs", "stays"]).await;
    again.is_idle().await;
}

#[tokio::test]
async fn an_unchanged_object_costs_a_restart_no_write_and_what_was_dropped_meanwhile_is_put_back() {
    let Some(cluster) = quiet!() else { return };
    let (ns, home) = (cluster.namespace().await, cluster.namespace().await);
    let flags = ["--attach-pull-secrets"];
    let controller = Controller::start_in(cluster, &home, &ns, &flags).await;
    make_account(&ns, "builder", &[]).await;
    attach(&controller, &ns, &["builder"]).await;
    let writes = || {
        let all = cluster.requests_by(&home.name, "seal-controller").into_iter();
        let in_ns = all.filter(|it| it.namespace == ns.name);
        in_ns.filter(|it| ["create", "update", "patch", "delete"].contains(&&*it.verb)).count()
    };
    controller.process.terminate().await;
    let before = writes();
    let controller = Controller::start_in(cluster, &home, &ns, &flags).await;
    controller.is_idle().await;
    assert_eq!(writes(), before);
    controller.process.terminate().await;
    lists(&ns, "builder", &["theirs"]).await;
    let _controller = Controller::start_in(cluster, &home, &ns, &flags).await;
    has(&ns, "builder", &["theirs", "reg"]).await;
}

#[tokio::test]
async fn who_keeps_dropping_it_is_answered_at_growing_distances() {
    let Some(cluster) = quiet!() else { return };
    let ns = cluster.namespace().await;
    let controller = Controller::own(cluster, &ns, &["--attach-pull-secrets"]).await;
    make_account(&ns, "builder", &["theirs"]).await;
    attach(&controller, &ns, &["builder"]).await;
    has(&ns, "builder", &["theirs", "reg"]).await;
    lists(&ns, "builder", &["theirs"]).await;
    has(&ns, "builder", &["theirs", "reg"]).await;
    let told = eventually("it is contested", async || {
        lists(&ns, "builder", &["theirs"]).await;
        let sealed: SealedSecret = ns.get("reg").await;
        (ready(&sealed)?.1 == "Contested").then(|| message(&sealed))
    })
    .await;
    assert!(told.contains("the imagePullSecrets of the ServiceAccount builder"), "{told}");
    has(&ns, "builder", &["theirs", "reg"]).await;
    ends(&ns, "reg", "Applied").await;
}

/// One of another name, for `builder`.
fn named_registry(controller: &Controller, ns: &Namespace, name: &str) -> SealedSecret {
    let mut sealed = registry(controller, ns, CONFIG, &["builder"]);
    let again = controller.seal(ns, name, &[(".dockerconfigjson", CONFIG)]);
    (sealed.metadata, sealed.spec.values) = (again.metadata, again.spec.values);
    (sealed.spec.scope, sealed.spec.header) = (again.spec.scope, again.spec.header);
    sealed.spec.sealed_to = again.spec.sealed_to;
    sealed
}

#[tokio::test]
async fn one_edit_that_takes_out_many_entries_is_put_right_and_no_object_calls_it_a_contest() {
    const OBJECTS: usize = 10;
    let Some(cluster) = quiet!() else { return };
    let ns = cluster.namespace().await;
    let controller = Controller::own(cluster, &ns, &["--attach-pull-secrets"]).await;
    make_account(&ns, "builder", &[]).await;
    for n in 0..OBJECTS {
        ns.create(named_registry(&controller, &ns, &format!("reg{n}"))).await;
    }
    for n in 0..OBJECTS {
        ends(&ns, &format!("reg{n}"), "Applied").await;
    }
    lists(&ns, "builder", &["manual"]).await;
    ns.eventually("all are there again", "builder", |account: &ServiceAccount| {
        listed(account).len() == OBJECTS + 1
    })
    .await;
    controller.is_idle().await;
    let events: Vec<Event> = ns.list().await;
    assert!(!events.iter().any(|event| event.reason.as_deref() == Some("Contested")));
}

#[tokio::test]
async fn of_many_writers_at_once_nobody_loses_an_entry() {
    let Some(cluster) = quiet!() else { return };
    let ns = cluster.namespace().await;
    let controller = Controller::own(cluster, &ns, &["--attach-pull-secrets"]).await;
    make_account(&ns, "builder", &[]).await;
    for n in 0..5 {
        ns.create(named_registry(&controller, &ns, &format!("reg{n}"))).await;
        // By the rule of everybody: read, append, put back on the version that was read.
        let append = async || {
            let mut account: ServiceAccount = ns.get("builder").await;
            account.metadata.managed_fields = None;
            let entry = LocalObjectReference { name: format!("theirs{n}") };
            account.image_pull_secrets.get_or_insert_default().push(entry);
            let replaced = ns.api().replace("builder", &Default::default(), &account).await;
            replaced.ok()
        };
        eventually("an entry of others is in", append).await;
    }
    ns.eventually("all ten are there", "builder", |account: &ServiceAccount| {
        let mut listed = listed(account);
        listed.sort_unstable();
        listed.len() == 10 && listed.windows(2).all(|pair| pair[0] != pair[1])
    })
    .await;
}

#[tokio::test]
async fn what_the_kubelet_cannot_read_is_not_given_to_pods() {
    let Some(cluster) = quiet!() else { return };
    let ns = cluster.namespace().await;
    let controller = Controller::own(cluster, &ns, &["--attach-pull-secrets"]).await;
    make_account(&ns, "builder", &["theirs"]).await;
    let poisoned = r#"{"auths":{"registry.example":{"auth":"canary"}}}"#;
    ns.create(registry(&controller, &ns, poisoned, &["builder"])).await;
    let told = message(&ends(&ns, "reg", "Malformed").await);
    assert!(told.contains("not a docker config that the kubelet can read"), "{told}");
    assert!(!told.contains("canary"));
    assert_eq!(ns.find::<Secret>("reg").await, None);
    has(&ns, "builder", &["theirs"]).await;
    let untyped = json!({"spec": {"template": null}});
    ns.patch::<SealedSecret>("reg", untyped).await;
    ends(&ns, "reg", "Malformed").await;
}

#[tokio::test]
async fn a_secret_of_others_is_not_attached() {
    let Some(cluster) = quiet!() else { return };
    let ns = cluster.namespace().await;
    let controller = Controller::own(cluster, &ns, &["--attach-pull-secrets"]).await;
    make_account(&ns, "builder", &[]).await;
    let mut theirs = foreign("reg", &[(".dockerconfigjson", CONFIG)]);
    theirs.type_ = Some("kubernetes.io/dockerconfigjson".into());
    ns.create(theirs).await;
    ns.create(registry(&controller, &ns, CONFIG, &["builder"])).await;
    ends(&ns, "reg", "NotOurs").await;
    controller.is_idle().await;
    has(&ns, "builder", &[]).await;
    let as_theirs = PatchParams::default();
    let gone = Patch::Merge(json!({"spec": {"onConflict": "Merge"}}));
    ns.api::<SealedSecret>().patch("reg", &as_theirs, &gone).await.unwrap();
    let told = message(&ends(&ns, "reg", "Malformed").await);
    assert!(told.contains("needs a Secret of its own"), "{told}");
}
