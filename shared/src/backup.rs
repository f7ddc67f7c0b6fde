//! The backup of a cluster's keys: its key Secrets as one manifest that `kubectl create -f` takes, in an age file for whoever keeps
//! it. Any age opens that file, so a backup is never worth less than seal itself.
//!
//! Where key Secrets come from and go to is not known here.

use std::collections::{BTreeMap, BTreeSet};

use age_core::format::{FileKey, Stanza};
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::crypto::file::{self, Unopened};
use crate::key::{Fingerprint, Identity, Recipient};
use crate::manifest;
use crate::names::{
    CREATED, KEY, KEY_FINGERPRINT, KEY_FOLLOWS, KEY_IDENTITY, KEY_NAME, KEY_NAMESPACES,
};
use crate::secret::SecretValue;
use crate::yaml;

/// Bytes of a backup, in clear and encrypted: a key Secret has about three kilobytes.
pub const MAX_BYTES: usize = 4 * 1024 * 1024;

/// What of a key Secret's annotations is the key's own, and comes back with it.
const KEPT: [&str; 5] = [CREATED, KEY_FINGERPRINT, KEY_FOLLOWS, KEY_NAME, KEY_NAMESPACES];

/// Why there is no backup, or none that reads. Never carries a text of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BackupError {
    /// Cut or changed, or not made by age.
    #[error("it is no age file, or was damaged")]
    Damaged,
    /// Encrypted to somebody else.
    #[error("it is encrypted for other identities than these")]
    NoKey,
    /// Beyond [`MAX_BYTES`].
    #[error("it has more than 4 MiB")]
    TooLarge,
    /// What age could not encrypt for, such as a plugin that failed, or classic beside post-quantum recipients.
    #[error("it cannot be encrypted for classic and post-quantum recipients together")]
    Recipients,
    /// Opened, and not what a backup holds.
    #[error("it holds no manifest of Secrets of type seal.dev/key")]
    NotKeys,
}

/// One key Secret, as a backup holds it.
#[derive(Debug)]
pub struct SavedKey {
    /// Its name; none where it was only an identity file.
    pub name: Option<String>,
    /// `active` or `retired`.
    pub state: String,
    /// The key's own annotations.
    pub annotations: BTreeMap<String, String>,
    /// The age identity file.
    pub identity: SecretValue,
    /// The identities in it; none where it is no identity file, as somebody's mistake in the cluster is.
    pub identities: Vec<Identity>,
}

impl SavedKey {
    /// The keys that an age identity file holds, each by itself. When they were made says the comment that `seal key new` and
    /// `age-keygen` write.
    pub fn of_identity_file(text: &str) -> Option<Vec<Self>> {
        let created = text.lines().find_map(|line| line.strip_prefix("# created: "));
        let created = created.filter(|it| it.len() == 20 && it.ends_with('Z'));
        let of = |identity: Identity| {
            let file = Zeroizing::new(format!("{}\n", identity.to_secret_text().expose()));
            Self {
                name: None,
                state: "active".to_owned(),
                annotations: created
                    .map(|it| (CREATED.to_owned(), it.to_owned()))
                    .into_iter()
                    .collect(),
                identity: SecretValue::from(file.as_bytes()),
                identities: vec![identity],
            }
        };
        Some(Identity::parse_file(text).ok()?.into_iter().map(of).collect())
    }

    /// The fingerprint of its first identity, which names it.
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        self.identities.first().map(Identity::fingerprint)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct List<'a> {
    api_version: &'a str,
    kind: &'a str,
    items: &'a [Secret],
}

/// The manifest of these key Secrets, without what belongs to the objects in their cluster. The text is the keys themselves.
pub fn manifest_of(secrets: Vec<Secret>) -> Zeroizing<String> {
    let items: Vec<Secret> = secrets.into_iter().map(saved).collect();
    let list = List { api_version: "v1", kind: "List", items: &items };
    let text = Zeroizing::new(yaml::write::to_yaml(&list));
    for item in items {
        item.data.into_iter().flatten().for_each(|(_, value)| drop(Zeroizing::new(value.0)));
    }
    text
}

fn saved(secret: Secret) -> Secret {
    let ObjectMeta { name, labels, annotations, creation_timestamp, .. } = secret.metadata;
    let own = |map: BTreeMap<String, String>, kept: &[&str]| -> BTreeMap<String, String> {
        map.into_iter().filter(|(key, _)| kept.contains(&key.as_str())).collect()
    };
    let mut annotations = own(annotations.unwrap_or_default(), &KEPT);
    // When its Secret was made goes with the Secret.
    if let Some(made) = creation_timestamp {
        let made = || made.0.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        annotations.entry(CREATED.to_owned()).or_insert_with(made);
    }
    let metadata = ObjectMeta {
        name,
        labels: labels.map(|labels| own(labels, &[KEY])),
        annotations: Some(annotations),
        ..ObjectMeta::default()
    };
    Secret { metadata, ..secret }
}

/// A backup as an age file for these recipients.
pub fn encrypt(manifest: &str, recipients: &[Recipient]) -> Result<Vec<u8>, BackupError> {
    let recipients: Vec<&dyn age::Recipient> = recipients.iter().map(|it| it as _).collect();
    if manifest.len() > MAX_BYTES {
        return Err(BackupError::TooLarge);
    }
    file::encrypt(manifest.as_bytes(), &recipients).ok_or(BackupError::Recipients)
}

/// An identity for age, which nobody else gets to see as one.
struct Held<'a>(&'a Identity);

impl age::Identity for Held<'_> {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<FileKey, age::DecryptError>> {
        self.0.unwrap(std::slice::from_ref(stanza))
    }
}

