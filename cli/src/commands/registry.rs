//! `seal registry`: credentials of a container registry → a sealed docker config.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use seal_core::kind::sealed::Template;
use seal_core::manifest::Manifest;
use seal_core::preset::{Options, Preset, PullSecret};
use seal_core::registry::{CONFIG_KEY, CONFIG_TYPE, Login, Registry, login_of};

use crate::calendar::Expiry;
use crate::console::{self, Console};
use crate::error::Failure;
use crate::files;
use crate::output::{self, OutputArgs};
use crate::policy::{Choices, RecipientArgs};
use crate::preset::{Platform, agreed};
use crate::recall::Recall;
use crate::scope::ScopeArgs;
use crate::sealing::cluster::file_of;
use crate::sealing::{self, Sealed, TemplateArgs, Wanted};
use crate::values::{LineFeeds, PasswordArgs, Values};

/// Seal the credentials of a container registry
///
/// Makes a Secret with the one docker config under which the kubelet finds the credentials of HOST, such as ghcr.io,
/// docker.io, registry.example:5000 or, for all images beneath it, ghcr.io/org/. The password is read from standard
/// input, or asked for. What the kubelet would never find, or what would fail every pull of a pod, is refused.
///
/// Example: printf %s "$TOKEN" | seal registry ghcr.io/org/ --username me -n prod --name ghcr -o ghcr.sealed.yaml
#[derive(Debug, clap::Args)]
pub(crate) struct RegistryArgs {
    /// The registry, as the names of images begin
    #[arg(value_name = "HOST")]
    host: String,
    /// The user
    #[arg(short, long, value_name = "USER")]
    username: Option<String>,
    #[command(flatten)]
    password: PasswordArgs,
    /// Google's registry: the JSON key file of a service account, as it is
    #[arg(long, value_name = "FILE", conflicts_with_all = ["username", "from_docker_config"])]
    gar_key: Option<PathBuf>,
    /// Take the credentials of HOST out of a docker config, such as ~/.docker/config.json
    #[arg(long, value_name = "FILE", conflicts_with = "username")]
    from_docker_config: Option<PathBuf>,
    /// The day after which the credentials are no longer valid: 2027-01-31
    ///
    /// Written on the sealed object; `seal inspect` shows it, and `seal check` warns when it is past.
    #[arg(long, value_name = "DATE")]
    expires: Option<String>,
    #[command(flatten)]
    place: PlaceArgs,
    #[command(flatten)]
    platform: PlatformArgs,
    #[command(flatten)]
    recipients: RecipientArgs,
    #[command(flatten)]
    scope: ScopeArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// What the live Secret is besides its docker config.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "The live Secret")]
struct PlaceArgs {
    /// Its namespace
    #[arg(short, long, value_name = "NS")]
    namespace: Option<String>,
    /// Its name
    #[arg(long)]
    name: Option<String>,
    /// Set a label (can be repeated)
    #[arg(long, value_name = "K=V")]
    label: Vec<String>,
    /// Set an annotation (can be repeated)
    #[arg(long, value_name = "K=V")]
    annotation: Vec<String>,
    /// What happens where a Secret of that name is there already: Refuse (default), AdoptEmpty or Adopt
    #[arg(long, value_name = "CHOICE")]
    on_conflict: Option<String>,
    /// keep: the Secret stays when the sealed object is deleted
    #[arg(long, value_name = "WORD", value_parser = ["keep"])]
    on_delete: Option<String>,
    /// A ServiceAccount whose pods pull images with it (can be repeated)
    ///
    /// Of the Secret's namespace, by a controller that was installed with --attach-pull-secrets.
    #[arg(long, value_name = "NAME")]
    service_account: Vec<String>,
}

/// For which platform, and what that has to be told.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "For a platform")]
struct PlatformArgs {
    /// Give the Secret the namespace, name and labels that PLATFORM lists registries by
    ///
    /// One of openfaas, pachyderm, flyte, direktiv.
    #[arg(long = "for", value_name = "PLATFORM", value_parser = platforms(), hide_possible_values = true)]
    preset: Option<Preset>,
    /// flyte: the project
    #[arg(long)]
    project: Option<String>,
    /// flyte: the domain, such as development
    #[arg(long)]
    domain: Option<String>,
    /// direktiv: its own namespace, which is none of Kubernetes
    #[arg(long, value_name = "NS")]
    direktiv_namespace: Option<String>,
    /// direktiv: its release, such as 0.8.0
    #[arg(long, value_name = "VERSION")]
    direktiv_version: Option<String>,
}

fn platforms() -> impl TypedValueParser<Value = Preset> {
    let words = Preset::ALL.into_iter().filter(|preset| preset.lists_registries());
    PossibleValuesParser::new(words.map(Preset::as_str)).try_map(|word| word.parse::<Preset>())
}

/// Reads the credentials, makes the docker config, and seals it as any other value.
pub(crate) fn run(args: &RegistryArgs, console: &mut Console) -> Result<(), Failure> {
    args.output.check_use()?;
    args.password.check()?;
    let template = args.place.template()?;
    let expiry = args.expires.as_deref().map(Expiry::from_flag).transpose()?;
    let registry = Registry::parse(&args.host)?;
    let login = args.login(&registry)?;
    let flagged = args.platform.platform(args.platform.preset, &registry, &login);
    let manifest = manifest(&login, &registry);
    let input = Path::new("-");
    let place = || sealing::place(&manifest, &template, flagged.as_ref(), None);
    let file = || place().map(|place| file_of(&place, false));
    let destination = args.output.destination(input, file)?;
    let mut choices = Choices::new(&args.recipients);
    let chosen = choices.of(args.output.target(&destination, input))?;
    // A platform without a way of its own to list registries takes them as every pod does.
    let ruled = agreed(args.platform.preset, chosen.platform)?;
    let preset = ruled.filter(|preset| preset.lists_registries());
    args.platform.check(preset)?;
    let platform = args.platform.platform(preset, &registry, &login);
    let (recall, before) = (Recall::open(None), output::objects_at(&destination)?);
    let wanted = Wanted {
        template: &template,
        scope: &args.scope,
        cluster: None,
        chosen: &chosen,
        platform: platform.as_ref(),
        line_feeds: LineFeeds::Keep,
        recall: &recall,
        before: &before,
    };
    let mut sealed = sealing::seal(manifest, Values::new(), &wanted)?;
    args.output.is_at(&destination, input, &sealed.place, file_of(&sealed.place, false))?;
    expiry.iter().for_each(|expiry| expiry.note(&mut sealed.object));
    tell_whose(&sealed, &login, &registry);
    choices.sentences().iter().for_each(|sentence| console::say(sentence));
    choices.warnings().into_iter().for_each(console::warn);
    args.output.write(vec![(destination, sealed)], &args.sources(), &recall, console)
}

fn tell_whose(sealed: &Sealed, login: &Login, registry: &Registry) {
    let (user, host, key) = (login.username(), registry.written(), registry.key());
    console::say(&format!("{}: {user} of {host}, under {key}", sealed.place));
}

fn manifest(login: &Login, registry: &Registry) -> Manifest {
    Manifest {
        namespace: None,
        name: None,
        template: Template { type_: Some(CONFIG_TYPE.to_owned()), ..Template::default() },
        values: BTreeMap::from([(CONFIG_KEY.to_owned(), login.config(registry))]),
        dropped: Vec::new(),
        empty: Vec::new(),
    }
}

impl RegistryArgs {
    /// Who logs in.
    fn login(&self, registry: &Registry) -> Result<Login, Failure> {
        let elsewhere = self.gar_key.as_ref().map(|_| "--gar-key");
        let elsewhere =
            elsewhere.or(self.from_docker_config.as_ref().map(|_| "--from-docker-config"));
        if let Some(flag) = elsewhere.filter(|_| self.password.given()) {
            return Err(Failure::input(format!(
                "{flag} has the password, and another one is named"
            ))
            .hint("leave one of the two out"));
        }
        if let Some(file) = &self.gar_key {
            let key = files::read(file)?;
            return Login::of_service_account(&key)
                .map_err(|error| Failure::from(error).about_file(file));
        }
        if let Some(file) = &self.from_docker_config {
            let config = files::read(file)?;
            return login_of(&config, registry)
                .map_err(|error| Failure::from(error).about_file(file));
        }
        let Some(username) = self.username.as_deref() else {
            return Err(Failure::input("whose credentials they are is not said").hint(
                "--username USER; or --gar-key FILE, --from-docker-config ~/.docker/config.json",
            ));
        };
        let password = self.password.read(&format!("{username} at {}", registry.written()))?;
        Ok(Login::new(username, password)?)
    }

