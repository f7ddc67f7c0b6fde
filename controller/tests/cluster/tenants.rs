//! Whoever may create SealedSecrets in a namespace, and nothing else, tries each road to a Secret that is there: to read it, write
//! over it, delete it, or have it given to pods. Each road has a test, and none leads there.

use k8s_openapi::api::core::v1::{Secret, ServiceAccount};
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::api::{Patch, PostParams};
use kube::{Api, ResourceExt};
use seal_core::kind::sealed::{SealedSecret, Template, TemplateMetadata};
use seal_testing::{Cluster, Namespace};
use serde_json::json;

use crate::attaching::{has, make_account};
use crate::support::{
    Controller, ends, foreign, map, message, quiet, shared, values, version, with,
};

/// The tenant, and the Secret of others `db` that it has no right to.
struct Tenant {
    ns: Namespace,
    api: Api<SealedSecret>,
    secrets: Api<Secret>,
}

impl Tenant {
    async fn new(cluster: &Cluster) -> Self {
        let ns = cluster.namespace().await;
        let rule =
            json!({"apiGroups": ["seal.dev"], "resources": ["sealedsecrets"], "verbs": ["create"]});
        let role = json!({"metadata": {"name": "tenant"}, "rules": [rule]});
        ns.create::<Role>(serde_json::from_value(role).unwrap()).await;
        let client = cluster.client_for_service_account(&ns.name, "tenant").await;
        let binding = json!({
            "metadata": {"name": "tenant"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "tenant"},
            "subjects": [{"kind": "ServiceAccount", "name": "tenant", "namespace": ns.name}],
        });
        ns.create::<RoleBinding>(serde_json::from_value(binding).unwrap()).await;
        let (api, secrets) =
            (Api::namespaced(client.clone(), &ns.name), Api::namespaced(client, &ns.name));
        Self { ns, api, secrets }
    }

    /// As the tenant, once its right counts.
    async fn creates(&self, sealed: SealedSecret) -> SealedSecret {
        seal_testing::eventually("the tenant may create it", async || {
            match self.api.create(&PostParams::default(), &sealed).await {
                Err(kube::Error::Api(status)) if status.code == 403 => None,
                created => Some(created.unwrap()),
            }
        })
        .await
    }

    /// A Secret of others, which the tenant cannot read.
    async fn victim(&self, secret: Secret) -> Victim<'_> {
        let before = self.ns.create(secret).await;
        let refused = self.secrets.get(&before.name_any()).await.unwrap_err();
        assert!(matches!(refused, kube::Error::Api(status) if status.code == 403));
        Victim { ns: &self.ns, before }
    }
}

/// A Secret of others as it was.
struct Victim<'a> {
    ns: &'a Namespace,
    before: Secret,
}

impl Victim<'_> {
    /// It is as it was, also once the tenant's object is gone; returns what the object's status said.
    async fn stands(&self, reason: &str) -> String {
        let name = self.before.name_any();
        let told = message(&ends(self.ns, &name, reason).await);
        let is_as_it_was =
            async || assert_eq!(version(&self.ns.get(&name).await), version(&self.before));
        is_as_it_was().await;
        self.ns.delete::<SealedSecret>(&name).await;
        self.ns.eventually_gone::<SealedSecret>(&name).await;
        is_as_it_was().await;
        told
    }
}

fn theirs() -> Secret {
    foreign("db", &[("password", "theirs")])
}

fn choosing(controller: &Controller, tenant: &Tenant, word: &str) -> SealedSecret {
    let mut sealed = controller.seal(&tenant.ns, "db", &[("password", "ours"), ("new", "1")]);
    sealed.spec.on_conflict = Some(word.to_owned());
    sealed
}

#[tokio::test]
async fn by_adopting_it() {
    let Some((cluster, controller)) = shared!() else { return };
    let tenant = Tenant::new(cluster).await;
    let victim = tenant.victim(theirs()).await;
    tenant.creates(choosing(controller, &tenant, "Adopt")).await;
    victim.stands("NotOurs").await;
}

