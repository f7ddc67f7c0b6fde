//! For whom to seal: from `-r` and `-R`, else from the nearest `.seal.yaml` above the file; from nowhere else.
//!
//! The walk up ends at the root of the Git work tree; outside of one only the file's own folder counts. A `.seal.yaml`
//! further up may be anybody's. Every file on the way is read, because a nested one may only take recipients away. Its
//! format is read by `seal_core::policy_file`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use globset::GlobBuilder;
use seal_core::exit_code::ExitCode;
use seal_core::key::{Fingerprint, KeyError, Recipient};
use seal_core::policy_file::{self, PolicyFile, Rule, Source};
use seal_core::text::without_mark;

use crate::error::{Failure, bad_recipient};
use crate::files::{self, relative};
use crate::plugin;

pub(crate) const FILE_NAME: &str = ".seal.yaml";

/// The flags that name recipients.
#[derive(Debug, clap::Args)]
pub(crate) struct RecipientArgs {
    /// Who may open it (default: the nearest .seal.yaml; can be repeated)
    #[arg(short, long, value_name = "RECIPIENT")]
    pub(crate) recipient: Vec<String>,
    /// A file of recipients, one a line, as age's -R takes it (can be repeated)
    #[arg(short = 'R', long, value_name = "FILE")]
    pub(crate) recipients_file: Vec<PathBuf>,
}

/// For whom to seal a file, and what else its rule says.
#[derive(Debug, Default)]
pub(crate) struct Chosen {
    pub(crate) recipients: Vec<Recipient>,
    /// The sentence that says who they are and where they were named.
    pub(crate) sentence: String,
    /// Said when a recipient is classic: sealing goes on.
    pub(crate) warning: Option<String>,
    pub(crate) namespace: Option<String>,
    pub(crate) clear: BTreeSet<String>,
}

/// A recipient and its name in `.seal.yaml`; one from the command line has an empty name.
type Named = (String, Recipient);

/// Chooses for the file at `target`, which need not exist yet.
pub(crate) fn choose(args: &RecipientArgs, target: &Path) -> Result<Chosen, Failure> {
    if args.recipient.is_empty() && args.recipients_file.is_empty() {
        return from_policy(target);
    }
    let mut named = Vec::new();
    for text in &args.recipient {
        let recipient = from_flag(text).map_err(|failure| failure.about("-r"))?;
        named.push((String::new(), recipient));
    }
    for path in &args.recipients_file {
        let recipients = read_file(path, from_flag)?;
        named.extend(recipients.into_iter().map(|recipient| (String::new(), recipient)));
    }
    let classic = named.iter().any(|(_, recipient)| recipient.is_classic());
    let warning = classic.then(|| {
        "a classic recipient (age1 without pq): whoever keeps the file can read it once there are quantum computers"
            .to_owned()
    });
    let sentence = sentence(&named, "the command line");
    let recipients = named.into_iter().map(|(_, recipient)| recipient).collect();
    Ok(Chosen { recipients, sentence, warning, ..Chosen::default() })
}

fn from_flag(text: &str) -> Result<Recipient, Failure> {
    match Recipient::from_str(text) {
        Err(KeyError::UnknownRecipient) => plugin::recipient(text),
        other => other.map_err(|error| bad_recipient(text, error)),
    }
}

/// Recipients one a line, blank lines and `#` comments between.
fn read_file(
    path: &Path,
    parse: fn(&str) -> Result<Recipient, Failure>,
) -> Result<Vec<Recipient>, Failure> {
    let text = files::read_text(path)?;
    let mut recipients = Vec::new();
    for (line, number) in without_mark(&text).lines().map(str::trim).zip(1..) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let recipient = parse(line)
            .map_err(|failure| failure.about(format!("{} line {number}", path.display())))?;
        recipients.push(recipient);
    }
    if recipients.is_empty() {
        return Err(Failure::new(
            ExitCode::Missing,
            format!("{} has no recipient", path.display()),
        )
        .hint("one a line; `seal key new` prints one"));
    }
    Ok(recipients)
}

