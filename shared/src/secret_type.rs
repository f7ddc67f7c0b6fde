//! What the API server wants of a Secret of each built-in type, asked before sealing rather than after merging.
//!
//! The rules are those of `ValidateSecret` in Kubernetes. A value is never quoted, nor is a parser's word for it.

use std::collections::BTreeMap;

use crate::registry::{self, Shape};
use crate::secret::SecretValue;

/// Why the API server would refuse a Secret of this type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TypeError {
    /// A key without which this type makes no sense.
    #[error("type {type_} needs the key {key}")]
    Missing {
        /// The type.
        type_: String,
        /// The key, or the keys of which one is needed.
        key: &'static str,
    },
    /// A docker config that no kubelet can read.
    #[error("type {type_}: the value of {key} is not a JSON object")]
    NotJson {
        /// The type.
        type_: String,
        /// The key.
        key: &'static str,
    },
    /// A docker config that the API server takes and every kubelet chokes on.
    #[error("type {type_}: {problem}")]
    Poisons {
        /// The type.
        type_: String,
        /// Which entry, and why.
        problem: String,
        /// What to do about it.
        hint: String,
    },
}

impl TypeError {
    /// What a person can do about it.
    pub fn hint(&self) -> &str {
        match self {
            Self::Poisons { hint, .. } => hint,
            _ => "the API server refuses such a Secret; see `kubectl create secret --help`",
        }
    }
}

const DOCKER_TYPES: [(&str, &str, Shape); 2] = [
    (registry::CONFIG_TYPE, registry::CONFIG_KEY, Shape::ConfigJson),
    ("kubernetes.io/dockercfg", ".dockercfg", Shape::Cfg),
];

/// Whether a type is that of a registry's credentials.
pub fn is_docker_config(type_: &str) -> bool {
    DOCKER_TYPES.iter().any(|(docker, ..)| *docker == type_)
}

/// Whether Kubernetes names the keys that a Secret of this type has.
pub fn names_keys(type_: &str) -> bool {
    missing_key(type_, &BTreeMap::new()).is_some()
}

/// Checks a whole Secret: the keys its type needs, and what [`check_values`] checks and says.
pub fn check(
    type_: &str,
    values: &BTreeMap<String, SecretValue>,
) -> Result<Vec<String>, TypeError> {
    match missing_key(type_, values) {
        Some(key) => Err(TypeError::Missing { type_: type_.to_owned(), key }),
        None => check_values(type_, values),
    }
}

/// What a sealed file of this type lacks, of which only the keys are known.
pub fn lacks(type_: &str, keys: &[&str]) -> Option<TypeError> {
    let some = |key: &&str| ((*key).to_owned(), SecretValue::from(&b"?"[..]));
    let key = missing_key(type_, &keys.iter().map(some).collect())?;
    Some(TypeError::Missing { type_: type_.to_owned(), key })
}

/// The key that a Secret of this type lacks.
fn missing_key(type_: &str, values: &BTreeMap<String, SecretValue>) -> Option<&'static str> {
    let needed = match type_ {
        "kubernetes.io/tls" => ["tls.crt", "tls.key"].as_slice(),
        "kubernetes.io/dockerconfigjson" => &[".dockerconfigjson"],
        "kubernetes.io/dockercfg" => &[".dockercfg"],
        "kubernetes.io/ssh-auth" => {
            let key = values.get("ssh-privatekey").filter(|value| !value.expose().is_empty());
            return key.is_none().then_some("ssh-privatekey");
        }
        "kubernetes.io/basic-auth" => {
            let either = values.contains_key("username") || values.contains_key("password");
            return (!either).then_some("username or password");
        }
        _ => &[],
    };
    needed.iter().find(|key| !values.contains_key(**key)).copied()
}

/// Checks only the values that are there: for a change of some of a Secret's keys. Says what is taken and may be of no
/// use, such as registries of a docker config that no image is of.
pub fn check_values(
    type_: &str,
    values: &BTreeMap<String, SecretValue>,
) -> Result<Vec<String>, TypeError> {
    let of_type = DOCKER_TYPES.iter().find(|(docker, ..)| *docker == type_);
    let Some((_, key, shape)) = of_type else { return Ok(Vec::new()) };
    let Some(value) = values.get(*key) else { return Ok(Vec::new()) };
    if !is_json_object(value.expose()) {
        return Err(TypeError::NotJson { type_: type_.to_owned(), key });
    }
    registry::check(*shape, value.expose()).map_err(|error| TypeError::Poisons {
        type_: type_.to_owned(),
        problem: error.message,
        hint: error.hint,
    })
}

fn is_json_object(bytes: &[u8]) -> bool {
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    first == Some(&b'{') && serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(pairs: &[(&str, &str)]) -> BTreeMap<String, SecretValue> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), value.as_bytes().into())).collect()
    }

    #[test]
    fn each_type_has_the_keys_that_the_api_server_asks_for() {
        for (type_, right, wrong) in [
            ("kubernetes.io/tls", vec![("tls.crt", ""), ("tls.key", "")], vec![("tls.crt", "x")]),
            ("kubernetes.io/basic-auth", vec![("password", "")], vec![("user", "x")]),
            ("kubernetes.io/ssh-auth", vec![("ssh-privatekey", "x")], vec![("ssh-privatekey", "")]),
            ("kubernetes.io/dockercfg", vec![(".dockercfg", "{}")], vec![(".dockercfg", "[]")]),
            (
                "kubernetes.io/dockerconfigjson",
                vec![(".dockerconfigjson", " {\"auths\":{}}")],
                vec![(".dockerconfigjson", "{")],
            ),
        ] {
            assert!(check(type_, &values(&right)).is_ok(), "{type_}");
            assert!(check(type_, &values(&wrong)).is_err(), "{type_}");
            assert!(check(type_, &values(&[])).is_err(), "{type_}");
        }
        assert_eq!(check("Opaque", &values(&[])), Ok(vec![]));
    }

    #[test]
    fn a_change_of_one_key_is_not_asked_for_the_others() {
        assert!(check_values("kubernetes.io/tls", &values(&[("tls.key", "x")])).is_ok());
    }
}