#[tokio::test]
async fn by_calling_it_empty() {
    let Some((cluster, controller)) = shared!() else { return };
    let tenant = Tenant::new(cluster).await;
    let mut half_empty = foreign("db", &[("password", "theirs"), ("other", "")]);
    half_empty.metadata.labels = Some(map(&[("team", "a")]));
    let victim = tenant.victim(half_empty).await;
    let labels = TemplateMetadata { labels: map(&[("team", "a")]), ..Default::default() };
    let template = Template { metadata: labels, ..Template::default() };
    tenant.creates(with(template, choosing(controller, &tenant, "AdoptEmpty"))).await;
    victim.stands("NotOurs").await;
}

#[tokio::test]
async fn by_merging_without_consent() {
    let Some((cluster, controller)) = shared!() else { return };
    let tenant = Tenant::new(cluster).await;
    let victim = tenant.victim(theirs()).await;
    tenant.creates(choosing(controller, &tenant, "Merge")).await;
    let told = victim.stands("NotOurs").await;
    assert!(!told.contains("password"), "no name of a key either: {told}");
}

#[tokio::test]
async fn by_merging_over_a_key_of_others_where_merging_is_let() {
    let Some((cluster, controller)) = shared!() else { return };
    let tenant = Tenant::new(cluster).await;
    let mut consenting = theirs();
    consenting.metadata.annotations = Some(map(&[("seal.dev/accepts", "merge")]));
    let victim = tenant.victim(consenting).await;
    tenant.creates(choosing(controller, &tenant, "Merge")).await;
    victim.stands("NotOurs").await;
}

#[tokio::test]
async fn by_taking_the_consent_to_merge_for_one_to_adopt() {
    let Some((cluster, controller)) = shared!() else { return };
    let tenant = Tenant::new(cluster).await;
    let mut consenting = theirs();
    consenting.metadata.annotations = Some(map(&[("seal.dev/accepts", "merge")]));
    let victim = tenant.victim(consenting).await;
    tenant.creates(choosing(controller, &tenant, "Adopt")).await;
    victim.stands("NotOurs").await;
}

