//! OpenFaaS (faas-netes `pkg/handlers/secrets.go`, `pkg/k8s/secrets.go`, 0.18.17).
//!
//! Secrets lie in the functions' namespace and are listed by the label `app.kubernetes.io/managed-by=openfaas`. Each key is
//! mounted as `/var/openfaas/secrets/<key>` when a function is deployed, so keys must be different within a function: the one
//! of a secret is its name. A registry's credentials become an image pull secret and are not mounted.

use super::rules::{self, type_of};
use super::seen::Seen;
use super::{Options, PresetError};
use crate::manifest::Manifest;
use crate::place::Place;
use crate::secret_type::is_docker_config;

pub(super) const TAKES_EFFECT: &str =
    "functions see a changed value within about a minute, and a new key at their next deploy";

pub(super) const PULLS: &str =
    "functions that name it among their secrets pull with it from their next deploy on";

const NAMESPACE: &str = "openfaas-fn";
const WHY: &str = "OpenFaaS reads the secrets of one namespace";
const LABEL: (&str, &str) = ("app.kubernetes.io/managed-by", "openfaas");

pub(super) fn place(namespace: Option<&str>, name: Option<&str>) -> Result<Place, PresetError> {
    let name = rules::name(name, "--name NAME")?;
    rules::place(rules::fixed_namespace(namespace, NAMESPACE, WHY)?, name)
}

pub(super) fn check(options: &Options, seen: &Seen<'_>) -> Result<(), PresetError> {
    rules::fixed_namespace(Some(&seen.place.namespace), NAMESPACE, WHY)?;
    seen.needs_label(LABEL.0, LABEL.1)?;
    if is_docker_config(seen.type_) || options.multi {
        return Ok(());
    }
    let key = seen.only_key("OpenFaaS")?;
    if options.key.is_none() && key != seen.place.name {
        return Err(PresetError::new(
            format!(
                "its key is {key}, and a function looks for the secret's name, {}",
                seen.place.name
            ),
            "seal it again with --for openfaas; --key keeps another key",
        ));
    }
    opaque(seen.type_)
}

fn opaque(type_: &str) -> Result<(), PresetError> {
    if type_ == "Opaque" {
        return Ok(());
    }
    Err(PresetError::new(
        format!("its type is {type_}, and OpenFaaS mounts Opaque secrets"),
        "leave the type out",
    ))
}

pub(super) fn shape(
    options: &Options,
    place: &Place,
    manifest: &mut Manifest,
) -> Result<(), PresetError> {
    rules::label(&mut manifest.template, LABEL.0, LABEL.1)?;
    let type_ = type_of(Some(&manifest.template));
    if is_docker_config(type_) || options.multi {
        return Ok(());
    }
    opaque(type_)?;
    let key = options.key.as_deref().unwrap_or(&place.name);
    let hint = "seal one value at a time; --multi keeps several keys, which `faas-cli secret update` would lose";
    rules::only_key(manifest, key, "OpenFaaS", hint)
}
