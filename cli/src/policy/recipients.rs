//! Texts of recipients → recipients with names: those of flags, those of a `.seal.yaml`, and those of the files that
//! either names.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use seal_core::exit_code::ExitCode;
use seal_core::key::{Fingerprint, KeyError, Recipient};
use seal_core::policy_file::{PolicyFile, Rule, Source};
use seal_core::text::without_mark;

use super::source::Source as PolicySource;
use super::{Chosen, Named, RecipientArgs, trust};
use crate::error::{Failure, bad_recipient};
use crate::files::{self, relative};
use crate::plugin;

/// Recipients of one file, which is as many as a header has stanzas.
const MOST: usize = 64;
const CLASSIC: &str = "a classic recipient (age1 without pq): whoever keeps the file can read it once there are \
                       quantum computers";

/// What the command line names; said with the names that a `.seal.yaml` has for them.
pub(super) fn from_flags(
    args: &RecipientArgs,
    names: &BTreeMap<Fingerprint, String>,
) -> Result<Chosen, Failure> {
    let mut recipients = Vec::new();
    for text in &args.recipient {
        recipients.push(from_flag(text).map_err(|failure| failure.about("-r"))?);
    }
    for path in &args.recipients_file {
        let parse = if in_work_tree(path) { from_repository } else { from_flag };
        recipients.extend(read_file(path, parse)?.into_iter().map(|(_, recipient)| recipient));
    }
    let mut named = Vec::new();
    for recipient in recipients {
        let name = names.get(&recipient.fingerprint()).cloned().unwrap_or_default();
        named.push((name, recipient));
    }
    Ok(Chosen {
        sentence: sentence(&named, "the command line"),
        warning: warning(&named),
        recipients: named.into_iter().map(|(_, recipient)| recipient).collect(),
        ..Chosen::default()
    })
}

/// Whom a rule names, with their names.
pub(crate) fn for_rule(
    source: &PolicySource,
    policy: &PolicyFile,
    path: &Path,
    rule: &Rule,
) -> Result<Vec<Named>, Failure> {
    let mut recipients = Vec::new();
    for name in &rule.to {
        recipients.extend(resolve(source, policy, path, name)?);
    }
    Ok(recipients)
}

/// The recipients of one name in the `.seal.yaml` at `path`.
pub(super) fn resolve(
    source: &PolicySource,
    policy: &PolicyFile,
    path: &Path,
    name: &str,
) -> Result<Vec<Named>, Failure> {
    let about = |failure: Failure| failure.about(format!("{}: recipient {name}", relative(path)));
    let recipients = match &policy.recipients[name] {
        Source::Text(text) => vec![(name.to_owned(), from_repository(text).map_err(about)?)],
        Source::File(file) => in_file(source, path, name, file)?,
    };
    if !policy.allow_classic && recipients.iter().any(|(_, recipient)| recipient.is_classic()) {
        let failure =
            Failure::input("it is classic (age1 without pq), which quantum computers will read");
        return Err(about(failure)
            .hint("`seal key new` makes a post-quantum one; or set allowClassic: true"));
    }
    Ok(recipients)
}

/// The recipients of the file that a `.seal.yaml` names; several people in one file are told apart.
fn in_file(
    source: &PolicySource,
    policy: &Path,
    name: &str,
    file: &str,
) -> Result<Vec<Named>, Failure> {
    let about = |failure: Failure| failure.about(format!("{}: recipient {name}", relative(policy)));
    let (file, text) = source.recipients(policy, file).map_err(about)?;
    let read = lines(&file, &text, from_repository).map_err(about)?;
    if let [_] = read.as_slice() {
        return Ok(read.into_iter().map(|(_, recipient)| (name.to_owned(), recipient)).collect());
    }
    Ok(read.into_iter().map(|(who, it)| (format!("{who} of {name}"), it)).collect())
}

/// Where the file of recipients lies that a `.seal.yaml` names, and who is in it; nobody where it is not there yet.
pub(crate) fn pinned_in_file(
    policy: &Path,
    name: &str,
    file: &str,
) -> Result<(PathBuf, Vec<Recipient>), Failure> {
    let path = trust::within_reach(policy, file)?;
    let is_empty = files::is_empty(&path);
    if is_empty {
        return Ok((path, Vec::new()));
    }
    let named = in_file(&PolicySource::Disk, policy, name, file)?;
    Ok((path, named.into_iter().map(|(_, recipient)| recipient).collect()))
}

fn from_flag(text: &str) -> Result<Recipient, Failure> {
    match Recipient::from_str(text) {
        Err(KeyError::UnknownRecipient) => plugin::recipient(text),
        other => other.map_err(|error| bad_recipient(text, error)),
    }
}

/// A recipient in somebody else's words: of a `.seal.yaml`, or of a file that came with a repository.
fn from_repository(text: &str) -> Result<Recipient, Failure> {
    Recipient::from_str(text).map_err(|error| match error {
        KeyError::UnknownRecipient => {
            Failure::input("it is a plugin's, and a repository never starts one")
                .hint("plugins run only for recipients that you name: with -r, or in a file of -R outside of a work tree")
        }
        error => bad_recipient(text, error),
    })
}

/// Whether a file came with a repository: then `-R` names the file, and somebody else its recipients.
fn in_work_tree(path: &Path) -> bool {
    let real = files::real_path(path).unwrap_or_default();
    files::work_tree_root(files::folder_of(&real)).is_some()
}

/// Recipients one a line, blank lines and `#` comments between; each with its comment or the number of its line.
fn read_file(
    path: &Path,
    parse: fn(&str) -> Result<Recipient, Failure>,
) -> Result<Vec<Named>, Failure> {
    lines(path, &files::read_text(path)?, parse)
}

/// The same of a file that was read.
fn lines(
    path: &Path,
    text: &str,
    parse: fn(&str) -> Result<Recipient, Failure>,
) -> Result<Vec<Named>, Failure> {
    let mut recipients = Vec::new();
    let mut comment = None;
    for (line, number) in without_mark(text).lines().map(str::trim).zip(1..) {
        if line.is_empty() || line.starts_with('#') {
            comment = line.strip_prefix('#').and_then(name_in);
            continue;
        }
        let recipient = parse(line)
            .map_err(|failure| failure.about(format!("{} line {number}", path.display())))?;
        if recipients.len() == MOST {
            return Err(Failure::input(format!(
                "{} has more than {MOST} recipients",
                path.display()
            ))
            .hint("no sealed file can be for more"));
        }
        recipients.push((comment.take().unwrap_or_else(|| format!("line {number}")), recipient));
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

/// A name or address in a comment; nothing else is repeated.
fn name_in(comment: &str) -> Option<String> {
    let comment = comment.trim();
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '.' | '@' | '-' | '_' | '+');
    let ok = !comment.is_empty() && comment.len() <= 64 && comment.chars().all(is_name);
    ok.then(|| comment.to_owned())
}

pub(super) fn warning(recipients: &[Named]) -> Option<String> {
    let classic = recipients.iter().any(|(_, recipient)| recipient.is_classic());
    classic.then(|| CLASSIC.to_owned())
}

pub(super) fn sentence(recipients: &[Named], from: &str) -> String {
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
