//! A new key in the place of another one. The controller makes it, so that its private half is nowhere but in the cluster.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use seal_core::exit_code::ExitCode;
use seal_core::key::{Fingerprint, name_of_next};
use seal_core::names::{FINGERPRINT, KEY, KEY_ROTATE, RECIPIENTS, of_name};
use serde_json::json;

use super::super::connect::run;
use super::super::key_secrets::{KeySecret, Rotated};
use super::super::{ClusterArgs, missing};
use super::Keys;
use crate::console;
use crate::error::Failure;

/// Between two looks.
const PACE: Duration = Duration::from_millis(500);

/// Asks for a new key, waits until it is published, and retires the one before. Begun again after a failure, it goes on.
pub(crate) fn rotate(
    args: &ClusterArgs,
    name: Option<&str>,
    timeout: Duration,
) -> Result<Rotated, Failure> {
    run(async {
        let keys = Keys::connect(args).await?;
        let old = match name {
            Some(name) => keys.named(name).await?,
            None => keys.sealed_to().await?,
        };
        if !old.is_active() {
            return Err(Failure::input(format!("{} is not active", old.name))
                .hint("`seal key list` shows which are; `seal key rotate` without a name replaces the one that is sealed to"));
        }
        let asked = match &old.rotate {
            Some(asked) => {
                console::note(&format!(
                    "a key in the place of {} was asked for before: going on",
                    old.name
                ));
                asked.clone()
            }
            None => keys.ask(&old).await?,
        };
        let end = Instant::now() + timeout;
        let new = keys.wait_for_next(&old, &asked, end, timeout).await?;
        let retired = json!({"labels": {KEY: "retired"}, "annotations": {KEY_ROTATE: null}});
        keys.patch(&old, retired).await?;
        keys.wait_until_published(&new, end).await?;
        let fingerprint = new.fingerprint.unwrap_or_default();
        Ok(Rotated { old: old.name, new: new.name, fingerprint })
    })
}

impl Keys {
    /// The key that the controller publishes for every namespace, or the one whose rotation was not finished.
    async fn sealed_to(&self) -> Result<KeySecret, Failure> {
        let published = self.published(FINGERPRINT).await?;
        let mut active: Vec<KeySecret> =
            self.all().await?.into_iter().filter(KeySecret::is_active).collect();
        active.retain(|key| key.namespaces.is_none());
        let begun = active.iter().position(|key| key.rotate.is_some());
        let is_published = |key: &KeySecret| {
            published.as_ref().is_some_and(|it| key.fingerprints().any(|of| of == it))
        };
        let at = begun.or_else(|| active.iter().position(is_published));
        at.map(|at| active.swap_remove(at)).ok_or_else(|| {
            missing(format!("no active key of {} is published for every namespace", self.namespace)).hint(format!(
                "`seal key list` shows the keys; `kubectl label secret -n {} NAME --overwrite {KEY}=active` has a retired one sealed to again",
                self.namespace
            ))
        })
    }

    async fn ask(&self, old: &KeySecret) -> Result<String, Failure> {
        let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        self.patch(old, json!({"annotations": {KEY_ROTATE: now}})).await?;
        Ok(now)
    }

    /// Waits until the key that follows `old` is there.
    async fn wait_for_next(
        &self,
        old: &KeySecret,
        asked: &str,
        end: Instant,
        timeout: Duration,
    ) -> Result<KeySecret, Failure> {
        let first = old.fingerprints().next().and_then(Fingerprint::parse);
        let name = first.map(|first| name_of_next(&first, asked)).unwrap_or_default();
        loop {
            let next =
                self.all().await?.into_iter().find(|key| key.name == name && key.is_active());
            if let Some(next) = next {
                return Ok(next);
            }
            if Instant::now() >= end {
                let message =
                    format!("the controller has made no new key in {} s", timeout.as_secs());
                return Err(missing(message).hint(format!(
                    "`kubectl -n {} get pods` says whether it runs; run this again, and it goes on",
                    self.namespace
                )));
            }
            tokio::time::sleep(PACE).await;
        }
    }

    async fn wait_until_published(&self, key: &KeySecret, end: Instant) -> Result<(), Failure> {
        let entry = match key.namespaces {
            Some(_) => of_name(key.called(), FINGERPRINT),
            None => FINGERPRINT.to_owned(),
        };
        while self.published(&entry).await? != key.fingerprint {
            if Instant::now() >= end {
                let message = format!("{} is made, and another active key is sealed to", key.name);
                return Err(Failure::new(ExitCode::Failed, message)
                    .hint("`seal key list`: the newest active one is published; retire it if it is not meant"));
            }
            tokio::time::sleep(PACE).await;
        }
        Ok(())
    }

    /// What the controller publishes under this name.
    async fn published(&self, entry: &str) -> Result<Option<String>, Failure> {
        let maps = Api::<ConfigMap>::namespaced(self.cluster.client.clone(), &self.namespace);
        let what = format!("ConfigMap {}/{RECIPIENTS}", self.namespace);
        let map = maps.get_opt(RECIPIENTS).await;
        let map = map.map_err(|error| self.cluster.refused(&error, &what))?;
        Ok(map.and_then(|map| map.data?.remove(entry)))
    }
}
