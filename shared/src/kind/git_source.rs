//! A GitSource: a repository whose sealed files are applied to the cluster when it changes.
//!
//! Lives in the namespace of Git sources beside its credentials, and is written by whoever runs them: what of a
//! repository may be applied stands here, never in the repository. The type is lenient as a sealed object's is;
//! [`problem`](GitSource::problem) says what is wrong with one.

#![allow(unreachable_pub, dead_code, reason = "a helper type of kube's derive")]

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::time::time;
use crate::place::is_label;

/// Most namespaces of one source.
pub const MAX_NAMESPACES: usize = 256;
/// Most refused files that a status names.
pub const MAX_REFUSED_IN_STATUS: usize = 32;
/// How often a repository is asked at most, and what it is unless it says.
const LEAST_INTERVAL: Duration = Duration::from_secs(10);
const INTERVAL: Duration = Duration::from_secs(60);
const TIMEOUT: Duration = Duration::from_secs(60);

/// A Git repository whose sealed files are applied when it changes.
#[derive(CustomResource, KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "seal.dev",
    version = "v1",
    kind = "GitSource",
    plural = "gitsources",
    shortname = "gs",
    category = "seal",
    namespaced,
    status = "GitSourceStatus",
    derive = "Default",
    derive = "PartialEq",
    doc = "A Git repository whose sealed files are applied when it changes.",
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Reason","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].reason"}"#,
    printcolumn = r#"{"name":"Revision","type":"string","jsonPath":".status.lastAppliedRevision"}"#,
    printcolumn = r#"{"name":"Refused","type":"integer","jsonPath":".status.objects.refused"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#,
    printcolumn = r#"{"name":"Message","type":"string","priority":1,"jsonPath":".status.conditions[?(@.type==\"Ready\")].message"}"#,
    validation = Rule::new("self.spec.url.startsWith('https://') || self.spec.url.startsWith('ssh://') || self.spec.url.matches('^[A-Za-z0-9._-]+@[A-Za-z0-9._-]+:[^:]')")
        .message("spec.url is neither https:// nor ssh://"),
    validation = Rule::new("!has(self.spec.ref) || [has(self.spec.ref.branch), has(self.spec.ref.tag), has(self.spec.ref.commit)].filter(x, x).size() == 1")
        .message("spec.ref names one of branch, tag and commit")
)]
#[serde(rename_all = "camelCase")]
pub struct GitSourceSpec {
    /// The repository: `https://HOST/PATH`, `ssh://USER@HOST/PATH` or `USER@HOST:PATH`; never with a password in it.
    #[serde(default)]
    #[schemars(length(min = 1, max = 2048))]
    pub url: String,
    /// What of it is applied (default: what its HEAD names).
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<GitReference>,
    /// Only this folder of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub path: Option<String>,
    /// How often it is asked for, such as `30s` or `5m` (default: 1m, at least 10s); a webhook wakes it in between.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub interval: Option<String>,
    /// How long one fetch may take (default: 60s).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub timeout: Option<String>,
    /// The Secret beside it that has the credentials: `username` and `password`, or `bearerToken`; for SSH `identity` (or
    /// `ssh-privatekey`) and, unless they stand below, `known_hosts`; `ca.crt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<SecretReference>,
    /// Host keys of the SSH server, as OpenSSH's known_hosts has them. No other key is trusted, and none at first sight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 65536))]
    pub known_hosts: Option<String>,
    /// The only authorities whose certificates count for this repository, PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 262144))]
    pub ca_bundle: Option<String>,
    /// Who may wake it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<Webhook>,
    /// Whose commits are applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify: Option<Verify>,
    /// The namespaces that its files may name.
    #[serde(default)]
    #[schemars(length(min = 1, max = 256), inner(length(min = 1, max = 63)))]
    pub namespaces: Vec<String>,
    /// Labels and annotations that the template of a sealed file may set on the live Secret: a key, or `prefix/*`. Others
    /// are refused, since to a replicator or a pick-up label they are a right to read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 317)))]
    pub template_metadata: Vec<String>,
    /// Whether an object goes when its file does (default: false).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prune: Option<bool>,
    /// Stop applying; what was applied and the conditions stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspend: Option<bool>,
}

/// One of the three.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GitReference {
    /// The tip of this branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub branch: Option<String>,
    /// The commit of this tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub tag: Option<String>,
    /// This commit, a whole hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(equal = 40))]
    pub commit: Option<String>,
}

/// A Secret in the same namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SecretReference {
    /// Its name.
    #[serde(default)]
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

/// Who may wake a source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Webhook {
    /// The Secret beside it whose key `token` is the one that the forge signs deliveries with, or sends along.
    #[serde(default)]
    pub secret_ref: SecretReference,
}

/// Whose commits are applied.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Verify {
    /// The keys by one of which the commit must be signed, as OpenSSH's allowed_signers has them.
    #[serde(default)]
    #[schemars(length(min = 1, max = 65536))]
    pub allowed_signers: String,
}

