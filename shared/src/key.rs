//! Keys as age writes them: [`Recipient`] (public), [`Identity`] (private), [`Fingerprint`], [`Keyring`].
//!
//! An identity prints as `[redacted]`, has no `Serialize` and is wiped on drop. Where keys come from (files,
//! flags, a cluster) is not known here.

use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::str::FromStr;

use age::{DecryptError, EncryptError};
use age_core::format::{FileKey, Stanza};
use age_core::secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::crypto::kem::{PrivateHalf, PublicHalf};
use crate::crypto::recipient;
use crate::text::without_mark;

mod keyring;

pub use keyring::{Keyring, Namespaces};

/// Why a key did not read. Never carries the text: a private key may have been put where a public one goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Nothing that begins with `age1`.
    #[error("not an age recipient: it does not begin with age1")]
    NotARecipient,
    /// An identity where a recipient belongs: the caller must not repeat it in a message.
    #[error("a private key stands where a recipient belongs")]
    PrivateKey,
    /// Cut, mistyped or of the wrong length.
    #[error("not an age recipient: its checksum or length is wrong")]
    DamagedRecipient,
    /// A recipient of a plugin, or of a type that this version does not have.
    #[error("a recipient of a type that is not built in")]
    UnknownRecipient,
    /// Nothing that begins with `AGE-SECRET-KEY-`.
    #[error("line {0} is not an age identity")]
    NotAnIdentity(usize),
    /// Cut, mistyped or of the wrong length.
    #[error("line {0} is an age identity with a wrong checksum or length")]
    DamagedIdentity(usize),
    /// Comments only.
    #[error("no identity in it")]
    NoIdentity,
}

/// `sha256:` and the first 32 hex digits of SHA-256 over the recipient's text.
///
/// The same as `printf %s age1pq1… | sha256sum | cut -c1-32`. The prefix keeps YAML from reading digits as a number.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// The fingerprint of a recipient's text.
    pub fn of(recipient: &str) -> Self {
        Self(format!("sha256:{}", hex::encode(&Sha256::digest(recipient)[..16])))
    }

    /// Reads a fingerprint as it stands in `sealedTo`.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("sha256:")?;
        let lower_hex = digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        (digits.len() == 32 && lower_hex).then(|| Self(text.to_owned()))
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a key Secret's annotation says of its identities: the fingerprint of each, with commas between.
pub fn fingerprints_of(identities: &[Identity]) -> String {
    let all: Vec<String> = identities.iter().map(|it| it.fingerprint().to_string()).collect();
    all.join(",")
}

/// The name of the Secret of the key that is made in the place of another one. Of the same question it is the same, so that one
/// is made, and whoever asked knows it.
pub fn name_of_next(before: &Fingerprint, asked: &str) -> String {
    let digest = Sha256::digest(format!("{before}\0{asked}"));
    format!("seal-key-{}", hex::encode(&digest[..6]))
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A public key: who may open what is sealed to it.
pub struct Recipient {
    text: String,
    kind: RecipientKind,
}

enum RecipientKind {
    Hybrid(Box<PublicHalf>),
    Classic(age::x25519::Recipient),
    Other(Box<dyn age::Recipient + Send + Sync>),
}

impl Recipient {
    /// The fingerprint of each, as `sealedTo` has them.
    pub fn fingerprints(all: &[Self]) -> BTreeSet<String> {
        all.iter().map(|recipient| recipient.fingerprint().to_string()).collect()
    }

    /// A recipient of an age plugin, which only the command line knows how to run.
    pub fn of_plugin(text: String, recipient: Box<dyn age::Recipient + Send + Sync>) -> Self {
        Self { text, kind: RecipientKind::Other(recipient) }
    }

    /// Whether this is `X25519` alone, which a quantum computer will read.
    pub fn is_classic(&self) -> bool {
        matches!(self.kind, RecipientKind::Classic(_))
    }

    /// The hint that `sealedTo` carries.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.text)
    }

    /// The text, `age1…`.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for Recipient {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let kind = if text.to_ascii_uppercase().starts_with("AGE-SECRET-KEY-") {
            return Err(KeyError::PrivateKey);
        } else if text.starts_with("age1pq1") {
            RecipientKind::Hybrid(Box::new(
                recipient::parse_recipient(text).ok_or(KeyError::DamagedRecipient)?,
            ))
        } else if text.starts_with("age1") && text[4..].contains('1') {
            return Err(KeyError::UnknownRecipient);
        } else if text.starts_with("age1") {
            RecipientKind::Classic(text.parse().map_err(|_| KeyError::DamagedRecipient)?)
        } else {
            return Err(KeyError::NotARecipient);
        };
        Ok(Self { text: text.to_owned(), kind })
    }
}