fn from_policy(target: &Path) -> Result<Chosen, Failure> {
    let real = files::real_path(target)?;
    let mut chain = Vec::new();
    for path in files_above(&real) {
        chain.push(effective(&path, &real)?);
    }
    for pair in chain.windows(2) {
        only_takes_away(&pair[0], &pair[1])?;
    }
    let namespace = chain.iter().find_map(|policy| policy.namespace.clone());
    let Some(nearest) = chain.into_iter().next() else { return Err(no_policy(&real)) };
    let sentence = sentence(&nearest.recipients, &nearest.path);
    let recipients = nearest.recipients.into_iter().map(|(_, recipient)| recipient).collect();
    Ok(Chosen { recipients, sentence, warning: None, namespace, clear: nearest.clear })
}

fn no_policy(target: &Path) -> Failure {
    let folder = relative(files::folder_of(target));
    let message = match files::work_tree_root(files::folder_of(target)) {
        Some(_) => {
            format!("no recipient: there is no {FILE_NAME} above {folder} in its Git work tree")
        }
        None => format!(
            "no recipient: there is no {FILE_NAME} in {folder}, and those above count only in a Git work tree"
        ),
    };
    Failure::new(ExitCode::Missing, message).hint(
        "run `seal init` once in the repository; or name one with -r; or say with -o FILE which file of the \
         repository is written",
    )
}

/// The `.seal.yaml` files that count for `target`, nearest first.
pub(crate) fn files_above(target: &Path) -> Vec<PathBuf> {
    let folder = files::folder_of(target);
    let root = files::work_tree_root(folder).unwrap_or_else(|| folder.to_path_buf());
    let within = folder.ancestors().take_while(|ancestor| ancestor.starts_with(&root));
    within.map(|folder| folder.join(FILE_NAME)).filter(|path| files::exists(path)).collect()
}

/// What one `.seal.yaml` says about one file.
struct Effective {
    /// Its path, as messages write it.
    path: String,
    recipients: Vec<Named>,
    namespace: Option<String>,
    clear: BTreeSet<String>,
}

fn effective(path: &Path, target: &Path) -> Result<Effective, Failure> {
    let policy = load(path)?;
    let below = target.strip_prefix(files::folder_of(path)).unwrap_or(target);
    let found = matching(&policy, below).map_err(|failure| failure.about(relative(path)))?;
    let Some(rule) = found else {
        let message = format!("no rule of {} matches {}", relative(path), below.display());
        return Err(Failure::new(ExitCode::Missing, message)
            .hint("add a rule for that path, or one without a path; or name recipients with -r"));
    };
    let mut recipients = Vec::new();
    for name in &rule.to {
        recipients.extend(resolve(&policy, path, name)?);
    }
    Ok(Effective {
        path: relative(path),
        recipients,
        namespace: rule.namespace.clone(),
        clear: rule.clear.clone(),
    })
}

/// Reads a `.seal.yaml`; one that somebody else may change is refused.
pub(crate) fn load(path: &Path) -> Result<PolicyFile, Failure> {
    owned_by_us(path)?;
    let text = files::read_text(path)?;
    policy_file::read(&text).map_err(|error| {
        Failure::input(format!("{}: {error}", relative(path)))
            .hint("it has recipients, rules (path, to, namespace, clear) and allowClassic")
    })
}

fn owned_by_us(path: &Path) -> Result<(), Failure> {
    match files::owner(path) {
        Some(owner) if owner == files::current_user() || owner == 0 => Ok(()),
        Some(_) => Err(Failure::input(format!("{} belongs to another user", relative(path)))
            .hint("whoever owns it decides who can read what you seal: make it yours, or name recipients with -r")),
        None => Err(Failure::input(format!("{} is not a file", relative(path)))
            .hint("restore it from Git, or change what names it")),
    }
}

