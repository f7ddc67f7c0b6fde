//! The values of live Secrets, where the controller made them of the very sealed objects that are asked about.
//!
//! Reads the sealed object and its live Secret, and compares before it gives a value: whoever may write a Secret of some
//! name in a cluster must not be able to have it sealed as another's.

use std::collections::BTreeMap;

use futures::{StreamExt, stream};
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Api;
use seal_core::exit_code::ExitCode;
use seal_core::kind::Kind;
use seal_core::kind::cluster_sealed::ClusterSealedSecret;
use seal_core::kind::sealed::{SealedSecret, WrittenSecret};
use seal_core::place::Place;
use zeroize::Zeroize;

use super::connect::{Cluster, connect, run};
use super::verdict::{Verdict, verdict};
use super::{ContextArgs, LiveValues, missing};
use crate::error::Failure;

/// Objects that are asked for at the same time.
const AT_ONCE: usize = 8;

/// The live values of each of `files`, or why they are not known to be those of the file.
pub(crate) fn live_values<K: Ord>(
    args: &ContextArgs,
    files: Vec<(K, SealedSecret)>,
) -> Result<BTreeMap<K, Result<LiveValues, Failure>>, Failure> {
    run(async {
        let cluster = connect(args, true).await?;
        let asked = files.into_iter().map(|(key, file)| {
            let cluster = &cluster;
            async move { (key, cluster.live(&file).await) }
        });
        Ok(stream::iter(asked).buffer_unordered(AT_ONCE).collect().await)
    })
}

impl Cluster {
    async fn live(&self, file: &SealedSecret) -> Result<LiveValues, Failure> {
        let name = file.full_name();
        let about = |failure: Failure| failure.about(&name);
        let object = self.sealed(file).await.map_err(about)?;
        is_of_the_file(&object, file).map_err(about)?;
        let (place, written) = written(&object).map_err(about)?;
        let secret = self.secret(&place).await.map_err(about)?;
        is_of_the_object(&secret.metadata, &object, &written).map_err(about)?;
        values(secret, file).map_err(about)
    }

    async fn sealed(&self, file: &SealedSecret) -> Result<SealedSecret, Failure> {
        let name = file.metadata.name.as_deref().unwrap_or_default();
        let namespace = file.metadata.namespace.as_deref().unwrap_or_default();
        let client = self.client.clone();
        let read = match file.spec.kind {
            Kind::SealedSecret => {
                Api::<SealedSecret>::namespaced(client, namespace).get(name).await
            }
            Kind::ClusterSealedSecret => {
                Api::<ClusterSealedSecret>::all(client).get(name).await.map(|object| object.0)
            }
        };
        read.map_err(|error| self.not_read(&error, file.spec.kind.as_str()))
    }

    async fn secret(&self, place: &Place) -> Result<Secret, Failure> {
        let api = Api::<Secret>::namespaced(self.client.clone(), &place.namespace);
        api.get(&place.name).await.map_err(|error| self.not_read(&error, "Secret"))
    }

    fn not_read(&self, error: &kube::Error, kind: &str) -> Failure {
        match error {
            kube::Error::Api(status) if status.code == 404 => {
                missing(format!("{} has no {kind} of that name", self.name))
                    .hint("apply the file first; or -i FILE opens it with an identity")
            }
            kube::Error::Api(status) if status.code == 403 => {
                missing(format!("{} does not let you get the {kind}", self.name))
                    .hint("this needs the right to get sealed objects and Secrets of its namespace")
            }
            error => self.refused(error, &format!("the {kind}")),
        }
    }
}

/// The cluster's object must hold the file's ciphertext for the file's scope, and be live.
fn is_of_the_file(object: &SealedSecret, file: &SealedSecret) -> Result<(), Failure> {
    let (there, here) = (&object.spec, &file.spec);
    let is_same =
        there.scope == here.scope && there.values == here.values && there.header == here.header;
    if !is_same {
        return Err(not_known("the cluster has other sealed values than the file")
            .hint("apply the file, `seal wait -f FILE`, and run it again"));
    }
    match verdict(object, None, None) {
        Verdict::Ready(_) => Ok(()),
        Verdict::Stalled(word, _) => Err(not_known(format!("it is not live: {word}"))
            .hint("`seal status` says what to do; or -i FILE opens it with an identity")),
        Verdict::Waits(why) => Err(not_known(format!("it is not live: {why}"))
            .hint("`seal wait -f FILE`, and run it again")),
    }
}