#[tokio::test]
async fn by_annotations_of_its_own_object() {
    let Some((cluster, controller)) = shared!() else { return };
    let tenant = Tenant::new(cluster).await;
    let victim = tenant.victim(theirs()).await;
    let mut sealed = choosing(controller, &tenant, "Merge");
    let by = format!(r#"{{"by":"SealedSecret/{}/db","generation":1}}"#, tenant.ns.name);
    sealed.metadata.annotations = Some(map(&[
        ("seal.dev/accepts", "merge"),
        ("seal.dev/applied", &by),
        ("seal.dev/on-delete", "keep"),
        ("seal.dev/allow-delete", "true"),
    ]));
    tenant.creates(sealed).await;
    victim.stands("NotOurs").await;
}

#[tokio::test]
async fn by_annotations_in_the_template() {
    let Some((cluster, controller)) = shared!() else { return };
    let tenant = Tenant::new(cluster).await;
    let victim = tenant.victim(theirs()).await;
    let annotations = map(&[("seal.dev/accepts", "adopt")]);
    let metadata = TemplateMetadata { annotations, ..Default::default() };
    let template = Template { metadata, ..Template::default() };
    tenant.creates(with(template, choosing(controller, &tenant, "Adopt"))).await;
    victim.stands("NotAllowed").await;
}

#[tokio::test]
async fn by_our_finalizer_on_an_object_that_never_merged() {
    let Some((cluster, controller)) = shared!() else { return };
    let tenant = Tenant::new(cluster).await;
    let victim = tenant.victim(theirs()).await;
    let mut sealed = choosing(controller, &tenant, "Merge");
    sealed.metadata.finalizers = Some(vec!["seal.dev/detach".into()]);
    tenant.creates(sealed).await;
    victim.stands("NotOurs").await;
}

#[tokio::test]
async fn by_a_forged_status() {
    let Some((cluster, controller)) = shared!() else { return };
    let tenant = Tenant::new(cluster).await;
    let mut consenting = theirs();
    consenting.metadata.annotations = Some(map(&[("seal.dev/accepts", "merge")]));
    let victim = tenant.victim(consenting).await;
    let status = json!({
        "observedGeneration": 1,
        "secret": {"uid": victim.before.uid(), "resourceVersion": victim.before.resource_version()},
        "mergedKeys": ["password"],
        "kept": true,
    });
    let mut sealed = choosing(controller, &tenant, "Merge");
    sealed.status = Some(serde_json::from_value(status.clone()).unwrap());
    tenant.creates(sealed).await;
    let forged = Patch::Merge(json!({"status": status}));
    let refused = tenant.api.patch_status("db", &Default::default(), &forged).await.unwrap_err();
    assert!(matches!(refused, kube::Error::Api(status) if status.code == 403));
    victim.stands("NotOurs").await;
}

#[tokio::test]
async fn by_an_owner_reference_to_it() {
    let Some((cluster, controller)) = shared!() else { return };
    let tenant = Tenant::new(cluster).await;
    let victim = tenant.victim(theirs()).await;
    let mut sealed = choosing(controller, &tenant, "Adopt");
    sealed.metadata.owner_references = Some(vec![OwnerReference {
        api_version: "v1".into(),
        kind: "Secret".into(),
        name: "db".into(),
        uid: victim.before.uid().unwrap(),
        controller: Some(true),
        block_owner_deletion: None,
    }]);
    tenant.creates(sealed).await;
    victim.stands("NotOurs").await;
}

#[tokio::test]
async fn by_the_name_of_an_object_that_left_its_secret_behind() {
    let Some((cluster, controller)) = shared!() else { return };
    let tenant = Tenant::new(cluster).await;
    let ns = &tenant.ns;
    let mut kept = controller.seal(ns, "db", &[("password", "theirs")]);
    kept.metadata.annotations = Some(map(&[("seal.dev/on-delete", "keep")]));
    ns.create(kept).await;
    ends(ns, "db", "Applied").await;
    ns.delete::<SealedSecret>("db").await;
    ns.eventually_gone::<SealedSecret>("db").await;
    let before = ns.get::<Secret>("db").await;
    for word in ["Refuse", "AdoptEmpty", "Adopt", "Merge"] {
        let mut sealed = choosing(controller, &tenant, word);
        sealed.metadata.annotations = Some(map(&[("seal.dev/on-delete", "keep")]));
        tenant.creates(sealed).await;
        Victim { ns, before: before.clone() }.stands("NotOurs").await;
    }
    assert_eq!(values(&ns.get("db").await), map(&[("password", "theirs")]));
}

#[tokio::test]
async fn by_having_it_given_to_pods() {
    let Some(cluster) = quiet!() else { return };
    let tenant = Tenant::new(cluster).await;
    let controller = Controller::own(cluster, &tenant.ns, &["--attach-pull-secrets"]).await;
    make_account(&tenant.ns, "default-like", &["theirs"]).await;
    let type_ = "kubernetes.io/dockerconfigjson";
    let config = r#"{"auths":{}}"#;
    let mut registry = foreign("db", &[(".dockerconfigjson", config)]);
    registry.type_ = Some(type_.into());
    let victim = tenant.victim(registry).await;
    let template = Template { type_: Some(type_.into()), ..Template::default() };
    let values = [(".dockerconfigjson", config)];
    let mut sealed = with(template, controller.seal(&tenant.ns, "db", &values));
    sealed.spec.service_accounts = vec!["default-like".into()];
    tenant.creates(sealed).await;
    victim.stands("NotOurs").await;
    has(&tenant.ns, "default-like", &["theirs"]).await;
}

#[tokio::test]
async fn by_the_service_account_of_another_namespace() {
    let Some(cluster) = quiet!() else { return };
    let tenant = Tenant::new(cluster).await;
    let controller = Controller::own(cluster, &tenant.ns, &["--attach-pull-secrets"]).await;
    let other = cluster.namespace().await;
    make_account(&other, "builder", &["theirs"]).await;
    let type_ = Some("kubernetes.io/dockerconfigjson".to_owned());
    let template = Template { type_, ..Template::default() };
    let config = [(".dockerconfigjson", r#"{"auths":{}}"#)];
    for (name, account, reason) in [
        ("path", format!("{}/builder", other.name), "Malformed"),
        ("up", format!("../{}/builder", other.name), "Malformed"),
        ("here", "builder".to_owned(), "Applied"),
    ] {
        let mut sealed = with(template.clone(), controller.seal(&tenant.ns, name, &config));
        sealed.spec.service_accounts = vec![account];
        tenant.creates(sealed).await;
        ends(&tenant.ns, name, reason).await;
    }
    assert_eq!(tenant.ns.find::<ServiceAccount>("builder").await, None);
    has(&other, "builder", &["theirs"]).await;
}
