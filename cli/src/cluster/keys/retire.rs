//! A key that is sealed to no more, and one that is deleted.

use std::collections::BTreeSet;

use kube::api::{DeleteParams, Preconditions};
use seal_core::escape::escaped;
use seal_core::names::{ALLOW_DELETE, KEY};
use serde_json::json;

use super::super::ClusterArgs;
use super::super::connect::run;
use super::super::key_secrets::KeySecret;
use super::Keys;
use crate::error::Failure;

/// Objects that are named.
const MOST_NAMED: usize = 10;
const AGAIN: &str = "`seal reseal` seals their files anew, apply them first; or --force";

/// Retires the key of this Secret, and deletes it where that is asked for. Without `force`, what would be missed is a failure.
pub(crate) fn retire(
    args: &ClusterArgs,
    name: &str,
    delete: bool,
    force: bool,
) -> Result<(), Failure> {
    run(async {
        let keys = Keys::connect(args).await?;
        let key = keys.named(name).await?;
        if !force {
            keys.is_not_the_last(&key).await?;
            if delete {
                keys.is_not_needed(&key).await?;
            }
        }
        if key.state != "retired" {
            keys.patch(&key, json!({"labels": {KEY: "retired"}})).await?;
        }
        if delete { keys.delete(&key).await } else { Ok(()) }
    })
}

impl Keys {
    /// Deletes it past the guard, which counts again where that fails.
    async fn delete(&self, key: &KeySecret) -> Result<(), Failure> {
        self.patch(key, json!({"annotations": {ALLOW_DELETE: "true"}})).await?;
        let exactly = Preconditions { uid: Some(key.uid.clone()), resource_version: None };
        let exactly = DeleteParams::default().preconditions(exactly);
        let deleted = self.api.delete(&key.name, &exactly).await;
        if let Err(error) = deleted {
            let guarded = self.patch(key, json!({"annotations": {ALLOW_DELETE: null}})).await;
            let failure = self.refused(&error, "delete");
            return Err(match guarded {
                Ok(()) => failure,
                Err(_) => failure.hint(format!(
                    "and take the annotation {ALLOW_DELETE} off {} again: with it anybody may delete it",
                    key.name
                )),
            });
        }
        Ok(())
    }

    async fn is_not_the_last(&self, key: &KeySecret) -> Result<(), Failure> {
        let all = self.all().await?;
        let is_alike = |other: &KeySecret| match (&other.namespaces, &key.namespaces) {
            (None, None) => true,
            (Some(_), Some(_)) => other.called() == key.called(),
            _ => false,
        };
        let has_another =
            all.iter().any(|other| other.name != key.name && other.is_active() && is_alike(other));
        if !key.is_active() || has_another {
            return Ok(());
        }
        let what = match key.namespaces {
            Some(_) => "the only active key of its name",
            None => "the only active key for every namespace",
        };
        Err(Failure::input(format!(
            "{} is {what}: without it nothing can be sealed to it",
            key.name
        ))
        .hint(
            "`seal key rotate` makes another one and retires this; --force retires it all the same",
        ))
    }

    async fn is_not_needed(&self, key: &KeySecret) -> Result<(), Failure> {
        if key.fingerprint.is_none() {
            return Err(Failure::input(format!(
                "{} holds no key that reads, so what was opened with it is not known",
                key.name
            ))
            .hint("`seal key backup` keeps it as it is; then --force"));
        }
        let of: BTreeSet<&str> = key.fingerprints().collect();
        let all = self.all().await?;
        let others = all.iter().filter(|other| other.name != key.name);
        let others = others.flat_map(KeySecret::fingerprints).map(str::to_owned).collect();
        let needed = self.needed(&of, &others).await?;
        if needed.is_empty() {
            return Ok(());
        }
        let count = needed.len();
        let what = if count == 1 { "sealed object needs" } else { "sealed objects need" };
        let named = needed.iter().map(|name| escaped(name)).take(MOST_NAMED).collect::<Vec<_>>();
        let more = if count > MOST_NAMED { ", …" } else { "" };
        Err(Failure::input(format!("{count} {what} {}: {}{more}", key.name, named.join(", ")))
            .hint(AGAIN))
    }
}
