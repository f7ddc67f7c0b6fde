//! What a platform reads: from the values of a manifest to the Secret that the platform takes for its own.
//!
//! Pure. A preset fixes the place, the labels, the keys and the encoding, refuses what the platform would misread, and says
//! when a change takes effect. One file per platform; each names the upstream source that its rules come from. Nothing here
//! talks to a platform.

mod direktiv;
mod error;
mod flyte;
mod kestra;
mod noted;
mod openfaas;
mod pachyderm;
mod rules;
mod seen;

use std::fmt;
use std::str::FromStr;

use crate::kind::sealed::{SealedSecret, Template};
use crate::manifest::Manifest;
use crate::place::Place;
use crate::registry;
use crate::secret::SecretValue;

pub use error::PresetError;
use seen::Seen;

/// A platform whose secrets are sealed in its own shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// OpenFaaS: one file beneath `/var/openfaas/secrets` for each key.
    OpenFaas,
    /// Pachyderm: a Secret that `pachctl list secret` has.
    Pachyderm,
    /// Flyte 1: group and key in the namespace of a project and domain.
    Flyte,
    /// Flyte 2: one value under a hashed name.
    Flyte2,
    /// Flyte's agents: one Secret that others write into as well.
    FlyteAgent,
    /// Kestra: `SECRET_` variables in base64.
    Kestra,
    /// Direktiv: a secret of a Direktiv namespace.
    Direktiv,
}

/// What a preset has to be told besides the manifest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The key that a single value gets.
    pub key: Option<String>,
    /// Whether an OpenFaaS Secret may have several keys.
    pub multi: bool,
    /// Flyte's project.
    pub project: Option<String>,
    /// Flyte's domain.
    pub domain: Option<String>,
    /// Flyte's group of secrets.
    pub group: Option<String>,
    /// Kestra reads values as they are, without base64.
    pub raw: bool,
    /// The values are base64 already.
    pub already_base64: bool,
    /// The Direktiv namespace, which is no namespace of Kubernetes.
    pub direktiv_namespace: Option<String>,
    /// Direktiv's version, such as `0.10`; absent for the present one.
    pub direktiv_version: Option<String>,
    /// The registry, where it is the credentials of one that are sealed.
    pub registry: Option<PullSecret>,
}

/// A registry and its user, as Direktiv writes both beside the credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullSecret {
    /// What a person called the registry, letter by letter.
    pub url: String,
    /// The user's name.
    pub user: String,
}

impl Preset {
    /// Every preset there is, for help and for errors.
    pub const ALL: [Self; 7] = [
        Self::OpenFaas,
        Self::Pachyderm,
        Self::Flyte,
        Self::Flyte2,
        Self::FlyteAgent,
        Self::Kestra,
        Self::Direktiv,
    ];