/// The manifest in an age file.
pub fn decrypt(bytes: &[u8], identities: &[Identity]) -> Result<Zeroizing<String>, BackupError> {
    let identities: Vec<Held<'_>> = identities.iter().map(Held).collect();
    let identities: Vec<&dyn age::Identity> = identities.iter().map(|it| it as _).collect();
    let plain = file::decrypt(bytes, &identities, MAX_BYTES).map_err(|error| match error {
        Unopened::Damaged => BackupError::Damaged,
        Unopened::NoKey => BackupError::NoKey,
        Unopened::TooLarge => BackupError::TooLarge,
    })?;
    let text = std::str::from_utf8(&plain).map_err(|_| BackupError::NotKeys)?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// The key Secrets of a manifest, those too whose identity does not read.
pub fn read(text: &str) -> Result<Vec<SavedKey>, BackupError> {
    if text.len() > MAX_BYTES {
        return Err(BackupError::TooLarge);
    }
    let kept: BTreeSet<String> = KEPT.iter().map(|it| (*it).to_owned()).collect();
    let manifests = manifest::read(text, &kept).map_err(|_| BackupError::NotKeys)?;
    let mut keys = Vec::new();
    for mut secret in manifests {
        if secret.template.type_.as_deref() != Some(KEY) {
            return Err(BackupError::NotKeys);
        }
        let identity = secret.values.remove(KEY_IDENTITY).unwrap_or_else(|| b"".as_slice().into());
        let file = std::str::from_utf8(identity.expose()).unwrap_or_default();
        let identities = Identity::parse_file(file).unwrap_or_default();
        let state = secret.template.metadata.labels.remove(KEY).unwrap_or_default();
        let state = if state == "active" { state } else { "retired".to_owned() };
        let annotations = secret.template.metadata.annotations;
        keys.push(SavedKey { name: secret.name, state, annotations, identity, identities });
    }
    if keys.iter().all(|key: &SavedKey| key.identities.is_empty()) {
        return Err(BackupError::NotKeys);
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use k8s_openapi::ByteString;

    use super::*;

    /// A key Secret as the API server has it.
    fn secret(name: &str, identity: &str, namespaces: Option<&str>) -> Secret {
        let more = [("seal.dev/rotate", "x"), ("other/annotation", "x")];
        let mut annotations: BTreeMap<String, String> =
            more.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        annotations.extend(namespaces.map(|it| (KEY_NAMESPACES.to_owned(), it.to_owned())));
        Secret {
            metadata: ObjectMeta {
                name: Some(name.to_owned()),
                namespace: Some("seal-system".to_owned()),
                uid: Some("u".to_owned()),
                labels: Some([(KEY.to_owned(), "retired".to_owned())].into()),
                annotations: Some(annotations),
                ..ObjectMeta::default()
            },
            type_: Some(KEY.to_owned()),
            data: Some(
                [(KEY_IDENTITY.to_owned(), ByteString(identity.as_bytes().to_vec()))].into(),
            ),
            ..Secret::default()
        }
    }

    fn file_of(identity: &Identity) -> String {
        format!("# a comment\n{}\n", identity.to_secret_text().expose())
    }

    #[test]
    fn what_is_backed_up_is_read_again_with_what_is_the_key_s_own() {
        let (key, keeper) = (Identity::generate(), Identity::generate());
        let secrets = vec![
            secret("team", &file_of(&key), Some("a,b")),
            secret("mistake", "AGE-SECRET-KEY-PQ-1X", None),
        ];
        let manifest = manifest_of(secrets);
        for other in ["rotate", "other/annotation", "uid", "namespace:"] {
            assert!(!manifest.contains(other), "{other}");
        }
        let recipient: Recipient = keeper.recipient().parse().unwrap();
        let file = encrypt(&manifest, &[recipient]).unwrap();
        let keepers = [Identity::generate(), keeper];
        let opened = decrypt(&file, &keepers).unwrap();
        assert_eq!(*opened, *manifest);
        let keys = read(&opened).unwrap();
        assert_eq!(keys[0].name.as_deref(), Some("team"));
        assert_eq!(keys[0].state, "retired");
        assert_eq!(keys[0].fingerprint(), Some(key.fingerprint()));
        assert_eq!(keys[0].annotations.len(), 1);
        assert_eq!(keys[0].annotations[KEY_NAMESPACES], "a,b");
        assert_eq!((keys[1].name.as_deref(), keys[1].identities.len()), (Some("mistake"), 0));
        assert_eq!(decrypt(&file, &keepers[..1]).unwrap_err(), BackupError::NoKey);
        for at in (0..file.len()).step_by(97) {
            let mut changed = file.clone();
            changed[at] ^= 1;
            let refused = decrypt(&changed, &keepers[1..]).unwrap_err();
            // Of a stanza nobody can say whether it was damaged or for somebody else.
            assert!([BackupError::Damaged, BackupError::NoKey].contains(&refused), "{at}");
        }
    }

    #[test]
    fn a_backup_that_opens_to_more_than_it_may_is_refused() {
        let keeper = Identity::generate_classic();
        let recipient: Recipient = keeper.recipient().parse().unwrap();
        let large = "x".repeat(MAX_BYTES + 1);
        assert_eq!(encrypt(&large, &[recipient]), Err(BackupError::TooLarge));
        let recipient: Recipient = keeper.recipient().parse().unwrap();
        let file = file::encrypt(large.as_bytes(), &[&recipient]).unwrap();
        assert_eq!(decrypt(&file, &[keeper]).unwrap_err(), BackupError::TooLarge);
    }
}
