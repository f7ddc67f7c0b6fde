//! Flyte 1 (flytepropeller `pkg/webhook`, v1.16; flytekit `core/context_manager.py`, 1.16).
//!
//! A group of secrets is a Secret of that name in the namespace of an execution, `<project>-<domain>`, and a key of the group a key
//! of it. As a file it is mounted under the lower case of both; as a variable, `_FSEC_<GROUP>_<KEY>`, in upper case. The volume is
//! named by the base32 of the group, which leaves 38 characters for it. Secrets of the webhook's own, which it looks for first, win
//! over every Secret.

pub(super) mod agent;
pub(super) mod v2;

use super::rules::{self, collision};
use super::seen::Seen;
use super::{Options, PresetError};
use crate::manifest::Manifest;
use crate::place::Place;
use crate::place::is_label;

pub(super) const TAKES_EFFECT: &str = "tasks see it in their next pod";
pub(super) const PULLS: &str = "pods that start from then on pull with it, where their service account or pod template names it";

/// Base32 of 38 characters and the webhook's ending is the longest name of a volume, 63.
const LONGEST_GROUP: usize = 38;

pub(super) fn place(
    options: &Options,
    namespace: Option<&str>,
    name: Option<&str>,
) -> Result<Place, PresetError> {
    let (Some(project), Some(domain)) = (&options.project, &options.domain) else {
        return Err(PresetError::new(
            "Flyte reads the secrets of the namespace of a project and domain",
            "--project P --domain D, such as flytesnacks and development",
        ));
    };
    let own = format!("{project}-{domain}");
    if !is_label(&own) {
        return Err(PresetError::new(
            format!("{own} cannot be a namespace"),
            "project and domain are made of a-z, 0-9 and -, together at most 62 characters",
        ));
    }
    let why = "an execution of this project and domain reads the Secrets of its own namespace";
    let namespace = rules::fixed_namespace(namespace, &own, why)?;
    if options.registry.is_some() {
        return rules::place(namespace, rules::name(name, "--name NAME")?);
    }
    let group = match (&options.group, name) {
        (Some(group), Some(name)) if group != name => {
            return Err(PresetError::new(
                format!("the group is {group}, and the manifest's name is {name}"),
                "leave one of the two out: a group is the Secret's name",
            ));
        }
        (group, name) => rules::name(group.as_deref().or(name), "--group GROUP")?,
    };
    if let Some(wrong) = wrong_group(group) {
        return Err(wrong);
    }
    rules::place(namespace, group)
}

fn wrong_group(group: &str) -> Option<PresetError> {
    if group.len() > LONGEST_GROUP {
        return Some(PresetError::new(
            format!(
                "the group has {} characters, and Flyte names a volume by it: at most {LONGEST_GROUP}",
                group.len()
            ),
            "give the group a shorter name",
        ));
    }
    let name = group.to_ascii_lowercase().replace('_', "-");
    (group != name).then(|| {
        PresetError::new(
            format!("the group {group} has capitals or _, which the name of a Secret cannot have"),
            format!(
                "call it {name}, also in the task: the group goes to Kubernetes as it is written"
            ),
        )
    })
}

pub(super) fn shape(manifest: &mut Manifest) -> Result<(), PresetError> {
    distinct(manifest.values.keys())
}

pub(super) fn check(seen: &Seen<'_>) -> Result<(), PresetError> {
    let namespace = &seen.place.namespace;
    if !namespace.contains('-') {
        return Err(PresetError::new(
            format!(
                "its namespace is {namespace}, and executions run in that of a project and domain"
            ),
            "seal it again with --for flyte --project P --domain D",
        ));
    }
    if let Some(wrong) = wrong_group(&seen.place.name).filter(|_| !seen.is_registry()) {
        return Err(wrong);
    }
    distinct(seen.keys.iter().copied())
}

fn distinct<'k>(keys: impl Iterator<Item = &'k String> + Clone) -> Result<(), PresetError> {
    for fold in [str::to_ascii_lowercase, str::to_ascii_uppercase] {
        if let Some((one, other)) = collision(keys.clone(), fold) {
            return Err(same(one, other));
        }
    }
    Ok(())
}

fn same(one: &str, other: &str) -> PresetError {
    PresetError::new(
        format!(
            "{one} and {other} are one file and one variable to Flyte, which takes them in lower and upper case"
        ),
        "give one of the two another name",
    )
}