impl age::Recipient for Recipient {
    fn wrap_file_key(
        &self,
        file_key: &FileKey,
    ) -> Result<(Vec<Stanza>, HashSet<String>), EncryptError> {
        match &self.kind {
            RecipientKind::Hybrid(key) => recipient::wrap(key, file_key),
            RecipientKind::Classic(key) => key.wrap_file_key(file_key),
            RecipientKind::Other(key) => key.wrap_file_key(file_key),
        }
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recipient({})", self.fingerprint())
    }
}

/// A private key. Prints as `[redacted]`, is wiped on drop.
pub struct Identity {
    kind: IdentityKind,
    recipient: String,
}

enum IdentityKind {
    Hybrid(Box<PrivateHalf>),
    Classic(age::x25519::Identity),
}

impl Identity {
    /// A new post-quantum identity.
    pub fn generate() -> Self {
        Self::hybrid(PrivateHalf::generate())
    }

    /// A new `X25519` identity, for whoever asks for one by name.
    pub fn generate_classic() -> Self {
        Self::classic(age::x25519::Identity::generate())
    }

    fn hybrid(key: PrivateHalf) -> Self {
        let recipient = recipient::recipient_text(key.public());
        Self { kind: IdentityKind::Hybrid(Box::new(key)), recipient }
    }

    fn classic(key: age::x25519::Identity) -> Self {
        Self { recipient: key.to_public().to_string(), kind: IdentityKind::Classic(key) }
    }

    /// Reads an age identity file: one identity a line, blank lines and `#` comments between.
    pub fn parse_file(text: &str) -> Result<Vec<Self>, KeyError> {
        let mut identities = Vec::new();
        for (index, line) in without_mark(text).lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            identities.push(Self::parse_line(line, index + 1)?);
        }
        if identities.is_empty() { Err(KeyError::NoIdentity) } else { Ok(identities) }
    }

    /// Whether a word is a private key, whole and sound.
    pub fn is_one(word: &str) -> bool {
        Self::parse_line(word, 1).is_ok()
    }

    fn parse_line(line: &str, number: usize) -> Result<Self, KeyError> {
        if line.starts_with(recipient::IDENTITY_START) {
            let key = recipient::parse_identity(line).ok_or(KeyError::DamagedIdentity(number))?;
            Ok(Self::hybrid(key))
        } else if line.starts_with("AGE-SECRET-KEY-1") {
            let key = line.parse().map_err(|_| KeyError::DamagedIdentity(number))?;
            Ok(Self::classic(key))
        } else {
            Err(KeyError::NotAnIdentity(number))
        }
    }

    /// The text of the matching recipient.
    pub fn recipient(&self) -> &str {
        &self.recipient
    }

    /// The fingerprint of the matching recipient.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.recipient)
    }

    /// The identity as text, for the file or Secret that keeps it. Wiped on drop; copies are not.
    pub fn to_secret_text(&self) -> SecretText {
        match &self.kind {
            IdentityKind::Hybrid(key) => SecretText(recipient::identity_text(key)),
            IdentityKind::Classic(key) => {
                let text: SecretString = key.to_string();
                SecretText(Zeroizing::new(text.expose_secret().to_owned()))
            }
        }
    }

    /// The file key, when one of `stanzas` is for this identity; an error when one is for nobody.
    pub(crate) fn unwrap(&self, stanzas: &[Stanza]) -> Option<Result<FileKey, DecryptError>> {
        stanzas.iter().find_map(|stanza| match &self.kind {
            IdentityKind::Hybrid(key) => recipient::unwrap(key, stanza),
            IdentityKind::Classic(key) => age::Identity::unwrap_stanza(key, stanza),
        })
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Text that is a secret, such as an identity; prints as `[redacted]`.
pub struct SecretText(pub(crate) Zeroizing<String>);

impl SecretText {
    /// The text itself. The caller answers for where it goes.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}
