//! A change of who can open what: pointed out, for whoever reviews it, whether or not sealed values come along.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::report::Report;
use crate::error::Failure;
use crate::files;
use crate::git::Git;
use crate::policy::{self, FILE_NAME, Revision, Source};
use crate::suggest;

/// Looks at what differs from the commit `base`, staged or in the work tree, and warns where recipients changed beside
/// sealed files.
pub(super) fn tell(base: &str, is_staged: bool, report: &mut Report) -> Result<(), Failure> {
    let git = Git::of(Path::new("."))?;
    if !git.is([
        "rev-parse",
        "--verify",
        "--quiet",
        "--end-of-options",
        &format!("{base}^{{commit}}"),
    ]) {
        return Ok(()); // before the first commit
    }
    let before = Source::Revision(Revision::commit(base)?);
    let after = if is_staged { Source::Revision(Revision::index()?) } else { Source::Anybodys };
    let since = if is_staged { base.to_owned() } else { parting(&git, base) };
    let changed = changed(&git, &since, is_staged)?;
    let sealed = report.sealed_among(&changed);
    let sealed = suggest::some_of(&sealed.iter().map(String::as_str).collect::<Vec<_>>());
    for path in policies(&changed, &before, &after) {
        if let Some(failure) = policy::refusal(&after, &path) {
            report.bad_policy(&path, failure.message);
        }
        let [old, new] = [&before, &after].map(|source| policy::recipients_of(source, &path));
        let what = difference(&old, &new).join(", ");
        if !what.is_empty() {
            let with = if sealed == "none" {
                String::new()
            } else {
                format!(" together with sealed files ({sealed})")
            };
            report.warn(&path, format!("who can open what changes{with}: {what}"));
        }
    }
    Ok(())
}

/// Where this branch began, so that what the other one did since is not taken for a change of this.
fn parting(git: &Git, base: &str) -> String {
    let found = git.text(["merge-base", "--end-of-options", base, "HEAD"]);
    found.ok().filter(|it| !it.is_empty()).unwrap_or_else(|| base.to_owned())
}

/// The files that differ from a commit, by their real paths.
fn changed(git: &Git, base: &str, is_staged: bool) -> Result<BTreeSet<PathBuf>, Failure> {
    let root = files::real_path(&git.root()?)?;
    let mut arguments = vec!["diff", "--name-only", "-z", "--no-renames", "--no-ext-diff"];
    arguments.extend(is_staged.then_some("--cached"));
    let names = git.fields(arguments.into_iter().chain([base, "--"]))?;
    Ok(names.into_iter().map(|name| root.join(name)).collect())
}

/// The `.seal.yaml` files that changed, themselves or in a file of recipients that they name.
fn policies(changed: &BTreeSet<PathBuf>, before: &Source, after: &Source) -> BTreeSet<PathBuf> {
    let mut policies = BTreeSet::new();
    for path in changed {
        if path.file_name().is_some_and(|name| name == FILE_NAME) {
            policies.insert(path.clone());
            continue;
        }
        for folder in path.ancestors().skip(1) {
            let policy = folder.join(FILE_NAME);
            let names = |source: &Source| policy::files_of(source, &policy).contains(path);
            if names(before) || names(after) {
                policies.insert(policy);
            }
        }
    }
    policies
}

/// Who comes and who goes, each by name and fingerprint.
fn difference(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Vec<String> {
    let named = |sign: &str, (fingerprint, name): (&String, &String)| {
        format!("{sign} {name} ({fingerprint})")
    };
    let new = after.iter().filter(|(fingerprint, _)| !before.contains_key(*fingerprint));
    let gone = before.iter().filter(|(fingerprint, _)| !after.contains_key(*fingerprint));
    new.map(|it| named("+", it)).chain(gone.map(|it| named("-", it))).collect()
}
