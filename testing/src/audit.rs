//! What ServiceAccounts have asked of the API server, by its own audit log: what a role must allow, and no more.
//!
//! Reads the log file; the policy keeps metadata only, so no body is ever in it.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use crate::cluster::Cluster;

/// Who is recorded: ServiceAccounts, whose rights are tested. Not the bodies.
pub(crate) const POLICY: &str = r#"{"apiVersion": "audit.k8s.io/v1", "kind": "Policy",
"omitStages": ["RequestReceived"],
"rules": [{"level": "Metadata", "userGroups": ["system:serviceaccounts"]}, {"level": "None"}]}"#;

/// One thing that was asked for and allowed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Used {
    /// `get`, `list`, …
    pub verb: String,
    /// API group; empty for the core group.
    pub group: String,
    /// Resource, with `/subresource` where there is one.
    pub resource: String,
    /// Namespace; empty for a request over all of them.
    pub namespace: String,
}

impl Cluster {
    /// Everything that this ServiceAccount asked for and was allowed, so far; each once.
    pub fn used_by(&self, namespace: &str, name: &str) -> BTreeSet<Used> {
        self.requests_by(namespace, name).into_iter().collect()
    }

    /// Every request of this ServiceAccount that was allowed, so far, in the order of their ends.
    pub fn requests_by(&self, namespace: &str, name: &str) -> Vec<Used> {
        let user = format!("system:serviceaccount:{namespace}:{name}");
        let log = fs::read_to_string(self.audit_log()).unwrap_or_default();
        log.lines().filter_map(|line| used(line, &user)).collect()
    }
}

fn used(line: &str, user: &str) -> Option<Used> {
    let entry: Value = serde_json::from_str(line).ok()?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let allowed = &entry["annotations"]["authorization.k8s.io/decision"];
    if text(&entry["user"]["username"]) != user || text(allowed) != "allow" {
        return None;
    }
    let object = entry.get("objectRef")?;
    let (resource, sub) = (text(&object["resource"]), text(&object["subresource"]));
    Some(Used {
        verb: text(&entry["verb"]),
        group: text(&object["apiGroup"]),
        resource: if sub.is_empty() { resource } else { format!("{resource}/{sub}") },
        namespace: text(&object["namespace"]),
    })
}
