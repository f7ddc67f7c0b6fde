//! Where a sealed value may be opened ([`Scope`]) and where it was found ([`Place`]).
//!
//! The names in here are checked before they become part of a binding, a path or an API call: none can hold
//! a separator, a line feed or a way out of a folder.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Most namespaces one scope may list.
pub const MAX_NAMESPACES: usize = 64;

/// The only binding of a value besides its key: the places where it may be opened.
///
/// `["*"]` or `"*"` reads: anyone who may create a SealedSecret anywhere, or under any name, can open it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Scope {
    /// Namespaces where the values may be opened: sorted, unique; or exactly `["*"]`.
    #[schemars(length(min = 1, max = 64), inner(length(min = 1, max = 63)))]
    pub namespaces: Vec<String>,
    /// Name under which the values may be opened, or `*`.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

impl Scope {
    /// The narrowest scope: one place.
    pub fn of(place: &Place) -> Self {
        Self { namespaces: vec![place.namespace.clone()], name: place.name.clone() }
    }

    /// Whether `place` lies inside.
    pub fn admits(&self, place: &Place) -> bool {
        let namespace = self.any_namespace() || self.namespaces.contains(&place.namespace);
        namespace && (self.name == "*" || self.name == place.name)
    }

    /// Whether the namespaces are `["*"]`.
    pub fn any_namespace(&self) -> bool {
        self.namespaces == ["*"]
    }

    /// Says what is wrong with the scope's shape, if anything.
    pub fn problem(&self) -> Option<&'static str> {
        if self.namespaces.is_empty() {
            Some("spec.scope.namespaces is empty")
        } else if self.namespaces.len() > MAX_NAMESPACES {
            Some("spec.scope.namespaces has more than 64 entries")
        } else if self.namespaces.len() > 1 && self.namespaces.iter().any(|ns| ns == "*") {
            Some("spec.scope.namespaces mixes \"*\" with names")
        } else if !self.any_namespace() && !self.namespaces.iter().all(|ns| is_label(ns)) {
            Some("spec.scope.namespaces has an entry that cannot name a namespace")
        } else if !self.namespaces.is_sorted_by(|a, b| a < b) {
            Some("spec.scope.namespaces is not sorted or has an entry twice")
        } else if self.name != "*" && !is_subdomain(&self.name) {
            Some("spec.scope.name cannot name a Secret")
        } else {
            None
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespaces.join(","), self.name)
    }
}

/// Where a sealed file was found, and so where its live Secret goes: the namespace and the name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// An RFC 1123 label.
    pub namespace: String,
    /// An RFC 1123 subdomain.
    pub name: String,
}

impl Place {
    /// A place, or what is wrong with its names.
    pub fn new(namespace: &str, name: &str) -> Result<Self, &'static str> {
        if !is_label(namespace) {
            return Err("metadata.namespace cannot name a namespace");
        }
        if !is_subdomain(name) {
            return Err("metadata.name cannot name a Secret");
        }
        Ok(Self { namespace: namespace.to_owned(), name: name.to_owned() })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// An RFC 1123 label, as Kubernetes wants a namespace's name.
pub fn is_label(name: &str) -> bool {
    name.len() <= 63 && is_part(name)
}

/// An RFC 1123 subdomain, as Kubernetes wants a Secret's name: labels of any length, dots between them.
pub fn is_subdomain(name: &str) -> bool {
    name.len() <= 253 && name.split('.').all(is_part)
}

/// Small letters, digits and dashes, and no dash at either end.
fn is_part(part: &str) -> bool {
    let inner = part.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    inner && !part.is_empty() && !part.starts_with('-') && !part.ends_with('-')
}

/// A key of a Secret: `[-._a-zA-Z0-9]{1,253}`, not `.`, not beginning with `..`.
pub fn is_key(key: &str) -> bool {
    (1..=253).contains(&key.len())
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
        && key != "."
        && !key.starts_with("..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_kubernetes() {
        for ok in ["a", "prod", "a-b", "0", &"a".repeat(63)] {
            assert!(is_label(ok), "{ok}");
        }
        for wrong in ["", "-a", "a-", "A", "a.b", "a_b", "a\n", "é", &"a".repeat(64)] {
            assert!(!is_label(wrong), "{wrong:?}");
        }
        for ok in ["a.b", "db", "a-b.c", &"a".repeat(253)] {
            assert!(is_subdomain(ok), "{ok}");
        }
        for wrong in ["", ".", "..", "a..b", ".a", "a.", "a.-b", "a/b", &"a".repeat(254)] {
            assert!(!is_subdomain(wrong), "{wrong:?}");
        }
        for ok in ["a", "tls.crt", ".dockerconfigjson", "-", "_", "A_b-c", ".a"] {
            assert!(is_key(ok), "{ok}");
        }
        for wrong in ["", ".", "..", "..a", "a b", "a=b", "a\nb", "a/b", &"k".repeat(254)] {
            assert!(!is_key(wrong), "{wrong:?}");
        }
    }

    #[test]
    fn a_scope_admits_its_places_only() {
        let place = |ns, name| Place::new(ns, name).unwrap();
        let scope = Scope { namespaces: vec!["a".into(), "b".into()], name: "db".into() };
        assert!(scope.admits(&place("a", "db")) && scope.admits(&place("b", "db")));
        assert!(!scope.admits(&place("c", "db")) && !scope.admits(&place("a", "db2")));
        let any = Scope { namespaces: vec!["*".into()], name: "*".into() };
        assert!(any.admits(&place("c", "x")) && any.problem().is_none());
    }
}
