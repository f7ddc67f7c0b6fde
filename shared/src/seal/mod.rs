//! Values → header and payloads: sealing needs public keys only.

mod change;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use age::Recipient as _;
use age_core::format::FileKey;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::crypto::header::{Header, MAX_STANZAS};
use crate::crypto::padding::padded;
use crate::crypto::{new_file_key, payload};
use crate::key::{Fingerprint, Recipient};
use crate::kind::edit::SharedHeader;
use crate::kind::sealed::{
    Block, MAX_PLAINTEXT_BYTES, MAX_VALUES, SealedSecret, SealedSecretSpec, Template,
};
use crate::manifest::Manifest;
use crate::place::{Place, Scope, is_key};
use crate::secret::SecretValue;

pub use change::{is_sealed_for, reseal, seal_into};

/// Why something was not sealed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// Nobody could ever open it.
    #[error("no recipient to seal for")]
    NoRecipient,
    /// A post-quantum recipient beside a classical one protects nobody from a quantum computer.
    #[error("recipients of different strength cannot share a file: {0} and {1}")]
    MixedRecipients(Fingerprint, Fingerprint),
    /// The key is made so that it has no secret, or its plugin failed.
    #[error("recipient {0} cannot be sealed to")]
    UnusableRecipient(Fingerprint),
    /// A scope that no reader takes.
    #[error("{0}")]
    BadScope(&'static str),
    /// A key that no Secret can have.
    #[error(
        "a key is empty, too long, begins with .. or has a character other than letters, digits, - . _"
    )]
    BadKey,
    /// More than a Secret can hold.
    #[error("{0}")]
    TooLarge(&'static str),
    /// More values than a sealed file may have.
    #[error("more than 1,024 values in one Secret, and no sealed file has more")]
    TooManyValues,
    /// `--clear` names a key that the manifest has not.
    #[error("no key {0} to leave in clear")]
    NoSuchKey(String),
    /// Only text can be left in clear.
    #[error("the value of {0} is not UTF-8 text and cannot be left in clear")]
    NotText(String),
}

/// Values under one header: what a sealed file shares among its blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedValues {
    /// Fingerprints of the recipients.
    pub sealed_to: Vec<String>,
    /// The age header without its final line feed.
    pub header: String,
    /// Key to age payload in base64.
    pub payloads: BTreeMap<String, String>,
}

/// Seals `values` for `scope` under one header with a fresh file key.
///
/// Hides lengths to their size class, and which values are equal. Does not hide names, keys or recipients, and
/// does not say who sealed: anyone with the public keys can.
pub fn seal_values(
    values: &BTreeMap<String, SecretValue>,
    scope: &Scope,
    recipients: &[Recipient],
) -> Result<SealedValues, SealError> {
    check_input(values, scope)?;
    let file_key = new_file_key();
    let (sealed_to, header) = wrap(&file_key, recipients)?;
    let mut payloads = BTreeMap::new();
    for (key, value) in values {
        let payload = payload::seal(&file_key, scope, key, value);
        payloads.insert(key.clone(), STANDARD.encode(payload));
    }
    Ok(SealedValues { sealed_to, header: header.scalar().to_owned(), payloads })
}

/// Seals each of `values` for `scope` in a block of its own: own file key, own header. What [`seal_values`] promises
/// holds for each.
pub fn seal_blocks(
    values: &BTreeMap<String, SecretValue>,
    scope: &Scope,
    recipients: &[Recipient],
) -> Result<BTreeMap<String, Block>, SealError> {
    check_input(values, scope)?;
    let mut blocks = BTreeMap::new();
    for (key, value) in values {
        let file_key = new_file_key();
        let (sealed_to, header) = wrap(&file_key, recipients)?;
        let payload = STANDARD.encode(payload::seal(&file_key, scope, key, value));
        let header = Some(header.scalar().to_owned());
        blocks.insert(key.clone(), Block { sealed_to, header, payload });
    }
    Ok(blocks)
}

fn under_shared_header(payloads: BTreeMap<String, String>) -> BTreeMap<String, Block> {
    let mut blocks = BTreeMap::new();
    for (key, payload) in payloads {
        blocks.insert(key, Block { payload, ..Block::default() });
    }
    blocks
}

/// What goes into a binding is checked before it is built: readers never take it apart.
fn check_input(values: &BTreeMap<String, SecretValue>, scope: &Scope) -> Result<(), SealError> {
    if let Some(problem) = scope.problem() {
        return Err(SealError::BadScope(problem));
    }
    if !values.keys().all(|key| is_key(key)) {
        return Err(SealError::BadKey);
    }
    check_size(values, &BTreeSet::new())
}

