//! What was found in all files: one line each on standard output, the rest on standard error.

use std::collections::BTreeMap;
use std::path::Path;

use seal_core::escape::{cut, printable};
use seal_core::exit_code::ExitCode;
use seal_core::tree::duplicates::{InFile, duplicates};
use seal_core::tree::survey::{Finding, Survey, Word};

use crate::console::{self, Console};
use crate::error::Failure;
use crate::expiry::Expiry;
use crate::policy::BadPolicy;

/// Findings that are printed; the rest is counted.
const MOST_PRINTED: usize = 1000;
/// Files that one note names.
const MOST_NAMED: usize = 20;
/// Characters of a sentence.
const MOST_OF_A_SENTENCE: usize = 1000;

/// What was found in one file.
pub(super) struct Surveyed {
    pub(super) path: String,
    pub(super) survey: Survey,
    /// It was not read, and may have been meant.
    pub(super) is_too_large: bool,
    /// Why no rule could be held against its sealed objects.
    pub(super) bad_policy: Option<BadPolicy>,
}

impl Surveyed {
    pub(super) fn new(path: String, survey: Survey) -> Self {
        Self { path, survey, is_too_large: false, bad_policy: None }
    }
}

#[derive(Default)]
pub(super) struct Report {
    files: Vec<Surveyed>,
}

impl Report {
    pub(super) fn add(&mut self, surveyed: Surveyed) {
        self.files.push(surveyed);
    }

    /// A folder that could not be looked into.
    pub(super) fn unread(&mut self, path: &Path, why: &str) {
        let finding = Finding { line: 1, word: Word::Unread, sentence: why.to_owned() };
        let survey = Survey { findings: vec![finding], ..Survey::default() };
        self.files.push(Surveyed::new(path.display().to_string(), survey));
    }

    /// Says all of it; anything that was found is a failure.
    pub(super) fn end(self, console: &mut Console) -> Result<(), Failure> {
        let all = self.objects();
        let twice = duplicates(&all);
        let twice = twice.iter().map(|(index, finding)| (all[*index].0, finding));
        let found = self.files.iter().flat_map(|file| {
            file.survey.findings.iter().map(|finding| (file.path.as_str(), finding))
        });
        let policies = self.bad_policies();
        let policies = policies.iter().map(|(path, finding)| (*path, finding));
        let mut found: Vec<(&str, &Finding)> = found.chain(twice).chain(policies).collect();
        found.sort_by(|(a, one), (b, other)| (a, one.line).cmp(&(b, other.line)));
        for (path, Finding { line, word, sentence }) in found.iter().take(MOST_PRINTED) {
            let sentence = cut(sentence, MOST_OF_A_SENTENCE);
            console
                .write(format!("{}:{line}: {word}: {sentence}\n", printable(path)).as_bytes())?;
        }
        if let Some(more) = found.len().checked_sub(MOST_PRINTED).filter(|more| *more > 0) {
            console::note(&format!("{more} more are not printed"));
        }
        self.tell_besides(&all);
        let counted = format!(
            "{} in {}",
            plural(all.len(), "sealed object"),
            plural(self.files.len(), "file")
        );
        if found.is_empty() {
            console::say(&format!("nothing found: {counted}"));
            return Ok(());
        }
        let message = format!("{} found: {counted}", plural(found.len(), "thing"));
        Err(Failure::new(ExitCode::Found, message)
            .hint("docs/how-to/check.md says what each word means"))
    }

    /// Each once, for however many files it counts.
    fn bad_policies(&self) -> BTreeMap<&str, Finding> {
        let bad = self.files.iter().filter_map(|file| file.bad_policy.as_ref());
        let finding = |bad: &BadPolicy| Finding {
            line: bad.line,
            word: Word::BadPolicy,
            sentence: bad.why.clone(),
        };
        bad.map(|bad| (bad.path.as_str(), finding(bad))).collect()
    }

    fn objects(&self) -> Vec<InFile<'_>> {
        let objects = self
            .files
            .iter()
            .flat_map(|file| file.survey.objects.iter().map(|object| (file.path.as_str(), object)));
        objects.collect()
    }

    /// What is worth knowing, and stops no merge.
    fn tell_besides(&self, all: &[InFile<'_>]) {
        let templates: Vec<String> = self
            .files
            .iter()
            .filter_map(|file| file.survey.template.map(|line| format!("{}:{line}", file.path)))
            .collect();
        note("a template, which is not checked before it is filled in", &templates);
        let large = self.files.iter().filter(|file| file.is_too_large);
        let large: Vec<String> = large.map(|file| file.path.clone()).collect();
        note("larger than 2 MiB, and not read", &large);
        let past: Vec<String> = all
            .iter()
            .filter_map(|(path, seen)| {
                let expires = seen.expires.as_ref()?;
                match Expiry::parse(expires) {
                    Some(day) if !day.is_past() => None,
                    Some(day) => {
                        Some(format!("{path}:{} ({} ended with {day})", seen.line, seen.name))
                    }
                    None => Some(format!("{path}:{} ({expires} is no day)", seen.line)),
                }
            })
            .collect();
        if let Some(list) = listed(&past) {
            console::warn(&format!("credentials that are no longer valid: {list}"));
        }
    }
}

fn note(what: &str, paths: &[String]) {
    if let Some(list) = listed(paths) {
        console::note(&format!("{what}: {list}"));
    }
}

fn listed(names: &[String]) -> Option<String> {
    let some = names.get(..MOST_NAMED).unwrap_or(names).join(", ");
    match names.len().saturating_sub(MOST_NAMED) {
        _ if names.is_empty() => None,
        0 => Some(some),
        more => Some(format!("{some} and {more} more")),
    }
}

fn plural(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
