//! What can be said of a sealed file without any key: its shape, its limits, its place.
//!
//! Every reader goes through [`check`] first, so that what follows handles only names, headers and payloads
//! that are well formed. It authenticates nothing.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::crypto::header::Header;
use crate::crypto::payload::size_class;
use crate::crypto::stanzas::check_stanzas;
use crate::key::Fingerprint;
use crate::kind::Kind;
use crate::kind::sealed::{
    Block, MAX_OWN_HEADERS, MAX_PLAINTEXT_BYTES, MAX_REST_BYTES, MAX_VALUES, ON_CONFLICT,
    SealedSecret, SealedSecretSpec, Template, TemplateMetadata,
};
use crate::place::{Place, is_key};

use super::error::OpenError;

/// A sealed file whose shape is right and which lies where its scope admits it. Made by [`check`] alone.
#[derive(Debug)]
pub struct Checked<'a> {
    pub(super) sealed: &'a SealedSecret,
    pub(super) place: Place,
    pub(super) shared: Option<CheckedHeader>,
    pub(super) blocks: Vec<CheckedBlock<'a>>,
}

/// A header and whom it says it is for; a hint that lies gains nothing.
#[derive(Debug)]
pub(super) struct CheckedHeader {
    pub(super) hints: Vec<Fingerprint>,
    pub(super) header: Header,
}

#[derive(Debug)]
pub(super) struct CheckedBlock<'a> {
    pub(super) key: &'a str,
    /// Absent where the block is under the shared header, which is then there.
    pub(super) own: Option<CheckedHeader>,
    pub(super) payload: Vec<u8>,
}

/// One header of a sealed file, for whoever shows it to people.
#[derive(Debug)]
pub struct HeaderSummary<'a> {
    /// The keys of the blocks under it; none where a merge has left the shared header unused.
    pub keys: Vec<&'a str>,
    /// Whether it is the shared one.
    pub shared: bool,
    /// The recipients' fingerprints.
    pub hints: &'a [Fingerprint],
    /// The type of each stanza, in order.
    pub stanza_types: Vec<&'a str>,
}

impl Checked<'_> {
    /// Where the file was found.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Every header: the shared one first, then those of single blocks by key.
    pub fn headers(&self) -> Vec<HeaderSummary<'_>> {
        let mut all = Vec::new();
        if let Some(header) = &self.shared {
            let under = self.blocks.iter().filter(|block| block.own.is_none());
            all.push(header.summary(under.map(|block| block.key).collect(), true));
        }
        for block in &self.blocks {
            all.extend(block.own.iter().map(|header| header.summary(vec![block.key], false)));
        }
        all
    }

    /// How many stanzas the headers in use have: what opening costs.
    pub fn stanzas(&self) -> usize {
        let own = self.blocks.iter().filter_map(|block| block.own.as_ref());
        let shared = self.shared.iter().filter(|_| self.uses_shared());
        own.chain(shared).map(|header| header.header.stanzas().len()).sum()
    }

    pub(super) fn uses_shared(&self) -> bool {
        self.blocks.iter().any(|block| block.own.is_none())
    }
}

impl CheckedHeader {
    fn summary<'a>(&'a self, keys: Vec<&'a str>, shared: bool) -> HeaderSummary<'a> {
        let stanza_types = self.header.stanzas().iter().map(|stanza| stanza.tag.as_str());
        HeaderSummary { keys, shared, hints: &self.hints, stanza_types: stanza_types.collect() }
    }
}

/// Checks shape, limits and place; of a ClusterSealedSecret [the first one](SealedSecret::place). Needs no key, so it runs on
/// every sealed file every time.
pub fn check(sealed: &SealedSecret) -> Result<Checked<'_>, OpenError> {
    match sealed.place() {
        Ok(place) => check_at(sealed, place),
        Err(problem) => Err(malformed(sealed, problem.to_owned())),
    }
}

/// [`check`] for a live Secret at `place`: a ClusterSealedSecret has several.
pub fn check_at(sealed: &SealedSecret, place: Place) -> Result<Checked<'_>, OpenError> {
    let (shared, blocks) = shape(sealed).map_err(|problem| malformed(sealed, problem))?;
    if !sealed.spec.scope.admits(&place) {
        let sealed_for = sealed.spec.scope.clone();
        return Err(OpenError::WrongPlace { sealed_for, found_at: place });
    }
    Ok(Checked { sealed, place, shared, blocks })
}

fn malformed(sealed: &SealedSecret, problem: String) -> OpenError {
    OpenError::Malformed { object: sealed.full_name(), problem }
}

type Shape<'a> = (Option<CheckedHeader>, Vec<CheckedBlock<'a>>);

/// Everything but whether the place is right; the error says what is wrong with the file.
fn shape(sealed: &SealedSecret) -> Result<Shape<'_>, String> {
    let spec = &sealed.spec;
    if let Some(problem) = spec.scope.problem().or_else(|| wrong_selector(spec)) {
        return Err(problem.into());
    }
    check_clear(sealed)?;
    check_keys(sealed)?;
    if spec.values.values().filter(|block| block.header.is_some()).count() > MAX_OWN_HEADERS {
        return Err("more than 256 blocks with a header of their own".into());
    }
    let shared = check_header(&spec.sealed_to, spec.header.as_deref())
        .map_err(|problem| format!("the shared header: {problem}"))?;
    let mut blocks = Vec::with_capacity(spec.values.len());
    for (key, block) in &spec.values {
        let checked = check_block(key, block, shared.is_some());
        blocks.push(checked.map_err(|problem| format!("the block of {key}: {problem}"))?);
    }
    check_total(sealed, &blocks)?;
    Ok((shared, blocks))
}

