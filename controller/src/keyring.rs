//! The cluster's identities: what key Secrets hold, which of them counts, and what is published of it.
//!
//! The only file that takes private keys out of Secrets or puts one in. It reads and writes nothing itself:
//! [`crate::watch::keys`] brings the Secrets, [`crate::target`] writes. A key counts only with its type, its label,
//! no owner and no trace of a sealed file, so that nobody plants one who may not write Secrets in the
//! controller's own namespace.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::ResourceExt;
use seal_core::key::{Fingerprint, Identity, Keyring};
use seal_core::names::{APPLIED, KEY, KEY_IDENTITY, RECIPIENT};
use zeroize::Zeroizing;

/// Name of the key Secret that a first start makes.
pub(crate) const FIRST_KEY: &str = "seal-key-first";

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
        let held = match identities(secret) {
            Ok(held) => held,
            Err(why) => {
                keys.rejected.push(Rejected { name: secret.name_any(), why });
                continue;
            }
        };
        let created = secret.creation_timestamp().map_or(0, |time| time.0.as_second());
        let active = secret.labels().get(KEY).is_some_and(|state| state == "active");
        for identity in held {
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
    if !secret.owner_references().is_empty() || secret.annotations().contains_key(APPLIED) {
        return Err("it has an owner or was made from a sealed file");
    }
    let identity = secret.data.as_ref().and_then(|data| data.get(KEY_IDENTITY));
    let text = identity
        .and_then(|bytes| std::str::from_utf8(&bytes.0).ok())
        .ok_or("it has no age identity file under `identity`")?;
    Identity::parse_file(text).map_err(|_| "what is under `identity` is not an age identity file")
}

/// A new key as the Secret that a first start makes, and its fingerprint.
pub(crate) fn first_key() -> (Secret, Fingerprint) {
    let identity = Identity::generate();
    let file = Zeroizing::new(format!("{}\n", identity.to_secret_text().expose()));
    let data = BTreeMap::from([
        (KEY_IDENTITY.to_owned(), ByteString(file.as_bytes().to_vec())),
        (RECIPIENT.to_owned(), ByteString(identity.recipient().as_bytes().to_vec())),
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
    (secret, identity.fingerprint())
}
