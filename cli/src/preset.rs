//! `--for PLATFORM` and what each platform has to be told; the rules themselves are seal-core's.

use std::collections::BTreeSet;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use seal_core::kind::sealed::SealedSecret;
use seal_core::manifest::Manifest;
use seal_core::place::Place;
use seal_core::preset::{Options, Preset, PresetError};

use crate::error::Failure;
use crate::values::Values;

/// A platform, and what it has to be told.
#[derive(Clone, Debug)]
pub(crate) struct Platform {
    pub(crate) preset: Preset,
    options: Options,
    /// The same for further projects and domains, each a namespace of its own.
    others: Vec<Options>,
}

impl Platform {
    /// The one that a sealed object was made for.
    pub(crate) fn noted(object: &SealedSecret) -> Option<Self> {
        Preset::noted(object).map(|(preset, options)| Self { preset, options, others: Vec::new() })
    }

    /// Notes it on a sealed object, and what it needs where a Secret of that name is there.
    pub(crate) fn note(&self, object: &mut SealedSecret) {
        self.preset.note(&self.options, object);
        let needed = self.preset.on_conflict().map(str::to_owned);
        object.spec.on_conflict = object.spec.on_conflict.take().or(needed);
    }

    /// Values for a sealed file that is there, as the platform reads them.
    pub(crate) fn entries(&self, values: Values) -> Result<Values, Failure> {
        let entry = |(key, value): (String, _)| self.preset.entry(&self.options, &key, value);
        let entries: Result<Values, PresetError> = values.into_iter().map(entry).collect();
        entries.map_err(|error| self.refused(error))
    }

    /// Which platform it is, and when that sees a change.
    pub(crate) fn sentence(&self) -> String {
        self.preset.sentence()
    }

    /// Where the platform looks for a Secret of this namespace and name.
    pub(crate) fn place(
        &self,
        namespace: Option<&str>,
        name: Option<&str>,
    ) -> Result<Place, Failure> {
        self.preset.place(&self.options, namespace, name).map_err(|error| self.refused(error))
    }

    /// The namespaces of a platform that is told of several; none where its one is that of the place.
    pub(crate) fn namespaces(&self) -> Result<Option<Vec<String>>, Failure> {
        if self.others.is_empty() {
            return Ok(None);
        }
        let mut namespaces = BTreeSet::new();
        for options in std::iter::once(&self.options).chain(&self.others) {
            let place =
                self.preset.place(options, None, options.group.as_deref().or(Some("group")));
            namespaces.insert(place.map_err(|error| self.refused(error))?.namespace);
        }
        Ok(Some(namespaces.into_iter().collect()))
    }

    /// Gives a manifest, which lies at `place`, the platform's shape.
    pub(crate) fn shape(
        &self,
        name: Option<&str>,
        place: &Place,
        manifest: &mut Manifest,
    ) -> Result<(), Failure> {
        let shaped = self.preset.shape(&self.options, name, place, manifest);
        shaped.map_err(|error| self.refused(error))
    }

    fn refused(&self, error: PresetError) -> Failure {
        Failure::input(format!("--for {}: {}", self.preset, error.message)).hint(error.hint)
    }
}

/// How Kestra reads the values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum KestraEncoding {
    /// In base64, as every release so far.
    Base64,
    /// As they are.
    Raw,
}

/// The flags of presets.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "For a platform")]
pub(crate) struct PresetArgs {
    /// Give the Secret the place, labels, keys and encoding that PLATFORM reads
    ///
    /// One of openfaas, pachyderm, flyte, flyte2, flyte-agent, kestra, direktiv; docs/platforms says what each makes.
    #[arg(long = "for", value_name = "PLATFORM", value_parser = platforms(), hide_possible_values = true, help_heading = "The live Secret")]
    pub(crate) platform: Option<Preset>,
    /// openfaas, flyte-agent: the key of a single value; openfaas takes the secret's name otherwise
    #[arg(long, hide_short_help = true, requires = "platform")]
    key: Option<String>,
    /// openfaas: keep several keys
    #[arg(long, hide_short_help = true, requires = "platform")]
    multi: bool,
    /// flyte, flyte2: the project; of flyte several, each with every domain, make a ClusterSealedSecret
    #[arg(long, hide_short_help = true, requires = "platform")]
    project: Vec<String>,
    /// flyte, flyte2: the domain, such as development
    #[arg(long, hide_short_help = true, requires = "platform")]
    domain: Vec<String>,
    /// flyte: the group of secrets, which is the Secret's name
    #[arg(long, hide_short_help = true, requires = "platform")]
    group: Option<String>,
    /// kestra: how it is set to read values
    #[arg(long, value_name = "ENCODING", hide_short_help = true, requires = "platform")]
    kestra_encoding: Option<KestraEncoding>,
    /// kestra: the values are base64 already
    #[arg(long, hide_short_help = true, requires = "platform")]
    already_base64: bool,
    /// direktiv: its own namespace, which is none of Kubernetes
    #[arg(long, value_name = "NS", hide_short_help = true, requires = "platform")]
    direktiv_namespace: Option<String>,
    /// direktiv: its release, such as 0.10
    #[arg(long, value_name = "VERSION", hide_short_help = true, requires = "platform")]
    direktiv_version: Option<String>,
}

