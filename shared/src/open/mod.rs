//! Sealed file → values, for whoever holds an identity: the only door to plaintext.

pub mod allowed;
pub mod check;

use std::collections::{BTreeMap, BTreeSet};

use age_core::format::FileKey;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::crypto::payload::{self, Refused};
use crate::key::{Fingerprint, Keyring};
use crate::kind::sealed::{MAX_PLAINTEXT_BYTES, Template};
use crate::open::check::{Checked, CheckedEnvelope};
use crate::place::{Place, Scope};
use crate::reason::Reason;
use crate::secret::SecretValue;
use crate::yaml;

/// Everything a live Secret is made of. Not `Clone`, not `Serialize`: it moves into a plan and ends there.
#[derive(Debug)]
pub struct Opened {
    /// Where the live Secret goes.
    pub place: Place,
    /// Its type, labels, annotations; `string_data` has moved into `values`.
    pub template: Template,
    /// All values, those that were clear in the file included.
    pub values: BTreeMap<String, SecretValue>,
    /// One fingerprint for each envelope, in the order of the file.
    pub opened_with: Vec<Fingerprint>,
}

impl Opened {
    /// The Secret manifest that `kubectl apply` makes the live Secret of: YAML, sorted, values under `data`.
    ///
    /// The text is the plaintext: the caller answers for where it goes.
    pub fn to_manifest(&self) -> Zeroizing<String> {
        let data: BTreeMap<&str, String> = self
            .values
            .iter()
            .map(|(key, value)| (key.as_str(), STANDARD.encode(value.expose())))
            .collect();
        let view = ManifestView {
            api_version: "v1",
            data: &data,
            immutable: self.template.immutable,
            kind: "Secret",
            metadata: ObjectMeta {
                name: Some(self.place.name.clone()),
                namespace: Some(self.place.namespace.clone()),
                labels: some(&self.template.metadata.labels),
                annotations: some(&self.template.metadata.annotations),
                ..ObjectMeta::default()
            },
            type_: self.template.type_.as_deref().unwrap_or("Opaque"),
        };
        let text = Zeroizing::new(yaml::write::to_yaml(&view));
        data.into_values().for_each(|value| drop(Zeroizing::new(value)));
        text
    }
}

fn some(map: &BTreeMap<String, String>) -> Option<BTreeMap<String, String>> {
    (!map.is_empty()).then(|| map.clone())
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ManifestView<'a> {
    api_version: &'a str,
    data: &'a BTreeMap<&'a str, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    immutable: Option<bool>,
    kind: &'a str,
    metadata: ObjectMeta,
    #[serde(rename = "type")]
    type_: &'a str,
}

/// Why a sealed file did not open. One variant, one thing a person can do about it.
///
/// No variant says anything about decrypted bytes, not even how many there were.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Not a sealed file as the format defines it: a bad merge, a hand edit, a limit.
    #[error("{label}: {problem}")]
    Malformed {
        /// Which object.
        label: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Reserved, or a permission that this installation does not give.
    #[error("{label}: {problem}")]
    NotAllowed {
        /// Which object.
        label: String,
        /// What it asked for.
        problem: String,
    },
    /// Copied, renamed or moved after it was sealed.
    #[error(
        "sealed for {sealed_for}, found at {found_at}; a Kustomize namespace or prefix, or a chart, may have moved it"
    )]
    WrongPlace {
        /// Where it may be opened.
        sealed_for: Scope,
        /// Where it is.
        found_at: Place,
    },
    /// Sealed to keys that are not held here, or no longer.
    #[error("{label}: no key here opens it (sealed to {}; holding {})", list(.sealed_to), list(.holding))]
    NoMatchingKey {
        /// Which object.
        label: String,
        /// The hints of the envelope that did not open.
        sealed_to: Vec<Fingerprint>,
        /// What is held.
        holding: Vec<Fingerprint>,
    },
    /// Intact, but its scope or key was changed after sealing, or it was moved from another file or key.
    #[error("{label}: the value of {key} was sealed for another namespace, name or key")]
    NotSealedForThis {
        /// Which object.
        label: String,
        /// Which value.
        key: String,
    },
    /// Changed after it was sealed; by accident or on purpose cannot be told.
    #[error("{label}: {what} is damaged ({check})")]
    Damaged {
        /// Which object.
        label: String,
        /// The header, or the value of a key.
        what: String,
        /// Which check failed: `stanza`, `mac`, `header`, `payload`, `padding`.
        check: &'static str,
    },
}

