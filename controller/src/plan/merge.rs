//! `onConflict: Merge`: a sealed object's keys beside those of others, in a Secret that stays theirs.
//!
//! Only with their consent, which stands on the Secret. What is written is server-side apply under a field manager of this
//! sealed object alone, so what Kubernetes says of that manager is what is ours: a key that anybody else owns is not,
//! unless this object's status says that it was merged before. Whose a key is never depends on its value.
//!
//! Sizes count as size classes, so that neither a refusal here nor one of the API server tells how long a value of others
//! is.

use std::collections::BTreeMap;
use std::fmt;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use seal_core::kind::sealed::{MAX_PLAINTEXT_BYTES, MAX_REST_BYTES};
use seal_core::names::{FIELD_MANAGER, GROUP, MERGED};
use seal_core::open::size_class;
use seal_core::reason::Reason;
use seal_core::secret::SecretValue;

use super::ours::{self, Refusal};
use super::{Cause, Desired, Plan, Version, Waiting, changes, writers};
use crate::object_id::ObjectId;
use crate::outcome::Outcome;

/// Most keys of one sealed object: its status names them all.
const MOST_KEYS: usize = 64;

/// Why nothing is merged into a Secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// Whoever may write it has not said that it may be; the owner when it names one.
    NoConsent(Option<String>),
    /// It was made from another sealed object, and is that one's alone.
    Sealed(String),
    /// It is of another type.
    Type,
    /// It is immutable.
    Immutable,
    /// A key that another manager owns.
    Key { key: String, manager: String },
    /// The sealed object has more keys than its status can name.
    TooMany,
    /// With what is in it, it would be larger than the API server takes.
    TooLarge,
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Merge(problem)
    }
}

/// The end of a sentence that begins with the Secret.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoConsent(None) => f.write_str("exists and was not made from a sealed file"),
            Self::NoConsent(Some(owner)) => {
                write!(f, "exists, owned by {owner}, and was not made from a sealed file")
            }
            Self::Sealed(owner) => {
                write!(f, "is made by {owner}, and a sealed object's Secret has its keys alone")
            }
            Self::Type => f.write_str("is of another type than the sealed file says"),
            Self::Immutable => f.write_str("is immutable"),
            Self::Key { key, manager } if is_of_a_sealed_object(manager) => write!(
                f,
                "has the key {key} already, which another sealed object wrote, or one that is gone and was to leave it there; take that key out, and this object's is written"
            ),
            Self::Key { key, manager } => write!(
                f,
                "has the key {key} already, which {manager:?} owns; give the sealed key another name, or take that one out"
            ),
            Self::TooMany => write!(f, "takes at most {MOST_KEYS} keys of one sealed file"),
            Self::TooLarge => f.write_str(
                "would have more than 1 MiB of values, each counted as its size class, or too much beside them",
            ),
        }
    }
}

/// The field manager of one sealed object.
pub(super) fn manager(owner: &ObjectId) -> String {
    format!("{FIELD_MANAGER}/{}", owner.uid)
}

fn is_of_a_sealed_object(manager: &str) -> bool {
    manager.strip_prefix(FIELD_MANAGER).is_some_and(|rest| rest.starts_with('/'))
}

/// Decides over a Secret that is not ours; `other` is who controls it.
pub(super) fn plan(
    live: &Secret,
    desired: &Desired<'_>,
    other: Option<String>,
    cause: Cause,
) -> Plan {
    if let Err(problem) = may_merge(live, desired, other) {
        return Plan::Refuse(problem.into());
    }
    if let Some(finalizers) = super::finalizers_of_deleted(live) {
        return Plan::Wait(Waiting::Deleted { finalizers });
    }
    let differs = Differs::between(live, desired);
    if differs.is_empty() {
        return Plan::Leave(Box::new(live.metadata.clone()));
    }
    let event = match cause {
        Cause::File => Outcome::new(
            Reason::Applied,
            format!(
                "generation {} of the file was written beside the keys of others",
                desired.generation
            ),
        ),
        Cause::Drift => Outcome::new(Reason::Repaired, differs.sentence()),
    };
    Plan::Merge {
        secret: Box::new(only(live, desired.opened.values.iter(), Some(annotation(desired)))),
        over: Version::of(&live.metadata),
        manager: manager(desired.owner),
        event,
        contender: differs.contender(live, desired),
    }
}

/// What takes this object's keys out of `live` again, where any are in it.
pub(super) fn leave(live: &Secret, owner: &ObjectId) -> Option<Plan> {
    let manager = manager(owner);
    let mut entries = live.metadata.managed_fields.iter().flatten();
    let is_there = entries.any(|entry| entry.manager.as_deref() == Some(&manager));
    is_there.then(|| Plan::Unmerge {
        secret: Box::new(only(live, std::iter::empty(), None)),
        over: Version::of(&live.metadata),
        manager,
    })
}

fn may_merge(live: &Secret, desired: &Desired<'_>, other: Option<String>) -> Result<(), Problem> {
    if !ours::accepts(&live.metadata, "merge") {
        return Err(Problem::NoConsent(other));
    }
    let controller = ours::controller_of(&live.metadata);
    let is_sealed = controller.is_some_and(|owner| ours::group(owner) == Some(GROUP));
    if let Some(owner) = other.filter(|_| is_sealed) {
        return Err(Problem::Sealed(owner));
    }
    if live.type_.as_deref().unwrap_or("Opaque") != desired.type_() {
        return Err(Problem::Type);
    }
    if live.immutable == Some(true) {
        return Err(Problem::Immutable);
    }
    if desired.opened.values.len() > MOST_KEYS {
        return Err(Problem::TooMany);
    }
    if let Some((key, manager)) = key_of_others(live, desired) {
        return Err(Problem::Key { key, manager });
    }
    if is_too_large(live, desired) {
        return Err(Problem::TooLarge);
    }
    Ok(())
}

