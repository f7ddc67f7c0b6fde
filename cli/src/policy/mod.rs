//! For whom to seal: from `-r` and `-R`, else from the nearest `.seal.yaml` above the file that is written; from nowhere
//! else.
//!
//! The walk up ends at the root of the Git work tree; outside of one only the file's own folder counts. A `.seal.yaml`
//! further up may be anybody's. Every file on the way is read, because a nested one may only take recipients away. Its
//! format is read by `seal_core::policy_file`.

mod held;
mod meaning;
mod recipients;
mod rules;
mod source;
mod trust;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use seal_core::exit_code::ExitCode;
use seal_core::key::Recipient;
use seal_core::place::Scope;
use seal_core::preset::Preset;

use crate::error::Failure;
use crate::files::{self, relative};

pub(crate) use held::{BadPolicy, Dated, Held};
pub(crate) use meaning::{Meaning, differences};
pub(crate) use recipients::{for_rule, pinned_in_file};
use rules::Policies;
pub(crate) use rules::{files_above, names, with_name};
pub(crate) use source::{Revision, Source, is_policy, line_of};
pub(crate) use trust::load;

pub(crate) const FILE_NAME: &str = ".seal.yaml";
/// What it is called by mistake.
pub(crate) const MISNAMED: &str = ".seal.yml";

/// The flags that name recipients.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "For whom")]
pub(crate) struct RecipientArgs {
    /// Who may open it (default: the nearest .seal.yaml; can be repeated)
    #[arg(short, long, value_name = "RECIPIENT")]
    pub(crate) recipient: Vec<String>,
    /// A file of recipients, one a line (can be repeated)
    ///
    /// As age's -R takes it, with # comments and blank lines.
    #[arg(short = 'R', long, value_name = "FILE")]
    pub(crate) recipients_file: Vec<PathBuf>,
}

/// Which file decides what counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// This one is written; it need not exist yet.
    Written(PathBuf),
    /// This one is there and is changed.
    Edited(PathBuf),
    /// Standard output that is no file: nobody can see where what is sealed will lie. It was made of something in this
    /// folder.
    Unseen(PathBuf),
}

impl Target {
    /// The path that rules are held against.
    fn real_path(&self) -> Result<PathBuf, Failure> {
        match self {
            Self::Written(path) | Self::Edited(path) => files::real_path(path),
            Self::Unseen(folder) => Ok(files::real_path(folder)?.join("-")),
        }
    }
}

/// For whom to seal a file, and what else its rule says.
#[derive(Debug, Default)]
pub(crate) struct Chosen {
    pub(crate) recipients: Vec<Recipient>,
    /// The names that the rule has for them, by fingerprint.
    pub(crate) names: BTreeMap<String, String>,
    /// The days on which their keys were made, as far as they are noted, by fingerprint.
    pub(crate) created: BTreeMap<String, String>,
    /// The number of the rule in its file.
    pub(crate) rule: usize,
    /// The sentence that says who they are and where they were named.
    pub(crate) sentence: String,
    /// Said when a recipient is classic: sealing goes on.
    pub(crate) warning: Option<String>,
    pub(crate) namespace: Option<String>,
    /// The platform that its rule is for.
    pub(crate) platform: Option<Preset>,
    pub(crate) clear: BTreeSet<String>,
}

impl Chosen {
    /// Refuses a scope with another namespace than the rule's: what may be opened elsewhere is sealed for elsewhere too.
    pub(crate) fn holds(&self, scope: &Scope) -> Result<(), Failure> {
        let Some(ruled) = &self.namespace else { return Ok(()) };
        match scope.namespaces.iter().find(|namespace| *namespace != ruled) {
            None => Ok(()),
            Some(other) => Err(Failure::input(format!(
                "its scope has {other}, and the rule of .seal.yaml for this path is for {ruled}"
            ))
            .hint("write it elsewhere, or change the rule")),
        }
    }
}

/// A recipient and what messages call it; one from the command line has an empty name.
pub(crate) type Named = (String, Recipient);

/// Chooses for one file.
pub(crate) fn choose(args: &RecipientArgs, target: &Target) -> Result<Rc<Chosen>, Failure> {
    choose_by(&mut Policies::default(), args, target)
}

/// The name in `.seal.yaml` of the recipient whose identity is kept offline.
const OFFLINE: &str = "offline";

/// For whom a backup of keys is: whom flags name, else the offline recipient of the nearest `.seal.yaml` that has one.
pub(crate) fn for_backup(args: &RecipientArgs) -> Result<(Vec<Recipient>, String), Failure> {
    if args.given() {
        let chosen = recipients::from_flags(args, &BTreeMap::new())?;
        return Ok((chosen.recipients, chosen.sentence));
    }
    let here = files::real_path(Path::new("."))?.join("-");
    for path in files_above(&here) {
        let policy = load(&path)?;
        if policy.recipients.contains_key(OFFLINE) {
            let named = recipients::resolve(&Source::Disk, &policy, &path, OFFLINE)?;
            let sentence = format!("for {OFFLINE} of {}", relative(&path));
            return Ok((named.into_iter().map(|(_, it)| it).collect(), sentence));
        }
    }
    let message =
        format!("no {FILE_NAME} here names a recipient {OFFLINE} to encrypt the backup for");
    Err(Failure::new(ExitCode::Missing, message).hint(
        "-r RECIPIENT: `seal key recipient ~/offline.key` prints it, `seal key new` makes one",
    ))
}