/// Where a live Secret of it is, and the version that the controller wrote.
fn written(object: &SealedSecret) -> Result<(Place, WrittenSecret), Failure> {
    let status = object.status.clone().unwrap_or_default();
    let of_one = || Some((object.place().ok()?, status.secret.clone()?));
    let of_several = || {
        let served = status.secrets.first()?;
        let place = object.place_in(&served.namespace).ok()?;
        let written = WrittenSecret {
            uid: served.uid.clone(),
            resource_version: served.resource_version.clone(),
        };
        Some((place, written))
    };
    let found = match object.spec.kind {
        Kind::SealedSecret => of_one(),
        Kind::ClusterSealedSecret => of_several(),
    };
    found.ok_or_else(|| {
        not_known("its status does not say which live Secret was written")
            .hint("-i FILE opens it with an identity")
    })
}

/// The live Secret must be what the controller wrote last, and belong to the object.
fn is_of_the_object(
    secret: &ObjectMeta,
    object: &SealedSecret,
    written: &WrittenSecret,
) -> Result<(), Failure> {
    let is_owner = |uid: &str| object.metadata.uid.as_deref() == Some(uid);
    let owners = secret.owner_references.iter().flatten();
    let mut owners = owners.filter(|owner| owner.controller == Some(true));
    if !owners.any(|owner| is_owner(&owner.uid)) {
        return Err(not_known("the live Secret does not belong to it")
            .hint("-i FILE opens the file with an identity"));
    }
    let is_written = secret.uid.as_deref() == Some(&written.uid)
        && secret.resource_version.as_deref() == Some(&written.resource_version);
    if !is_written {
        return Err(not_known("the live Secret was changed since the controller wrote it")
            .hint("`seal reconcile NAME --wait` has it looked at; then run it again"));
    }
    Ok(())
}

/// The values of the keys that the file seals; what else is in the Secret is wiped.
fn values(mut secret: Secret, file: &SealedSecret) -> Result<LiveValues, Failure> {
    let mut data = secret.data.take().unwrap_or_default();
    let mut values = LiveValues::new();
    for key in file.spec.values.keys() {
        let Some(value) = data.remove(key) else {
            return Err(not_known(format!("the live Secret has no key {key}"))
                .hint("-i FILE opens the file with an identity"));
        };
        values.insert(key.clone(), value.0.into());
    }
    data.into_values().for_each(|mut other| other.0.zeroize());
    Ok(values)
}

fn not_known(message: impl Into<String>) -> Failure {
    Failure::new(ExitCode::Failed, message)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, from_value, json};

    use super::*;

    fn object(value: Value) -> SealedSecret {
        let mut whole = json!({
            "apiVersion": "seal.dev/v1", "kind": "SealedSecret",
            "metadata": {"name": "db", "namespace": "prod", "uid": "u1", "generation": 1},
            "spec": {"scope": {"namespaces": ["prod"], "name": "db"}, "values": {"a": {"payload": "AAAA"}}},
        });
        whole["status"] = value;
        from_value(whole).unwrap()
    }

    #[test]
    fn a_secret_of_another_owner_or_version_is_not_the_one_that_was_written() {
        let status = json!({"secret": {"uid": "s1", "resourceVersion": "7"}});
        let object = object(status);
        let (place, version) = written(&object).unwrap();
        assert_eq!(place.to_string(), "prod/db");
        let secret = |owner: &str, controller: bool, uid: &str, version: &str| -> ObjectMeta {
            let owner = json!({
                "apiVersion": "seal.dev/v1", "kind": "SealedSecret", "name": "db", "uid": owner,
                "controller": controller,
            });
            from_value(json!({"uid": uid, "resourceVersion": version, "ownerReferences": [owner]}))
                .unwrap()
        };
        let is_known = |it: ObjectMeta| is_of_the_object(&it, &object, &version).is_ok();
        assert!(is_known(secret("u1", true, "s1", "7")));
        for other in [
            secret("u2", true, "s1", "7"),
            secret("u1", false, "s1", "7"),
            secret("u1", true, "s2", "7"),
            secret("u1", true, "s1", "8"),
            ObjectMeta::default(),
        ] {
            assert!(!is_known(other));
        }
    }

    #[test]
    fn only_values_that_the_file_seals_are_taken_and_all_of_them() {
        let file = object(json!({}));
        let secret = |keys: Value| from_value(json!({"data": keys})).unwrap();
        let taken = values(secret(json!({"a": "eA==", "b": "eQ=="})), &file).unwrap();
        assert_eq!(taken.keys().collect::<Vec<_>>(), ["a"]);
        assert!(values(secret(json!({"b": "eQ=="})), &file).is_err());
    }
}
