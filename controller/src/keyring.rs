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
use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt;
use seal_core::key::{Fingerprint, Identity, Keyring};
use seal_core::names::{APPLIED, CREATED, KEY, KEY_IDENTITY, RECIPIENT};
use zeroize::{Zeroize, Zeroizing};

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

    /// Takes `keys` for the present ones; returns those before.
    pub(crate) fn set(&self, keys: Keys) -> Arc<Keys> {
        let mut held = self.0.write().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *held, Arc::new(keys))
    }
}

/// What is kept of a key Secret: its identities, or why it does not count. Everything else of it is wiped.
#[derive(Debug)]
pub(crate) struct KeySecret {
    name: String,
    /// Whether it is sealed to; else it only opens.
    is_active: bool,
    /// When the key was made, in Unix seconds.
    created: i64,
    identities: Result<Vec<Arc<Identity>>, &'static str>,
}

impl KeySecret {
    /// Takes what counts out of a key Secret, and wipes the rest.
    pub(crate) fn take(mut secret: Secret) -> Self {
        let identities =
            identities(&secret).map(|identities| identities.into_iter().map(Arc::new).collect());
        for value in secret.data.iter_mut().flat_map(|data| data.values_mut()) {
            value.0.zeroize();
        }
        Self {
            name: secret.name_any(),
            is_active: secret.labels().get(KEY).is_some_and(|state| state == "active"),
            created: created(&secret),
            identities,
        }
    }
}

/// When the key was made: what was noted then, which a restore brings along, else when its Secret was.
fn created(secret: &Secret) -> i64 {
    let noted = secret.annotations().get(CREATED);
    let noted = noted.and_then(|text| text.parse::<Timestamp>().ok()).map(Timestamp::as_second);
    let made = || secret.creation_timestamp().map_or(0, |time| time.0.as_second());
    noted.unwrap_or_else(made)
}

/// Builds the keyring from the key Secrets of the controller's namespace.
pub(crate) fn read<'a>(secrets: impl Iterator<Item = &'a KeySecret>) -> Keys {
    let mut keys = Keys::default();
    let mut newest: Option<(i64, Fingerprint)> = None;
    for secret in secrets {
        let KeySecret { name, is_active, created, identities } = secret;
        let identities = match identities {
            Ok(identities) => identities,
            Err(why) => {
                keys.rejected.push(Rejected { name: name.clone(), why });
                continue;
            }
        };
        for identity in identities {
            let fingerprint = identity.fingerprint();
            let candidate = (*created, fingerprint.clone());
            if *is_active && newest.as_ref().is_none_or(|newest| candidate > *newest) {
                let recipient = identity.recipient().to_owned();
                keys.published = Some(Published { recipient, fingerprint: fingerprint.clone() });
                newest = Some(candidate);
            }
            keys.created.insert(fingerprint, *created);
            keys.keyring.insert(identity.clone());
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
    let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let secret = Secret {
        metadata: ObjectMeta {
            name: Some(FIRST_KEY.to_owned()),
            labels: Some(BTreeMap::from([(KEY.to_owned(), "active".to_owned())])),
            annotations: Some(BTreeMap::from([(CREATED.to_owned(), now)])),
            ..ObjectMeta::default()
        },
        type_: Some(KEY.to_owned()),
        data: Some(data),
        immutable: Some(true), // another key gets another name
        ..Secret::default()
    };
    (secret, identity.fingerprint())
}