    /// The word for it on the command line, in `.seal.yaml` and in the annotation `seal.dev/for`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpenFaas => "openfaas",
            Self::Pachyderm => "pachyderm",
            Self::Flyte => "flyte",
            Self::Flyte2 => "flyte2",
            Self::FlyteAgent => "flyte-agent",
            Self::Kestra => "kestra",
            Self::Direktiv => "direktiv",
        }
    }

    /// When the platform's workloads see a change, as a sentence's end.
    fn takes_effect(self) -> &'static str {
        match self {
            Self::OpenFaas => openfaas::TAKES_EFFECT,
            Self::Pachyderm => pachyderm::TAKES_EFFECT,
            Self::Flyte => flyte::TAKES_EFFECT,
            Self::Flyte2 => flyte::v2::TAKES_EFFECT,
            Self::FlyteAgent => flyte::agent::TAKES_EFFECT,
            Self::Kestra => kestra::TAKES_EFFECT,
            Self::Direktiv => direktiv::TAKES_EFFECT,
        }
    }

    /// When its workloads pull with changed credentials of a registry.
    fn pulls(self) -> &'static str {
        match self {
            Self::OpenFaas => openfaas::PULLS,
            Self::Pachyderm => pachyderm::PULLS,
            Self::Flyte => flyte::PULLS,
            Self::Direktiv => direktiv::PULLS,
            Self::Flyte2 | Self::FlyteAgent | Self::Kestra => {
                "pods that start from then on pull with it"
            }
        }
    }

    /// Whether it has a way of its own to list the credentials of registries.
    pub fn lists_registries(self) -> bool {
        matches!(self, Self::OpenFaas | Self::Pachyderm | Self::Flyte | Self::Direktiv)
    }

    /// Whether a rule for the platform is one for Secrets of this type. Credentials of a registry are not its own where it has
    /// no list of them: its pods pull as all others do.
    pub fn rules_over(self, type_: Option<&str>) -> bool {
        type_ != Some(registry::CONFIG_TYPE) || self.lists_registries()
    }

    /// Which platform it is, and when that sees a change of a Secret of this type: for messages.
    pub fn sentence(self, type_: Option<&str>) -> String {
        let is_registry = type_ == Some(registry::CONFIG_TYPE);
        format!("for {self}: {}", if is_registry { self.pulls() } else { self.takes_effect() })
    }

    /// Where the Secret lies, from what the manifest or the flags say of its namespace and name.
    pub fn place(
        self,
        options: &Options,
        namespace: Option<&str>,
        name: Option<&str>,
    ) -> Result<Place, PresetError> {
        match self {
            Self::OpenFaas => openfaas::place(namespace, name),
            Self::Pachyderm => pachyderm::place(namespace, name),
            Self::Flyte => flyte::place(options, namespace, name),
            Self::Flyte2 => flyte::v2::place(options, namespace, name),
            Self::FlyteAgent => flyte::agent::place(namespace, name),
            Self::Kestra => kestra::place(namespace, name),
            Self::Direktiv => direktiv::place(options, namespace, name),
        }
    }

    /// Gives the manifest, which lies at `place`, the shape that the platform reads. `name` is what a person calls the
    /// secret.
    pub fn shape(
        self,
        options: &Options,
        name: Option<&str>,
        place: &Place,
        manifest: &mut Manifest,
    ) -> Result<(), PresetError> {
        match self {
            Self::OpenFaas => openfaas::shape(options, place, manifest),
            Self::Pachyderm => pachyderm::shape(manifest),
            Self::Flyte => flyte::shape(manifest),
            Self::Flyte2 => flyte::v2::shape(options, name, manifest),
            Self::FlyteAgent => flyte::agent::shape(options, manifest),
            Self::Kestra => kestra::shape(options, manifest),
            Self::Direktiv => direktiv::shape(options, name, manifest),
        }
    }

    /// What the platform would not find or would misread of a sealed file that is there. Needs no key, so it says nothing
    /// of values.
    pub fn check(
        self,
        options: &Options,
        object: &SealedSecret,
        place: &Place,
    ) -> Result<(), PresetError> {
        let no_template = Template::default();
        let seen = Seen::of(object, object.spec.template.as_ref().unwrap_or(&no_template), place);
        match self {
            Self::OpenFaas => openfaas::check(options, &seen),
            Self::Pachyderm => pachyderm::check(&seen),
            Self::Flyte => flyte::check(&seen),
            Self::Flyte2 => flyte::v2::check(&seen),
            Self::FlyteAgent => flyte::agent::check(&seen),
            Self::Kestra => kestra::check(&seen),
            Self::Direktiv => direktiv::check(&seen),
        }
    }

    /// `spec.onConflict` that the platform needs.
    pub fn on_conflict(self) -> Option<&'static str> {
        match self {
            Self::Direktiv => Some("AdoptEmpty"),
            Self::FlyteAgent => Some("Merge"),
            _ => None,
        }
    }

    /// Whether a line feed at the end of a value reaches the program, so that one that is there by accident must not be sealed.
    pub fn keeps_line_feeds(self) -> bool {
        matches!(self, Self::OpenFaas | Self::Kestra | Self::Pachyderm | Self::Direktiv)
    }

    /// One value as [`Preset::shape`] has it, under its key, for a sealed file that is there already.
    pub fn entry(
        self,
        options: &Options,
        key: &str,
        value: SecretValue,
    ) -> Result<(String, SecretValue), PresetError> {
        match self {
            Self::Kestra => kestra::entry(options, key, value),
            Self::FlyteAgent => flyte::agent::entry(key, value),
            _ => Ok((key.to_owned(), value)),
        }
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that names no preset of this version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no preset of that name; there is {}", Preset::ALL.map(Preset::as_str).join(", "))]
pub struct UnknownPreset;

impl FromStr for Preset {
    type Err = UnknownPreset;

    fn from_str(word: &str) -> Result<Self, UnknownPreset> {
        Self::ALL.into_iter().find(|preset| preset.as_str() == word).ok_or(UnknownPreset)
    }
}
