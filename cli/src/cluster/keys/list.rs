//! The keys, and how many sealed objects each has opened.

use std::collections::{BTreeMap, BTreeSet};

use kube::Resource;
use seal_core::kind::cluster_sealed::ClusterSealedSecret;
use seal_core::kind::sealed::SealedSecret;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::super::ClusterArgs;
use super::super::connect::run;
use super::super::key_secrets::KeySecret;
use super::Keys;
use crate::console;
use crate::error::Failure;

/// The cluster's keys, the newest first. With `counts`, the sealed objects that were opened with each, where that may be read.
pub(crate) fn list(args: &ClusterArgs, counts: bool) -> Result<Vec<KeySecret>, Failure> {
    run(async {
        let keys = Keys::connect(args).await?;
        let mut all = keys.all().await?;
        if counts {
            match keys.opened().await {
                Ok(opened) => count(&mut all, &opened),
                Err(failure) => {
                    console::note(&format!("{}: no objects are counted", failure.message));
                }
            }
        }
        all.sort_by(|a, b| (&b.created, &a.name).cmp(&(&a.created, &b.name)));
        Ok(all)
    })
}

fn count(keys: &mut [KeySecret], opened: &BTreeMap<String, usize>) {
    for key in keys {
        let of = |it: &str| opened.get(it).copied().unwrap_or_default();
        key.objects = key.fingerprint.is_some().then(|| key.fingerprints().map(of).sum());
    }
}

/// Of a sealed object, what opened it and what could.
#[derive(Deserialize)]
struct Object {
    #[serde(default)]
    metadata: Names,
    #[serde(default)]
    spec: Spec,
    #[serde(default)]
    status: Status,
}

#[derive(Default, Deserialize)]
struct Names {
    namespace: Option<String>,
    name: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Spec {
    sealed_to: Vec<String>,
    values: BTreeMap<String, Block>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Block {
    sealed_to: Vec<String>,
    header: Option<IgnoredAny>,
}

impl Object {
    /// The fingerprints of each header in use.
    fn headers(&self) -> impl Iterator<Item = &Vec<String>> {
        self.spec.values.values().map(|block| match block.header {
            Some(_) => &block.sealed_to,
            None => &self.spec.sealed_to,
        })
    }

    fn name(&self) -> String {
        let name = self.metadata.name.as_deref().unwrap_or_default();
        match &self.metadata.namespace {
            Some(namespace) => format!("{namespace}/{name}"),
            None => name.to_owned(),
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    #[serde(default)]
    opened_with: Vec<String>,
}

impl Keys {
    /// How many sealed objects were opened with each key, by fingerprint.
    async fn opened(&self) -> Result<BTreeMap<String, usize>, Failure> {
        let mut opened = BTreeMap::new();
        let count = |object: Object| {
            for fingerprint in object.status.opened_with {
                *opened.entry(fingerprint).or_default() += 1;
            }
        };
        self.each_object(count).await?;
        Ok(opened)
    }

    /// The sealed objects that no key but one with these fingerprints opens: those that were opened with it, and those that
    /// are not opened yet, because a Secret of others stands there, they are suspended, or nobody has looked.
    pub(super) async fn needed(
        &self,
        of: &BTreeSet<&str>,
        others: &BTreeSet<String>,
    ) -> Result<Vec<String>, Failure> {
        let mut needed = Vec::new();
        let look = |object: Object| {
            let was_opened = object.status.opened_with.iter().any(|it| of.contains(it.as_str()));
            let is_the_only_one = |header: &Vec<String>| {
                header.iter().any(|it| of.contains(it.as_str()))
                    && !header.iter().any(|it| others.contains(it))
            };
            if was_opened || object.headers().any(is_the_only_one) {
                needed.push(object.name());
            }
        };
        self.each_object(look).await?;
        Ok(needed)
    }

    async fn each_object(&self, mut take: impl FnMut(Object)) -> Result<(), Failure> {
        for (what, path) in [
            ("SealedSecrets of all namespaces", SealedSecret::url_path(&(), None)),
            ("ClusterSealedSecrets", ClusterSealedSecret::url_path(&(), None)),
        ] {
            self.cluster.each(&path, what, &mut take).await?;
        }
        Ok(())
    }
}
