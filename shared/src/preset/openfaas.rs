//! OpenFaaS (faas-netes `pkg/handlers/secrets.go`, `pkg/k8s/secrets.go`, 0.18.17).
//!
//! Secrets lie in the functions' namespace and are listed by the label `app.kubernetes.io/managed-by=openfaas`. Each key is
//! mounted as `/var/openfaas/secrets/<key>` when a function is deployed, so keys must be different within a function: the one
//! of a secret is its name. A registry's credentials become an image pull secret and are not mounted.

use super::rules::{self, keys, missing_label, name_of, type_of};
use super::{Options, PresetError, Target};
use crate::kind::sealed::SealedSecret;
use crate::manifest::Manifest;

pub(super) const TAKES_EFFECT: &str =
    "functions see a changed value within about a minute, and a new key at their next deploy";

const NAMESPACE: &str = "openfaas-fn";
const LABEL: (&str, &str) = ("app.kubernetes.io/managed-by", "openfaas");
const PULL_SECRETS: [&str; 2] = ["kubernetes.io/dockerconfigjson", "kubernetes.io/dockercfg"];

pub(super) fn target(namespace: Option<&str>, name: Option<&str>) -> Result<Target, PresetError> {
    let name = rules::name(name, "--name NAME")?.to_owned();
    let why = "OpenFaaS reads the secrets of one namespace";
    Ok(Target { namespace: rules::fixed_namespace(namespace, NAMESPACE, why)?, name })
}

pub(super) fn shape(
    options: &Options,
    target: &Target,
    manifest: &mut Manifest,
) -> Result<(), PresetError> {
    rules::label(&mut manifest.template, LABEL.0, LABEL.1)?;
    let type_ = type_of(Some(&manifest.template));
    if PULL_SECRETS.contains(&type_) || options.multi {
        return Ok(());
    }
    if type_ != "Opaque" {
        return Err(PresetError::new(
            format!("its type is {type_}, and OpenFaaS mounts Opaque secrets"),
            "leave the type out",
        ));
    }
    let key = options.key.as_deref().unwrap_or(&target.name);
    let hint = "seal one value at a time; --multi keeps several keys, which `faas-cli secret update` would lose";
    rules::only_key(manifest, key, "OpenFaaS", hint)
}

pub(super) fn check(object: &SealedSecret) -> Vec<PresetError> {
    let mut wrong: Vec<PresetError> = missing_label(object, LABEL.0, LABEL.1).into_iter().collect();
    if rules::namespace_of(object) != NAMESPACE {
        wrong.push(PresetError::new(
            format!(
                "it lies in {}, and OpenFaaS reads the secrets of {NAMESPACE}",
                rules::namespace_of(object)
            ),
            "seal it again with --for openfaas",
        ));
    }
    let keys = keys(object);
    if PULL_SECRETS.contains(&type_of(object.spec.template.as_ref())) || keys.len() != 1 {
        return wrong;
    }
    if keys[0] != name_of(object) {
        wrong.push(PresetError::new(
            format!("its key is {}, so functions find it as /var/openfaas/secrets/{}", keys[0], keys[0]),
            format!("seal it again with --for openfaas --name {}; or --key where the function reads that name", name_of(object)),
        ));
    }
    wrong
}
