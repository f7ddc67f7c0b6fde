//! What the API server wants of labels and annotations, asked before sealing rather than after merging.
//!
//! The rules are those of `ValidateObjectMeta` in Kubernetes, and the limits of the sealed file's schema. Values are
//! never quoted.

use std::collections::BTreeMap;

use crate::escape::escaped;
use crate::kind::sealed::{MAX_METADATA_ENTRIES, TemplateMetadata};
use crate::place::is_subdomain;

/// Most bytes of all annotations together, names and values.
const MAX_ANNOTATION_BYTES: usize = 256 * 1024;

/// Why the API server would refuse these labels or annotations.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MetadataError {
    /// A name that no label or annotation can have.
    #[error("the {what} {name:?} has a name that the API server refuses")]
    Name {
        /// `label` or `annotation`.
        what: &'static str,
        /// Its name, escaped.
        name: String,
    },
    /// A value that no label can have.
    #[error("the label {name} has a value that the API server refuses")]
    LabelValue {
        /// Its name.
        name: String,
    },
    /// Annotations that are too large together.
    #[error("the annotations are larger than 256 KiB together")]
    TooLarge,
    /// More than the schema of a sealed file takes.
    #[error("more than 256 {0}s")]
    TooMany(&'static str),
}

impl MetadataError {
    /// What a person can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Name { .. } => {
                "a name is at most 63 letters, digits, - . _ with a letter or digit at both ends, and before it a DNS \
                 name and / if any"
            }
            Self::LabelValue { .. } => {
                "a label's value is at most 63 letters, digits, - . _ with a letter or digit at both ends, or empty; \
                 other text is an annotation's"
            }
            Self::TooLarge => "keep the large ones elsewhere",
            Self::TooMany(_) => "leave some out",
        }
    }
}

/// What Argo CD, Flux, Helm and `kubectl apply --prune` know the objects of an application by: `name`, or its beginning.
const TRACKING: [&str; 8] = [
    "app.kubernetes.io/instance",
    "applyset.kubernetes.io/",
    "argocd.argoproj.io/installation-id",
    "argocd.argoproj.io/instance",
    "argocd.argoproj.io/tracking-id",
    "helm.toolkit.fluxcd.io/",
    "kustomize.toolkit.fluxcd.io/",
    "meta.helm.sh/",
];

/// Whether a label or annotation is a mark by which a GitOps tool or Helm takes an object for its own. Such a tool deletes what
/// has its mark and is not in its source, as a live Secret is that a controller has made.
pub fn is_tracking(name: &str, value: &str) -> bool {
    TRACKING.iter().any(|mark| name == *mark || mark.ends_with('/') && name.starts_with(mark))
        || name == "app.kubernetes.io/managed-by" && value == "Helm"
}

/// Checks what a template gives the live Secret.
pub fn check(metadata: &TemplateMetadata) -> Result<(), MetadataError> {
    names("label", &metadata.labels, is_qualified_name)?;
    // The API server asks for the rule after it made the name lower case.
    names("annotation", &metadata.annotations, |name| {
        is_qualified_name(&name.to_ascii_lowercase())
    })?;
    if let Some((name, _)) = metadata.labels.iter().find(|(_, value)| !is_label_value(value)) {
        return Err(MetadataError::LabelValue { name: name.clone() });
    }
    let annotations = metadata.annotations.iter();
    if annotations.map(|(name, value)| name.len() + value.len()).sum::<usize>()
        > MAX_ANNOTATION_BYTES
    {
        return Err(MetadataError::TooLarge);
    }
    Ok(())
}

fn names(
    what: &'static str,
    map: &BTreeMap<String, String>,
    is_name: fn(&str) -> bool,
) -> Result<(), MetadataError> {
    if map.len() > MAX_METADATA_ENTRIES {
        return Err(MetadataError::TooMany(what));
    }
    match map.keys().find(|name| !is_name(name)) {
        Some(name) => Err(MetadataError::Name { what, name: escaped(name) }),
        None => Ok(()),
    }
}

/// `name` or `dns.name/name`.
fn is_qualified_name(text: &str) -> bool {
    match text.split_once('/') {
        Some((prefix, name)) => is_subdomain(prefix) && is_name(name),
        None => is_name(text),
    }
}

fn is_label_value(text: &str) -> bool {
    text.is_empty() || is_name(text)
}

/// Letters, digits, `-`, `.` and `_`, with a letter or digit at both ends.
fn is_name(text: &str) -> bool {
    let ends = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    bytes.len() <= 63
        && ends(bytes.first())
        && ends(bytes.last())
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(labels: &[(&str, &str)], annotations: &[(&str, &str)]) -> Result<(), MetadataError> {
        let map = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        };
        check(&TemplateMetadata { labels: map(labels), annotations: map(annotations) })
    }

    #[test]
    fn labels_and_annotations_are_those_that_the_api_server_takes() {
        let long = "a".repeat(63);
        let domain = format!("{}/x", "a".repeat(253));
        for name in ["app", "A.b_c-1", "example.com/App", "0", &long, &domain] {
            assert_eq!(with(&[(name, "x")], &[(name, "any text\n")]), Ok(()), "{name}");
        }
        // An annotation's prefix may have capitals, a label's may not.
        assert_eq!(with(&[], &[("Example.COM/App", "")]), Ok(()));
        for name in [
            "",
            "team a",
            "-a",
            "a-",
            ".a",
            "a/b/c",
            "/a",
            "a/",
            "A_b/c",
            "a\n",
            "é",
            &(long + "a"),
        ] {
            assert!(with(&[(name, "x")], &[]).is_err(), "{name:?}");
        }
        for name in ["", "bad key", "a/", "/a", "a_b/c", "a/b/c"] {
            assert!(with(&[], &[(name, "x")]).is_err(), "{name:?}");
        }
        for value in ["", "x", "v1.2-a_b", &"a".repeat(63)] {
            assert_eq!(with(&[("app", value)], &[]), Ok(()), "{value}");
        }
        for value in ["x y", "-x", "x/", "ü", " ", &"a".repeat(64)] {
            let error = with(&[("app", value)], &[]).unwrap_err();
            assert!(!error.to_string().contains(value) || value == " ", "{error}");
        }
    }

    #[test]
    fn annotations_are_bounded_together() {
        let half = "x".repeat(131_072 - 1);
        assert_eq!(with(&[], &[("a", &half), ("b", &half)]), Ok(()));
        assert_eq!(with(&[], &[("a", &half), ("bb", &half)]), Err(MetadataError::TooLarge));
    }
}
