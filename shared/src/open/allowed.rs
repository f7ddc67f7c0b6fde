//! What a sealed file may never ask for: the reserved kinds, in every mode.
//!
//! Who may create SealedSecrets in a namespace may create any new Secret of an *ordinary* type there. A token
//! of a ServiceAccount, a bootstrap token, a Helm release or a sealing key is more than that.

use crate::kind::sealed::SealedSecret;
use crate::open::OpenError;
use crate::place::Place;
use crate::yaml::shown;

const RESERVED_TYPES: [&str; 2] =
    ["kubernetes.io/service-account-token", "bootstrap.kubernetes.io/token"];
const RESERVED_TYPE_STARTS: [&str; 2] = ["helm.sh/", "seal.dev/"];
const RESERVED_NAME_STARTS: [&str; 2] = ["sh.helm.release.v1.", "bootstrap-token-"];
const RESERVED_METADATA_STARTS: [&str; 3] =
    ["seal.dev/", "kubernetes.io/service-account.", "kubectl.kubernetes.io/"];

/// The parts of the rules that an installation decides.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Namespaces in which nothing is ever opened: the controller's own.
    pub closed_namespaces: Vec<String>,
    /// Whether `scope.namespaces: ["*"]` may be opened.
    pub wildcard_anywhere: bool,
}

/// Refuses what is reserved, or what `policy` does not give.
pub fn check_allowed(
    sealed: &SealedSecret,
    place: &Place,
    policy: &Policy,
) -> Result<(), OpenError> {
    let problem = reserved(sealed, place).or_else(|| {
        if policy.closed_namespaces.contains(&place.namespace) {
            Some("nothing is opened in the namespaces of the controller".to_owned())
        } else if sealed.spec.scope.any_namespace() && !policy.wildcard_anywhere {
            Some("spec.scope.namespaces is [\"*\"]: whoever may create a SealedSecret anywhere could read it".to_owned())
        } else if !sealed.spec.service_accounts.is_empty() {
            Some("spec.serviceAccounts is set, and this controller attaches no pull secrets".to_owned())
        } else {
            None
        }
    });
    problem
        .map_or(Ok(()), |problem| Err(OpenError::NotAllowed { label: place.to_string(), problem }))
}

fn reserved(sealed: &SealedSecret, place: &Place) -> Option<String> {
    if starts_with_any(&place.name, &RESERVED_NAME_STARTS) {
        return Some(format!("the name {} is reserved", place.name));
    }
    let template = sealed.spec.template.as_ref()?;
    let metadata = &template.metadata;
    reserved_type(template.type_.as_deref().unwrap_or_default())
        .or_else(|| reserved_label(&metadata.labels))
        .or_else(|| metadata.annotations.keys().find_map(|key| reserved_key("annotation", key)))
}

/// Whether a Secret of this type may never be made from a sealed file, with the sentence that says so.
pub fn reserved_type(type_: &str) -> Option<String> {
    let reserved = RESERVED_TYPES.contains(&type_) || starts_with_any(type_, &RESERVED_TYPE_STARTS);
    reserved.then(|| format!("Secrets of type {} are reserved", shown(type_)))
}

fn reserved_label(labels: &std::collections::BTreeMap<String, String>) -> Option<String> {
    if labels.get("owner").is_some_and(|owner| owner == "helm") {
        return Some("the label owner=helm is reserved".to_owned());
    }
    labels.keys().find_map(|key| reserved_key("label", key))
}

fn reserved_key(what: &str, key: &str) -> Option<String> {
    let reserved = starts_with_any(key, &RESERVED_METADATA_STARTS);
    reserved.then(|| format!("the {what} {} is reserved", shown(key)))
}

fn starts_with_any(text: &str, starts: &[&str]) -> bool {
    starts.iter().any(|start| text.starts_with(start))
}
