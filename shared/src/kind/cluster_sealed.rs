//! What a ClusterSealedSecret has besides a SealedSecret: several places, and who chooses them.
//!
//! It is the same type and the same spec: a place is one of its target namespaces and its own name. The namespaces are those of its
//! scope, or, where that is every one, those whose labels match `spec.namespaceSelector`.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::ClusterResourceScope;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use kube::core::{Expression, Selector, SelectorExt};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::Kind;
use super::sealed::{SealedSecret, absent_if_null};
use crate::place::{Place, is_label};

/// Most live Secrets of one object whose version its status holds.
pub const MAX_SECRETS_IN_STATUS: usize = 500;
/// Most namespaces that a status names as not served.
pub const MAX_FAILING_IN_STATUS: usize = 32;
/// Most labels and most expressions of a selector, and most values of an expression.
const MAX_REQUIREMENTS: usize = 64;

/// A ClusterSealedSecret as a client of the API server reads it: by a type, which has its path.
#[derive(Clone, Debug)]
pub struct ClusterSealedSecret(pub SealedSecret);

impl<'de> Deserialize<'de> for ClusterSealedSecret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut object = SealedSecret::deserialize(deserializer)?;
        object.spec.kind = Kind::ClusterSealedSecret;
        Ok(Self(object))
    }
}

impl Resource for ClusterSealedSecret {
    type DynamicType = ();
    type Scope = ClusterResourceScope;

    fn kind(_: &()) -> Cow<'_, str> {
        Kind::ClusterSealedSecret.as_str().into()
    }

    fn group(_: &()) -> Cow<'_, str> {
        SealedSecret::group(&())
    }

    fn version(_: &()) -> Cow<'_, str> {
        SealedSecret::version(&())
    }

    fn plural(_: &()) -> Cow<'_, str> {
        "clustersealedsecrets".into()
    }

    fn meta(&self) -> &ObjectMeta {
        self.0.meta()
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        self.0.meta_mut()
    }
}

/// Which namespaces get the live Secret, by their labels: all that is named must hold. As in a NetworkPolicy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NamespaceSelector {
    /// Labels and their values.
    #[serde(
        default,
        deserialize_with = "absent_if_null",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    #[schemars(extend("maxProperties" = 64))]
    pub match_labels: BTreeMap<String, String>,
    /// Further requirements.
    #[serde(default, deserialize_with = "absent_if_null", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub match_expressions: Vec<Requirement>,
}

/// One requirement on a label.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Requirement {
    /// The label.
    #[schemars(length(min = 1, max = 317))]
    pub key: String,
    /// `In` and `NotIn` with values, `Exists` and `DoesNotExist` without.
    #[schemars(schema_with = "operator_schema")]
    pub operator: String,
    /// The values that it may have, or may not.
    #[serde(default, deserialize_with = "absent_if_null", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(max = 63)))]
    pub values: Vec<String>,
}

fn operator_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": "string", "enum": ["In", "NotIn", "Exists", "DoesNotExist"] })
}

/// A live Secret in one of the namespaces, as it was written last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Served {
    /// The namespace.
    pub namespace: String,
    /// `metadata.uid` of the live Secret.
    #[serde(default)]
    pub uid: String,
    /// `metadata.resourceVersion` of the live Secret.
    #[serde(default)]
    pub resource_version: String,
}

/// A namespace that is not served, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Failing {
    /// The namespace.
    pub namespace: String,
    /// The one word for it.
    #[serde(default)]
    pub reason: String,
    /// The same as a sentence.
    #[serde(default)]
    pub message: String,
}

