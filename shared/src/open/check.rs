//! What can be said of a sealed file without any key: its shape, its limits, its place.
//!
//! Every reader goes through [`check`] first, so that what follows handles only names, headers and payloads
//! that are well formed. It authenticates nothing.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::crypto::header::Header;
use crate::crypto::recipient;
use crate::key::{CLASSIC_STANZA, Fingerprint};
use crate::kind::sealed::{
    Envelope, MAX_ENVELOPES, MAX_PLAINTEXT_BYTES, MAX_VALUES, ON_CONFLICT, SealedSecret,
};
use crate::open::OpenError;
use crate::place::{Place, is_key};

/// A sealed file whose shape is right and which lies where its scope admits it.
#[derive(Debug)]
pub struct Checked<'a> {
    pub(crate) sealed: &'a SealedSecret,
    pub(crate) place: Place,
    pub(crate) envelopes: Vec<CheckedEnvelope<'a>>,
}

#[derive(Debug)]
pub(crate) struct CheckedEnvelope<'a> {
    pub(crate) hints: Vec<Fingerprint>,
    pub(crate) header: Header,
    pub(crate) payloads: BTreeMap<&'a str, Vec<u8>>,
}

impl Checked<'_> {
    /// Where the file was found.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The recipients' fingerprints over all envelopes, sorted.
    pub fn sealed_to(&self) -> BTreeSet<Fingerprint> {
        self.envelopes.iter().flat_map(|envelope| envelope.hints.iter().cloned()).collect()
    }

    /// Recipient stanzas of each envelope by type, in the order of the file.
    pub fn stanza_types(&self) -> Vec<Vec<&str>> {
        self.envelopes
            .iter()
            .map(|envelope| envelope.header.stanzas().iter().map(|s| s.tag.as_str()).collect())
            .collect()
    }
}

/// Checks shape, limits and place. Needs no key, so it runs on every sealed file every time.
pub fn check(sealed: &SealedSecret) -> Result<Checked<'_>, OpenError> {
    let malformed = |problem: String| OpenError::Malformed { label: sealed.label(), problem };
    let spec = &sealed.spec;
    let place = sealed.place().map_err(|problem| malformed(problem.into()))?;
    if let Some(problem) = spec.scope.problem() {
        return Err(malformed(problem.into()));
    }
    if let Some(problem) = clear_problem(sealed) {
        return Err(malformed(problem));
    }
    if spec.envelopes.len() > MAX_ENVELOPES {
        return Err(malformed("more than 256 envelopes".into()));
    }
    let mut seen: BTreeSet<&str> = clear_keys(sealed).collect();
    let mut envelopes = Vec::with_capacity(spec.envelopes.len());
    for (index, envelope) in spec.envelopes.iter().enumerate() {
        let at = |problem: String| malformed(format!("spec.envelopes[{index}]: {problem}"));
        for key in envelope.values.keys() {
            if !seen.insert(key) {
                return Err(malformed(twice(sealed, key)));
            }
        }
        envelopes.push(check_envelope(envelope).map_err(at)?);
    }
    if seen.len() > MAX_VALUES {
        return Err(malformed("more than 1,024 values".into()));
    }
    if !spec.scope.admits(&place) {
        return Err(OpenError::WrongPlace { sealed_for: spec.scope.clone(), found_at: place });
    }
    Ok(Checked { sealed, place, envelopes })
}

fn clear_keys(sealed: &SealedSecret) -> impl Iterator<Item = &str> {
    sealed.spec.template.iter().flat_map(|template| template.string_data.keys().map(String::as_str))
}

fn twice(sealed: &SealedSecret, key: &str) -> String {
    if clear_keys(sealed).any(|clear| clear == key) {
        format!("key {key} is both sealed and in spec.template.stringData")
    } else {
        format!("key {key} stands in two envelopes")
    }
}

fn clear_problem(sealed: &SealedSecret) -> Option<String> {
    let spec = &sealed.spec;
    if spec.on_conflict.as_deref().is_some_and(|policy| !ON_CONFLICT.contains(&policy)) {
        return Some("spec.onConflict is none of Refuse, AdoptEmpty, Adopt, Merge".into());
    }
    let template = spec.template.as_ref()?;
    if template.string_data.keys().any(|key| !is_key(key)) {
        return Some("spec.template.stringData has a name that no key of a Secret can have".into());
    }
    if template.string_data.values().map(String::len).sum::<usize>() > MAX_PLAINTEXT_BYTES {
        return Some("spec.template.stringData is larger than 1 MiB".into());
    }
    template
        .type_
        .as_deref()
        .is_some_and(str::is_empty)
        .then(|| "spec.template.type is empty".into())
}

fn check_envelope(envelope: &Envelope) -> Result<CheckedEnvelope<'_>, String> {
    let header = Header::read(&envelope.header)?;
    check_stanzas(&header)?;
    if envelope.sealed_to.len() > header.stanzas().len() {
        return Err("sealedTo has more entries than the header has stanzas".into());
    }
    let hints: Option<Vec<_>> =
        envelope.sealed_to.iter().map(|fp| Fingerprint::parse(fp)).collect();
    let hints = hints.ok_or("sealedTo has an entry that is no fingerprint")?;
    if envelope.values.is_empty() {
        return Err("it has no values".into());
    }
    let mut payloads = BTreeMap::new();
    for (key, text) in &envelope.values {
        if !is_key(key) {
            return Err("a name under values that no key of a Secret can have".into());
        }
        let payload = STANDARD.decode(text);
        let payload = payload
            .map_err(|_| format!("the value of {key} is not canonical base64 with padding"))?;
        payloads.insert(key.as_str(), payload);
    }
    Ok(CheckedEnvelope { hints, header, payloads })
}

/// The stanzas of the types that are ours have their types' shape, and classical and post-quantum ones
/// never stand in one header: the weaker one would decide who can read it.
pub(crate) fn check_stanzas(header: &Header) -> Result<(), &'static str> {
    let has = |tag: &str| header.stanzas().iter().any(|stanza| stanza.tag == tag);
    if has("scrypt") {
        return Err("the header has a passphrase stanza, and no passphrase is ever asked for");
    }
    if has(recipient::STANZA) && has(CLASSIC_STANZA) {
        return Err("the header mixes mlkem768x25519 and X25519 stanzas");
    }
    let hybrid = header.stanzas().iter().filter(|stanza| stanza.tag == recipient::STANZA);
    if hybrid.into_iter().any(|stanza| recipient::share(stanza).is_none()) {
        return Err("a mlkem768x25519 stanza does not have that type's shape");
    }
    Ok(())
}
