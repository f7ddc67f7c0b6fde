//! What a file of private keys may be: an age identity file, or the backup of a cluster's key Secrets as kubectl writes
//! it. What else people name there is told apart, so that the next step is the right one. No text of it is in an error.

use std::collections::BTreeSet;

use crate::key::{Identity, KeyError};
use crate::manifest;
use crate::names::{KEY, KEY_IDENTITY};
use crate::reason::Reason;
use crate::text::without_mark;

/// How a file that age has encrypted begins, as text and as bytes.
const ENCRYPTED_STARTS: [&str; 2] = ["-----BEGIN AGE ENCRYPTED FILE", "age-encryption.org/v1"];

/// Why there is no identity in a file. One variant, one thing a person can do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityFileError {
    /// Not an age identity file.
    #[error("{0}")]
    Key(KeyError),
    /// Encrypted by age, most likely under a passphrase.
    #[error("it is encrypted, under a passphrase or for another key")]
    Encrypted,
    /// The public half.
    #[error("line {0} is a recipient, which is the public half of a key")]
    Recipient(usize),
    /// A key of OpenSSH.
    #[error("it is an SSH key, and sealed files open with age identities")]
    Ssh,
    /// An identity that a plugin holds.
    #[error("line {0} is the identity of a plugin")]
    Plugin(usize),
    /// Most likely a manifest, and it does not read as one.
    #[error("it is no age identity file, and does not read as a Kubernetes manifest of Secrets")]
    BadManifest,
    /// A manifest in which no key Secret is.
    #[error("it is a Kubernetes manifest without a Secret of type seal.dev/key in it")]
    NoKeySecret,
    /// A key Secret whose identity does not read.
    #[error("the Secret of type seal.dev/key in it has no age identity under data.identity")]
    BadKeySecret,
}

impl IdentityFileError {
    /// The one word for it.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Key(KeyError::NoIdentity) | Self::NoKeySecret => Reason::NoMatchingKey,
            _ => Reason::Malformed,
        }
    }

    /// What a person can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Key(_) => {
                "an identity file has lines that begin with AGE-SECRET-KEY-, and # comments; `seal key new` makes one"
            }
            Self::Encrypted => {
                "`age -d KEYFILE | seal open FILE -i -` asks for the passphrase and keeps the key off the disk"
            }
            Self::Recipient(_) => {
                "name the file with the private half, whose line begins with AGE-SECRET-KEY-"
            }
            Self::Ssh => "seal for a key of `seal key new`, and open with that",
            Self::Plugin(_) => {
                "open with an identity file of `seal key new` or of the cluster: plugins only seal"
            }
            Self::BadManifest | Self::NoKeySecret | Self::BadKeySecret => {
                "`kubectl -n seal-system get secrets -l seal.dev/key -o yaml` writes what opens"
            }
        }
    }
}

/// Reads every identity of a file.
pub fn read(text: &str) -> Result<Vec<Identity>, IdentityFileError> {
    if is_encrypted(text.as_bytes()) {
        return Err(IdentityFileError::Encrypted);
    }
    let start = without_mark(text).trim_start();
    if start.starts_with("-----BEGIN ") && start.lines().next().is_some_and(is_private_key) {
        return Err(IdentityFileError::Ssh);
    }
    Identity::parse_file(text).or_else(|error| match error {
        KeyError::NotAnIdentity(line) => other(text, line),
        error => Err(IdentityFileError::Key(error)),
    })
}

/// Whether age has encrypted what a file holds.
pub fn is_encrypted(bytes: &[u8]) -> bool {
    let bytes = bytes.trim_ascii_start();
    ENCRYPTED_STARTS.iter().any(|start| bytes.starts_with(start.as_bytes()))
}

fn is_private_key(line: &str) -> bool {
    line.contains(" PRIVATE KEY-----")
}