impl NamespaceSelector {
    /// Whether a namespace with these labels is chosen. One that [is malformed](Self::problem) chooses none.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        let expressions: Option<Vec<Expression>> =
            self.match_expressions.iter().map(Requirement::expression).collect();
        let Some(expressions) = expressions.filter(|_| self.problem().is_none()) else {
            return false;
        };
        let mut selector: Selector = self.match_labels.clone().into_iter().collect();
        selector.extend(expressions);
        selector.matches(labels)
    }

    /// Says what is wrong with it, if anything.
    pub fn problem(&self) -> Option<&'static str> {
        let Self { match_labels, match_expressions } = self;
        if match_labels.is_empty() && match_expressions.is_empty() {
            return Some("spec.namespaceSelector is empty, which would be every namespace");
        }
        let most = |it: &Requirement| it.values.len();
        let values = match_expressions.iter().map(most).max().unwrap_or_default();
        if match_labels.len().max(match_expressions.len()).max(values) > MAX_REQUIREMENTS {
            return Some("spec.namespaceSelector has more than 64 entries of a kind");
        }
        let is_whole = match_expressions.iter().all(|it| it.expression().is_some());
        (!is_whole).then_some(
            "spec.namespaceSelector has an expression that is none of In and NotIn with values, Exists and DoesNotExist without",
        )
    }
}

impl Requirement {
    fn expression(&self) -> Option<Expression> {
        let (key, values) =
            (self.key.clone(), self.values.iter().cloned().collect::<BTreeSet<_>>());
        match (self.operator.as_str(), values.is_empty()) {
            ("In", false) => Some(Expression::In(key, values)),
            ("NotIn", false) => Some(Expression::NotIn(key, values)),
            ("Exists", true) => Some(Expression::Exists(key)),
            ("DoesNotExist", true) => Some(Expression::DoesNotExist(key)),
            _ => None,
        }
    }
}

impl SealedSecret {
    /// The places that the scope of a ClusterSealedSecret lists; none where a selector chooses them. Of a SealedSecret its own.
    pub fn places(&self) -> Vec<Place> {
        if self.spec.kind == Kind::SealedSecret {
            return self.place().into_iter().collect();
        }
        let name = self.metadata.name.as_deref().unwrap_or_default();
        let namespaces = self.spec.scope.namespaces.iter().filter(|it| is_label(it));
        namespaces.filter_map(|namespace| Place::new(namespace, name).ok()).collect()
    }

    /// Where a ClusterSealedSecret is in `namespace`.
    pub fn place_in(&self, namespace: &str) -> Result<Place, &'static str> {
        Place::new(namespace, self.metadata.name.as_deref().unwrap_or_default())
    }

    pub(super) fn first_place(&self) -> Result<Place, &'static str> {
        if self.metadata.namespace.is_some() {
            return Err("metadata.namespace is set, and a ClusterSealedSecret is in no namespace");
        }
        let first = self.spec.scope.namespaces.first().map(String::as_str);
        self.place_in(first.filter(|it| *it != "*").unwrap_or("default"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn requirement(key: &str, operator: &str, values: &[&str]) -> Requirement {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        Requirement { key: key.to_owned(), operator: operator.to_owned(), values }
    }

    #[test]
    fn a_selector_chooses_as_kubernetes_does() {
        let selector = NamespaceSelector {
            match_labels: labels(&[("team", "a")]),
            match_expressions: vec![
                requirement("stage", "In", &["dev", "prod"]),
                requirement("closed", "DoesNotExist", &[]),
            ],
        };
        assert_eq!(selector.problem(), None);
        assert!(selector.matches(&labels(&[("team", "a"), ("stage", "dev"), ("more", "")])));
        for other in [
            labels(&[]),
            labels(&[("team", "a")]),
            labels(&[("team", "b"), ("stage", "dev")]),
            labels(&[("team", "a"), ("stage", "dev"), ("closed", "")]),
        ] {
            assert!(!selector.matches(&other), "{other:?}");
        }
    }

    #[test]
    fn a_malformed_selector_chooses_no_namespace() {
        let expression =
            |it| NamespaceSelector { match_expressions: vec![it], ..Default::default() };
        for wrong in [
            NamespaceSelector::default(),
            expression(requirement("a", "In", &[])),
            expression(requirement("a", "Exists", &["b"])),
            expression(requirement("a", "in", &["b"])),
        ] {
            assert!(wrong.problem().is_some(), "{wrong:?}");
            assert!(!wrong.matches(&labels(&[("a", "b")])), "{wrong:?}");
        }
    }
}
