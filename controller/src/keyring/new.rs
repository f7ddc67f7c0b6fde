//! New keys: the first one, and one in the place of another. Their private halves are made here, and end in a Secret.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::jiff::Timestamp;
use seal_core::key::{Fingerprint, Identity, Namespaces, name_of_next};
use seal_core::names::{
    CREATED, KEY, KEY_FINGERPRINT, KEY_FOLLOWS, KEY_IDENTITY, KEY_NAME, KEY_NAMESPACES, RECIPIENT,
};
use zeroize::Zeroizing;

use super::KeySecret;

/// Name of the key Secret that a first start makes.
pub(crate) const FIRST_KEY: &str = "seal-key-first";

/// A key that is to be made in the place of another one, whose Secret asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    /// Name of the Secret: that of the same question is the same, so that one is made.
    pub name: String,
    /// Name of the Secret that asks.
    pub follows: String,
    /// When the key before it was made.
    after: i64,
    namespaces: Namespaces,
    called: String,
}

impl KeySecret {
    /// The key that this Secret asks for. Only one that is sealed to asks: what is retired stays so.
    pub(super) fn asked_for(&self) -> Option<Asked> {
        let text = self.rotate.as_ref().filter(|_| self.is_active)?;
        let fingerprint = self.identities.as_ref().ok()?.first()?.fingerprint();
        Some(Asked {
            name: name_of_next(&fingerprint, text),
            follows: self.name.clone(),
            after: self.created,
            namespaces: self.namespaces.clone(),
            called: self.called.clone(),
        })
    }
}

/// A new key as the Secret that a first start makes, and its fingerprint.
pub(crate) fn first_key() -> (Secret, Fingerprint) {
    new_key(FIRST_KEY, Timestamp::now().as_second(), BTreeMap::new())
}

impl Asked {
    /// A new key as the Secret that is asked for, and its fingerprint. It is the newest, whatever the clock says.
    pub(crate) fn make(&self) -> (Secret, Fingerprint) {
        let created = Timestamp::now().as_second().max(self.after.saturating_add(1));
        let mut annotations = BTreeMap::from([(KEY_FOLLOWS.to_owned(), self.follows.clone())]);
        if let Some(namespaces) = &self.namespaces {
            let namespaces: Vec<&str> = namespaces.iter().map(String::as_str).collect();
            annotations.insert(KEY_NAMESPACES.to_owned(), namespaces.join(","));
            annotations.insert(KEY_NAME.to_owned(), self.called.clone());
        }
        new_key(&self.name, created, annotations)
    }
}

fn new_key(
    name: &str,
    created: i64,
    mut annotations: BTreeMap<String, String>,
) -> (Secret, Fingerprint) {
    let identity = Identity::generate();
    let fingerprint = identity.fingerprint();
    let file = Zeroizing::new(format!("{}\n", identity.to_secret_text().expose()));
    let data = BTreeMap::from([
        (KEY_IDENTITY.to_owned(), ByteString(file.as_bytes().to_vec())),
        (RECIPIENT.to_owned(), ByteString(identity.recipient().as_bytes().to_vec())),
    ]);
    let created = Timestamp::from_second(created).unwrap_or_else(|_| Timestamp::now());
    annotations.insert(CREATED.to_owned(), created.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    annotations.insert(KEY_FINGERPRINT.to_owned(), fingerprint.to_string());
    let secret = Secret {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            labels: Some(BTreeMap::from([(KEY.to_owned(), "active".to_owned())])),
            annotations: Some(annotations),
            ..ObjectMeta::default()
        },
        type_: Some(KEY.to_owned()),
        data: Some(data),
        immutable: Some(true), // another key gets another name
        ..Secret::default()
    };
    (secret, fingerprint)
}
