//! What a sealed file may never ask for, and what an installation gives: the reserved kinds, in every mode.
//!
//! Who may create SealedSecrets in a namespace may create any new Secret of an *ordinary* type there. A token
//! of a ServiceAccount, a bootstrap token, a Helm release or a sealing key is more than that.

use std::collections::{BTreeMap, BTreeSet};

use crate::kind::Kind;
use crate::kind::sealed::SealedSecret;
use crate::names::GROUP_PREFIX;
use crate::place::Place;
use crate::yaml::escaped;

use super::check::Checked;
use super::error::OpenError;

const RESERVED_TYPES: [&str; 2] =
    ["kubernetes.io/service-account-token", "bootstrap.kubernetes.io/token"];
const RESERVED_TYPE_STARTS: [&str; 2] = ["helm.sh/", GROUP_PREFIX];
const RESERVED_NAME_STARTS: [&str; 2] = ["sh.helm.release.v1.", "bootstrap-token-"];
const RESERVED_METADATA_STARTS: [&str; 3] =
    [GROUP_PREFIX, "kubernetes.io/service-account.", "kubectl.kubernetes.io/"];

/// What an installation gives besides what every one does. The default gives the least.
#[derive(Clone, Debug, Default)]
pub struct Grants {
    /// Namespaces in which nothing is ever opened: the controller's own.
    pub closed_namespaces: BTreeSet<String>,
    /// The only namespaces in which anything is opened; all but the closed ones where it is absent.
    pub only_namespaces: Option<BTreeSet<String>>,
    /// Whether `scope.namespaces: ["*"]` of a SealedSecret may be opened.
    pub wildcard_anywhere: bool,
    /// Whether a ClusterSealedSecret may choose its namespaces by their labels.
    pub cluster_wide: bool,
    /// Whether the live Secret may be attached to ServiceAccounts.
    pub pull_secrets: bool,
}

impl Grants {
    /// The most that any installation gives: what is refused all the same is refused everywhere.
    pub fn most() -> Self {
        Self { wildcard_anywhere: true, cluster_wide: true, pull_secrets: true, ..Self::default() }
    }

    /// Why the file is not opened at `place`, if it is not.
    fn problem(&self, sealed: &SealedSecret, place: &Place) -> Option<String> {
        if self.closed_namespaces.contains(&place.namespace) {
            return Some("nothing is opened in the namespaces of the controller".to_owned());
        }
        if self.only_namespaces.as_ref().is_some_and(|only| !only.contains(&place.namespace)) {
            return Some(format!("namespace {} is not in --namespaces", place.namespace));
        }
        if sealed.spec.scope.any_namespace()
            && let Some(problem) = self.wildcard_problem(sealed.spec.kind)
        {
            return Some(problem.to_owned());
        }
        if !sealed.spec.service_accounts.is_empty() && !self.pull_secrets {
            return Some(
                "spec.serviceAccounts is set, and this controller runs without --attach-pull-secrets"
                    .to_owned(),
            );
        }
        None
    }

    fn wildcard_problem(&self, kind: Kind) -> Option<&'static str> {
        match kind {
            Kind::SealedSecret if !self.wildcard_anywhere => Some(
                "spec.scope.namespaces is [\"*\"]: whoever may create a SealedSecret anywhere could read it",
            ),
            Kind::ClusterSealedSecret if !self.cluster_wide => Some(
                "spec.scope.namespaces is [\"*\"], and the controller runs without --allow-cluster-wide, by which the labels of a namespace become a right to read",
            ),
            _ => None,
        }
    }
}

/// A checked sealed file that asks for nothing reserved, and for nothing that the installation does not give.
///
/// Made by [`Checked::allowed`] alone, and the only thing that [`open`](super::open) takes.
#[derive(Debug)]
pub struct Allowed<'a>(pub(super) Checked<'a>);

impl<'a> Checked<'a> {
    /// Refuses what is reserved, or what `grants` do not give.
    pub fn allowed(self, grants: &Grants) -> Result<Allowed<'a>, OpenError> {
        may_be_opened_at(self.sealed, self.place(), grants)?;
        Ok(Allowed(self))
    }
}

impl<'a> Allowed<'a> {
    /// What was checked.
    pub fn checked(&self) -> &Checked<'a> {
        &self.0
    }
}

/// Whether a sealed file would be [allowed](Checked::allowed), from its metadata, scope and template alone.
///
/// For whoever has left the ciphertext out: it says nothing of headers and payloads.
pub fn would_be_allowed(sealed: &SealedSecret, place: &Place, grants: &Grants) -> bool {
    may_be_opened_at(sealed, place, grants).is_ok()
}

/// Everything about `place` that must hold before the file is opened there: its scope admits it, it is not reserved, and
/// `grants` give it. What [`check_at`](super::check::check_at) and [`Checked::allowed`] say, for each of several places of a
/// file that is opened once.
pub fn may_be_opened_at(
    sealed: &SealedSecret,
    place: &Place,
    grants: &Grants,
) -> Result<(), OpenError> {
    if !sealed.spec.scope.admits(place) {
        let sealed_for = sealed.spec.scope.clone();
        return Err(OpenError::WrongPlace { sealed_for, found_at: place.clone() });
    }
    match reserved(sealed, place).or_else(|| grants.problem(sealed, place)) {
        Some(problem) => Err(OpenError::NotAllowed { object: place.to_string(), problem }),
        None => Ok(()),
    }
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
    reserved.then(|| format!("Secrets of type {} are reserved", escaped(type_)))
}

fn reserved_label(labels: &BTreeMap<String, String>) -> Option<String> {
    if labels.get("owner").is_some_and(|owner| owner == "helm") {
        return Some("the label owner=helm is reserved".to_owned());
    }
    labels.keys().find_map(|key| reserved_key("label", key))
}

fn reserved_key(what: &str, key: &str) -> Option<String> {
    let reserved = starts_with_any(key, &RESERVED_METADATA_STARTS);
    reserved.then(|| format!("the {what} {} is reserved", escaped(key)))
}

fn starts_with_any(text: &str, starts: &[&str]) -> bool {
    starts.iter().any(|start| text.starts_with(start))
}
