//! `seal FILE…`: manifests, or values without one → sealed objects.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use seal_core::kind::sealed::{SealedSecret, Template};
use seal_core::manifest::{self, Manifest, ManifestError};
use seal_core::preset::Preset;

use crate::console::{self, Console};
use crate::error::Failure;
use crate::files;
use crate::identities::IdentityArgs;
use crate::output::{self, Destination, OutputArgs};
use crate::policy::{Choices, RecipientArgs};
use crate::preset::{Platform, PresetArgs};
use crate::recall::Recall;
use crate::scope::ScopeArgs;
use crate::sealing::cluster::{ClusterArgs, file_of};
use crate::sealing::{self, Sealed, TemplateArgs, Wanted};
use crate::values::{self, Given, ValueArgs, Values};

/// Seal Secret manifests, so that they can be kept in Git
///
/// Reads Secrets (JSON or YAML, several documents or a List) from FILE or standard input, and writes
/// SealedSecrets: only the holders of the recipients' private keys can open them, and only under the same
/// namespace and name. Seals for whom .seal.yaml names, or -r.
#[derive(Debug, clap::Args)]
pub(crate) struct SealArgs {
    /// Secret manifests to seal; - is standard input
    ///
    /// Standard input is also read when it is a pipe and nothing is named.
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    recipients: RecipientArgs,
    #[command(flatten)]
    template: TemplateArgs,
    #[command(flatten)]
    scope: ScopeArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
    #[command(flatten)]
    preset: PresetArgs,
    #[command(flatten)]
    values: ValueArgs,
    /// Ask for the value of KEY without showing it (can be repeated)
    #[arg(long, value_name = "KEY", help_heading = "Values without a manifest")]
    prompt: Vec<String>,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    identity: CompareArgs,
}

/// The flag that names identities for comparing.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
struct CompareArgs {
    /// Leave a value as it is sealed where this identity shows that it is the same (can be repeated)
    ///
    /// Without it, values that this machine has sealed itself are known to be the same, from $SEAL_CACHE or your folder for
    /// caches; SEAL_CACHE=off remembers nothing.
    #[arg(short, long, value_name = "FILE", hide_short_help = true)]
    identity: Vec<PathBuf>,
}

impl SealArgs {
    /// The first file that is named.
    pub(crate) fn first_file(&self) -> Option<&PathBuf> {
        self.files.first()
    }
}

/// Seals everything that was named, each for the file that it goes to, then writes everything.
pub(crate) fn run(args: &SealArgs, console: &mut Console) -> Result<(), Failure> {
    args.values.check()?;
    args.template.check()?;
    args.cluster.check(&args.scope, args.preset.is_for_several())?;
    args.output.check_use()?;
    let mut given = Some(read_values(args)?).filter(|given| !given.is_empty());
    let mut session = Session::new(args)?;
    let (mut outputs, mut sources) = (Vec::new(), also_read(args));
    for path in inputs(args)? {
        let manifests = read_manifests(args, path.as_deref(), given.is_some())?;
        let input = path.or_else(|| env_file(args)).unwrap_or_else(|| PathBuf::from("-"));
        for manifest in manifests {
            let given = given.take().unwrap_or_default();
            outputs.push(seal_one(args, manifest, given, &input, &mut session)?);
        }
        sources.push(input);
    }
    session.choices.sentences().iter().for_each(|sentence| console::say(sentence));
    session.choices.warnings().into_iter().for_each(console::warn);
    args.output.write(outputs, &sources, &session.recall, console)
}

/// What one run knows while it goes from manifest to manifest.
struct Session<'a> {
    choices: Choices<'a>,
    recall: Recall,
    /// The objects of the file that was looked at last.
    before: (Destination, Vec<SealedSecret>),
}

impl<'a> Session<'a> {
    fn new(args: &'a SealArgs) -> Result<Self, Failure> {
        let identity = IdentityArgs { identity: args.identity.identity.clone() };
        let has_identity = !identity.identity.is_empty();
        let keyring = if has_identity { Some(identity.keyring()?) } else { None };
        Ok(Self {
            choices: Choices::new(&args.recipients),
            recall: Recall::open(keyring),
            before: (Destination::Stdout, Vec::new()),
        })
    }

    /// Looks at what stands where it goes.
    fn look_at(&mut self, destination: &Destination) -> Result<(), Failure> {
        if self.before.0 != *destination {
            self.before = (destination.clone(), output::objects_at(destination)?);
        }
        Ok(())
    }
}

