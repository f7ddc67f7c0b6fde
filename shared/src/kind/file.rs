//! Text of a sealed file ⇄ [`SealedSecret`]: strict in what it reads, stable in what it writes.
//!
//! Reading refuses unknown fields at every level, a key twice and fields of another type; what else a sealed file may
//! not be, [`crate::open::check`] says. Writing gives one order of fields and sorted maps, so that the same content is
//! the same bytes.

use std::fmt;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Serialize;
use serde_path_to_error::Track;

use crate::kind::Kind;
use crate::kind::blocks::write_ended_block;
use crate::kind::cluster_sealed::NamespaceSelector;
use crate::kind::sealed::{SealedSecret, Template, full_name};
use crate::names::{API_VERSION, GROUP_PREFIX};
use crate::place::Scope;
use crate::yaml::write::{LitStr, to_yaml};
use crate::yaml::{Copies, Documents, Entry, Node, Value, escaped};

pub use super::file_error::FileError;
use super::kustomization::Kustomization;
use super::plaintext::{has_values, is_secret};

/// What one document of a text turned out to be.
#[derive(Clone, Debug)]
pub enum Document {
    /// A sealed file's document, its fields known; not yet [checked](crate::open::check).
    Sealed(Box<SealedSecret>),
    /// A Secret in clear, which does not belong beside sealed files.
    Plaintext {
        /// `namespace/name` as far as they are there.
        object: String,
        /// Whether it has values that no other program has encrypted.
        has_values: bool,
    },
    /// A kustomization that makes a Secret, or patches one.
    Kustomization(Kustomization),
    /// Anything else. Other manifests are no business of ours.
    Other {
        /// Its `kind`, when it has one.
        kind: String,
    },
}

/// Reads every document of `text`, and the items of a `List` as if they were documents, as kubectl does.
pub fn read(text: &str) -> Result<Vec<Document>, FileError> {
    read_one_of(text, &mut Copies::default())
}

/// The same of one text of many, which share what aliases may copy.
pub fn read_one_of(text: &str, copies: &mut Copies) -> Result<Vec<Document>, FileError> {
    let mut documents = Vec::new();
    for node in Documents::of(text, copies) {
        let node = node.map_err(|error| FileError::text(text, error))?;
        read_node(node, &mut documents)?;
    }
    Ok(documents)
}

fn read_node(mut node: Node, documents: &mut Vec<Document>) -> Result<(), FileError> {
    if is_list(&node) {
        let items = node.take_items("items");
        return items.into_iter().try_for_each(|item| read_node(item, documents));
    }
    documents.push(document(node)?);
    Ok(())
}

/// Whether the items are objects of their own: of a `List`, and of whatever else is called so, as kubectl has it. The items of a
/// SecretList have no kind.
pub(super) fn is_list(node: &Node) -> bool {
    let kind = node.text("kind");
    let has_items = matches!(node.get("items"), Some(Node { value: Value::Sequence(_), .. }));
    node.text("apiVersion") == "v1" && kind == "List"
        || kind.ends_with("List") && kind != "SecretList" && has_items
}

/// The kind of a sealed object; `None` of everything else, whatever its kind is called.
pub(super) fn sealed_kind(node: &Node) -> Option<Kind> {
    Kind::of(node.text("kind")).filter(|_| node.text("apiVersion") == API_VERSION)
}

pub(super) fn document(node: Node) -> Result<Document, FileError> {
    let (api_version, kind) = (node.text("apiVersion"), node.text("kind"));
    let ours = Kind::of(kind);
    if let Some(kind) = sealed_kind(&node) {
        let mut sealed = sealed(node)?;
        sealed.spec.kind = kind;
        return Ok(Document::Sealed(Box::new(sealed)));
    }
    if api_version.starts_with(GROUP_PREFIX) || ours.is_some() && !api_version.contains('/') {
        return Err(FileError::UnknownVersion { object: full_name_of(&node) });
    }
    if is_secret(&node) {
        let (object, has_values) = (full_name_of(&node), has_values(&node));
        return Ok(Document::Plaintext { object, has_values });
    }
    if api_version == "v1" && kind == "SecretList" {
        // As the API server itself lists them: items without a kind.
        let in_clear =
            node.get("items").map(Node::items).unwrap_or_default().iter().find(|it| has_values(it));
        let object = full_name_of(in_clear.unwrap_or(&node));
        return Ok(Document::Plaintext { object, has_values: in_clear.is_some() });
    }
    if let Some(kustomization) = Kustomization::of(&node) {
        return Ok(Document::Kustomization(kustomization));
    }
    Ok(Document::Other { kind: escaped(kind) })
}

/// Where a map must stand: serde would take the values of a list for its fields, in their order.
const MAPS: [&[&str]; 8] = [
    &["spec"],
    &["spec", "scope"],
    &["spec", "namespaceSelector"],
    &["spec", "template"],
    &["spec", "template", "metadata"],
    &["metadata"],
    &["status"],
    &["status", "secret"],
];