/// What a text is whose line `number` is no identity.
fn other(text: &str, number: usize) -> Result<Vec<Identity>, IdentityFileError> {
    let line = without_mark(text).lines().nth(number - 1).unwrap_or_default().trim();
    let begins = |starts: &[&str]| starts.iter().any(|start| line.starts_with(start));
    if begins(&["age1"]) {
        Err(IdentityFileError::Recipient(number))
    } else if begins(&["AGE-PLUGIN-"]) {
        Err(IdentityFileError::Plugin(number))
    } else if begins(&["ssh-", "ecdsa-"]) {
        Err(IdentityFileError::Ssh)
    } else if text.contains("apiVersion") {
        backup(text)
    } else {
        Err(IdentityFileError::Key(KeyError::NotAnIdentity(number)))
    }
}

/// The identities of all key Secrets in a manifest, retired ones included.
fn backup(text: &str) -> Result<Vec<Identity>, IdentityFileError> {
    let manifests =
        manifest::read(text, &BTreeSet::new()).map_err(|_| IdentityFileError::BadManifest)?;
    let mut identities = Vec::new();
    for secret in manifests.iter().filter(|it| it.template.type_.as_deref() == Some(KEY)) {
        let bytes = secret.values.get(KEY_IDENTITY).map(|value| value.expose()).unwrap_or_default();
        let identity = std::str::from_utf8(bytes).ok().map(Identity::parse_file);
        identities.extend(identity.and_then(Result::ok).ok_or(IdentityFileError::BadKeySecret)?);
    }
    if identities.is_empty() { Err(IdentityFileError::NoKeySecret) } else { Ok(identities) }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    fn secret(identity: &str, type_: &str) -> String {
        format!(
            "---\n{{apiVersion: v1, kind: Secret, type: {type_}, metadata: {{name: k, namespace: seal-system, uid: u, \
             labels: {{seal.dev/key: retired}}}}, data: {{recipient: YWdl, identity: {}}}}}",
            STANDARD.encode(identity)
        )
    }

    #[test]
    fn a_backup_of_key_secrets_opens_as_the_identity_files_in_it() {
        let keys = [Identity::generate(), Identity::generate_classic()];
        let texts = keys.each_ref().map(|key| {
            secret(&format!("# created\n{}\n", key.to_secret_text().expose()), "seal.dev/key")
        });
        let list = format!(
            "apiVersion: v1\nkind: List\nitems:\n- {}\n- {}\n",
            &texts[0][4..],
            &texts[1][4..]
        );
        for (text, keys) in [(&texts[0], &keys[..1]), (&list, &keys[..])] {
            let read: Vec<_> = read(text).unwrap().iter().map(Identity::fingerprint).collect();
            assert_eq!(read, keys.iter().map(Identity::fingerprint).collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_is_no_identity_file_is_called_by_its_name() {
        use IdentityFileError as E;
        let recipient = Identity::generate().recipient().to_owned();
        let ordinary = secret("AGE-SECRET-KEY-1", "Opaque");
        let broken = secret("AGE-SECRET-KEY-1", "seal.dev/key");
        for (text, error) in [
            ("", E::Key(KeyError::NoIdentity)),
            ("# only comments\n", E::Key(KeyError::NoIdentity)),
            ("hello", E::Key(KeyError::NotAnIdentity(1))),
            ("AGE-SECRET-KEY-1XYZ", E::Key(KeyError::DamagedIdentity(1))),
            ("# public key\nage1xyz", E::Recipient(2)),
            (&recipient, E::Recipient(1)),
            ("\n-----BEGIN AGE ENCRYPTED FILE-----\nYWdl", E::Encrypted),
            ("age-encryption.org/v1\n-> scrypt", E::Encrypted),
            ("-----BEGIN OPENSSH PRIVATE KEY-----\n", E::Ssh),
            ("ssh-ed25519 AAAA me", E::Ssh),
            ("AGE-PLUGIN-YUBIKEY-1", E::Plugin(1)),
            (&ordinary, E::NoKeySecret),
            ("apiVersion: v1\nkind: ConfigMap\n", E::BadManifest),
            ("apiVersion: v1\nkind: Secret\ndata: [\n", E::BadManifest),
            (&broken, E::BadKeySecret),
        ] {
            assert_eq!(read(text).unwrap_err(), error, "{text}");
        }
    }
}
