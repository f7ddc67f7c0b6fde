//! Text of a sealed file ⇄ [`SealedSecret`]: strict in what it reads, stable in what it writes.
//!
//! Reading refuses unknown fields at every level and a key twice, and then everything that
//! [`crate::open::check`] refuses. Writing gives one order of fields and sorted maps, so that the same
//! content is the same bytes.

use std::collections::BTreeMap;
use std::fmt;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Serialize;

use crate::kind::sealed::{API_VERSION, KIND, SealedSecret, Template};
use crate::place::Scope;
use crate::yaml::{self, Node, ReadError, shown};

/// What one document of a text turned out to be.
#[derive(Clone, Debug)]
pub enum Document {
    /// A sealed file's document, its fields known; not yet [checked](crate::open::check).
    Sealed(Box<SealedSecret>),
    /// A Secret in clear, which does not belong beside sealed files.
    Plaintext {
        /// `namespace/name` as far as they are there.
        label: String,
    },
    /// Anything else. Other manifests are no business of ours.
    Other {
        /// Its `kind`, when it has one.
        kind: String,
    },
}

/// Why a text is no sealed file. Names lines, fields and objects, never a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// Not YAML or JSON at all.
    #[error("{0}")]
    Text(#[from] ReadError),
    /// A field that no sealed file has.
    #[error("{label}: unknown field {path}")]
    UnknownField {
        /// Which object.
        label: String,
        /// Where, from the root.
        path: String,
    },
    /// A field of another type than it must be.
    #[error(
        "{label}: a field is of the wrong type, such as a number or boolean where a string must be quoted"
    )]
    WrongType {
        /// Which object.
        label: String,
    },
    /// An `apiVersion` of our group that this version does not know.
    #[error("{label}: apiVersion or kind is not known to this version")]
    UnknownVersion {
        /// Which object.
        label: String,
    },
}

/// Reads every document of `text`, and the items of a `List` as if they were documents, as kubectl does.
pub fn read(text: &str) -> Result<Vec<Document>, FileError> {
    let mut documents = Vec::new();
    yaml::documents(text)?.iter().try_for_each(|node| read_node(node, &mut documents))?;
    Ok(documents)
}

fn read_node(node: &Node, documents: &mut Vec<Document>) -> Result<(), FileError> {
    let text = |key: &str| node.get(key).and_then(Node::as_str);
    if text("apiVersion") == Some("v1") && text("kind") == Some("List") {
        let items = node.get("items").map(Node::items).unwrap_or_default();
        return items.iter().try_for_each(|item| read_node(item, documents));
    }
    documents.push(document(node)?);
    Ok(())
}

fn document(node: &Node) -> Result<Document, FileError> {
    let text = |key: &str| node.get(key).and_then(Node::as_str).unwrap_or_default();
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    if api_version == API_VERSION && kind == KIND {
        return Ok(Document::Sealed(Box::new(sealed(node)?)));
    }
    if api_version.starts_with("seal.dev/") || kind == KIND && !api_version.contains('/') {
        return Err(FileError::UnknownVersion { label: label(node) });
    }
    if api_version == "v1" && kind == "Secret" {
        return Ok(Document::Plaintext { label: label(node) });
    }
    Ok(Document::Other { kind: shown(kind) })
}

fn sealed(node: &Node) -> Result<SealedSecret, FileError> {
    let json = node.to_json();
    let mut unknown = None;
    let mut note = |path: serde_ignored::Path<'_>| {
        let path = path.to_string().replace(".?.", "."); // `?` is where a field may be absent
        if !matches!(path.as_str(), "apiVersion" | "kind") {
            unknown.get_or_insert_with(|| shown(&path));
        }
    };
    let sealed = serde_ignored::deserialize(json, &mut note)
        .map_err(|_| FileError::WrongType { label: label(node) })?;
    match unknown {
        Some(path) => Err(FileError::UnknownField { label: label(node), path }),
        None => Ok(sealed),
    }
}

/// `namespace/name` of any manifest, for messages.
pub(crate) fn label(node: &Node) -> String {
    let part = |key: &str| {
        let part = node.get("metadata").and_then(|metadata| metadata.get(key));
        shown(part.and_then(Node::as_str).unwrap_or("?"))
    };
    format!("{}/{}", part("namespace"), part("name"))
}

/// Writes one sealed file: `scope`, `template`, `envelopes` in that order, maps sorted.
pub fn write(sealed: &SealedSecret) -> String {
    yaml::write::to_yaml(&FileView {
        api_version: API_VERSION,
        kind: KIND,
        metadata: &sealed.metadata,
        spec: SpecView {
            scope: &sealed.spec.scope,
            template: sealed.spec.template.as_ref(),
            service_accounts: &sealed.spec.service_accounts,
            on_conflict: sealed.spec.on_conflict.as_deref(),
            suspend: sealed.spec.suspend,
            envelopes: sealed.spec.envelopes.iter().map(EnvelopeView::of).collect(),
        },
    })
}

/// The envelopes alone, as items of a list, for an edit of a file that keeps every other line.
pub(crate) fn write_envelope(envelope: &crate::kind::sealed::Envelope) -> String {
    yaml::write::to_yaml(&[EnvelopeView::of(envelope)])
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
    template: Option<&'a Template>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    service_accounts: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    on_conflict: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suspend: Option<bool>,
    envelopes: Vec<EnvelopeView<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EnvelopeView<'a> {
    sealed_to: &'a [String],
    header: serde_saphyr::LitStr<'a>,
    values: &'a BTreeMap<String, String>,
}

impl<'a> EnvelopeView<'a> {
    fn of(envelope: &'a crate::kind::sealed::Envelope) -> Self {
        Self {
            sealed_to: &envelope.sealed_to,
            header: serde_saphyr::LitStr(&envelope.header),
            values: &envelope.values,
        }
    }
}

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sealed(sealed) => write!(f, "SealedSecret {}", sealed.label()),
            Self::Plaintext { label } => write!(f, "Secret {label}"),
            Self::Other { kind } => f.write_str(kind),
        }
    }
}
