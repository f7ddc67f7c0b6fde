//! What follows from the keys but is nobody's sealed object: the published recipient is as it must be, and a key
//! Secret that does not count is told so.

use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use seal_core::names::RECIPIENTS;
use seal_core::reason::Reason;
use tokio::sync::Notify;

use crate::keyring::{Keys, Rejected, SharedKeys};
use crate::outcome::Outcome;
use crate::target::{events, recipients};

const BETWEEN_TRIES: Duration = Duration::from_secs(2);

/// Runs for ever; looks again whenever the keys or the ConfigMap `changed`.
pub(super) async fn upkeep(
    client: Client,
    namespace: String,
    keys: Arc<SharedKeys>,
    changed: Arc<Notify>,
) {
    let mut before: Arc<Keys> = Arc::default();
    loop {
        let now = keys.now();
        for key in now.rejected.iter().filter(|key| !before.rejected.contains(key)) {
            reject(&client, &namespace, key).await;
        }
        before = now;
        if let Some(published) = &before.published
            && let Err(error) = recipients::publish(&client, &namespace, published).await
        {
            let why = crate::api_error::sentence(&error);
            tracing::warn!("{RECIPIENTS} could not be written: {why}");
            tokio::time::sleep(BETWEEN_TRIES).await;
            continue;
        }
        changed.notified().await;
    }
}

async fn reject(client: &Client, namespace: &str, key: &Rejected) {
    let Rejected { name, why } = key;
    let message = format!("the Secret {namespace}/{name} is not used as a key: {why}");
    let outcome = Outcome::new(Reason::KeyRejected, message);
    tracing::warn!(reason = %outcome.reason, "{}", outcome.message);
    events::tell_of_secret(client, namespace, name, &outcome).await;
}
