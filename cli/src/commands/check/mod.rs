//! `seal check`: a tree of files, or what is staged → what must not be merged, without a key and without a cluster.
//!
//! `staged` brings what the index has, `changed` what a change does to who can open, `env` files in clear that are no manifests, `keys`
//! old keys, `ignored` what Git ignores; `report` puts it together, and `formats` writes it for people, programs, GitHub and code scanning.

mod changed;
mod env;
mod formats;
mod ignored;
mod keys;
mod report;
mod staged;

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use seal_core::exit_code::ExitCode;
use seal_core::preset::Preset;
use seal_core::text;
use seal_core::tree::survey::{Finding, Known, Survey, Word, concerns, may_concern, survey};

use super::tree::{Source, Tree};
use crate::console::{Console, Progress};
use crate::error::Failure;
use crate::files;
use crate::parallel;
use crate::policy::{self, FILE_NAME, Held, MISNAMED, Revision};
use crate::preset::platforms;
use keys::Days;
use report::{Report, Surveyed};

/// Check sealed files before they are merged
///
/// Looks at every file beneath PATH, without a key and without a cluster: sealed files that a controller would refuse,
/// that lie outside of their scope, that a platform would not find, that the rule of .seal.yaml for their path is not for
/// or does not seal so, or that are for one place twice, and Secrets in clear: manifests, what kustomizations make Secrets of,
/// and env files beside sealed ones, unless Git ignores them.
/// One line each on standard output, as `path:line: reason: sentence`, and exit code 7. Links are not followed.
///
/// Example: seal check clusters
#[derive(Debug, clap::Args)]
pub(crate) struct CheckArgs {
    /// Files and folders (default: the working directory); - is standard input
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// What is staged in Git and differs from HEAD, with the .seal.yaml that is staged: for a hook before commits
    #[arg(long, conflicts_with = "paths")]
    staged: bool,
    /// Hold files against the .seal.yaml of this commit, such as origin/main: a change does not decide for itself who can read
    #[arg(long, value_name = "REF")]
    policy_from: Option<String>,
    /// Find keys that are older, by the days under `created` in .seal.yaml: 365d
    #[arg(long, value_name = "DAYS", value_parser = keys::days)]
    max_key_age: Option<Days>,
    /// How it is written
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
    /// The platform of sealed files that note none; those that were sealed with --for note theirs
    #[arg(long = "for", value_name = "PLATFORM", value_parser = platforms(), hide_possible_values = true)]
    platform: Option<Preset>,
}

/// For whom the findings are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A line each
    Text,
    /// One object
    Json,
    /// Annotations of GitHub's workflows
    Github,
    /// SARIF 2.1.0, for code scanning
    Sarif,
}

/// Looks at everything, says what was found, and ends with 7 if it was anything.
pub(crate) fn run(args: &CheckArgs, console: &mut Console) -> Result<(), Failure> {
    let mut report = Report::default();
    let policies = policies(args)?;
    let sources = sources(args, &mut report)?;
    look_at_all(args, &policies, &sources, &mut report)?;
    let mut in_clear = env::files_in_clear(&sources);
    in_clear.extend(env::of_generators(report.files(), &sources, args.staged));
    if args.staged {
        // What is committed already, and what makes a Secret of what is staged.
        let committed = staged::at(&env::named_by(report.files()))?;
        in_clear.extend(env::of_generators(report.files(), &committed, true));
        in_clear.extend(env::of_generators(report.others(), &sources, true));
    }
    in_clear.into_iter().for_each(|it| report.add(it));
    if let Some(most) = args.max_key_age {
        let found = keys::findings(report.old(), most, &policies);
        found.into_iter().for_each(|it| report.add(it));
    }
    if !args.staged && args.policy_from.is_none() {
        look_at_policies(&sources, &policies, &mut report)?;
    }
    report.leave_out_ignored();
    if args.staged || args.policy_from.is_some() {
        let base = args.policy_from.as_deref().unwrap_or("HEAD");
        let changed = changed::tell(base, args.staged, &mut report)?;
        if let (Some(changed), false) = (changed, args.staged) {
            report.leave_out_untouched(&changed);
        }
    }
    report.end(args.format, console)
}

/// What is staged, or what lies beneath the paths.
fn sources(args: &CheckArgs, report: &mut Report) -> Result<Vec<Source>, Failure> {
    if args.staged {
        return staged::sources();
    }
    let Tree { sources, closed, repositories } = Tree::of(&args.paths)?;
    report.not_looked_into(&repositories);
    closed.into_iter().for_each(|(path, why)| report.unread(path, &why));
    Ok(sources)
}