/// What was last done with a source. Written by nobody else.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GitSourceStatus {
    /// The generation that the conditions are about; -1 until it was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Ready`; `Reconciling` and `Stalled` while they are so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// The commit that was last fetched, applied or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_attempted_revision: Option<String>,
    /// The commit that is live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_applied_revision: Option<String>,
    /// Where the forge delivers to, where there is a webhook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook_path: Option<String>,
    /// What became of the objects in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objects: Option<Counts>,
    /// Files that were not applied, the first 32 of them, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub refused: Vec<RefusedFile>,
    /// Files with a Secret in clear, the first 32 of them: never applied, and in the history for ever.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub in_clear: Vec<String>,
    /// The repository and reference that the commit that is live is of: of another one it need not descend.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_applied_from: Option<String>,
    /// Whether objects are gone from the repository that may not go until somebody says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prune_blocked: Option<bool>,
    /// Echo of the annotation that last asked for a look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
}

/// Objects of the last pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// Written, made or put right.
    #[serde(default)]
    pub applied: i64,
    /// As they should be.
    #[serde(default)]
    pub unchanged: i64,
    /// Files and objects that were not applied.
    #[serde(default)]
    pub refused: i64,
    /// Removed, since their file is gone.
    #[serde(default)]
    pub pruned: i64,
}

/// A file that was not applied.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RefusedFile {
    /// Where in the repository.
    pub path: String,
    /// The one word for it.
    #[serde(default)]
    pub reason: String,
    /// The same as a sentence.
    #[serde(default)]
    pub message: String,
}

impl GitSource {
    /// What is wrong with it that nothing but a change of it can put right.
    pub fn problem(&self) -> Option<String> {
        let spec = &self.spec;
        if let Some(wrong) = spec.namespaces.iter().find(|it| !is_label(it)) {
            let wrong = crate::escape::escaped(wrong);
            return Some(format!("spec.namespaces: {wrong} cannot name a namespace"));
        }
        if spec.namespaces.is_empty() || spec.namespaces.len() > MAX_NAMESPACES {
            return Some("spec.namespaces names none, or more than 256".to_owned());
        }
        let path = spec.path.as_deref().unwrap_or_default();
        if path.starts_with('/') || path.split('/').any(|part| part == "..") {
            return Some("spec.path leads out of the repository".to_owned());
        }
        if let Err(what) = self.interval().and(self.timeout()) {
            return Some(what);
        }
        let is_rule = |rule: &&String| {
            let key = rule.strip_suffix("/*").unwrap_or(rule);
            !key.is_empty() && !key.contains(['*', ' '])
        };
        if !spec.template_metadata.iter().all(|rule| is_rule(&rule)) {
            return Some("spec.templateMetadata takes keys and `prefix/*`".to_owned());
        }
        None
    }

    /// How often the repository is asked for.
    pub fn interval(&self) -> Result<Duration, String> {
        time(self.spec.interval.as_deref(), INTERVAL, LEAST_INTERVAL, "spec.interval")
    }

    /// How long one fetch may take.
    pub fn timeout(&self) -> Result<Duration, String> {
        time(self.spec.timeout.as_deref(), TIMEOUT, Duration::from_secs(1), "spec.timeout")
    }

    /// Whether a template may set this label or annotation.
    pub fn allows_metadata(&self, key: &str) -> bool {
        self.spec.template_metadata.iter().any(|rule| match rule.strip_suffix("/*") {
            Some(prefix) => key.split_once('/').is_some_and(|(of, _)| of == prefix),
            None => rule == key,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(change: impl FnOnce(&mut GitSourceSpec)) -> GitSource {
        let mut source = GitSource::default();
        source.spec.namespaces = vec!["prod".to_owned()];
        change(&mut source.spec);
        source
    }

    #[test]
    fn a_template_may_set_what_is_named_and_nothing_else() {
        let named = ["team", "app.kubernetes.io/*"].map(str::to_owned).to_vec();
        let source = source(|spec| spec.template_metadata = named);
        for allowed in ["team", "app.kubernetes.io/name"] {
            assert!(source.allows_metadata(allowed), "{allowed}");
        }
        for other in
            ["teams", "app.kubernetes.io", "x.app.kubernetes.io/name", "app.kubernetes.io.x/name"]
        {
            assert!(!source.allows_metadata(other), "{other}");
        }
    }

    #[test]
    fn what_nothing_but_a_change_can_put_right_is_said() {
        assert_eq!(source(|_| {}).problem(), None);
        for (wrong, word) in [
            (source(|spec| spec.namespaces.clear()), "namespaces"),
            (source(|spec| spec.namespaces.push("*".to_owned())), "namespace"),
            (source(|spec| spec.path = Some("../x".to_owned())), "spec.path"),
            (source(|spec| spec.path = Some("/x".to_owned())), "spec.path"),
            (source(|spec| spec.timeout = Some("soon".to_owned())), "spec.timeout"),
            (source(|spec| spec.template_metadata.push("*".to_owned())), "templateMetadata"),
        ] {
            assert!(wrong.problem().is_some_and(|it| it.contains(word)), "{word}");
        }
    }
}