    /// What is read: none of it is ever written over.
    fn sources(&self) -> Vec<PathBuf> {
        let files = [&self.password.password_file, &self.gar_key, &self.from_docker_config];
        files.into_iter().flatten().chain(&self.recipients.recipients_file).cloned().collect()
    }
}

impl PlaceArgs {
    fn template(&self) -> Result<TemplateArgs, Failure> {
        if let Some(index) = self.annotation.iter().position(|text| !text.contains('=')) {
            return Err(Failure::input(format!("--annotation number {} has no =", index + 1))
                .hint("--annotation K=V"));
        }
        let template = TemplateArgs {
            namespace: self.namespace.clone(),
            name: self.name.clone(),
            annotation: self.annotation.clone(),
            label: self.label.clone(),
            type_: None,
            clear: Vec::new(),
            on_conflict: self.on_conflict.clone(),
            on_delete: self.on_delete.clone(),
            service_account: self.service_account.clone(),
        };
        if self.on_conflict.as_deref() == Some("Merge") {
            return Err(Failure::input(
                "--on-conflict Merge: no pod pulls with keys of a Secret of others",
            )
            .hint("--on-conflict takes Refuse, AdoptEmpty or Adopt here"));
        }
        template.check().map(|()| template)
    }
}

impl PlatformArgs {
    /// Refuses flags that the platform has no use for.
    fn check(&self, preset: Option<Preset>) -> Result<(), Failure> {
        let uses = [
            ("--project", self.project.is_some(), Preset::Flyte),
            ("--domain", self.domain.is_some(), Preset::Flyte),
            ("--direktiv-namespace", self.direktiv_namespace.is_some(), Preset::Direktiv),
            ("--direktiv-version", self.direktiv_version.is_some(), Preset::Direktiv),
        ];
        match uses.iter().find(|(_, given, of)| *given && preset != Some(*of)) {
            Some((flag, _, of)) => {
                Err(Failure::input(format!("{flag} means nothing without --for {of}"))
                    .hint("leave it out, or name the platform"))
            }
            None => Ok(()),
        }
    }

    fn platform(
        &self,
        preset: Option<Preset>,
        registry: &Registry,
        login: &Login,
    ) -> Option<Platform> {
        let options = Options {
            project: self.project.clone(),
            domain: self.domain.clone(),
            direktiv_namespace: self.direktiv_namespace.clone(),
            direktiv_version: self.direktiv_version.clone(),
            registry: Some(PullSecret {
                url: registry.written().to_owned(),
                user: login.username().to_owned(),
            }),
            ..Options::default()
        };
        preset.map(|preset| Platform::of_registry(preset, options))
    }
}