/// Looks at each file, and of what is staged at those as well that it must not collide with.
fn look_at_all(
    args: &CheckArgs,
    policies: &policy::Source,
    sources: &[Source],
    report: &mut Report,
) -> Result<(), Failure> {
    let progress = Progress::of(sources.len());
    let look = |source: &Source, held: &mut Held| {
        progress.one();
        let mut surveyed = look(source, args.platform, held)?;
        args.max_key_age.iter().for_each(|most| keys::too_old(&mut surveyed, *most, held));
        if args.policy_from.is_some() {
            surveyed.survey.findings.extend(without_rule(&surveyed, held));
        }
        Ok::<_, Failure>(surveyed)
    };
    let held = || Held::of(policies.clone());
    let all = |sources: &[Source]| {
        let none = || Failure::new(ExitCode::Failed, "a file was not looked at");
        parallel::each(sources, held, look).ok_or_else(none)
    };
    for surveyed in all(sources)? {
        report.add(surveyed?);
    }
    if args.staged {
        for surveyed in all(&staged::others(sources)?)? {
            report.beside(surveyed?);
        }
    }
    Ok(())
}

/// A finding where sealed objects lie at a path that no rule is for.
fn without_rule(surveyed: &Surveyed, held: &mut Held) -> Option<Finding> {
    let first = surveyed.survey.objects.first().filter(|_| held.has_no_rule(&surveyed.path))?;
    let sentence = format!(
        "{}: no rule of .seal.yaml is for this path, so nobody has said who may open it",
        first.name
    );
    Some(Finding { line: first.line, word: Word::NotByPolicy, sentence })
}

/// Finds `.seal.yaml` files by which nothing can be sealed, and notes rules that are for no file of a folder that was looked at as a
/// whole: a slip in a path leaves its files to the next rule.
fn look_at_policies(
    sources: &[Source],
    policies: &policy::Source,
    report: &mut Report,
) -> Result<(), Failure> {
    let is_policy = |source: &&Source| {
        !source.is_named && source.path.file_name().is_some_and(|name| name == FILE_NAME)
    };
    let mut held = Held::of(policies.clone());
    for source in sources.iter().filter(is_policy) {
        let path = files::real_path(&source.path)?;
        if let Some(failure) = held.refusal(&path) {
            report.bad_policy(&path, failure.message);
        }
        // What lies below it was found on the same way, so that no link is between.
        let folder = source.path.parent().unwrap_or(Path::new(""));
        let below = sources.iter().filter_map(|it| it.path.strip_prefix(folder).ok());
        for number in held.idle_rules(&path, &below.collect::<Vec<_>>()) {
            report.note(format!("rules[{number}] of {} is for no file", source.path.display()));
        }
    }
    Ok(())
}

/// Where the rules come from.
fn policies(args: &CheckArgs) -> Result<policy::Source, Failure> {
    match (&args.policy_from, args.staged) {
        (Some(name), _) => {
            let revision = Revision::commit(name)?;
            args.paths.iter().try_for_each(|path| is_of(&revision, path))?;
            Ok(policy::Source::Revision(revision))
        }
        (None, true) => Revision::index().map(policy::Source::Revision),
        (None, false) => Ok(policy::Source::Anybodys),
    }
}

/// The policy of one repository says nothing about the files of another.
fn is_of(revision: &Revision, path: &Path) -> Result<(), Failure> {
    if files::is_stdin(path) || revision.is_of(&files::real_path(&path.join("."))?) {
        return Ok(());
    }
    let message = format!("--policy-from: {} lies in another repository", path.display());
    Err(Failure::input(message).hint("run it in that repository"))
}

fn look(source: &Source, platform: Option<Preset>, held: &mut Held) -> Result<Surveyed, Failure> {
    let path = &source.path;
    let of = |survey| Surveyed::new(path.clone(), survey);
    if path.file_name().is_some_and(|name| name == MISNAMED) {
        return Ok(of(finding(Word::BadPolicy, &format!("it is not read: call it {FILE_NAME}"))));
    }
    let bytes = match source.bytes() {
        Ok(Some(bytes)) => bytes,
        Ok(None) => {
            let survey = Survey::default();
            return Ok(Surveyed { is_too_large: source.is_meant(), ..of(survey) });
        }
        Err(failure) if source.is_named => return Err(failure),
        Err(failure) => return Ok(of(unread(&failure.message))),
    };
    let must_read = source.is_meant();
    if !if must_read { may_concern(&bytes) } else { concerns(&bytes) } {
        return Ok(of(Survey::default()));
    }
    let (rule, bad_policy) = match held.rule(path) {
        Ok(rule) => (rule, None),
        Err(bad) => (None, Some(bad)),
    };
    match text::decode(bytes) {
        Ok(text) => {
            let survey = survey(&text, &Known { platform, rule }, must_read);
            let bad_policy = bad_policy.filter(|_| !survey.objects.is_empty());
            Ok(Surveyed { bad_policy, ..of(survey) })
        }
        Err(error) if must_read => Ok(of(unread(&error.to_string()))),
        Err(_) => Ok(of(Survey::default())),
    }
}

fn unread(why: &str) -> Survey {
    finding(Word::Unread, why)
}

fn finding(word: Word, why: &str) -> Survey {
    let finding = Finding { line: 1, word, sentence: why.to_owned() };
    Survey { findings: vec![finding], ..Survey::default() }
}
