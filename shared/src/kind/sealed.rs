//! The sealed file: [`SealedSecret`], one type for the file in Git and the custom resource in the cluster.
//!
//! One type, so that the command line cannot write what the controller cannot read. It is lenient on purpose:
//! in a cluster the API server has checked it against the schema, and a newer object must not stall a watch.
//! Text goes through [`crate::kind::file`], which is strict.

#![allow(unreachable_pub, dead_code, reason = "a helper type of kube's derive")]

use std::collections::{BTreeMap, BTreeSet};

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::Kind;
use super::cluster_sealed::NamespaceSelector;
use crate::names::{GIT_SOURCE, ON_DELETE};
use crate::place::{Place, Scope};
use crate::yaml::escaped;

pub use super::status::{SealedSecretStatus, WrittenSecret};

/// Most blocks with a header of their own in one sealed file.
pub const MAX_OWN_HEADERS: usize = 256;
/// Most values in one sealed file, sealed and clear together.
pub const MAX_VALUES: usize = 1024;
/// Most bytes of values in one sealed file, a sealed one counted as its size class: what the API server takes in one
/// Secret.
pub const MAX_PLAINTEXT_BYTES: usize = 1024 * 1024;
/// Most bytes that the rest of a live Secret may have: keys, labels and annotations, each name counted twice and with 24
/// bytes, because it stands in `managedFields` too. With [`MAX_PLAINTEXT_BYTES`] it stays below the 1.5 MiB of etcd.
pub const MAX_REST_BYTES: usize = 384 * 1024;

/// Most ServiceAccounts that one sealed file is attached to.
pub const MAX_SERVICE_ACCOUNTS: usize = 64;

/// Most labels, and most annotations, of a template.
pub const MAX_METADATA_ENTRIES: usize = 256;

/// A Secret sealed for one cluster or several; safe to keep in public Git.
#[derive(CustomResource, KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "seal.dev",
    version = "v1",
    kind = "SealedSecret",
    plural = "sealedsecrets",
    shortname = "sls",
    category = "seal",
    namespaced,
    status = "SealedSecretStatus",
    derive = "Default",
    derive = "PartialEq",
    doc = "A Secret sealed for one cluster or several; safe to keep in public Git.",
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Reason","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].reason"}"#,
    printcolumn = r#"{"name":"Keys","type":"integer","jsonPath":".status.keys"}"#,
    printcolumn = r#"{"name":"Opened-With","type":"string","priority":1,"jsonPath":".status.openedWith[0]"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#,
    printcolumn = r#"{"name":"Message","type":"string","priority":1,"jsonPath":".status.conditions[?(@.type==\"Ready\")].message"}"#,
    validation = Rule::new("size(self.spec.scope.namespaces) == 1 || !self.spec.scope.namespaces.exists(n, n == '*')")
        .message("spec.scope.namespaces mixes \"*\" with names"),
    validation = Rule::new("!has(self.spec.template) || !has(self.spec.template.stringData) || !has(self.spec.values) || !self.spec.values.exists(k, k in self.spec.template.stringData)")
        .message("a key is both sealed and in spec.template.stringData"),
    validation = Rule::new("!has(self.spec.template) || !has(self.spec.template.type) || !(self.spec.template.type in ['kubernetes.io/service-account-token', 'bootstrap.kubernetes.io/token'] || self.spec.template.type.startsWith('helm.sh/') || self.spec.template.type.startsWith('seal.dev/'))")
        .message("spec.template.type is reserved")
)]
#[serde(rename_all = "camelCase")]
pub struct SealedSecretSpec {
    /// Which of the two kinds it is: stands in the object's `kind`, and is set by whoever read that.
    #[serde(skip)]
    #[schemars(skip)]
    pub kind: Kind,
    /// Where the values may be opened; the only binding besides each value's key.
    #[serde(default)]
    pub scope: Scope,
    /// Of a ClusterSealedSecret whose scope is every namespace: the namespaces that get the live Secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace_selector: Option<NamespaceSelector>,
    /// What the live Secret has besides the sealed values, in clear and reviewable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<Template>,
    /// ServiceAccounts of the namespace whose imagePullSecrets the live Secret is appended to.
    #[serde(default, deserialize_with = "absent_if_null", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 253)))]
    pub service_accounts: Vec<String>,
    /// What happens when a Secret of that name exists and is not ours (default: Refuse).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "on_conflict_schema")]
    pub on_conflict: Option<String>,
    /// Stop reconciling; the live Secret and the conditions stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspend: Option<bool>,
    /// Fingerprints of the shared header's recipients, `sha256:` and 32 hex digits; hints, not a security statement.
    #[serde(default, deserialize_with = "absent_if_null", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(max = 71)))]
    pub sealed_to: Vec<String>,
    /// The age header of every block without one of its own, without its final line feed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 131072))]
    pub header: Option<String>,
    /// The sealed values: key of the Secret to its block. Applied as a whole: of two appliers neither keeps a block of
    /// the other's under a header that is gone.
    #[serde(default)]
    #[schemars(extend("maxProperties" = 1024, "x-kubernetes-map-type" = "atomic"))]
    pub values: BTreeMap<String, Block>,
}

/// Without a value a field counts as absent, as the API server has it: `labels:` is what is left when the last is taken
/// out. Not so `values:`, which is what is left of a file that was cut.
pub(super) fn absent_if_null<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// The values of `spec.onConflict`.
pub const ON_CONFLICT: [&str; 4] = ["Refuse", "AdoptEmpty", "Adopt", "Merge"];

