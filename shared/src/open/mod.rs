//! Sealed file → values, for whoever holds an identity: the only door to plaintext.
//!
//! [`check`](check::check) → [`Checked::allowed`](check::Checked::allowed) → [`open`]: each step takes what the one
//! before made, so none can be left out.

pub mod allowed;
pub mod check;
mod error;

use std::collections::{BTreeMap, BTreeSet};

use age_core::format::FileKey;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::crypto::header::Header;
use crate::crypto::padding::padded;
use crate::crypto::payload::{self, Refused};
use crate::key::{Fingerprint, Keyring};
use crate::kind::sealed::Template;
use crate::place::Place;
use crate::secret::SecretValue;
use crate::yaml;

use allowed::Allowed;
use check::{Checked, CheckedBlock, CheckedHeader};

pub use error::OpenError;

/// Everything a live Secret is made of. Not `Clone`, not `Serialize`: it moves into a plan and ends there.
#[derive(Debug)]
pub struct Opened {
    /// Where the live Secret goes.
    pub place: Place,
    /// Its type, labels, annotations; `string_data` has moved into `values`.
    pub template: Template,
    /// All values, those that were clear in the file included.
    pub values: BTreeMap<String, SecretValue>,
    /// The identities that opened it.
    pub opened_with: BTreeSet<Fingerprint>,
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

/// The size class of a value of so many bytes: all that may be seen of its length, and never less than it.
pub fn size_class(len: usize) -> usize {
    padded(len)
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

/// Opens every value, or nothing.
///
/// The key is chosen by the file's hints, never by trial, among those that open in the namespace of its place; each header in use is unwrapped once. All the same, what
/// decides is age's MAC and the beginning of each plaintext: a hint that lies gains nothing. Does not tell
/// who sealed the values, nor that they are the newest: Git tells.
pub fn open(allowed: &Allowed<'_>, keyring: &Keyring) -> Result<Opened, OpenError> {
    let checked = allowed.checked();
    let shared_in_use = checked.shared.as_ref().filter(|_| checked.uses_shared());
    let shared = shared_in_use.map(|header| unlock(checked, header, None, keyring)).transpose()?;
    let mut template = checked.sealed.spec.template.clone().unwrap_or_default();
    let mut values = clear_values(&mut template);
    let mut opened_with = BTreeSet::new();
    for block in &checked.blocks {
        let own = match &block.own {
            Some(header) => Some(unlock(checked, header, Some(block.key), keyring)?),
            None => None,
        };
        let unlocked = own
            .as_ref()
            .or(shared.as_ref())
            .expect("a block without a header was checked to be under a shared one");
        values.insert(block.key.to_owned(), unlocked.open(checked, block)?);
        opened_with.insert(unlocked.fingerprint.clone());
    }
    Ok(Opened { place: checked.place.clone(), template, values, opened_with })
}

/// The values that were clear in the file, moved out of its template.
fn clear_values(template: &mut Template) -> BTreeMap<String, SecretValue> {
    let clear = std::mem::take(&mut template.string_data);
    clear.into_iter().map(|(key, text)| (key, text.into_bytes().into())).collect()
}

/// A header whose MAC was checked, and the file key in it.
struct Unlocked {
    fingerprint: Fingerprint,
    header: Header,
    file_key: FileKey,
}

/// Finds the identity that `header` hints at and unwraps its file key; `key` names the block whose own it is.
fn unlock(
    checked: &Checked<'_>,
    header: &CheckedHeader,
    key: Option<&str>,
    keyring: &Keyring,
) -> Result<Unlocked, OpenError> {
    let what = || key.map_or("the shared header".to_owned(), |key| format!("the header of {key}"));
    let namespace = &checked.place.namespace;
    let held = header.hints.iter().find_map(|hint| keyring.get_at(hint, namespace));
    let Some((fingerprint, identity)) = held else {
        let elsewhere = header.hints.iter().find(|hint| keyring.namespaces_of(hint).is_some());
        return Err(OpenError::NoMatchingKey {
            object: checked.sealed.full_name(),
            what: what(),
            sealed_to: header.hints.clone(),
            holding: keyring.fingerprints_at(namespace),
            elsewhere: elsewhere.cloned(),
        });
    };
    let damaged =
        |check| OpenError::Damaged { object: checked.sealed.full_name(), what: what(), check };
    let Some(Ok(file_key)) = identity.unwrap(header.header.stanzas()) else {
        return Err(damaged("stanza"));
    };
    let header = payload::authenticate(&header.header, &file_key).map_err(damaged)?;
    Ok(Unlocked { fingerprint: fingerprint.clone(), header, file_key })
}

impl Unlocked {
    fn open(
        &self,
        checked: &Checked<'_>,
        block: &CheckedBlock<'_>,
    ) -> Result<SecretValue, OpenError> {
        let scope = &checked.sealed.spec.scope;
        payload::open(&self.header, &self.file_key, &block.payload, scope, block.key)
            .map_err(|refused| refusal(checked, block.key, refused))
    }
}

fn refusal(checked: &Checked<'_>, key: &str, refused: Refused) -> OpenError {
    let object = checked.sealed.full_name();
    match refused {
        Refused::NotSealedForThis => OpenError::NotSealedForThis { object, key: key.to_owned() },
        Refused::Damaged(check) => {
            OpenError::Damaged { object, what: format!("the value of {key}"), check }
        }
    }
}
