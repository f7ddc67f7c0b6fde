//! A namespace of a test's own, and the verbs of a test: each does one thing to the API server or
//! fails the test.
//!
//! Messages name objects and what the API server answered; they never print an object.

use std::fmt::Debug;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::{Event, Namespace as CoreNamespace};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Api, Client, Resource, ResourceExt as _};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::wait;

/// A fresh namespace. It is not deleted at the end: it goes with the cluster.
#[derive(Clone)]
pub struct Namespace {
    /// Its name, unique in the cluster.
    pub name: String,
    /// A client with all rights, of the runtime that asked for this namespace.
    pub client: Client,
}

/// What can be put into a namespace, as kube's own methods ask for it.
pub trait Object:
    Resource<DynamicType = (), Scope = NamespaceResourceScope>
    + Clone
    + Debug
    + Serialize
    + DeserializeOwned
{
}
impl<K> Object for K where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + Serialize
        + DeserializeOwned
{
}

impl Namespace {
    pub(crate) async fn new(client: Client) -> Self {
        let metadata = ObjectMeta { generate_name: Some("test-".into()), ..Default::default() };
        let namespace = CoreNamespace { metadata, ..Default::default() };
        let created = Api::all(client.clone()).create(&PostParams::default(), &namespace).await;
        Self { name: must(created, "creating a namespace").name_any(), client }
    }

    /// kube's own handle, for what has no verb here.
    pub fn api<K: Object>(&self) -> Api<K> {
        Api::namespaced(self.client.clone(), &self.name)
    }

    /// Creates the object and returns it as the API server made it. Its namespace, if it names one,
    /// must be this one.
    pub async fn create<K: Object>(&self, object: K) -> K {
        let doing = self.doing::<K>("creating", &object.name_any());
        must(self.api().create(&PostParams::default(), &object).await, &doing)
    }

    /// The object, which must be there.
    pub async fn get<K: Object>(&self, name: &str) -> K {
        must(self.api().get(name).await, &self.doing::<K>("reading", name))
    }

    /// The object, if it is there.
    pub async fn find<K: Object>(&self, name: &str) -> Option<K> {
        must(self.api().get_opt(name).await, &self.doing::<K>("reading", name))
    }

    /// All objects of a kind, by name.
    pub async fn list<K: Object>(&self) -> Vec<K> {
        must(self.api().list(&ListParams::default()).await, &self.doing::<K>("listing", "*")).items
    }

    /// Puts `object` in the place of the one of its name. With a `resourceVersion`, only on that
    /// version.
    pub async fn replace<K: Object>(&self, object: K) -> K {
        let name = object.name_any();
        must(
            self.api().replace(&name, &PostParams::default(), &object).await,
            &self.doing::<K>("replacing", &name),
        )
    }

    /// Changes the fields that `change` names (a JSON merge patch; `null` removes).
    pub async fn patch<K: Object>(&self, name: &str, change: Value) -> K {
        let patched = self.api().patch(name, &PatchParams::default(), &Patch::Merge(&change)).await;
        must(patched, &self.doing::<K>("patching", name))
    }

    /// Asks for the end of the object, which may still be there when this returns: a finalizer can
    /// hold it.
    pub async fn delete<K: Object>(&self, name: &str) {
        drop(must(
            self.api::<K>().delete(name, &DeleteParams::default()).await,
            &self.doing::<K>("deleting", name),
        ));
    }

    /// Reads the object until it is there and `holds`, and returns it as it then was.
    pub async fn eventually<K: Object>(
        &self,
        what: &str,
        name: &str,
        holds: impl FnMut(&K) -> bool,
    ) -> K {
        wait::eventually_in(&self.api(), what, name, holds).await
    }

    /// Reads the object until it is gone.
    pub async fn eventually_gone<K: Object>(&self, name: &str) {
        wait::eventually_gone(&self.api::<K>(), name).await;
    }

    /// Waits for an Event with this `reason` about the object of this name, and returns it.
    pub async fn eventually_event(&self, name: &str, reason: &str) -> Event {
        let about = ListParams::default().fields(&format!("involvedObject.name={name}"));
        wait::poll(&format!("an Event {reason} about {name}"), async || {
            let events = must(self.api::<Event>().list(&about).await, "listing Events").items;
            let reasons: Vec<String> =
                events.iter().filter_map(|event| event.reason.clone()).collect();
            let found = events.into_iter().find(|event| event.reason.as_deref() == Some(reason));
            found.ok_or_else(|| format!("Events {reasons:?}"))
        })
        .await
    }

    fn doing<K: Object>(&self, verb: &str, name: &str) -> String {
        format!("{verb} {} {}/{name}", K::kind(&()), self.name)
    }
}

/// Metadata with a name and nothing else.
pub fn named(name: &str) -> ObjectMeta {
    ObjectMeta { name: Some(name.to_string()), ..Default::default() }
}

/// Fails the test with what was being done and what the API server said.
pub(crate) fn must<T>(result: kube::Result<T>, doing: &str) -> T {
    result.unwrap_or_else(|error| panic!("{doing}: {error}"))
}