fn on_conflict_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": "string", "enum": ON_CONFLICT })
}

/// What of the live Secret is no secret.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Template {
    /// Type of the live Secret (default: Opaque).
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub type_: Option<String>,
    /// Whether the live Secret is immutable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub immutable: Option<bool>,
    /// Labels and annotations of the live Secret.
    #[serde(
        default,
        deserialize_with = "absent_if_null",
        skip_serializing_if = "TemplateMetadata::is_empty"
    )]
    pub metadata: TemplateMetadata,
    /// Values that are no secret, in clear; a key may not be sealed as well.
    #[serde(
        default,
        deserialize_with = "absent_if_null",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    #[schemars(extend("maxProperties" = 1024))]
    pub string_data: BTreeMap<String, String>,
}

/// Labels and annotations of the live Secret.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TemplateMetadata {
    /// Copied to the live Secret.
    #[serde(
        default,
        deserialize_with = "absent_if_null",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    #[schemars(extend("maxProperties" = 256))]
    pub labels: BTreeMap<String, String>,
    /// Copied to the live Secret.
    #[serde(
        default,
        deserialize_with = "absent_if_null",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    #[schemars(extend("maxProperties" = 256))]
    pub annotations: BTreeMap<String, String>,
}

impl TemplateMetadata {
    fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.annotations.is_empty()
    }
}

/// One sealed value: its payload, under the file's shared header or one of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Block {
    /// Fingerprints of its own header's recipients; hints, not a security statement.
    #[serde(default, deserialize_with = "absent_if_null", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(max = 71)))]
    pub sealed_to: Vec<String>,
    /// Its own age header without the final line feed; absent where it is under the shared one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 131072))]
    pub header: Option<String>,
    /// The age payload, base64 with padding, canonical.
    #[serde(default)]
    pub payload: String,
}

impl SealedSecret {
    /// Whether its annotation `seal.dev/on-delete` has a word that it does not take. A live Secret that stays can be deleted,
    /// and one that is deleted is gone: so a slip of the finger is taken for `keep`.
    pub fn unknown_on_delete(&self) -> bool {
        let annotations = self.metadata.annotations.as_ref();
        let word = annotations.and_then(|all| all.get(ON_DELETE));
        word.is_some_and(|word| !["keep", "delete"].contains(&word.as_str()))
    }

    /// Where the object was found, or what is wrong with its names. Of a ClusterSealedSecret the first place of its scope,
    /// in `default` where that is every namespace.
    pub fn place(&self) -> Result<Place, &'static str> {
        if self.spec.kind == Kind::ClusterSealedSecret {
            return self.first_place();
        }
        let namespace = self.metadata.namespace.as_deref().unwrap_or_default();
        if namespace.is_empty() {
            return Err("metadata.namespace is missing");
        }
        Place::new(namespace, self.metadata.name.as_deref().unwrap_or_default())
    }

    /// Takes away what is no part of a sealed file: status, and all metadata but the names. A text may carry megabytes of it.
    pub fn forget_what_the_server_adds(&mut self) {
        self.status = None;
        let metadata = std::mem::take(&mut self.metadata);
        self.metadata.name = metadata.name;
        self.metadata.namespace = metadata.namespace;
    }

    /// Takes away what only the server or a tool adds: all metadata but the names, labels and annotations of the file.
    pub fn keep_what_a_file_says(&mut self) {
        let (labels, annotations) = (self.metadata.labels.take(), self.metadata.annotations.take());
        self.forget_what_the_server_adds();
        self.metadata.labels = labels.filter(|it| !it.is_empty());
        let of_tools = |key: &str| key == GIT_SOURCE || key.starts_with("kubectl.kubernetes.io/");
        self.metadata.annotations = annotations.map(|mut all| {
            all.retain(|key, _| !of_tools(key));
            all
        });
    }

    /// `namespace/name` as far as they are there, for messages; the name alone where the kind has no namespace.
    pub fn full_name(&self) -> String {
        if self.spec.kind == Kind::ClusterSealedSecret {
            return escaped(self.metadata.name.as_deref().unwrap_or("?"));
        }
        full_name(self.metadata.namespace.as_deref(), self.metadata.name.as_deref())
    }

    /// Whether a block is under the shared header.
    pub fn uses_shared_header(&self) -> bool {
        self.spec.values.values().any(|block| block.header.is_none())
    }

    /// Whether there is a shared header that no block is under, as a merge or an edit can leave one.
    pub fn has_unused_header(&self) -> bool {
        self.spec.header.is_some() && !self.uses_shared_header()
    }

    /// The recipients' fingerprints of the header that a block of this object is under.
    pub fn sealed_to_of<'a>(&'a self, block: &'a Block) -> &'a [String] {
        if block.header.is_some() { &block.sealed_to } else { &self.spec.sealed_to }
    }

    /// The recipients' fingerprints of every header in use, sorted.
    pub fn sealed_to(&self) -> BTreeSet<&str> {
        let shared = if self.uses_shared_header() { self.spec.sealed_to.as_slice() } else { &[] };
        let own = self.spec.values.values().flat_map(|block| &block.sealed_to);
        shared.iter().chain(own).map(String::as_str).collect()
    }
}

/// `namespace/name` of any manifest as far as they are there, for messages.
pub(crate) fn full_name(namespace: Option<&str>, name: Option<&str>) -> String {
    format!("{}/{}", escaped(namespace.unwrap_or("?")), escaped(name.unwrap_or("?")))
}
