//! A tenant who may create SealedSecrets, and nothing else, tries for more. Each attempt against the real API server.

use k8s_openapi::api::core::v1::{Secret, ServiceAccount};
use kube::Api;
use seal_core::kind::sealed::{SealedSecret, Template, TemplateMetadata};
use seal_core::place::{Place, Scope};
use seal_testing::Namespace;

use crate::support::{
    Controller, ends, foreign, map, message, quiet, seal_for, shared, version, with,
};

#[tokio::test]
async fn no_token_is_minted_by_a_sealed_file() {
    let Some((cluster, controller)) = shared!() else { return };
    let ns = cluster.namespace().await;
    ns.create(ServiceAccount { metadata: seal_testing::named("robot"), ..Default::default() })
        .await;
    // The schema refuses the type; an annotation alone must not do it either.
    let annotations = [("kubernetes.io/service-account.name", "robot")];
    refused(
        controller,
        &ns,
        "token",
        template(&[], &annotations),
        "service-account.name is reserved",
    )
    .await;
}

#[tokio::test]
async fn no_helm_release_is_forged_by_a_sealed_file() {
    let Some((cluster, controller)) = shared!() else { return };
    let ns = cluster.namespace().await;
    let named = template(&[], &[]);
    refused(controller, &ns, "sh.helm.release.v1.app.v9", named, "is reserved").await;
    let owner = template(&[("owner", "helm"), ("name", "app")], &[]);
    refused(controller, &ns, "release", owner, "owner=helm is reserved").await;
}

#[tokio::test]
async fn no_sealing_key_is_planted_by_a_sealed_file() {
    let Some((cluster, controller)) = shared!() else { return };
    let home = Namespace { name: controller.namespace.clone(), client: cluster.client() };
    let name = "planted";
    let sealed = controller.seal(&home, name, &[("identity", "AGE-SECRET-KEY-PQ-1")]);
    home.create(sealed).await;
    let sealed = ends(&home, name, "NotAllowed").await;
    assert!(message(&sealed).contains("nothing is opened in the namespaces of the controller"));
    assert!(home.find::<Secret>(name).await.is_none());
    home.delete::<SealedSecret>(name).await;

    let ns = cluster.namespace().await;
    let label = template(&[("seal.dev/key", "active")], &[]);
    refused(controller, &ns, "key", label, "the label seal.dev/key is reserved").await;
}

#[tokio::test]
async fn a_bootstrap_token_and_our_own_annotations_are_out_of_reach() {
    let Some((cluster, controller)) = shared!() else { return };
    let ns = cluster.namespace().await;
    refused(controller, &ns, "bootstrap-token-abcdef", Template::default(), "is reserved").await;
    let ours = template(&[], &[("seal.dev/applied", "{}")]);
    refused(controller, &ns, "ours", ours, "seal.dev/applied is reserved").await;
    let kubectl = [("kubectl.kubernetes.io/last-applied-configuration", "{}")];
    refused(controller, &ns, "kubectl", template(&[], &kubectl), "is reserved").await;
}

#[tokio::test]
async fn a_scope_of_every_namespace_needs_a_flag() {
    let Some((cluster, controller)) = shared!() else { return };
    let ns = cluster.namespace().await;
    let everywhere = Scope { namespaces: vec!["*".into()], name: "*".into() };
    let place = Place::new(&ns.name, "any").unwrap();
    let recipient = controller.recipient();
    ns.create(seal_for(&recipient, &place, everywhere.clone(), &[("a", "1")])).await;
    ends(&ns, "any", "NotAllowed").await;

    let Some(cluster) = quiet!() else { return };
    let with_flag = cluster.namespace().await;
    let permissive = Controller::own(cluster, &with_flag, &["--allow-wildcard-anywhere"]).await;
    let place = Place::new(&with_flag.name, "any").unwrap();
    let recipient = permissive.recipient();
    with_flag.create(seal_for(&recipient, &place, everywhere, &[("a", "1")])).await;
    ends(&with_flag, "any", "Applied").await;
}

#[tokio::test]
async fn service_accounts_and_other_conflict_policies_gain_nothing() {
    let Some((cluster, controller)) = shared!() else { return };
    let ns = cluster.namespace().await;
    let mut pull = controller.seal(&ns, "pull", &[("a", "1")]);
    pull.spec.service_accounts = vec!["default".into()];
    ns.create(pull).await;
    ends(&ns, "pull", "NotAllowed").await;

    let theirs = ns.create(foreign("db", &[("a", "theirs")])).await;
    let mut adopt = controller.seal(&ns, "db", &[("a", "ours")]);
    adopt.spec.on_conflict = Some("Adopt".into());
    ns.create(adopt).await;
    ends(&ns, "db", "NotOurs").await;
    assert_eq!(version(&ns.get("db").await), version(&theirs));
}

#[tokio::test]
async fn a_live_secret_of_a_reserved_type_is_left_alone_even_if_it_claims_to_be_ours() {
    let Some((cluster, controller)) = shared!() else { return };
    let ns = cluster.namespace().await;
    let mut release = foreign("db", &[("release", "x")]);
    release.type_ = Some("helm.sh/release.v1".into());
    release.metadata.annotations =
        Some(map(&[("seal.dev/applied", &format!(r#"{{"by":"SealedSecret/{}/db"}}"#, ns.name))]));
    let release = ns.create(release).await;
    ns.create(controller.seal(&ns, "db", &[("a", "ours")])).await;
    ends(&ns, "db", "NotAllowed").await;
    assert_eq!(version(&ns.get("db").await), version(&release));
}

fn template(labels: &[(&str, &str)], annotations: &[(&str, &str)]) -> Template {
    let metadata = TemplateMetadata { labels: map(labels), annotations: map(annotations) };
    Template { metadata, ..Template::default() }
}

async fn refused(
    controller: &Controller,
    ns: &Namespace,
    name: &str,
    template: Template,
    why: &str,
) {
    ns.create(with(template, controller.seal(ns, name, &[("a", "1")]))).await;
    let sealed = ends(ns, name, "NotAllowed").await;
    assert!(message(&sealed).contains(why), "{}", message(&sealed));
    let live: Api<Secret> = ns.api();
    assert!(live.get_opt(name).await.unwrap().is_none());
}