fn matching<'p>(policy: &'p PolicyFile, below: &Path) -> Result<Option<&'p Rule>, Failure> {
    for (index, rule) in policy.rules.iter().enumerate() {
        let Some(path) = &rule.path else { return Ok(Some(rule)) };
        let glob = GlobBuilder::new(path).literal_separator(true).build().map_err(|_| {
            Failure::input(format!("rules[{index}].path is not a glob"))
                .hint("such as clusters/prod/** or *.yaml")
        })?;
        if glob.compile_matcher().is_match(below) {
            return Ok(Some(rule));
        }
    }
    Ok(None)
}

fn resolve(policy: &PolicyFile, path: &Path, name: &str) -> Result<Vec<Named>, Failure> {
    let about = |failure: Failure| failure.about(format!("{}: recipient {name}", relative(path)));
    let recipients = match &policy.recipients[name] {
        Source::Text(text) => vec![from_policy_text(text).map_err(about)?],
        Source::File(file) => {
            let file = files::folder_of(path).join(file);
            owned_by_us(&file)?;
            read_file(&file, from_policy_text).map_err(about)?
        }
    };
    if !policy.allow_classic && recipients.iter().any(Recipient::is_classic) {
        let failure =
            Failure::input("it is classic (age1 without pq), which quantum computers will read");
        return Err(about(failure)
            .hint("`seal key new` makes a post-quantum one; or set allowClassic: true"));
    }
    Ok(recipients.into_iter().map(|recipient| (name.to_owned(), recipient)).collect())
}

fn from_policy_text(text: &str) -> Result<Recipient, Failure> {
    Recipient::from_str(text).map_err(|error| match error {
        KeyError::UnknownRecipient => {
            Failure::input("it is a plugin's, and a repository never starts one")
                .hint("plugins run only for recipients named with -r or -R")
        }
        error => bad_recipient(text, error),
    })
}

/// A nested file may remove recipients. Anything that it could add would be added by whoever may change it,
/// and they are not those who may change the file above.
fn only_takes_away(nested: &Effective, above: &Effective) -> Result<(), Failure> {
    let refuse = |what: String| {
        let message =
            format!("{} {what}, which {} does not give for this file", nested.path, above.path);
        Err(Failure::input(message)
            .hint("a nested .seal.yaml may only take recipients away: change the upper one"))
    };
    let allowed: BTreeSet<Fingerprint> =
        above.recipients.iter().map(|(_, r)| r.fingerprint()).collect();
    let added = nested.recipients.iter().find(|(_, r)| !allowed.contains(&r.fingerprint()));
    if let Some((name, recipient)) = added {
        return refuse(format!("adds {name} ({})", recipient.fingerprint()));
    }
    if let Some(key) = nested.clear.difference(&above.clear).next() {
        return refuse(format!("leaves {key} in clear"));
    }
    match (&nested.namespace, &above.namespace) {
        (Some(here), Some(there)) if here != there => {
            refuse(format!("states the namespace {here}"))
        }
        _ => Ok(()),
    }
}

fn sentence(recipients: &[Named], from: &str) -> String {
    let names: Vec<String> = recipients.iter().map(name_and_fingerprint).collect();
    let list = match names.as_slice() {
        [] => "nobody".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    };
    format!("sealing for {list}, from {from}")
}

fn name_and_fingerprint((name, recipient): &Named) -> String {
    match name.as_str() {
        "" => recipient.fingerprint().to_string(),
        name => format!("{name} ({})", recipient.fingerprint()),
    }
}

/// Names for fingerprints, from the `.seal.yaml` files that count for `target`. For display only: a file or recipient
/// that cannot be read is left out.
pub(crate) fn names(target: &Path) -> BTreeMap<Fingerprint, String> {
    let mut names = BTreeMap::new();
    let real = files::real_path(target).unwrap_or_default();
    for path in files_above(&real) {
        let Ok(mut policy) = load(&path) else { continue };
        policy.allow_classic = true;
        for name in policy.recipients.keys() {
            for (_, recipient) in resolve(&policy, &path, name).unwrap_or_default() {
                names.entry(recipient.fingerprint()).or_insert_with(|| name.clone());
            }
        }
    }
    names
}
