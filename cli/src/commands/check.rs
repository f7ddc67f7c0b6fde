//! `seal check`: a tree of files → what must not be merged, without a key and without a cluster.

mod report;

use std::path::PathBuf;

use seal_core::exit_code::ExitCode;
use seal_core::preset::Preset;
use seal_core::text;
use seal_core::tree::survey::{Finding, Known, MOST_BYTES, Survey, Word, concerns, survey};

use super::tree::{Source, Tree};
use crate::console::Console;
use crate::error::Failure;
use crate::files;
use crate::parallel;
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

/// Looks at everything, says what was found, and ends with 7 if it was anything.
pub(crate) fn run(args: &CheckArgs, console: &mut Console) -> Result<(), Failure> {
    let mut report = Report::default();
    let Tree { sources, closed } = Tree::of(&args.paths)?;
    closed.into_iter().for_each(|(path, why)| report.unread(&path, &why));
    let look = |source: &Source, held: &mut Held| look(source, args.platform, held);
    let Some(looked_at) = parallel::each(&sources, Held::default, look) else {
        return Err(Failure::new(ExitCode::Failed, "a file was not looked at"));
    };
    for surveyed in looked_at {
        report.add(surveyed?);
    }
    report.end(console)
}

fn look(source: &Source, platform: Option<Preset>, held: &mut Held) -> Result<Surveyed, Failure> {
    let path = source.path.as_path();
    let of = |survey| Surveyed::new(path.display().to_string(), survey);
    let bytes = match files::read_small(path, MOST_BYTES) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => {
            let survey = Survey::default();
            return Ok(Surveyed { is_too_large: source.is_meant(), ..of(survey) });
        }
        Err(failure) if source.is_named => return Err(failure),
        Err(failure) => return Ok(of(unread(&failure.message))),
    };
    if !concerns(&bytes) {
        return Ok(of(Survey::default()));
    }
    let must_read = source.is_meant();
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
