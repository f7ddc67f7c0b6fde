//! `seal check`: a tree of files → what must not be merged, without a key and without a cluster.

mod report;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use seal_core::preset::Preset;
use seal_core::text;
use seal_core::tree::survey::{Finding, Known, MOST_BYTES, Survey, Word, concerns, survey};

use crate::console::Console;
use crate::error::Failure;
use crate::files;
use crate::policy::Held;
use crate::preset::platforms;
use report::{Report, Surveyed};

/// Check sealed files before they are merged
///
/// Looks at every file beneath PATH, without a key and without a cluster: sealed files that a controller would refuse,
/// that lie outside of their scope, that a platform would not find, that the rule of .seal.yaml for their path is not for
/// or that are for one place twice, and Secrets in clear.
/// One line each on standard output, as `path:line: reason: sentence`, and exit code 7. Links are not followed.
///
/// Example: seal check clusters
#[derive(Debug, clap::Args)]
pub(crate) struct CheckArgs {
    /// Files and folders (default: the working directory); - is standard input
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The platform of sealed files that note none; those that were sealed with --for note theirs
    #[arg(long = "for", value_name = "PLATFORM", value_parser = platforms(), hide_possible_values = true)]
    platform: Option<Preset>,
}

/// A file to look at.
struct Source {
    path: PathBuf,
    /// Whether it was named itself, and not found in a folder.
    is_named: bool,
}

/// More threads than this wait for the disk.
const MOST_THREADS: usize = 8;

/// Looks at everything, says what was found, and ends with 7 if it was anything.
pub(crate) fn run(args: &CheckArgs, console: &mut Console) -> Result<(), Failure> {
    let mut report = Report::default();
    let sources = sources(&args.paths, &mut report)?;
    let threads = thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS);
    for surveyed in look_at(&sources, args.platform, threads)? {
        report.add(surveyed);
    }
    report.end(console)
}

/// Each file once, however often it was named.
fn sources(paths: &[PathBuf], report: &mut Report) -> Result<Vec<Source>, Failure> {
    let here = [PathBuf::from(".")];
    let paths = if paths.is_empty() { &here } else { paths };
    let (mut sources, mut seen) = (Vec::new(), BTreeSet::new());
    for path in paths {
        let is_folder = !files::is_stdin(path) && files::is_folder(path);
        let (found, closed) =
            if is_folder { files::files_in(path) } else { (vec![path.clone()], Vec::new()) };
        closed.into_iter().for_each(|(path, why)| report.unread(&path, &why));
        for path in found {
            if paths.len() == 1 || seen.insert(files::real_path(&path)?) {
                sources.push(Source { path, is_named: !is_folder });
            }
        }
    }
    Ok(sources)
}

/// Looks at all sources, several at a time; the answers have their order.
fn look_at(
    sources: &[Source],
    preset: Option<Preset>,
    threads: usize,
) -> Result<Vec<Surveyed>, Failure> {
    let next = AtomicUsize::new(0);
    let work = || {
        let (mut done, mut held) = (Vec::new(), Held::default());
        while let Some((index, source)) = take(sources, &next) {
            done.push((index, look(source, preset, &mut held)));
        }
        done
    };
    let mut all = thread::scope(|scope| {
        let others: Vec<_> = (1..threads.min(sources.len())).map(|_| scope.spawn(work)).collect();
        let mut all = work();
        for other in others {
            all.extend(other.join().unwrap_or_default());
        }
        all
    });
    if all.len() < sources.len() {
        return Err(Failure::new(
            seal_core::exit_code::ExitCode::Failed,
            "a file was not looked at",
        ));
    }
    all.sort_by_key(|(index, _)| *index);
    all.into_iter().map(|(_, surveyed)| surveyed).collect()
}

fn take<'s>(sources: &'s [Source], next: &AtomicUsize) -> Option<(usize, &'s Source)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    sources.get(index).map(|source| (index, source))
}

fn look(source: &Source, platform: Option<Preset>, held: &mut Held) -> Result<Surveyed, Failure> {
    let path = source.path.as_path();
    let of = |survey| Surveyed::new(path.display().to_string(), survey);
    let bytes = match files::read_small(path, MOST_BYTES) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => {
            let survey = Survey::default();
            return Ok(Surveyed {
                is_too_large: source.is_named || is_manifest(path),
                ..of(survey)
            });
        }
        Err(failure) if source.is_named => return Err(failure),
        Err(failure) => return Ok(of(unread(&failure.message))),
    };
    if !concerns(&bytes) {
        return Ok(of(Survey::default()));
    }
    let must_read = source.is_named || is_manifest(path);
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
    let finding = Finding { line: 1, word: Word::Unread, sentence: why.to_owned() };
    Survey { findings: vec![finding], ..Survey::default() }
}

/// Whether a file is named as manifests are: any other may be prose that shows one.
fn is_manifest(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    matches!(extension, Some("yaml" | "yml" | "json"))
}
