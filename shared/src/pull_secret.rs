//! Whether the kubelet can read a Secret that is listed as an imagePullSecret.
//!
//! It reads all of a pod's pull secrets before it pulls anything, and one that it cannot read keeps every image of the pod
//! from being pulled. The rules are those of `credentialprovider` in Kubernetes, and stricter where it guesses: exact names of
//! fields, nothing beside `auths`. Says nothing about what is in it but whether it can be read; whether a registry takes the
//! credentials is not known here.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use zeroize::Zeroizing;

use crate::kind::sealed::{MAX_SERVICE_ACCOUNTS, SealedSecret};
use crate::place::is_subdomain;
use crate::secret::SecretValue;

/// Types of a Secret that can be an imagePullSecret, each with its key.
const TYPES: [(&str, &str); 2] = [
    ("kubernetes.io/dockerconfigjson", ".dockerconfigjson"),
    ("kubernetes.io/dockercfg", ".dockercfg"),
];

/// Why a sealed file cannot be attached to the ServiceAccounts that it names, as far as can be seen without a key: what pods
/// pull with is of a type that the kubelet takes, and this file's alone.
pub fn problem(sealed: &SealedSecret) -> Option<&'static str> {
    let spec = &sealed.spec;
    let type_ = spec.template.as_ref().and_then(|it| it.type_.as_deref()).unwrap_or_default();
    let is_named = |name: &String| is_subdomain(name);
    if spec.service_accounts.is_empty() {
        None
    } else if spec.service_accounts.len() > MAX_SERVICE_ACCOUNTS {
        Some("spec.serviceAccounts has more than 64 names")
    } else if !spec.service_accounts.iter().all(is_named) {
        Some("spec.serviceAccounts has a name that no ServiceAccount can have")
    } else if !TYPES.iter().any(|(known, _)| *known == type_) {
        Some(
            "spec.serviceAccounts needs the type kubernetes.io/dockerconfigjson or kubernetes.io/dockercfg",
        )
    } else if spec.on_conflict.as_deref() == Some("Merge") {
        Some("spec.serviceAccounts needs a Secret of its own, and spec.onConflict is Merge")
    } else {
        None
    }
}

/// Whether the kubelet can read these values of a Secret of this type.
pub fn is_readable(type_: &str, values: &BTreeMap<String, SecretValue>) -> bool {
    let Some((_, key)) = TYPES.iter().find(|(known, _)| *known == type_) else { return false };
    let Some(value) = values.get(*key) else { return false };
    match *key {
        ".dockerconfigjson" => serde_json::from_slice::<Config>(value.expose()).is_ok(),
        _ => serde_json::from_slice::<Auths>(value.expose()).is_ok(),
    }
}

/// `.dockerconfigjson`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    #[serde(rename = "auths")]
    _auths: Auths,
}

/// One entry for each registry. A map that keeps nothing: each is looked at as it comes, one that is there twice too.
struct Auths;

impl<'de> Deserialize<'de> for Auths {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Entries)
    }
}

struct Entries;

impl<'de> Visitor<'de> for Entries {
    type Value = Auths;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of registries")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Auths, A::Error> {
        while let Some((_, entry)) = map.next_entry::<String, Entry>()? {
            if !entry.is_readable() {
                return Err(A::Error::custom("an entry that cannot be read"));
            }
        }
        Ok(Auths)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    auth: Option<Text>,
    #[serde(rename = "username")]
    _username: Option<Text>,
    #[serde(rename = "password")]
    _password: Option<Text>,
    #[serde(rename = "email")]
    _email: Option<Text>,
}

#[derive(Deserialize)]
#[serde(from = "String")]
struct Text(Zeroizing<String>);

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl Entry {
    /// `auth` is the base64 of a user and a password with a colon between; with or without padding.
    fn is_readable(&self) -> bool {
        let Some(Text(auth)) = self.auth.as_ref().filter(|auth| !auth.0.is_empty()) else {
            return true;
        };
        let decoded = STANDARD.decode(auth.as_str());
        let decoded = decoded.or_else(|_| STANDARD_NO_PAD.decode(auth.as_str()));
        decoded.map(Zeroizing::new).is_ok_and(|pair| pair.contains(&b':'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(type_: &str, key: &str, text: &str) -> bool {
        is_readable(type_, &BTreeMap::from([(key.to_owned(), SecretValue::from(text.as_bytes()))]))
    }

    fn config(text: &str) -> bool {
        reads("kubernetes.io/dockerconfigjson", ".dockerconfigjson", text)
    }

    #[test]
    fn a_file_that_can_never_be_attached_says_why() {
        let mut sealed = SealedSecret::default();
        assert_eq!(problem(&sealed), None);
        sealed.spec.service_accounts = vec!["default".into()];
        assert!(problem(&sealed).is_some_and(|problem| problem.contains("needs the type")));
        let template = sealed.spec.template.get_or_insert_default();
        template.type_ = Some("kubernetes.io/dockercfg".into());
        assert_eq!(problem(&sealed), None);
        for name in ["../a", "a/b", "", "A"] {
            sealed.spec.service_accounts = vec![name.into()];
            assert!(problem(&sealed).is_some_and(|problem| problem.contains("a name")), "{name}");
        }
        sealed.spec.service_accounts = vec!["a".into(); 65];
        assert!(problem(&sealed).is_some_and(|problem| problem.contains("more than 64")));
        sealed.spec.service_accounts = vec!["a".into()];
        sealed.spec.on_conflict = Some("Merge".into());
        assert!(problem(&sealed).is_some_and(|problem| problem.contains("Merge")));
    }

    #[test]
    fn what_the_kubelet_reads_is_read() {
        for text in [
            r#"{"auths":{}}"#,
            r#"{"auths":{"ghcr.io":{"username":"u","password":"p","auth":"dTpw"}}}"#,
            r#"{"auths":{"ghcr.io":{"auth":"dTpwYQ"},"quay.io":{"auth":"dTpwYQ==","email":""}}}"#,
            r#"{"auths":{"ghcr.io":{}}}"#,
        ] {
            assert!(config(text), "{text}");
        }
        let old = r#"{"ghcr.io":{"auth":"dTpw"}}"#;
        assert!(reads("kubernetes.io/dockercfg", ".dockercfg", old) && !config(old));
    }

    #[test]
    fn what_would_keep_the_images_of_a_pod_from_being_pulled_is_not() {
        for text in [
            "",
            "[]",
            "null",
            "{}",
            r#"{"auths":null}"#,
            r#"{"auths":[]}"#,
            r#"{"auths":{"ghcr.io":null}}"#,
            r#"{"auths":{"ghcr.io":"dTpw"}}"#,
            r#"{"auths":{"ghcr.io":{"auth":"!!"}}}"#,
            r#"{"auths":{"ghcr.io":{"auth":"dXA="}}}"#,
            r#"{"auths":{"ghcr.io":{"auth":7}}}"#,
            r#"{"auths":{"ghcr.io":{"username":[]}}}"#,
            r#"{"auths":{"ghcr.io":{"auth":"!!"},"ghcr.io":{}}}"#,
            r#"{"auths":{"ghcr.io":{"Auth":"!!"}}}"#,
            r#"{"auths":{},"Auths":[]}"#,
            r#"{"auths":{},"HttpHeaders":7}"#,
            r#"{"auths":{}} x"#,
        ] {
            assert!(!config(text), "{text}");
        }
        assert!(!reads("Opaque", ".dockerconfigjson", r#"{"auths":{}}"#));
        assert!(!reads("kubernetes.io/dockerconfigjson", ".dockercfg", r#"{"auths":{}}"#));
    }
}