/// With the list of platforms, so that help and errors have it.
fn platforms() -> impl TypedValueParser<Value = Preset> {
    let words = Preset::ALL.map(Preset::as_str);
    PossibleValuesParser::new(words).try_map(|word| word.parse::<Preset>())
}

impl PresetArgs {
    /// The platform, if there is one.
    pub(crate) fn platform(&self) -> Option<Platform> {
        let preset = self.platform?;
        let mut all = self.projects().into_iter();
        let (project, domain) = all.next().unwrap_or_default();
        let options = Options {
            key: self.key.clone(),
            multi: self.multi,
            project,
            domain,
            group: self.group.clone(),
            raw: self.kestra_encoding == Some(KestraEncoding::Raw),
            already_base64: self.already_base64,
            direktiv_namespace: self.direktiv_namespace.clone(),
            direktiv_version: self.direktiv_version.clone(),
        };
        let other = |(project, domain)| Options { project, domain, ..options.clone() };
        let others = all.map(other).collect();
        Some(Platform { preset, options, others })
    }

    /// Whether it is for several projects or domains: then one file serves them all.
    pub(crate) fn is_for_several(&self) -> bool {
        self.projects().len() > 1
    }

    /// Every project with every domain.
    fn projects(&self) -> Vec<(Option<String>, Option<String>)> {
        let mut all = Vec::new();
        for project in or_none(&self.project) {
            all.extend(or_none(&self.domain).into_iter().map(|domain| (project.clone(), domain)));
        }
        all
    }

    /// The key of a value that comes without one: the preset gives it another.
    pub(crate) fn default_key(&self) -> Option<&str> {
        match self.platform? {
            Preset::OpenFaas if self.multi => None, // keeps the keys that it is given
            Preset::FlyteAgent if self.key.is_none() => None,
            Preset::OpenFaas | Preset::Flyte2 | Preset::FlyteAgent | Preset::Direktiv => {
                Some("value")
            }
            Preset::Pachyderm | Preset::Flyte | Preset::Kestra => None,
        }
    }

    /// Refuses flags that the platform has no use for.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let Some(platform) = self.platform else { return Ok(()) };
        use Preset::*;
        let uses: [(&str, bool, &[Preset]); 9] = [
            ("--key", self.key.is_some(), &[OpenFaas, FlyteAgent]),
            ("--multi", self.multi, &[OpenFaas]),
            ("--project", !self.project.is_empty(), &[Flyte, Flyte2]),
            ("--domain", !self.domain.is_empty(), &[Flyte, Flyte2]),
            ("--group", self.group.is_some(), &[Flyte]),
            ("--kestra-encoding", self.kestra_encoding.is_some(), &[Kestra]),
            ("--already-base64", self.already_base64, &[Kestra]),
            ("--direktiv-namespace", self.direktiv_namespace.is_some(), &[Direktiv]),
            ("--direktiv-version", self.direktiv_version.is_some(), &[Direktiv]),
        ];
        match uses.iter().find(|(_, given, of)| *given && !of.contains(&platform)) {
            Some((flag, _, _)) => {
                Err(Failure::input(format!("{flag} means nothing for {platform}"))
                    .hint("leave it out; `seal --help` says which platform each is for"))
            }
            None if self.is_for_several() && platform == Flyte2 => {
                Err(Failure::input("flyte2 keeps a value of each project and domain under a name of its own")
                    .hint("seal one file for each; or leave --project out, which is every project of the domain"))
            }
            None => Ok(()),
        }
    }
}

fn or_none(texts: &[String]) -> Vec<Option<String>> {
    if texts.is_empty() { vec![None] } else { texts.iter().cloned().map(Some).collect() }
}