/// A selector chooses among every namespace, in a ClusterSealedSecret alone; there it must.
fn wrong_selector(spec: &SealedSecretSpec) -> Option<&'static str> {
    let is_cluster = spec.kind == Kind::ClusterSealedSecret;
    match &spec.namespace_selector {
        Some(_) if !is_cluster => Some("spec.namespaceSelector is for a ClusterSealedSecret"),
        Some(_) if !spec.scope.any_namespace() => Some(
            "spec.namespaceSelector chooses among every namespace, and spec.scope.namespaces lists some",
        ),
        None if is_cluster && spec.scope.any_namespace() => Some(
            "spec.scope.namespaces is [\"*\"], and there is no spec.namespaceSelector to choose among them",
        ),
        Some(selector) => selector.problem(),
        None => None,
    }
}

fn check_clear(sealed: &SealedSecret) -> Result<(), &'static str> {
    let spec = &sealed.spec;
    if spec.on_conflict.as_deref().is_some_and(|choice| !ON_CONFLICT.contains(&choice)) {
        return Err("spec.onConflict is none of Refuse, AdoptEmpty, Adopt, Merge");
    }
    let Some(template) = &spec.template else { return Ok(()) };
    if template.string_data.keys().any(|key| !is_key(key)) {
        return Err("spec.template.stringData has a name that no key of a Secret can have");
    }
    if template.type_.as_deref().is_some_and(str::is_empty) {
        return Err("spec.template.type is empty");
    }
    Ok(())
}

fn check_keys(sealed: &SealedSecret) -> Result<(), String> {
    let template = sealed.spec.template.as_ref();
    let clear: BTreeSet<&str> =
        template.iter().flat_map(|it| it.string_data.keys().map(String::as_str)).collect();
    let values = &sealed.spec.values;
    if !values.keys().all(|key| is_key(key)) {
        return Err("values has a name that no key of a Secret can have".into());
    }
    if let Some(key) = values.keys().find(|key| clear.contains(key.as_str())) {
        return Err(format!("key {key} is both sealed and in spec.template.stringData"));
    }
    if values.len() + clear.len() > MAX_VALUES {
        return Err("more than 1,024 values".into());
    }
    Ok(())
}

/// Sealed values count as what they are made to look like. Their own lengths, which only a key tells, must decide nothing:
/// whoever adds to the file could measure them by what still fits.
/// So neither the API server's limit for values nor etcd's for the whole may be what refuses the live Secret.
fn check_total(sealed: &SealedSecret, blocks: &[CheckedBlock<'_>]) -> Result<(), &'static str> {
    let no_template = Template::default();
    let template = sealed.spec.template.as_ref().unwrap_or(&no_template);
    let clear: usize = template.string_data.values().map(String::len).sum();
    let scope = &sealed.spec.scope;
    let classes = blocks.iter().map(|it| size_class(it.payload.len(), scope, it.key));
    if clear + classes.sum::<usize>() > MAX_PLAINTEXT_BYTES {
        return Err("its values are larger than 1 MiB together, each counted as its size class");
    }
    let TemplateMetadata { labels, annotations } = &template.metadata;
    let keys = template.string_data.keys().chain(sealed.spec.values.keys());
    let names = keys.chain(labels.keys()).chain(annotations.keys());
    let texts = labels.values().chain(annotations.values());
    let rest = names.map(|name| 2 * name.len() + 24).sum::<usize>();
    if rest + texts.map(String::len).sum::<usize>() > MAX_REST_BYTES {
        return Err(
            "its keys, labels and annotations are larger than 384 KiB together, names counted twice",
        );
    }
    Ok(())
}

fn check_block<'a>(
    key: &'a str,
    block: &Block,
    shared: bool,
) -> Result<CheckedBlock<'a>, &'static str> {
    let own = check_header(&block.sealed_to, block.header.as_deref())?;
    if own.is_none() && !shared {
        return Err("it has no header, and the file has no shared one");
    }
    if block.payload.is_empty() {
        return Err("it has no payload");
    }
    let payload = STANDARD
        .decode(&block.payload)
        .map_err(|_| "its payload is not canonical base64 with padding")?;
    Ok(CheckedBlock { key, own, payload })
}

/// A header and its hints; none where there is none, and then no hints either.
fn check_header(
    sealed_to: &[String],
    header: Option<&str>,
) -> Result<Option<CheckedHeader>, &'static str> {
    let Some(text) = header else {
        let alone = !sealed_to.is_empty();
        return if alone { Err("sealedTo without a header beside it") } else { Ok(None) };
    };
    let header = Header::read(text)?;
    check_stanzas(&header)?;
    if sealed_to.len() > header.stanzas().len() {
        return Err("sealedTo has more entries than the header has stanzas");
    }
    let hints = sealed_to
        .iter()
        .map(|hint| Fingerprint::parse(hint))
        .collect::<Option<Vec<_>>>()
        .ok_or("sealedTo has an entry that is no fingerprint")?;
    Ok(Some(CheckedHeader { hints, header }))
}
