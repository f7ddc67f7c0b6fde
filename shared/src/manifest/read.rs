//! Text of Secret manifests → [`Manifest`]: what kubectl would have applied, ready to be sealed.
//!
//! Refuses by name what is no Secret. Drops what the server adds and, unless asked for, every annotation:
//! `kubectl.kubernetes.io/last-applied-configuration` and its kin carry the plaintext.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use zeroize::Zeroizing;

use crate::kind::file::full_name_of;
use crate::kind::sealed::Template;
use crate::names::GROUP_PREFIX;
use crate::place::is_key;
use crate::secret::SecretValue;
use crate::yaml::{self, Copies, Documents, GO_BASE64, Node, Value, escaped};

use super::{KeyAt, Manifest, ManifestError, is_sops};

/// Fields of the metadata that the API server sets, or that mean something in one cluster only: left out.
const OF_THE_CLUSTER: [&str; 11] = [
    "generateName",
    "selfLink",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "ownerReferences",
    "finalizers",
    "managedFields",
];

/// Reads every Secret of `text`: one or several documents, or a `List`.
///
/// `keep_annotations` names the annotations of the input that go into the template. A Secret may have no values: they
/// may come another way, and whoever seals asks for [`Manifest::require_values`].
pub fn read(
    text: &str,
    keep_annotations: &BTreeSet<String>,
) -> Result<Vec<Manifest>, ManifestError> {
    let mut manifests = Vec::new();
    for document in Documents::of(text, &mut Copies::default()) {
        let document = document.map_err(|error| ManifestError::text(text, error))?;
        read_object(&document, keep_annotations, &mut manifests)?;
    }
    if manifests.is_empty() { Err(ManifestError::Empty) } else { Ok(manifests) }
}

fn read_object(
    node: &Node,
    keep: &BTreeSet<String>,
    manifests: &mut Vec<Manifest>,
) -> Result<(), ManifestError> {
    if let Some(sops) = node.entry("sops") {
        let object = format!("the manifest of {}", full_name_of(node));
        return Err(ManifestError::Sops { object, line: sops.line });
    }
    match (node.text("apiVersion"), node.text("kind")) {
        ("v1", "List") | ("v1", "SecretList") => {
            let items = node.get("items").map(Node::items).unwrap_or_default();
            items.iter().try_for_each(|item| read_object(item, keep, manifests))
        }
        ("v1", "Secret") => {
            manifests.push(read_secret(node, keep)?);
            Ok(())
        }
        (version, "SealedSecret" | "ClusterSealedSecret") if version.starts_with(GROUP_PREFIX) => {
            Err(ManifestError::AlreadySealed { object: full_name_of(node) })
        }
        (version, "Secret") if !version.contains('/') => {
            let found = if version.is_empty() {
                "is missing".to_owned()
            } else {
                format!("is {}", escaped(version))
            };
            Err(ManifestError::NotV1 { object: full_name_of(node), found })
        }
        (_, kind) => {
            let kind = escaped(kind);
            Err(ManifestError::NotASecret { kind, object: full_name_of(node) })
        }
    }
}

fn read_secret(node: &Node, keep: &BTreeSet<String>) -> Result<Manifest, ManifestError> {
    let object = full_name_of(node);
    let mut manifest = Manifest {
        namespace: None,
        name: None,
        template: Template::default(),
        values: BTreeMap::new(),
        dropped: Vec::new(),
        empty: Vec::new(),
    };
    let reader = Reader { object: &object };
    for entry in node.entries() {
        match entry.key.as_str() {
            "apiVersion" | "kind" | "data" | "stringData" => {}
            "metadata" => reader.metadata(&entry.value, keep, &mut manifest)?,
            "type" => manifest.template.type_ = reader.string("type", &entry.value)?,
            "immutable" => {
                manifest.template.immutable = reader.boolean("immutable", &entry.value)?
            }
            field => {
                let (line, field) = (entry.line, escaped(field));
                return Err(ManifestError::UnknownField { line, object, field });
            }
        }
    }
    // `type: ""` and `type: Opaque` are the API server's default; a template says only what differs.
    manifest.template.type_ = manifest.template.type_.filter(|type_| !type_.is_empty());
    reader.values(node.get("data"), "data", &mut manifest)?;
    reader.values(node.get("stringData"), "stringData", &mut manifest)?;
    Ok(manifest)
}

struct Reader<'a> {
    object: &'a str,
}