/// A key that is there, that this object's manager does not own, and that this object never merged into this Secret.
fn key_of_others(live: &Secret, desired: &Desired<'_>) -> Option<(String, String)> {
    let ours = manager(desired.owner);
    let mut there = keys_of(live).filter(|key| desired.opened.values.contains_key(*key));
    let key =
        there.find(|key| !writers::owns(live, &ours, key) && !desired.has_merged(live, key))?;
    Some((key.clone(), writers::of_key(live, &ours, key)))
}

fn is_too_large(live: &Secret, desired: &Desired<'_>) -> bool {
    let wanted = &desired.opened.values;
    let others = live.data.iter().flatten().filter(|(key, _)| !wanted.contains_key(*key));
    let of_others: usize = others.map(|(_, value)| size_class(value.0.len())).sum();
    let of_ours: usize = wanted.values().map(|value| size_class(value.expose().len())).sum();
    let names = keys_of(live).chain(wanted.keys());
    // Names of ours stand in the data and in `managedFields`, where those of others do already.
    let rest = names.map(|name| 2 * name.len() + 24).sum::<usize>() + metadata_bytes(live);
    of_others + of_ours > MAX_PLAINTEXT_BYTES || rest > MAX_REST_BYTES
}

fn metadata_bytes(live: &Secret) -> usize {
    serde_json::to_vec(&live.metadata).map_or(usize::MAX, |text| text.len())
}

/// What differs between what this object has in the Secret and what it wants there.
#[derive(Debug, Default, PartialEq, Eq)]
struct Differs {
    added: Vec<String>,
    changed: Vec<String>,
    removed: Vec<String>,
    /// The annotation of another generation or none, or keys that are no longer under our manager.
    mark: bool,
}

impl Differs {
    fn between(live: &Secret, desired: &Desired<'_>) -> Self {
        let ours = manager(desired.owner);
        let (name, mark) = annotation(desired);
        let there = live.metadata.annotations.as_ref().and_then(|all| all.get(&name));
        let mut differs = Self { mark: there != Some(&mark), ..Self::default() };
        for (key, value) in &desired.opened.values {
            match live.data.as_ref().and_then(|data| data.get(key)) {
                None => differs.added.push(key.clone()),
                Some(ByteString(there)) if there != value.expose() => {
                    differs.changed.push(key.clone());
                }
                Some(_) => differs.mark |= !writers::owns(live, &ours, key),
            }
        }
        let is_left = |key: &&String| {
            !desired.opened.values.contains_key(*key) && writers::owns(live, &ours, key)
        };
        differs.removed = keys_of(live).filter(is_left).cloned().collect();
        differs
    }

    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn sentence(&self) -> String {
        let keys = [("added", &self.added), ("changed", &self.changed), ("removed", &self.removed)];
        changes::sentence(keys, self.mark.then_some("the mark of this sealed object"))
    }

    /// Who has written over one of our keys, or else any other writer of values.
    fn contender(&self, live: &Secret, desired: &Desired<'_>) -> Option<String> {
        let ours = manager(desired.owner);
        let mut written = self.changed.iter();
        match written.next() {
            Some(key) => Some(writers::of_key(live, &ours, key)),
            None => writers::of_values_but(&live.metadata, &ours),
        }
    }
}

/// The Secret `live` as this object's manager applies it: its keys and its mark, and nothing else.
fn only<'a>(
    live: &Secret,
    values: impl Iterator<Item = (&'a String, &'a SecretValue)>,
    mark: Option<(String, String)>,
) -> Secret {
    let data = values.map(|(key, value)| (key.clone(), ByteString(value.expose().to_vec())));
    Secret {
        metadata: ObjectMeta {
            namespace: live.metadata.namespace.clone(),
            name: live.metadata.name.clone(),
            annotations: mark.map(|pair| BTreeMap::from([pair])),
            ..ObjectMeta::default()
        },
        data: Some(data.collect::<BTreeMap<_, _>>()).filter(|data| !data.is_empty()),
        ..Secret::default()
    }
}

/// The mark of this object: each generation changes the Secret, so whether a value is equal to the one before cannot be
/// seen from its version.
fn annotation(desired: &Desired<'_>) -> (String, String) {
    let by = format!("{}/{}", desired.owner.at.kind.as_str(), desired.owner.at);
    let text = serde_json::json!({"by": by, "generation": desired.generation}).to_string();
    (mark(desired.owner), text)
}

fn mark(owner: &ObjectId) -> String {
    format!("{MERGED}{}", owner.uid)
}

/// Whether the Secret with this metadata has the mark of this object.
pub(super) fn is_marked(metadata: &ObjectMeta, owner: &ObjectId) -> bool {
    metadata.annotations.iter().flatten().any(|(name, _)| *name == mark(owner))
}

fn keys_of(live: &Secret) -> impl Iterator<Item = &String> {
    live.data.iter().flatten().map(|(key, _)| key)
}
