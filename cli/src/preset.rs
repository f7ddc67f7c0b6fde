//! `--for PLATFORM` and what each platform has to be told; the rules themselves are seal-core's.

use std::collections::{BTreeMap, BTreeSet};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use seal_core::kind::sealed::SealedSecret;
use seal_core::manifest::Manifest;
use seal_core::place::{Place, is_key};
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
        // Of credentials of registries a platform makes no placeholders.
        let needed = self.preset.on_conflict().filter(|_| self.options.registry.is_none());
        object.spec.on_conflict = object.spec.on_conflict.take().or(needed.map(str::to_owned));
    }

    /// Whether a value is sealed in other bytes than it was given.
    pub(crate) fn encodes(&self) -> bool {
        self.preset == Preset::Kestra && !self.options.raw
    }

    /// Values for a sealed file that is there, as the platform reads them.
    pub(crate) fn entries(&self, values: Values) -> Result<Values, Failure> {
        let (mut entries, mut names) = (Values::new(), BTreeMap::new());
        for (name, value) in values {
            let entry = self.preset.entry(&self.options, &name, value);
            let (key, value) = entry.map_err(|error| self.refused(error))?;
            if let Some(before) = names.insert(key.clone(), name.clone()) {
                let message = format!("{before} and {name} are one key to {}, {key}", self.preset);
                return Err(Failure::input(message).hint("leave one of the two out"));
            }
            entries.insert(key, value);
        }
        Ok(entries)
    }

    /// Refuses a sealed object that the platform would not find or would misread, as far as no key is needed.
    pub(crate) fn look_over(&self, object: &SealedSecret, place: &Place) -> Result<(), Failure> {
        let checked = self.preset.check(&self.options, object, place);
        checked.map_err(|error| self.refused(error))
    }

    /// Which platform it is, and when that sees a change of a Secret of this type.
    pub(crate) fn sentence(&self, type_: Option<&str>) -> String {
        self.preset.sentence(type_)
    }

    /// The platform of credentials of a registry.
    pub(crate) fn of_registry(preset: Preset, options: Options) -> Self {
        Self { preset, options, others: Vec::new() }
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
    #[arg(long, hide_short_help = true)]
    key: Option<String>,
    /// openfaas: keep several keys
    #[arg(long, hide_short_help = true)]
    multi: bool,
    /// flyte, flyte2: the project; of flyte several, each with every domain, make a ClusterSealedSecret
    #[arg(long, hide_short_help = true)]
    project: Vec<String>,
    /// flyte, flyte2: the domain, such as development
    #[arg(long, hide_short_help = true)]
    domain: Vec<String>,
    /// flyte: the group of secrets, which is the Secret's name
    #[arg(long, hide_short_help = true)]
    group: Option<String>,
    /// kestra: how it is set to read values
    #[arg(long, value_name = "ENCODING", hide_short_help = true)]
    kestra_encoding: Option<KestraEncoding>,
    /// kestra: the values are base64 already
    #[arg(long, hide_short_help = true)]
    already_base64: bool,
    /// direktiv: its own namespace, which is none of Kubernetes
    #[arg(long, value_name = "NS", hide_short_help = true)]
    direktiv_namespace: Option<String>,
    /// direktiv: its release, such as 0.10
    #[arg(long, value_name = "VERSION", hide_short_help = true)]
    direktiv_version: Option<String>,
}

/// With the list of platforms, so that help and errors have it.
pub(crate) fn platforms() -> impl TypedValueParser<Value = Preset> {
    let words = Preset::ALL.map(Preset::as_str);
    PossibleValuesParser::new(words).try_map(|word| word.parse::<Preset>())
}

/// The platform of a flag and of a rule of `.seal.yaml`: the flag counts only where it says the same.
pub(crate) fn agreed(
    flag: Option<Preset>,
    ruled: Option<Preset>,
) -> Result<Option<Preset>, Failure> {
    match (flag, ruled) {
        (Some(flag), Some(ruled)) if flag != ruled => {
            let message = format!(
                "--for {flag} is not what the rule of .seal.yaml for this path says: {ruled}"
            );
            Err(Failure::input(message).hint("write it elsewhere, or change the rule"))
        }
        (flag, ruled) => Ok(flag.or(ruled)),
    }
}

impl PresetArgs {
    /// The platform that the flags name, before it is known which rule counts.
    pub(crate) fn flagged(&self) -> Option<Platform> {
        self.platform.map(|preset| self.with(preset))
    }

    /// The platform of the flags and of the rule.
    pub(crate) fn platform(&self, ruled: Option<Preset>) -> Result<Option<Platform>, Failure> {
        let preset = agreed(self.platform, ruled)?;
        self.check(preset)?;
        Ok(preset.map(|preset| self.with(preset)))
    }

    fn with(&self, preset: Preset) -> Platform {
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
            registry: None,
        };
        let other = |(project, domain)| Options { project, domain, ..options.clone() };
        let others = all.map(other).collect();
        Platform { preset, options, others }
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

    /// The key of a value that comes without one to a platform: its preset gives it another.
    pub(crate) fn default_key(&self, platform: Preset) -> Option<&str> {
        match platform {
            Preset::OpenFaas if self.multi => None, // keeps the keys that it is given
            Preset::FlyteAgent if self.key.is_none() => None,
            Preset::OpenFaas | Preset::Flyte2 | Preset::FlyteAgent | Preset::Direktiv => {
                Some("value")
            }
            Preset::Pachyderm | Preset::Flyte | Preset::Kestra => None,
        }
    }

    /// Refuses flags that the platform has no use for.
    fn check(&self, platform: Option<Preset>) -> Result<(), Failure> {
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
        if self.key.as_deref().is_some_and(|key| !is_key(key)) {
            return Err(Failure::input("--key: what was named cannot be a key of a Secret")
                .hint("a key is made of letters, digits, - . _"));
        }
        let is_of = |of: &[Preset]| platform.is_some_and(|platform| of.contains(&platform));
        let Some((flag, ..)) = uses.iter().find(|(_, given, of)| *given && !is_of(of)) else {
            return self.not_several_of(platform);
        };
        let message = match platform {
            Some(platform) => format!("{flag} means nothing for {platform}"),
            None => format!("{flag} means nothing without --for PLATFORM"),
        };
        Err(Failure::input(message)
            .hint("leave it out; `seal --help` says which platform each is for"))
    }

    fn not_several_of(&self, platform: Option<Preset>) -> Result<(), Failure> {
        if !self.is_for_several() || platform != Some(Preset::Flyte2) {
            return Ok(());
        }
        Err(Failure::input(
            "flyte2 keeps a value of each project and domain under a name of its own",
        )
        .hint(
            "seal one file for each; or leave --project out, which is every project of the domain",
        ))
    }
}

fn or_none(texts: &[String]) -> Vec<Option<String>> {
    if texts.is_empty() { vec![None] } else { texts.iter().cloned().map(Some).collect() }
}