/// Seals one manifest for the file that it goes to.
fn seal_one(
    args: &SealArgs,
    mut manifest: Manifest,
    given: Given,
    input: &Path,
    session: &mut Session<'_>,
) -> Result<(Destination, Sealed), Failure> {
    let about = |failure: Failure| failure.about_file(input);
    let flagged = args.preset.flagged();
    let is_cluster = args.cluster.cluster || args.preset.is_for_several();
    if flagged.is_none() && args.template.namespace.is_none() && manifest.namespace.is_none() {
        manifest.namespace = args.cluster.home(&args.scope);
    }
    let file = || {
        let place = sealing::place(&manifest, &args.template, flagged.as_ref(), None);
        place.map(|place| file_of(&place, is_cluster)).map_err(about)
    };
    let destination = args.output.destination(input, file)?;
    let chosen = session.choices.of(args.output.target(&destination, input))?;
    session.look_at(&destination)?;
    let type_ = args.template.type_.as_deref().or(manifest.template.type_.as_deref());
    let is_ruled = |ruled: &Preset| args.preset.platform.is_some() || ruled.rules_over(type_);
    let platform = args.preset.platform(chosen.platform.filter(is_ruled)).map_err(about)?;
    let values = values_for(platform.as_ref(), args, given)?;
    let wanted = Wanted {
        template: &args.template,
        scope: &args.scope,
        cluster: is_cluster.then_some(&args.cluster),
        chosen: &chosen,
        platform: platform.as_ref(),
        line_feeds: args.values.line_feeds(),
        recall: &session.recall,
        before: &session.before.1,
    };
    let sealed = sealing::seal(manifest, values, &wanted).map_err(about)?;
    let file = file_of(&sealed.place, is_cluster);
    args.output.is_at(&destination, input, &sealed.place, file).map_err(about)?;
    Ok((destination, sealed))
}

/// The values, as keys of a Secret for this platform.
fn values_for(
    platform: Option<&Platform>,
    args: &SealArgs,
    given: Given,
) -> Result<Values, Failure> {
    if platform.is_none() && is_values_alone(args) && args.template.name.is_none() {
        return Err(
            Failure::input("values without a manifest need a name").hint("--name NAME -n NS")
        );
    }
    let key = platform.and_then(|platform| args.preset.default_key(platform.preset));
    args.values.under(key, given)
}

/// What is read besides manifests: none of it is ever written over.
fn also_read(args: &SealArgs) -> Vec<PathBuf> {
    let values = args.values.from_env_file.iter().chain(&args.values.dotenv);
    let mut paths: Vec<PathBuf> = values.chain(&args.recipients.recipients_file).cloned().collect();
    for argument in &args.values.from_file {
        let behind = argument.to_str().and_then(|text| text.split_once('='));
        paths.push(behind.map_or_else(|| PathBuf::from(argument), |(_, path)| PathBuf::from(path)));
    }
    paths
}

fn read_values(args: &SealArgs) -> Result<Given, Failure> {
    let mut given = args.values.read()?;
    for key in &args.prompt {
        values::insert(key.clone(), args.values.prompt(key)?, &mut given.named)?;
    }
    Ok(given)
}

fn is_values_alone(args: &SealArgs) -> bool {
    args.files.is_empty() && (args.values.given() || !args.prompt.is_empty())
}

/// The files to read; `None` stands for a Secret of which only values are given.
fn inputs(args: &SealArgs) -> Result<Vec<Option<PathBuf>>, Failure> {
    if !args.files.is_empty() {
        return Ok(args.files.iter().cloned().map(Some).collect());
    }
    if is_values_alone(args) {
        return Ok(vec![None]);
    }
    if files::stdin_is_terminal() {
        return Err(
            Failure::input("no manifest to seal").hint("`seal secret.yaml`, or `seal --help`")
        );
    }
    Ok(vec![Some(PathBuf::from("-"))])
}

/// With values alone, -w names the output after the one env file they come from.
fn env_file(args: &SealArgs) -> Option<PathBuf> {
    let mut files = args.values.dotenv.iter().chain(&args.values.from_env_file);
    files.next().filter(|_| files.next().is_none()).cloned()
}

fn read_manifests(
    args: &SealArgs,
    path: Option<&Path>,
    with_values: bool,
) -> Result<Vec<Manifest>, Failure> {
    let Some(path) = path else { return Ok(vec![no_manifest()]) };
    let text = files::read_text(path)?;
    let manifests = manifest::read(&text, &args.template.kept_annotations()).map_err(|error| {
        let is_emptied = error == ManifestError::Empty
            && files::stdout_file().is_some_and(|out| files::is_same_file(&out, path));
        let failure = Failure::from(error).about_file(path);
        if is_emptied { failure.hint(files::EMPTIED) } else { failure }
    })?;
    if with_values && (manifests.len() > 1 || args.files.len() > 1) {
        return Err(Failure::input(
            "values are given, and more than one Secret that they could be for",
        )
        .hint("seal them one by one"));
    }
    Ok(manifests)
}

/// What values without a manifest are added to.
fn no_manifest() -> Manifest {
    Manifest {
        namespace: None,
        name: None,
        template: Template::default(),
        values: BTreeMap::new(),
        dropped: Vec::new(),
        empty: Vec::new(),
    }
}
