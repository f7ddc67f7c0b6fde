//! What the controller writes down about a sealed object.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cluster_sealed::{Failing, Served};

/// What the controller last did with a sealed object. Written by nobody else.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SealedSecretStatus {
    /// The generation that the conditions are about; -1 until the controller has looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Ready`; `Reconciling` and `Stalled` while they are so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// Number of values in the live Secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<i64>,
    /// Fingerprints that the headers in use name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sealed_to: Vec<String>,
    /// Fingerprints of the identities that opened it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub opened_with: Vec<String>,
    /// The live Secret as it was written last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<WrittenSecret>,
    /// Of a ClusterSealedSecret: in how many namespaces the live Secret is as it should be, of how many: `3/4`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub served: Option<String>,
    /// Of a ClusterSealedSecret: the live Secrets as they were written last; none where there are more than 500. Applied as a whole:
    /// by its entries it would be several times as large in `managedFields`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub secrets: Vec<Served>,
    /// Of a ClusterSealedSecret: namespaces that are not served, the first 32 of them, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub failing: Vec<Failing>,
    /// Whether the live Secret stays when the object is deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<bool>,
    /// The ServiceAccounts that have the live Secret as an imagePullSecret.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attached_to: Vec<String>,
    /// The keys that were merged into a Secret of others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub merged_keys: Vec<String>,
    /// Number of the rules by which it was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<i64>,
    /// Echo of the annotation that last asked for a reconcile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
}

/// Which version of the live Secret we wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WrittenSecret {
    /// `metadata.uid` of the live Secret.
    #[serde(default)]
    pub uid: String,
    /// `metadata.resourceVersion` of the live Secret.
    #[serde(default)]
    pub resource_version: String,
}
