//! The cluster's identities: read from key Secrets, made on first start, their public half published.
//!
//! The only file that reads private keys from the cluster, and the only one that writes the ConfigMap
//! `seal-recipients`. A key counts only with its type, its label, no owner and no trace of a sealed file, so
//! that nobody plants one who may not write Secrets in the controller's own namespace.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::PostParams;
use kube::{Api, Client, ResourceExt};
use seal_core::key::{Fingerprint, Identity, Keyring};
use zeroize::Zeroizing;

use crate::plan::ours;

/// Type and label of a key Secret; the label's value is `active` or `retired`.
pub(crate) const KEY: &str = "seal.dev/key";
/// Name of the key Secret that a first start makes.
pub(crate) const FIRST_KEY: &str = "seal-key-first";
/// The ConfigMap that publishes the recipient.
pub(crate) const RECIPIENTS: &str = "seal-recipients";

/// The identities held, and which of them is sealed to.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    /// What opens.
    pub keyring: Keyring,
    /// What is published: the newest active key; none while there is none.
    pub published: Option<Published>,
    /// Fingerprint and creation time (Unix seconds) of each key, for metrics.
    pub created: BTreeMap<Fingerprint, i64>,
    /// Key Secrets that do not count. While there is one, no key is made: it may be the one that is missed.
    pub rejected: Vec<Rejected>,
}

/// The public half of the newest active key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Published {
    /// `age1pq1…`
    pub recipient: String,
    /// Its fingerprint.
    pub fingerprint: Fingerprint,
}

/// A key Secret that does not count, and why; never with the parser's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rejected {
    /// Name of the Secret.
    pub name: String,
    /// What is wrong, as a sentence's end.
    pub why: &'static str,
}

/// The present [`Keys`], shared by the workers and swapped whole.
#[derive(Default)]
pub(crate) struct SharedKeys(RwLock<Arc<Keys>>);

impl SharedKeys {
    /// The keys as they are now.
    pub(crate) fn now(&self) -> Arc<Keys> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes `keys` for the present ones; says whether other identities are held than before.
    pub(crate) fn set(&self, keys: Keys) -> bool {
        let mut held = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let changed = held.keyring.fingerprints() != keys.keyring.fingerprints();
        *held = Arc::new(keys);
        changed
    }
}

/// Builds the keyring from the key Secrets of the controller's namespace.
pub(crate) fn read<'a>(secrets: impl Iterator<Item = &'a Secret>) -> Keys {
    let mut keys = Keys::default();
    let mut newest: Option<(i64, Fingerprint)> = None;
    for secret in secrets {
        let identities = match identities(secret) {
            Ok(identities) => identities,
            Err(why) => {
                keys.rejected.push(Rejected { name: secret.name_any(), why });
                continue;
            }
        };
        let created = secret.creation_timestamp().map_or(0, |time| time.0.as_second());
        let active = secret.labels().get(KEY).is_some_and(|state| state == "active");
        for identity in identities {
            let fingerprint = identity.fingerprint();
            let candidate = (created, fingerprint.clone());
            if active && newest.as_ref().is_none_or(|newest| candidate > *newest) {
                let recipient = identity.recipient().to_owned();
                keys.published = Some(Published { recipient, fingerprint: fingerprint.clone() });
                newest = Some(candidate);
            }
            keys.created.insert(fingerprint, created);
            keys.keyring.insert(identity);
        }
    }
    keys
}

fn identities(secret: &Secret) -> Result<Vec<Identity>, &'static str> {
    if secret.type_.as_deref() != Some(KEY) {
        return Err("its type is not seal.dev/key");
    }
    if !matches!(secret.labels().get(KEY).map(String::as_str), Some("active" | "retired")) {
        return Err("its label seal.dev/key is neither active nor retired");
    }
    if !secret.owner_references().is_empty() || secret.annotations().contains_key(ours::ANNOTATION)
    {
        return Err("it has an owner or was made from a sealed file");
    }
    let identity = secret.data.as_ref().and_then(|data| data.get("identity"));
    let text = identity.and_then(|bytes| std::str::from_utf8(&bytes.0).ok());
    let text = text.ok_or("it has no age identity file under `identity`")?;
    Identity::parse_file(text).map_err(|_| "what is under `identity` is not an age identity file")
}

/// Makes the first key and says its fingerprint.
///
/// Its name is always the same, so that of two processes that start together only one makes a key: the other is
/// answered with a conflict.
pub(crate) async fn create_first(
    client: &Client,
    namespace: &str,
) -> Result<Fingerprint, kube::Error> {
    let identity = Identity::generate();
    let file = Zeroizing::new(format!("{}\n", identity.to_secret_text().expose()));
    let data = BTreeMap::from([
        ("identity".to_owned(), ByteString(file.as_bytes().to_vec())),
        ("recipient".to_owned(), ByteString(identity.recipient().as_bytes().to_vec())),
    ]);
    let secret = Secret {
        metadata: ObjectMeta {
            name: Some(FIRST_KEY.to_owned()),
            labels: Some(BTreeMap::from([(KEY.to_owned(), "active".to_owned())])),
            ..ObjectMeta::default()
        },
        type_: Some(KEY.to_owned()),
        data: Some(data),
        ..Secret::default()
    };
    let api: Api<Secret> = Api::namespaced(client.clone(), namespace);
    api.create(&PostParams::default(), &secret).await?;
    Ok(identity.fingerprint())
}

/// Makes the ConfigMap say what is published, and nothing else.
pub(crate) async fn publish(
    client: &Client,
    namespace: &str,
    published: &Published,
) -> Result<(), kube::Error> {
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    let data = BTreeMap::from([
        ("recipient".to_owned(), published.recipient.clone()),
        ("fingerprint".to_owned(), published.fingerprint.to_string()),
    ]);
    match api.get_opt(RECIPIENTS).await? {
        Some(live) if live.data.as_ref() == Some(&data) && live.binary_data.is_none() => Ok(()),
        Some(mut live) => {
            live.data = Some(data);
            live.binary_data = None;
            live.metadata.managed_fields = None;
            api.replace(RECIPIENTS, &PostParams::default(), &live).await.map(drop)
        }
        None => {
            let name = Some(RECIPIENTS.to_owned());
            let metadata = ObjectMeta { name, ..ObjectMeta::default() };
            let map = ConfigMap { metadata, data: Some(data), ..ConfigMap::default() };
            api.create(&PostParams::default(), &map).await.map(drop)
        }
    }
}
