//! What follows from the keys but is nobody's sealed object: the published recipient is as it must be, a key that is asked for
//! is made, and a key Secret that does not count is told so.

use std::collections::BTreeSet;
use std::sync::Arc;

use kube::Client;
use seal_core::key::Fingerprint;
use seal_core::names::RECIPIENTS;
use seal_core::reason::Reason;
use tokio::sync::Notify;

use crate::api_error::ApiError;
use crate::keyring::{Keys, SharedKeys};
use crate::outcome::Outcome;
use crate::target::events;
use crate::target::recipients::{self, Before};
use crate::target::secret;
use crate::work::pace;

/// Runs for ever; looks again whenever the keys or the ConfigMap `changed`.
pub(super) async fn upkeep(
    client: Client,
    namespace: String,
    keys: Arc<SharedKeys>,
    changed: Arc<Notify>,
) {
    let mut before: Arc<Keys> = Arc::default();
    // All that was ever held here: what is retired or deleted was in the map by right.
    let mut known: BTreeSet<Fingerprint> = BTreeSet::new();
    let mut trouble = Trouble::default();
    loop {
        let now = keys.now();
        tell_of_new(&client, &namespace, &now, &before).await;
        known.extend(now.created.keys().cloned());
        before = now;
        let published = recipients::publish(&client, &namespace, &before).await;
        if let Ok(Some(Before(named_before))) = &published {
            for named in named_before {
                tell_of_change(&client, &namespace, &known, named).await;
            }
        }
        // One that cannot be made keeps nothing from being published.
        match make(&client, &namespace, &before).await.and(published) {
            Ok(_) => {
                trouble.ends();
                changed.notified().await;
            }
            Err(error) => {
                let delay = trouble.again(error.to_string());
                tokio::time::sleep(delay).await;
            }
        }
    }
}

/// What of the key Secrets is wrong now and was not before.
async fn tell_of_new(client: &Client, namespace: &str, now: &Keys, before: &Keys) {
    for key in now.rejected.iter().filter(|key| !before.rejected.contains(key)) {
        let message =
            format!("the Secret {namespace}/{} is not used as a key: {}", key.name, key.why);
        tell(client, namespace, &key.name, message).await;
    }
    for name in now.narrowed.difference(&before.narrowed) {
        let message = format!(
            "the key of the Secret {namespace}/{name} opens in fewer namespaces than it says: another Secret with the same key is for some only, or for others"
        );
        tell(client, namespace, name, message).await;
    }
}

/// Makes the keys that are asked for. The private half of each is nowhere but here and in its Secret.
async fn make(client: &Client, namespace: &str, keys: &Keys) -> Result<(), ApiError> {
    for asked in &keys.asked_for {
        let (key, fingerprint) = asked.make();
        match secret::create_key(client, namespace, &key).await {
            Ok(()) => {
                let (secret, follows) = (&asked.name, &asked.follows);
                tracing::info!(secret, %fingerprint, follows, "made the key that was asked for; back it up");
            }
            Err(error) if error.is_race() => {} // it is there by now, and its event is to come
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// What stands in the way: told once, and its end.
#[derive(Default)]
struct Trouble {
    errors: u32,
    told: String,
}

impl Trouble {
    fn again(&mut self, sentence: String) -> std::time::Duration {
        if self.told != sentence {
            tracing::warn!("the keys or {RECIPIENTS} are not as they must be: {sentence}");
            self.told = sentence;
        }
        self.errors = self.errors.saturating_add(1);
        pace::after_errors(self.errors)
    }

    fn ends(&mut self) {
        if self.errors > 0 {
            tracing::info!("the keys and {RECIPIENTS} are as they must be again");
        }
        *self = Self::default();
    }
}

/// That another key of ours is published is in the log already; one that is not held here is a thing to look into.
async fn tell_of_change(
    client: &Client,
    namespace: &str,
    known: &BTreeSet<Fingerprint>,
    named: &Fingerprint,
) {
    if known.contains(named) {
        return;
    }
    let message = format!(
        "{namespace}/{RECIPIENTS} named the key {named}, which is not held here, and was put right: whoever sealed to it meanwhile sealed to somebody else"
    );
    tracing::warn!("{message}");
    let outcome = Outcome::new(Reason::Repaired, message);
    events::tell_of(client, "ConfigMap", namespace, RECIPIENTS, &outcome).await;
}

/// What is wrong with a key Secret, in the log and as an Event of it.
async fn tell(client: &Client, namespace: &str, name: &str, message: String) {
    let outcome = Outcome::new(Reason::KeyRejected, message);
    tracing::warn!(reason = %outcome.reason, "{}", outcome.message);
    events::tell_of(client, "Secret", namespace, name, &outcome).await;
}