fn choose_by(
    policies: &mut Policies,
    args: &RecipientArgs,
    target: &Target,
) -> Result<Rc<Chosen>, Failure> {
    if !args.given() {
        return from_rules(policies, target);
    }
    let names = target.real_path().map(|path| names(&path)).unwrap_or_default();
    recipients::from_flags(args, &names).map(Rc::new)
}

impl RecipientArgs {
    fn given(&self) -> bool {
        !self.recipient.is_empty() || !self.recipients_file.is_empty()
    }
}

/// The choices of one run: each file that is written has its own, made once. Flags are read once, and hold for all.
pub(crate) struct Choices<'a> {
    args: &'a RecipientArgs,
    policies: Policies,
    made: Vec<(Target, Rc<Chosen>)>,
}

impl<'a> Choices<'a> {
    pub(crate) fn new(args: &'a RecipientArgs) -> Self {
        Self { args, policies: Policies::default(), made: Vec::new() }
    }

    /// What was chosen, or is now, for one file.
    pub(crate) fn of(&mut self, target: Target) -> Result<Rc<Chosen>, Failure> {
        let by_flags = self.args.given();
        // Objects of one file come one behind the other.
        let known = self.made.last().filter(|(before, _)| by_flags || *before == target);
        if let Some((_, chosen)) = known {
            return Ok(Rc::clone(chosen));
        }
        let chosen = choose_by(&mut self.policies, self.args, &target)?;
        self.made.push((target, Rc::clone(&chosen)));
        Ok(chosen)
    }

    /// Who was chosen, in a sentence; with the files where they differ.
    pub(crate) fn sentences(&self) -> Vec<String> {
        let mut groups: Vec<(&str, BTreeSet<&Path>)> = Vec::new();
        for (target, chosen) in &self.made {
            let (Target::Written(path) | Target::Edited(path) | Target::Unseen(path)) = target;
            match groups.iter_mut().find(|(sentence, _)| *sentence == chosen.sentence) {
                Some((_, paths)) => drop(paths.insert(path)),
                None => groups.push((&chosen.sentence, BTreeSet::from([path.as_path()]))),
            }
        }
        if let [(sentence, _)] = groups.as_slice() {
            return vec![(*sentence).to_owned()];
        }
        groups.iter().map(|(sentence, paths)| format!("{}: {sentence}", first_of(paths))).collect()
    }

    /// What is said besides, once.
    pub(crate) fn warnings(&self) -> BTreeSet<&str> {
        self.made.iter().filter_map(|(_, chosen)| chosen.warning.as_deref()).collect()
    }
}

fn first_of(paths: &BTreeSet<&Path>) -> String {
    let first = paths.first().map(|path| path.display().to_string()).unwrap_or_default();
    if paths.len() == 1 { first } else { format!("{first} and {} more", paths.len() - 1) }
}

fn from_rules(policies: &mut Policies, target: &Target) -> Result<Rc<Chosen>, Failure> {
    let real = target.real_path()?;
    let above = files_above(&real);
    if above.is_empty() {
        return Err(no_policy(target, &real));
    }
    if matches!(target, Target::Unseen(_)) {
        policies.hold_for_every_path(&above)?;
    }
    policies.choose(&above, &real)
}

/// A `.seal.yml` where a `.seal.yaml` would count.
fn misnamed(real: &Path) -> Option<PathBuf> {
    let folder = files::folder_of(real);
    let root = files::work_tree_root(folder).unwrap_or_else(|| folder.to_path_buf());
    let within = folder.ancestors().take_while(|ancestor| ancestor.starts_with(&root));
    within.map(|folder| folder.join(MISNAMED)).find(|path| files::exists(path))
}

fn no_policy(target: &Target, real: &Path) -> Failure {
    let folder = relative(files::folder_of(real));
    let message = match files::work_tree_root(files::folder_of(real)) {
        Some(_) => {
            format!("no recipient: there is no {FILE_NAME} above {folder} in its Git work tree")
        }
        None => format!(
            "no recipient: there is no {FILE_NAME} in {folder}, and those above count only in a Git work tree"
        ),
    };
    if let Some(path) = misnamed(real) {
        return Failure::new(ExitCode::Missing, message)
            .hint(format!("{} is not read: call it {FILE_NAME}", relative(&path)));
    }
    let once = "run `seal init` once in the repository; or name one with -r";
    let hint = match target {
        Target::Edited(_) => once.to_owned(),
        Target::Written(_) => {
            format!("{once}; or write to a file of the repository")
        }
        Target::Unseen(_) => {
            format!("{once}; or say which file of the repository it will be: -o FILE, --path FILE")
        }
    };
    Failure::new(ExitCode::Missing, message).hint(hint)
}
