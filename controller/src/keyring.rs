//! The cluster's identities: what key Secrets hold, which of them counts, and what is published of it.
//!
//! Only here private keys are taken out of Secrets, and only in `new` one is put in. This reads and writes nothing itself:
//! [`crate::watch::keys`] brings the Secrets, [`crate::target`] writes. A key counts only with its type, its label,
//! no owner and no trace of a sealed file, so that nobody plants one who may not write Secrets in the
//! controller's own namespace.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};

use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt;
use seal_core::key::{Fingerprint, Identity, Keyring, Namespaces, fingerprints_of};
use seal_core::names::{
    ALLOW_DELETE, APPLIED, CREATED, GROUP_PREFIX, KEY, KEY_FINGERPRINT, KEY_FOLLOWS, KEY_IDENTITY,
    KEY_NAME, KEY_NAMESPACES, KEY_ROTATE,
};
use seal_core::place::{is_label, is_subdomain};
use zeroize::Zeroize;

mod new;

pub(crate) use new::{Asked, FIRST_KEY, first_key};

/// What annotations of ours a key Secret may have.
const KNOWN: [&str; 7] =
    [ALLOW_DELETE, CREATED, KEY_FINGERPRINT, KEY_FOLLOWS, KEY_NAME, KEY_NAMESPACES, KEY_ROTATE];

/// The identities held, and which of them is sealed to.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    /// What opens.
    pub keyring: Keyring,
    /// What is published: the newest active key that opens everywhere; none while there is none.
    pub published: Option<Published>,
    /// What is published beside it: the newest active key of each name among those for some namespaces.
    pub published_for: BTreeMap<String, PublishedFor>,
    /// Fingerprint and creation time (Unix seconds) of each key, for metrics.
    pub created: BTreeMap<Fingerprint, i64>,
    /// Key Secrets that do not count. While there is one, no first key is made: it may be the one that is missed.
    pub rejected: Vec<Rejected>,
    /// Secrets whose key opens in fewer namespaces than they say, since another one with the same key is for fewer.
    pub narrowed: BTreeSet<String>,
    /// Keys that are asked for and not there.
    pub asked_for: Vec<Asked>,
}

/// The public half of the newest active key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Published {
    /// `age1pq1…`
    pub recipient: String,
    /// Its fingerprint.
    pub fingerprint: Fingerprint,
}

/// The public half of a key for some namespaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PublishedFor {
    pub key: Published,
    pub namespaces: BTreeSet<String>,
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
    /// Where it opens.
    namespaces: Namespaces,
    /// Under which name it is published, if it is for some namespaces.
    called: String,
    /// Asks for a key in the place of this one.
    rotate: Option<String>,
    identities: Result<Vec<Arc<Identity>>, &'static str>,
}

impl KeySecret {
    /// Takes what counts out of a key Secret, and wipes the rest.
    pub(crate) fn take(mut secret: Secret) -> Self {
        let namespaces = namespaces(&secret);
        let identities = identities(&secret).and_then(|them| namespaces.clone().map(|_| them));
        let identities =
            identities.map(|identities| identities.into_iter().map(Arc::new).collect());
        for value in secret.data.iter_mut().flat_map(|data| data.values_mut()) {
            value.0.zeroize();
        }
        Self {
            name: secret.name_any(),
            is_active: secret.labels().get(KEY).is_some_and(|state| state == "active"),
            created: created(&secret),
            namespaces: namespaces.unwrap_or_default(),
            called: called(&secret),
            rotate: secret.annotations().get(KEY_ROTATE).cloned(),
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

/// Where a key opens: nowhere, if that cannot be read. Who narrowed it did not mean everywhere.
fn namespaces(secret: &Secret) -> Result<Namespaces, &'static str> {
    let Some(text) = secret.annotations().get(KEY_NAMESPACES) else { return Ok(None) };
    let names: BTreeSet<String> = text.split(',').map(|name| name.trim().to_owned()).collect();
    if names.iter().all(|name| is_label(name)) {
        Ok(Some(names))
    } else {
        Err("its annotation seal.dev/namespaces is not names of namespaces with commas between")
    }
}

/// What a key is called: by its annotation, which a new key takes over from the one before it, else as its Secret.
fn called(secret: &Secret) -> String {
    let noted = secret.annotations().get(KEY_NAME).filter(|name| is_subdomain(name));
    noted.cloned().unwrap_or_else(|| secret.name_any())
}

/// Builds the keyring from the key Secrets of the controller's namespace.
pub(crate) fn read<'a>(secrets: impl Iterator<Item = &'a KeySecret>) -> Keys {
    let mut keys = Keys::default();
    let (mut counted, mut names, mut asked_for) = (Vec::new(), BTreeSet::new(), Vec::new());
    for secret in secrets {
        names.insert(&secret.name);
        asked_for.extend(secret.asked_for());
        let identities = match &secret.identities {
            Ok(identities) => identities,
            Err(why) => {
                keys.rejected.push(Rejected { name: secret.name.clone(), why });
                continue;
            }
        };
        for identity in identities {
            let fingerprint = identity.fingerprint();
            keys.created.insert(fingerprint.clone(), secret.created);
            keys.keyring.insert_for(identity.clone(), secret.namespaces.clone());
            counted.push((secret.created, fingerprint, secret, identity));
        }
    }
    counted.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    for (_, fingerprint, secret, identity) in counted {
        if keys.keyring.namespaces_of(&fingerprint) != secret.namespaces.as_ref() {
            keys.narrowed.insert(secret.name.clone());
        }
        if secret.is_active {
            keys.publish(secret, fingerprint, identity);
        }
    }
    asked_for.retain(|asked| !names.contains(&asked.name));
    Keys { asked_for, ..keys }
}

impl Keys {
    /// Publishes an active key in the place of an older one. What another Secret narrows is no key for all.
    fn publish(&mut self, secret: &KeySecret, fingerprint: Fingerprint, identity: &Identity) {
        let namespaces = self.keyring.namespaces_of(&fingerprint).cloned();
        let key = Published { recipient: identity.recipient().to_owned(), fingerprint };
        match namespaces {
            None => self.published = Some(key),
            Some(namespaces) if namespaces.is_empty() => {}
            Some(namespaces) => {
                let published = PublishedFor { key, namespaces };
                self.published_for.insert(secret.called.clone(), published);
            }
        }
    }
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
    // A slip in the name of the one that narrows it, or one that a later version narrows it by.
    let is_unknown = |name: &&String| name.starts_with(GROUP_PREFIX) && !KNOWN.contains(&&***name);
    if secret.annotations().keys().any(|name| is_unknown(&name)) {
        return Err("it has an annotation under seal.dev/ that this version does not know");
    }
    let identity = secret.data.as_ref().and_then(|data| data.get(KEY_IDENTITY));
    let text = identity
        .and_then(|bytes| std::str::from_utf8(&bytes.0).ok())
        .ok_or("it has no age identity file under `identity`")?;
    let identities = Identity::parse_file(text)
        .map_err(|_| "what is under `identity` is not an age identity file")?;
    // Whoever does not read the Secret goes by what it says of itself.
    let noted = secret.annotations().get(KEY_FINGERPRINT);
    if noted.is_some_and(|noted| *noted != fingerprints_of(&identities)) {
        return Err("its annotation seal.dev/fingerprint is not that of its key");
    }
    Ok(identities)
}