impl Reader<'_> {
    fn wrong(&self, field: &str, node: &Node, wanted: &'static str) -> ManifestError {
        let (object, field) = (self.object.to_owned(), escaped(field));
        ManifestError::WrongType { line: node.line, object, field, found: node.kind(), wanted }
    }

    fn string(&self, field: &str, node: &Node) -> Result<Option<String>, ManifestError> {
        match &node.value {
            Value::Null => Ok(None),
            Value::String(text) => Ok(Some(text.as_str().to_owned())),
            _ => Err(self.wrong(field, node, "a string: quote it")),
        }
    }

    fn boolean(&self, field: &str, node: &Node) -> Result<Option<bool>, ManifestError> {
        match &node.value {
            Value::Null => Ok(None),
            Value::Bool(value) => Ok(Some(*value)),
            _ => Err(self.wrong(field, node, "true or false")),
        }
    }

    fn mapping<'n>(&self, field: &str, node: &'n Node) -> Result<&'n [yaml::Entry], ManifestError> {
        match &node.value {
            Value::Null => Ok(&[]),
            Value::Mapping(entries) => Ok(entries),
            _ => Err(self.wrong(field, node, "a map")),
        }
    }

    fn metadata(
        &self,
        node: &Node,
        keep: &BTreeSet<String>,
        manifest: &mut Manifest,
    ) -> Result<(), ManifestError> {
        for entry in self.mapping("metadata", node)? {
            let field = format!("metadata.{}", escaped(&entry.key));
            match entry.key.as_str() {
                "name" => manifest.name = self.string(&field, &entry.value)?,
                "namespace" => manifest.namespace = self.string(&field, &entry.value)?,
                "labels" => {
                    manifest.template.metadata.labels = self.strings(&field, &entry.value)?;
                }
                "annotations" => {
                    let annotations = self.strings(&field, &entry.value)?;
                    self.annotations(annotations, keep, manifest);
                }
                name if OF_THE_CLUSTER.contains(&name) => {
                    if !matches!(entry.value.value, Value::Null) {
                        manifest.dropped.push(field);
                    }
                }
                _ => {
                    let (line, object) = (entry.line, self.object.to_owned());
                    return Err(ManifestError::UnknownField { line, object, field });
                }
            }
        }
        manifest.namespace = manifest.namespace.take().filter(|name| !name.is_empty());
        Ok(())
    }

    fn annotations(
        &self,
        annotations: BTreeMap<String, String>,
        keep: &BTreeSet<String>,
        manifest: &mut Manifest,
    ) {
        let (kept, dropped): (BTreeMap<_, _>, BTreeMap<_, _>) =
            annotations.into_iter().partition(|(name, _)| keep.contains(name));
        manifest.template.metadata.annotations.extend(kept);
        for name in dropped.keys() {
            manifest.dropped.push(format!("annotation {}", escaped(name)));
        }
    }

    fn strings(&self, field: &str, node: &Node) -> Result<BTreeMap<String, String>, ManifestError> {
        let entries = self.mapping(field, node)?.iter();
        entries
            .map(|entry| {
                let field = format!("{field}.{}", entry.key);
                let text = self.string(&field, &entry.value)?.unwrap_or_default();
                Ok((entry.key.clone(), text))
            })
            .collect()
    }

    fn values(
        &self,
        node: Option<&Node>,
        field: &str,
        manifest: &mut Manifest,
    ) -> Result<(), ManifestError> {
        let Some(node) = node else { return Ok(()) };
        for (index, entry) in self.mapping(field, node)?.iter().enumerate() {
            let key = &entry.key;
            self.key(entry, index, field, manifest)?;
            let value = match &entry.value.value {
                Value::Null => {
                    manifest.empty.push(key.clone());
                    SecretValue::default()
                }
                Value::String(text) if is_sops(text.as_bytes()) => {
                    let object = format!("Secret {}: the value of {key}", self.object);
                    return Err(ManifestError::Sops { object, line: entry.line });
                }
                Value::String(text) if field == "data" => self.base64(entry, text)?,
                Value::String(text) => SecretValue::from(text.as_bytes()),
                _ => {
                    let field = format!("{field}.{key}");
                    return Err(self.wrong(&field, &entry.value, "a string: quote it"));
                }
            };
            manifest.values.insert(key.clone(), value);
        }
        Ok(())
    }

    /// Whether it can be a key, and is the only one of its name.
    fn key(
        &self,
        entry: &yaml::Entry,
        index: usize,
        field: &str,
        manifest: &Manifest,
    ) -> Result<(), ManifestError> {
        let (line, object, key) = (entry.line, self.object.to_owned(), entry.key.clone());
        let field = field.to_owned();
        if !is_key(&key) {
            let at = if line > 0 { KeyAt::Line(line) } else { KeyAt::Entry(index + 1) };
            Err(ManifestError::BadKey { object, field, at })
        } else if entry.is_respelled {
            Err(ManifestError::RespelledKey { line, object, field, key })
        } else if manifest.values.contains_key(&key) {
            Err(ManifestError::InBoth { line, object, key })
        } else {
            Ok(())
        }
    }

    fn base64(&self, entry: &yaml::Entry, text: &str) -> Result<SecretValue, ManifestError> {
        let text: Zeroizing<Vec<u8>> =
            Zeroizing::new(text.bytes().filter(|byte| !b"\r\n".contains(byte)).collect());
        let (line, object, key) = (entry.line, self.object.to_owned(), entry.key.clone());
        GO_BASE64
            .decode(text.as_slice())
            .map(SecretValue::from)
            .map_err(|_| ManifestError::NotBase64 { line, object, key })
    }
}