impl OpenError {
    /// The one word for it.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Malformed { .. } => Reason::Malformed,
            Self::NotAllowed { .. } => Reason::NotAllowed,
            Self::WrongPlace { .. } => Reason::WrongPlace,
            Self::NoMatchingKey { .. } => Reason::NoMatchingKey,
            Self::NotSealedForThis { .. } => Reason::NotSealedForThis,
            Self::Damaged { .. } => Reason::Damaged,
        }
    }

    /// What a person can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "restore the file from Git, or seal the manifest again",
            Self::NotAllowed { .. } => {
                "leave out what is reserved, or ask whoever runs the controller"
            }
            Self::WrongPlace { .. } => "seal for that place, or with a wider scope",
            Self::NoMatchingKey { .. } => {
                "seal for the keys held here, or bring back the key it is sealed to"
            }
            Self::NotSealedForThis { .. } => "seal that value again under its own name and key",
            Self::Damaged { .. } => "restore the file from Git, or seal that value again",
        }
    }
}

fn list(fingerprints: &[Fingerprint]) -> String {
    if fingerprints.is_empty() {
        return "nothing".to_owned();
    }
    let shown: Vec<&str> = fingerprints.iter().take(8).map(Fingerprint::as_str).collect();
    let more = fingerprints.len() - shown.len();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    shown.join(", ") + &more
}

/// Opens every value, or nothing.
///
/// The key is chosen by the file's hints, never by trial; each header is unwrapped once. All the same, what
/// decides is age's MAC and the beginning of each plaintext: a hint that lies gains nothing. Does not tell
/// who sealed the values, nor that they are the newest: Git tells.
pub fn open(checked: &Checked<'_>, keyring: &Keyring) -> Result<Opened, OpenError> {
    let sealed = checked.sealed;
    let mut template = sealed.spec.template.clone().unwrap_or_default();
    let clear = std::mem::take(&mut template.string_data);
    let mut values: BTreeMap<String, SecretValue> =
        clear.into_iter().map(|(key, text)| (key, text.into_bytes().into())).collect();
    let mut opened_with = Vec::with_capacity(checked.envelopes.len());
    for envelope in &checked.envelopes {
        let (fingerprint, file_key) = unwrap(checked, envelope, keyring)?;
        let header = payload::authenticate(&envelope.header, &file_key)
            .map_err(|refused| refusal(checked, "", refused))?;
        for (key, payload) in &envelope.payloads {
            let value = payload::open(&header, &file_key, payload, &sealed.spec.scope, key)
                .map_err(|refused| refusal(checked, key, refused))?;
            values.insert((*key).to_owned(), value);
        }
        opened_with.push(fingerprint);
    }
    if values.values().map(|value| value.expose().len()).sum::<usize>() > MAX_PLAINTEXT_BYTES {
        let problem = "its values are larger than 1 MiB together".to_owned();
        return Err(OpenError::Malformed { label: sealed.label(), problem });
    }
    Ok(Opened { place: checked.place.clone(), template, values, opened_with })
}

/// The fingerprint of the identity that a file's hints choose for each envelope, when all are held.
///
/// No key operation: this is how "could this be opened here" is answered without opening.
pub fn choose<'k>(
    checked: &Checked<'_>,
    keyring: &'k Keyring,
) -> Result<BTreeSet<&'k str>, OpenError> {
    let chosen = checked.envelopes.iter().map(|envelope| {
        let held = envelope.hints.iter().find_map(|hint| keyring.get_key_value(hint));
        held.map(|(fingerprint, _)| fingerprint.as_str())
            .ok_or_else(|| no_matching_key(checked, envelope, keyring))
    });
    chosen.collect()
}

fn unwrap(
    checked: &Checked<'_>,
    envelope: &CheckedEnvelope<'_>,
    keyring: &Keyring,
) -> Result<(Fingerprint, FileKey), OpenError> {
    let held = envelope.hints.iter().find_map(|hint| keyring.get_key_value(hint));
    let (fingerprint, identity) =
        held.ok_or_else(|| no_matching_key(checked, envelope, keyring))?;
    match identity.unwrap(envelope.header.stanzas()) {
        Some(Ok(file_key)) => Ok((fingerprint.clone(), file_key)),
        Some(Err(_)) | None => Err(OpenError::Damaged {
            label: checked.sealed.label(),
            what: "the header".to_owned(),
            check: "stanza",
        }),
    }
}

fn no_matching_key(
    checked: &Checked<'_>,
    envelope: &CheckedEnvelope<'_>,
    keyring: &Keyring,
) -> OpenError {
    OpenError::NoMatchingKey {
        label: checked.sealed.label(),
        sealed_to: envelope.hints.clone(),
        holding: keyring.fingerprints(),
    }
}

fn refusal(checked: &Checked<'_>, key: &str, refused: Refused) -> OpenError {
    let label = checked.sealed.label();
    match refused {
        Refused::NotSealedForThis => OpenError::NotSealedForThis { label, key: key.to_owned() },
        Refused::Damaged(check @ ("mac" | "header")) => {
            OpenError::Damaged { label, what: "the header".to_owned(), check }
        }
        Refused::Damaged(check) => {
            OpenError::Damaged { label, what: format!("the value of {key}"), check }
        }
    }
}
