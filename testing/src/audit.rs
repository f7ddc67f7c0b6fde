//! What ServiceAccounts have asked of the API server, by its own audit log: what a role must allow, and no more, and what it was
//! asked in vain.
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

    /// Every request of this ServiceAccount that was denied, so far, as `verb URI`: by its roles, or with 403 by something else.
    pub fn denied_to(&self, namespace: &str, name: &str) -> Vec<String> {
        let user = format!("system:serviceaccount:{namespace}:{name}");
        let log = fs::read_to_string(self.audit_log()).unwrap_or_default();
        // What is being written at this moment is no line yet.
        let whole = log.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole.lines().filter_map(|line| denied(line, &user)).collect()
    }
}

/// An entry that could not be read would hide what it is about.
fn denied(line: &str, user: &str) -> Option<String> {
    let Ok(entry) = serde_json::from_str::<Value>(line) else {
        return Some("a line of the audit log that is no JSON".to_owned());
    };
    let decision = &entry["annotations"]["authorization.k8s.io/decision"];
    let is_denied = decision == "forbid" || entry["responseStatus"]["code"] == 403;
    (entry["user"]["username"] == user && is_denied)
        .then(|| format!("{} {}", text(&entry["verb"]), text(&entry["requestURI"])))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn used(line: &str, user: &str) -> Option<Used> {
    let entry: Value = serde_json::from_str(line).ok()?;
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const USER: &str = "system:serviceaccount:home:robot";

    fn entry(user: &str, decision: &str, code: u16) -> String {
        json!({
            "verb": "list", "requestURI": "/api/v1/secrets", "user": {"username": user},
            "annotations": {"authorization.k8s.io/decision": decision},
            "responseStatus": {"code": code},
        })
        .to_string()
    }

    #[test]
    fn what_was_denied_is_named_with_its_verb_whoever_denied_it() {
        let named = Some("list /api/v1/secrets".to_owned());
        assert_eq!(denied(&entry(USER, "forbid", 403), USER), named);
        assert_eq!(denied(&entry(USER, "allow", 403), USER), named);
        assert_eq!(denied(&entry(USER, "allow", 200), USER), None);
        assert_eq!(denied(&entry("somebody", "forbid", 403), USER), None);
        assert!(denied("{", USER).is_some());
    }
}
