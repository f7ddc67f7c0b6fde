//! Nothing tells whether two values are equal: who may do everything with sealed objects, and nothing with Secrets,
//! sees the same whatever he guesses.

use std::collections::BTreeMap;

use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::Event;
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use kube::api::{
    DeleteParams, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams,
};
use kube::{Api, Client, ResourceExt};
use seal_core::kind::sealed::{SealedSecret, Template};
use seal_testing::{Cluster, Namespace, eventually};
use serde_json::{Value, json};

use crate::support::{Controller, ends, ready, shared, with};

/// What the guess is compared with.
const PIN: &str = "4711";

/// The ways of putting a guess in the place of a sealed value.
const WAYS: [(&str, bool, fn(&str) -> Value); 3] = [
    ("in clear", false, in_clear),
    ("in clear, immutable", true, in_clear),
    ("in clear, beside another type", false, in_clear_and_retyped),
];

fn in_clear(guess: &str) -> Value {
    json!({"spec": {"values": {"pin": null}, "template": {"stringData": {"pin": guess}}}})
}

fn in_clear_and_retyped(guess: &str) -> Value {
    let mut change = in_clear(guess);
    change["spec"]["template"]["type"] = json!("example.com/other");
    change
}

/// A principal with rights on sealed objects and Events, and a watch of what he sees.
struct Tenant {
    ns: Namespace,
    client: Client,
}

impl Tenant {
    async fn new(cluster: &Cluster) -> Self {
        let ns = cluster.namespace().await;
        let rules = json!([
            {"apiGroups": ["seal.dev"], "resources": ["sealedsecrets", "sealedsecrets/status"],
             "verbs": ["get", "list", "watch", "create", "update", "patch", "delete"]},
            {"apiGroups": [""], "resources": ["events"], "verbs": ["get", "list", "watch"]},
        ]);
        let role = json!({"metadata": {"name": "tenant"}, "rules": rules});
        ns.create::<Role>(serde_json::from_value(role).unwrap()).await;
        let binding = json!({
            "metadata": {"name": "tenant"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "tenant"},
            "subjects": [{"kind": "ServiceAccount", "name": "tenant", "namespace": ns.name}],
        });
        ns.create::<RoleBinding>(serde_json::from_value(binding).unwrap()).await;
        let client = cluster.client_for_service_account(&ns.name, "tenant").await;
        Self { ns, client }
    }

    fn sealed(&self) -> Api<SealedSecret> {
        Api::namespaced(self.client.clone(), &self.ns.name)
    }

    /// Puts a guess in, waits until it is applied, and returns all that could be seen since.
    async fn guesses(&self, change: Value) -> Vec<Value> {
        let sealed = self.sealed();
        let from = sealed.list(&ListParams::default()).await.unwrap().metadata.resource_version;
        let mut seen = sealed.watch(&WatchParams::default(), &from.unwrap()).await.unwrap().boxed();
        sealed.patch("db", &PatchParams::default(), &Patch::Merge(change)).await.unwrap();
        let mut told = Vec::new();
        while let Some(event) = seen.try_next().await.unwrap() {
            let WatchEvent::Modified(object) = event else { continue };
            told.push(serde_json::to_value(&object.status).unwrap());
            if ready(&object) == Some(("True".to_owned(), "Applied".to_owned())) {
                break;
            }
        }
        let events: Api<Event> = Api::namespaced(self.client.clone(), &self.ns.name);
        let all = eventually("an Event tells of it", async || {
            let all = events.list(&ListParams::default()).await.unwrap().items;
            (!all.is_empty()).then_some(all)
        });
        for event in all.await {
            told.push(json!({"event": event.reason, "message": event.message}));
        }
        without_names_and_times(told)
    }
}

/// Each uid and version as the number of its first appearance: whether it changed stays to be seen, and nothing else.
fn without_names_and_times(mut told: Vec<Value>) -> Vec<Value> {
    let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
    for status in &mut told {
        for field in ["uid", "resourceVersion"] {
            if let Some(text) = status["secret"][field].as_str().map(str::to_owned) {
                let next = numbers.len();
                status["secret"][field] = json!(*numbers.entry(text).or_insert(next));
            }
        }
        for condition in status["conditions"].as_array_mut().into_iter().flatten() {
            condition["lastTransitionTime"] = Value::Null;
        }
    }
    told
}

#[tokio::test]
async fn whoever_has_sealed_objects_only_cannot_tell_a_right_guess_from_a_wrong_one() {
    let Some((cluster, controller)) = shared!() else { return };
    for (way, immutable, change) in WAYS {
        let right = seen_of(cluster, controller, immutable, change(PIN)).await;
        let wrong = seen_of(cluster, controller, immutable, change("4712")).await;
        assert!(right.len() >= 2, "{way}: {right:?}");
        assert_eq!(right, wrong, "{way}");
    }
}

async fn seen_of(
    cluster: &Cluster,
    controller: &Controller,
    immutable: bool,
    change: Value,
) -> Vec<Value> {
    let tenant = Tenant::new(cluster).await;
    let template = Template { immutable: immutable.then_some(true), ..Template::default() };
    let sealed = controller.seal(&tenant.ns, "db", &[("pin", PIN)]);
    tenant.ns.create(with(template, sealed)).await;
    ends(&tenant.ns, "db", "Applied").await;
    tenant.guesses(change).await
}

#[tokio::test]
async fn nor_by_deleting_the_object_and_making_one_with_the_guess() {
    let Some((cluster, controller)) = shared!() else { return };
    let mut seen = Vec::new();
    for guess in [PIN, "4712"] {
        let tenant = Tenant::new(cluster).await;
        let sealed = tenant.ns.create(controller.seal(&tenant.ns, "db", &[("pin", PIN)])).await;
        ends(&tenant.ns, "db", "Applied").await;
        let api = tenant.sealed();
        api.delete("db", &DeleteParams::default()).await.unwrap();
        let mut again = controller.seal(&tenant.ns, "db", &[]);
        again.spec.template = Some(Template {
            string_data: [("pin".to_owned(), guess.to_owned())].into(),
            ..Template::default()
        });
        api.create(&PostParams::default(), &again).await.unwrap();
        let again = ends(&tenant.ns, "db", "Applied").await;
        assert_ne!(again.uid(), sealed.uid());
        let before = sealed.status.and_then(|it| it.secret).map(|it| it.resource_version);
        let after = again.status.and_then(|it| it.secret).map(|it| it.resource_version);
        seen.push(before != after);
    }
    assert_eq!(seen, [true, true], "the live Secret is written whatever the guess");
}
