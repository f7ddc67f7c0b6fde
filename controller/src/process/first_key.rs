//! The first key: made where there has never been one.
//!
//! `start_keys` calls this once the lists of keys are complete; `watch/keys.rs` says when they are.

use kube::Client;

use super::{ClusterArgs, ClusterError};
use crate::keyring::{self, FIRST_KEY, Keys, Rejected};
use crate::target::secret;

/// Makes the first key unless there is a reason not to; says whether one is to come.
pub(super) async fn make(
    args: &ClusterArgs,
    client: &Client,
    keys: &Keys,
) -> Result<bool, ClusterError> {
    let namespace = args.namespace.as_str();
    if !keys.created.is_empty() {
        tell_of_narrowed(namespace, keys);
        return Ok(false);
    }
    if !keys.rejected.is_empty() {
        let broken = names(&keys.rejected);
        tracing::warn!(
            namespace,
            broken,
            "no key counts, and none is made beside these: put them right"
        );
        return Ok(false);
    }
    if args.require_existing_key {
        tracing::warn!(namespace, "there is no key, and none is made: restore one");
        return Ok(false);
    }
    let (key, fingerprint) = keyring::first_key();
    match secret::create_key(client, namespace, &key).await {
        Ok(()) => {
            tracing::info!(secret = FIRST_KEY, %fingerprint, "made the first key; back it up");
        }
        Err(error) if error.is_race() => tracing::warn!(
            namespace,
            secret = FIRST_KEY,
            "a Secret of that name is there: another process has just made the first key, or it is no key and must go; \
             waiting to see a key"
        ),
        Err(error) => return Err(ClusterError::FirstKey(error.to_string())),
    }
    Ok(true)
}

/// Where every key is for some namespaces only, the one for all may be lost: another would hide that.
fn tell_of_narrowed(namespace: &str, keys: &Keys) {
    if keys.keyring.held().values().all(Option::is_some) {
        tracing::warn!(
            namespace,
            "every key is for some namespaces only, and none is made for all beside them"
        );
    }
}

fn names(rejected: &[Rejected]) -> String {
    rejected.iter().map(|key| key.name.as_str()).collect::<Vec<_>>().join(", ")
}