fn list_for_map(node: &Node) -> Option<&'static [&'static str]> {
    let is_list =
        |path| matches!(descend(node, path), Some(Node { value: Value::Sequence(_), .. }));
    MAPS.into_iter().find(|path| is_list(path)).or_else(|| requirement_as_list(node))
}

fn requirement_as_list(node: &Node) -> Option<&'static [&'static str]> {
    const PATH: &[&str] = &["spec", "namespaceSelector", "matchExpressions"];
    let is_list = |item: &Node| matches!(item.value, Value::Sequence(_));
    descend(node, PATH)?.items().iter().any(is_list).then_some(PATH)
}

/// The first key under `values` with something else than a map.
fn key_without_block(node: &Node) -> Option<&Entry> {
    let entries = descend(node, &["spec", "values"])?.entries();
    entries.iter().find(|entry| !matches!(entry.value.value, Value::Mapping(_)))
}

/// The first key under `values` whose block was emptied.
fn key_without_payload(node: &Node) -> Option<&Entry> {
    let entries = descend(node, &["spec", "values"])?.entries();
    entries.iter().find(|entry| match entry.value.get("payload").map(|payload| &payload.value) {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.is_empty(),
        Some(_) => false,
    })
}

fn descend<'n>(node: &'n Node, path: &[&str]) -> Option<&'n Node> {
    path.iter().try_fold(node, |node, field| node.get(field))
}

fn sealed(node: Node) -> Result<SealedSecret, FileError> {
    let object = full_name_of(&node);
    if let Some(path) = list_for_map(&node) {
        return Err(FileError::ListForMap { object, path: path.join(".") });
    }
    if let Some(entry) = key_without_block(&node) {
        let (line, key) = (entry.line, escaped(&entry.key));
        return Err(FileError::NotABlock { line, object, key });
    }
    let emptied = key_without_payload(&node).map(|entry| (entry.line, escaped(&entry.key)));
    let json = node.into_json();
    let mut unknown = None;
    let mut note = |path: serde_ignored::Path<'_>| {
        let path = path.to_string().replace(".?.", "."); // `?` is where a field may be absent
        if !matches!(path.as_str(), "apiVersion" | "kind") {
            unknown.get_or_insert_with(|| escaped(&path));
        }
    };
    let mut track = Track::new();
    let json = serde_path_to_error::Deserializer::new(json, &mut track);
    let sealed = serde_ignored::deserialize(json, &mut note);
    if let Some(path) = unknown {
        return Err(FileError::UnknownField { object, path });
    }
    if let Some((line, key)) = emptied {
        return Err(FileError::NoPayload { line, object, key });
    }
    sealed.map_err(|_| FileError::WrongType { object, path: escaped(&track.path().to_string()) })
}

/// `namespace/name` of any manifest, for messages.
pub(crate) fn full_name_of(node: &Node) -> String {
    full_name(metadata_text(node, "namespace"), metadata_text(node, "name"))
}

fn metadata_text<'n>(node: &'n Node, field: &str) -> Option<&'n str> {
    descend(node, &["metadata", field])?.as_str()
}

/// Writes one sealed file: fields in one order, maps sorted, and behind each block a comment with its key.
pub fn write(sealed: &SealedSecret) -> String {
    let spec = &sealed.spec;
    let mut text = to_yaml(&FileView {
        api_version: API_VERSION,
        kind: spec.kind.as_str(),
        metadata: &sealed.metadata,
        spec: SpecView {
            scope: &spec.scope,
            namespace_selector: spec.namespace_selector.as_ref(),
            template: spec.template.as_ref(),
            service_accounts: &spec.service_accounts,
            on_conflict: spec.on_conflict.as_deref(),
            suspend: spec.suspend,
            sealed_to: &spec.sealed_to,
            header: spec.header.as_deref().map(LitStr),
        },
    });
    if spec.values.is_empty() {
        text.push_str("  values: {}\n");
        return text;
    }
    text.push_str("  values:\n");
    for (key, block) in &spec.values {
        for line in write_ended_block(key, block).lines() {
            text.extend(["    ", line, "\n"]);
        }
    }
    text
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FileView<'a> {
    api_version: &'a str,
    kind: &'a str,
    metadata: &'a ObjectMeta,
    spec: SpecView<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SpecView<'a> {
    scope: &'a Scope,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace_selector: Option<&'a NamespaceSelector>,
    #[serde(skip_serializing_if = "Option::is_none")]
    template: Option<&'a Template>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    service_accounts: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    on_conflict: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suspend: Option<bool>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    sealed_to: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    header: Option<LitStr<'a>>,
}

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sealed(sealed) => {
                write!(f, "{} {}", sealed.spec.kind.as_str(), sealed.full_name())
            }
            Self::Plaintext { object, .. } => write!(f, "Secret {object}"),
            Self::Kustomization(_) => f.write_str("Kustomization"),
            Self::Other { kind } => f.write_str(kind),
        }
    }
}
