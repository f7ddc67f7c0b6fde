//! The keys, and how many sealed objects each has opened.

use std::collections::BTreeMap;

use kube::Resource;
use seal_core::kind::cluster_sealed::ClusterSealedSecret;
use seal_core::kind::sealed::SealedSecret;
use serde::Deserialize;

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

/// Of a sealed object, what opened it.
#[derive(Deserialize)]
struct Object {
    #[serde(default)]
    status: Status,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    #[serde(default)]
    opened_with: Vec<String>,
}

impl Keys {
    /// How many sealed objects were opened with each key, by fingerprint.
    pub(super) async fn opened(&self) -> Result<BTreeMap<String, usize>, Failure> {
        let mut opened = BTreeMap::new();
        for (what, path) in [
            ("SealedSecrets of all namespaces", SealedSecret::url_path(&(), None)),
            ("ClusterSealedSecrets", ClusterSealedSecret::url_path(&(), None)),
        ] {
            let count = |object: Object| {
                for fingerprint in object.status.opened_with {
                    *opened.entry(fingerprint).or_default() += 1;
                }
            };
            self.cluster.each(&path, what, count).await?;
        }
        Ok(opened)
    }
}
