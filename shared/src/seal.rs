//! Values → header and payloads: sealing needs public keys only.

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
use crate::kind::edit::{Change, SharedHeader};
use crate::kind::resealed;
use crate::kind::sealed::{
    Block, MAX_PLAINTEXT_BYTES, MAX_VALUES, SealedSecret, SealedSecretSpec, Template,
};
use crate::manifest::Manifest;
use crate::place::{Place, Scope, is_key};
use crate::secret::SecretValue;

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

/// The change that seals `values` anew in `file`: each in a block of its own, or, where the file has several values and
/// these are all that it will have, under a new shared header in the old one's place.
///
/// Needs none of the values that are there, and leaves every other block as it is. A single value never takes the
/// shared header's place: commits of the file's history may hold blocks that are under it.
pub fn seal_into(
    file: &SealedSecret,
    values: &BTreeMap<String, SecretValue>,
    scope: &Scope,
    recipients: &[Recipient],
) -> Result<Change, SealError> {
    let keys = &file.spec.values;
    let anew = keys.len() > 1 && keys.keys().all(|key| values.contains_key(key));
    if !anew {
        let put = seal_blocks(values, scope, recipients)?;
        return Ok(Change { put, ..Change::default() });
    }
    let SealedValues { sealed_to, header, payloads } = seal_values(values, scope, recipients)?;
    let shared = Some(SharedHeader { sealed_to, header, resealed: Vec::new() });
    Ok(Change { put: under_shared_header(payloads), shared, ..Change::default() })
}

/// Whether all values of `file` stand under one header that names these recipients and nobody else.
///
/// By its hints, which are not authenticated: for whoever wants to know what is left to do.
pub fn is_sealed_for(file: &SealedSecret, recipients: &[Recipient]) -> bool {
    let wanted: BTreeSet<String> =
        recipients.iter().map(|recipient| recipient.fingerprint().to_string()).collect();
    let named: BTreeSet<String> = file.spec.sealed_to.iter().cloned().collect();
    file.spec.values.values().all(|block| block.header.is_none()) && named == wanted
}

/// The change that seals all `values` of `file` anew under one new shared header: the same values, for other recipients.
///
/// `values` must be those that `file` opens to, all that are sealed and no other. The marks that say so are no
/// statement to be relied on: they tell a merge which side meant another value.
pub fn reseal(
    file: &SealedSecret,
    values: &BTreeMap<String, SecretValue>,
    recipients: &[Recipient],
) -> Result<Change, SealError> {
    let SealedValues { sealed_to, header, payloads } =
        seal_values(values, &file.spec.scope, recipients)?;
    let before = |key: &String| file.spec.values.get(key).map(|block| block.payload.as_str());
    let resealed = payloads
        .iter()
        .filter_map(|(key, after)| Some(resealed::mark(key, before(key)?, after)))
        .collect();
    let shared = Some(SharedHeader { sealed_to, header, resealed });
    Ok(Change { put: under_shared_header(payloads), shared, ..Change::default() })
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
        return Err(SealError::TooLarge("more than 1,024 values in one Secret"));
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
    let Manifest { mut values, mut template, .. } = manifest;
    check_size(&values, clear)?;
    for key in clear {
        let value = values.remove(key).ok_or_else(|| SealError::NoSuchKey(key.clone()))?;
        let text =
            std::str::from_utf8(value.expose()).map_err(|_| SealError::NotText(key.clone()))?;
        template.string_data.insert(key.clone(), text.to_owned());
    }
    let SealedValues { sealed_to, header, payloads } = seal_values(&values, &scope, recipients)?;
    // With all values in clear there is nothing under the header.
    let (sealed_to, header) =
        if payloads.is_empty() { (vec![], None) } else { (sealed_to, Some(header)) };
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
        values: under_shared_header(payloads),
        ..SealedSecretSpec::default()
    };
    Ok(SealedSecret { metadata, spec, status: None })
}
