//! A new key in the place of another one. The controller makes it, so that its private half is nowhere but in the cluster.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
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
            None => keys.published().await?,
        };
        if !old.is_active() {
            return Err(Failure::input(format!("{} is not active", old.name))
                .hint("`seal key list` shows which are; a retired key has its successor already"));
        }
        if old.rotate.is_none() {
            let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
            keys.patch(&old, json!({"annotations": {KEY_ROTATE: now}})).await?;
        } else {
            console::note(&format!(
                "a key in the place of {} was asked for before: going on",
                old.name
            ));
        }
        let new = keys.wait_for_next(&old, Instant::now() + timeout, timeout).await?;
        let retired = json!({"labels": {KEY: "retired"}, "annotations": {KEY_ROTATE: null}});
        keys.patch(&old, retired).await?;
        let fingerprint = new.fingerprint.unwrap_or_default();
        Ok(Rotated { old: old.name, new: new.name, fingerprint })
    })
}

impl Keys {
    /// The key that is sealed to in every namespace, or the one whose rotation was not finished.
    async fn published(&self) -> Result<KeySecret, Failure> {
        let all = self.all().await?.into_iter();
        let mut active: Vec<KeySecret> =
            all.filter(|key| key.is_active() && key.namespaces.is_none()).collect();
        active.sort_by(|a, b| a.created.cmp(&b.created));
        let begun = active.iter().position(|key| key.rotate.is_some());
        let at = begun.or(active.len().checked_sub(1));
        at.map(|at| active.swap_remove(at)).ok_or_else(|| {
            missing(format!("there is no active key for every namespace in {}", self.namespace))
                .hint("`seal key list` shows the keys; `seal key restore` brings one")
        })
    }

    /// Waits until the key that follows `old` is there and published.
    async fn wait_for_next(
        &self,
        old: &KeySecret,
        end: Instant,
        timeout: Duration,
    ) -> Result<KeySecret, Failure> {
        loop {
            let all = self.all().await?.into_iter();
            let mut next: Vec<KeySecret> = all
                .filter(|key| key.follows.as_ref() == Some(&old.name) && key.is_active())
                .filter(|key| key.created > old.created)
                .collect();
            next.sort_by(|a, b| a.created.cmp(&b.created));
            if let Some(next) = next.pop()
                && self.is_published(&next).await?
            {
                return Ok(next);
            }
            if Instant::now() >= end {
                let message = format!(
                    "the controller has made and published no new key in {} s",
                    timeout.as_secs()
                );
                return Err(missing(message).hint(format!(
                    "`kubectl -n {} get pods` says whether it runs; run this again, and it goes on",
                    self.namespace
                )));
            }
            tokio::time::sleep(PACE).await;
        }
    }

    async fn is_published(&self, key: &KeySecret) -> Result<bool, Failure> {
        let maps = Api::<ConfigMap>::namespaced(self.cluster.client.clone(), &self.namespace);
        let what = format!("ConfigMap {}/{RECIPIENTS}", self.namespace);
        let map = maps.get_opt(RECIPIENTS).await;
        let map = map.map_err(|error| self.cluster.refused(&error, &what))?;
        let entry = match key.namespaces {
            Some(_) => of_name(key.called(), FINGERPRINT),
            None => FINGERPRINT.to_owned(),
        };
        let published = map.and_then(|map| map.data?.remove(&entry));
        Ok(published.is_some() && published == key.fingerprint)
    }
}