/// The header of `file_key` for all `recipients`, each once, and their fingerprints.
fn wrap(file_key: &FileKey, recipients: &[Recipient]) -> Result<(Vec<String>, Header), SealError> {
    let mut stanzas = Vec::new();
    let mut sealed_to: Vec<String> = Vec::new();
    let mut labels: Option<(HashSet<String>, Fingerprint)> = None;
    for recipient in recipients {
        let fingerprint = recipient.fingerprint();
        if sealed_to.iter().any(|before| before == fingerprint.as_str()) {
            continue;
        }
        let (wrapped, its_labels) = recipient
            .wrap_file_key(file_key)
            .map_err(|_| SealError::UnusableRecipient(fingerprint.clone()))?;
        match &labels {
            Some((first, by)) if *first != its_labels => {
                return Err(SealError::MixedRecipients(by.clone(), fingerprint));
            }
            Some(_) => {}
            None => labels = Some((its_labels, fingerprint.clone())),
        }
        stanzas.extend(wrapped);
        sealed_to.push(fingerprint.to_string());
    }
    if stanzas.is_empty() {
        return Err(SealError::NoRecipient);
    }
    if stanzas.len() > MAX_STANZAS {
        return Err(SealError::TooLarge("more than 64 recipients"));
    }
    Ok((sealed_to, Header::write(file_key, stanzas)))
}

/// Counts as the reader does: a sealed value as its size class, one of those in `clear` as it is.
fn check_size(
    values: &BTreeMap<String, SecretValue>,
    clear: &BTreeSet<String>,
) -> Result<(), SealError> {
    if values.len() > MAX_VALUES {
        return Err(SealError::TooManyValues);
    }
    let counted = |(key, value): (&String, &SecretValue)| match value.expose().len() {
        len if clear.contains(key) => len,
        len => padded(len),
    };
    if values.iter().map(counted).sum::<usize>() > MAX_PLAINTEXT_BYTES {
        return Err(SealError::TooLarge(
            "the values are larger than 1 MiB together, the API server's limit for one Secret; a sealed value counts as \
             the length it is padded to, up to an eighth more",
        ));
    }
    Ok(())
}

/// Seals a manifest as one sealed file; keys named in `clear` stay readable in its template.
pub fn seal(
    manifest: Manifest,
    place: &Place,
    scope: Scope,
    clear: &BTreeSet<String>,
    recipients: &[Recipient],
) -> Result<SealedSecret, SealError> {
    seal_over(manifest, place, scope, clear, recipients, &Kept::default())
}

/// What of a sealed file that is there stays as it is sealed. The default is nothing.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// Its shared header.
    pub shared: Option<SharedHeader>,
    /// Blocks whose values are those of the manifest, for the same scope and recipients: the caller knows.
    pub blocks: BTreeMap<String, Block>,
}

/// The same over a file that is there: of the manifest's values those in `kept` are not sealed anew, and each other
/// gets a block of its own beside them.
pub fn seal_over(
    manifest: Manifest,
    place: &Place,
    scope: Scope,
    clear: &BTreeSet<String>,
    recipients: &[Recipient],
    kept: &Kept,
) -> Result<SealedSecret, SealError> {
    let Manifest { mut values, mut template, .. } = manifest;
    check_size(&values, clear)?;
    for key in clear {
        let value = values.remove(key).ok_or_else(|| SealError::NoSuchKey(key.clone()))?;
        let text =
            std::str::from_utf8(value.expose()).map_err(|_| SealError::NotText(key.clone()))?;
        template.string_data.insert(key.clone(), text.to_owned());
    }
    let SealedBlocks { sealed_to, header, blocks } = blocks(values, &scope, recipients, kept)?;
    let metadata = ObjectMeta {
        namespace: Some(place.namespace.clone()),
        name: Some(place.name.clone()),
        ..ObjectMeta::default()
    };
    let template = (template != Template::default()).then_some(template);
    let spec = SealedSecretSpec {
        scope,
        template,
        sealed_to,
        header,
        values: blocks,
        ..SealedSecretSpec::default()
    };
    Ok(SealedSecret { metadata, spec, status: None })
}

/// The blocks of a file and its shared header, if it has one.
struct SealedBlocks {
    sealed_to: Vec<String>,
    header: Option<String>,
    blocks: BTreeMap<String, Block>,
}

fn blocks(
    mut values: BTreeMap<String, SecretValue>,
    scope: &Scope,
    recipients: &[Recipient],
    kept: &Kept,
) -> Result<SealedBlocks, SealError> {
    if kept.blocks.is_empty() {
        let SealedValues { sealed_to, header, payloads } = seal_values(&values, scope, recipients)?;
        // With all values in clear there is nothing under the header.
        let (sealed_to, header) =
            if payloads.is_empty() { (vec![], None) } else { (sealed_to, Some(header)) };
        return Ok(SealedBlocks { sealed_to, header, blocks: under_shared_header(payloads) });
    }
    values.retain(|key, _| !kept.blocks.contains_key(key));
    let mut blocks = seal_blocks(&values, scope, recipients)?;
    blocks.extend(kept.blocks.clone());
    let (sealed_to, header) = match &kept.shared {
        Some(shared) => (shared.sealed_to.clone(), Some(shared.header.clone())),
        None => (vec![], None),
    };
    Ok(SealedBlocks { sealed_to, header, blocks })
}
