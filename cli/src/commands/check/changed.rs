//! A change of who can open what: pointed out, for whoever reviews it, whether or not sealed values come along.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::report::Report;
use crate::error::Failure;
use crate::files;
use crate::git::Git;
use crate::policy::{self, Held, Meaning, Revision, Source};
use crate::suggest;

/// The mode of a submodule in Git's own words.
const SUBMODULE: &str = "160000";

/// Compares what is staged, or the work tree, with the commit that it began at, and warns of each `.seal.yaml` that means
/// something else, of sealed files that others can open by it, and of submodules. Returns the files that differ.
pub(super) fn tell(
    base: &str,
    is_staged: bool,
    report: &mut Report,
) -> Result<Option<BTreeSet<PathBuf>>, Failure> {
    let git = Git::of(Path::new("."))?;
    if !git.is_commit(base) {
        return Ok(None); // before the first commit
    }
    let since = if is_staged { base.to_owned() } else { parting(&git, base) };
    let before = Source::Revision(Revision::commit(&since)?);
    let after = if is_staged { Source::Revision(Revision::index()?) } else { Source::Anybodys };
    let changed = Changed::of(&git, &since, is_staged)?;
    for path in &changed.submodules {
        let sentence = "a submodule changes, and what is in it is not looked at here";
        report.warn(path, sentence.to_owned());
    }
    let policies = policies(&git, &before, &after)?;
    let mut held = Held::of(after.clone());
    for path in &policies {
        if let Some(failure) = held.refusal(path) {
            report.bad_policy(path, failure.message);
        }
    }
    let differing: Vec<(PathBuf, String)> = policies
        .into_iter()
        .map(|path| (path.clone(), difference(&before, &after, &path)))
        .filter(|(_, what)| !what.is_empty())
        .collect();
    let with = beside(report, &changed);
    for (path, what) in &differing {
        report.warn(path, format!("who can open what changes{with}: {what}"));
    }
    if !differing.is_empty() {
        of_sealed_files(before, after, report);
    }
    Ok(Some(changed.files))
}

fn difference(before: &Source, after: &Source, path: &Path) -> String {
    let [old, new] = [before, after].map(|source| Meaning::of(source, path));
    policy::differences(old.as_ref(), new.as_ref()).join(", ")
}

/// Which sealed files change as well, in words.
fn beside(report: &Report, changed: &Changed) -> String {
    let sealed = report.sealed_among(&changed.files);
    if sealed.is_empty() {
        return String::new();
    }
    let some = suggest::some_of(&sealed.iter().map(String::as_str).collect::<Vec<_>>());
    format!(" together with sealed files ({some})")
}

/// Where this branch began, so that what the other one did since is not taken for a change of this.
fn parting(git: &Git, base: &str) -> String {
    let found = git.text(["merge-base", "--end-of-options", base, "HEAD"]);
    found.ok().filter(|it| !it.is_empty()).unwrap_or_else(|| base.to_owned())
}

/// What differs from a commit, by real paths.
struct Changed {
    files: BTreeSet<PathBuf>,
    submodules: Vec<PathBuf>,
}

impl Changed {
    fn of(git: &Git, base: &str, is_staged: bool) -> Result<Self, Failure> {
        let root = files::real_path(&git.root()?)?;
        let mut arguments =
            vec!["diff", "--raw", "-z", "--no-renames", "--no-ext-diff", "--no-relative"];
        arguments.push("--ignore-submodules=none");
        arguments.extend(is_staged.then_some("--cached"));
        let fields = git.fields(arguments.into_iter().chain([base, "--"]))?;
        let (mut files, mut submodules) = (BTreeSet::new(), Vec::new());
        let mut fields = fields.into_iter();
        while let (Some(head), Some(name)) = (fields.next(), fields.next()) {
            let is_submodule =
                head.trim_start_matches(':').split(' ').take(2).any(|it| it == SUBMODULE);
            let path = root.join(name);
            if is_submodule {
                submodules.push(path.clone());
            }
            files.insert(path);
        }
        Ok(Self { files, submodules })
    }
}

/// Each `.seal.yaml` that there was before, or is now.
fn policies(git: &Git, before: &Source, after: &Source) -> Result<BTreeSet<PathBuf>, Failure> {
    let mut policies = BTreeSet::new();
    for source in [before, after] {
        match source {
            Source::Revision(revision) => policies.extend(revision.policies()),
            Source::Disk | Source::Anybodys => {
                let root = files::real_path(&git.root()?)?;
                let listed = ["ls-files", "-z", "--full-name", "--cached", "--others"];
                let names =
                    git.fields(listed.into_iter().chain(["--exclude-standard", ":(top)"]))?;
                let names = names.iter().filter(|name| policy::is_policy(name));
                policies.extend(names.map(|name| root.join(name)));
            }
        }
    }
    Ok(policies)
}

/// Warns of sealed files for whose path the rules say others than before, once for each difference.
fn of_sealed_files(before: Source, after: Source, report: &mut Report) {
    let (mut before, mut after) = (Held::of(before), Held::of(after));
    let mut differing: BTreeMap<(PathBuf, String), Vec<String>> = BTreeMap::new();
    for (path, name) in report.sealed_files() {
        let [old, new] = [&mut before, &mut after].map(|held| {
            let all = held.recipients(&path);
            let policy = all.first().map(|it| it.policy.clone());
            let who = all.into_iter().map(|it| (it.fingerprint, it.name));
            (policy, who.collect::<BTreeMap<_, _>>())
        });
        let what = signed(&old.1, &new.1).join(", ");
        // A path that no rule was for before is new, or another file's.
        let is_known = old.0.is_some();
        if let (true, false, Some(policy)) = (is_known, what.is_empty(), new.0.or(old.0)) {
            differing.entry((policy, what)).or_default().push(name);
        }
    }
    for ((policy, what), names) in differing {
        let names = suggest::some_of(&names.iter().map(String::as_str).collect::<Vec<_>>());
        report.warn(&policy, format!("what is sealed next into {names} is for others: {what}"));
    }
}

/// Who comes and who goes, each by name and fingerprint.
fn signed(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Vec<String> {
    let named = |sign: &str, (fingerprint, name): (&String, &String)| {
        format!("{sign} {name} ({fingerprint})")
    };
    let new = after.iter().filter(|(fingerprint, _)| !before.contains_key(*fingerprint));
    let gone = before.iter().filter(|(fingerprint, _)| !after.contains_key(*fingerprint));
    new.map(|it| named("+", it)).chain(gone.map(|it| named("-", it))).collect()
}
