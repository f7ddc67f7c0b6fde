//! Pachyderm (`src/server/pps/server/api_server.go`, CreateSecret and validateSecret, 2.12).
//!
//! Secrets lie in pachd's namespace with the labels that `pachctl create secret` sets, and `pachctl list secret` has them by one
//! of these. A pipeline that mounts one makes a volume of its name, which is a DNS label: shorter than a Secret's and without
//! dots.

use super::PresetError;
use super::rules;
use super::seen::Seen;
use crate::manifest::Manifest;
use crate::place::Place;
use crate::place::is_label;

pub(super) const TAKES_EFFECT: &str = "pipelines that mount it see a change within about a minute, those with an env_var when their workers start again";

pub(super) const PULLS: &str =
    "pipelines that name it in image_pull_secrets pull with it when their workers start";

const LABELS: [(&str, &str); 2] = [("suite", "pachyderm"), ("secret-source", "pachyderm-user")];
/// Secrets that Pachyderm itself lives by.
const RESERVED: [&str; 2] = ["pachyderm-storage-secret", "pachyderm-deployment-id-secret"];
const RESERVED_PREFIX: &str = "spout-pachctl-secret-";

pub(super) fn place(namespace: Option<&str>, name: Option<&str>) -> Result<Place, PresetError> {
    let name = rules::name(name, "--name NAME")?;
    if let Some(wrong) = wrong_name(name) {
        return Err(wrong);
    }
    let Some(namespace) = namespace else {
        return Err(PresetError::new(
            "it has no namespace, and pachd reads the secrets of its own",
            "-n NS names the namespace that Pachyderm runs in",
        ));
    };
    rules::place(namespace, name)
}

pub(super) fn check(seen: &Seen<'_>) -> Result<(), PresetError> {
    if let Some(wrong) = wrong_name(&seen.place.name) {
        return Err(wrong);
    }
    LABELS.iter().try_for_each(|(key, value)| seen.needs_label(key, value))
}

fn wrong_name(name: &str) -> Option<PresetError> {
    if RESERVED.contains(&name) || name.starts_with(RESERVED_PREFIX) {
        return Some(PresetError::new(
            format!("{name} is a Secret that Pachyderm itself lives by"),
            "give the secret another name",
        ));
    }
    let hint = match name {
        _ if is_label(name) => return None,
        _ if is_label(&name.replace('.', "-")) => "give the secret a name without dots",
        _ if name.len() > 63 => "give the secret a shorter name",
        _ => "give the secret a name of a-z, 0-9 and -, with a letter or digit at both ends",
    };
    Some(PresetError::new(
        format!(
            "a pipeline cannot mount {name}: Pachyderm makes a volume of that name, at most 63 characters of a-z, 0-9 and -"
        ),
        hint,
    ))
}

pub(super) fn shape(manifest: &mut Manifest) -> Result<(), PresetError> {
    LABELS.iter().try_for_each(|(key, value)| rules::label(&mut manifest.template, key, value))
}
