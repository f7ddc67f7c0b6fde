//! What was found in all files, put together: findings, warnings and notes, in the order of paths and lines.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use seal_core::escape::{cut, printable};
use seal_core::exit_code::ExitCode;
use seal_core::tree::duplicates::{InFile, duplicates};
use seal_core::tree::survey::{Finding, Survey, Word};

use super::{Format, formats, ignored};
use crate::calendar::Expiry;
use crate::console::{self, Console};
use crate::error::Failure;
use crate::files;
use crate::policy::{BadPolicy, Dated};

/// Files that one note names.
const MOST_NAMED: usize = 20;
/// Characters of a sentence.
const MOST_OF_A_SENTENCE: usize = 1000;

/// What was found in one file.
pub(super) struct Surveyed {
    pub(super) path: PathBuf,
    pub(super) name: String,
    pub(super) survey: Survey,
    /// It was not read, and may have been meant.
    pub(super) is_too_large: bool,
    /// Why no rule could be held against its sealed objects.
    pub(super) bad_policy: Option<BadPolicy>,
    /// Whom it is for, and whose keys are too old.
    pub(super) old: Vec<Dated>,
}

impl Surveyed {
    pub(super) fn new(path: PathBuf, survey: Survey) -> Self {
        let name = path.display().to_string();
        Self { path, name, survey, is_too_large: false, bad_policy: None, old: Vec::new() }
    }
}

/// One thing that is said of a line, as every format has it.
pub(super) struct Said {
    pub(super) path: String,
    pub(super) line: usize,
    pub(super) word: &'static str,
    pub(super) sentence: String,
    /// Whether it must not be merged.
    pub(super) is_finding: bool,
}

/// Everything that is said, for a format to write.
pub(super) struct All {
    pub(super) said: Vec<Said>,
    /// What is worth knowing and is about no one line.
    pub(super) notes: Vec<String>,
    pub(super) objects: usize,
    pub(super) files: usize,
}

#[derive(Default)]
pub(super) struct Report {
    files: Vec<Surveyed>,
    /// Files that were not asked about, and that one of `files` must not collide with.
    beside: Vec<Surveyed>,
    warnings: Vec<Said>,
    notes: Vec<String>,
}

impl Report {
    pub(super) fn add(&mut self, surveyed: Surveyed) {
        self.files.push(surveyed);
    }

    /// Those that are asked about.
    pub(super) fn files(&self) -> &[Surveyed] {
        &self.files
    }

    /// Those beside them.
    pub(super) fn others(&self) -> &[Surveyed] {
        &self.beside
    }

    /// A file beside those that are asked about: only its places count.
    pub(super) fn beside(&mut self, surveyed: Surveyed) {
        self.beside.push(surveyed);
    }

    /// Whose keys are too old, each once for however many files.
    pub(super) fn old(&self) -> BTreeSet<Dated> {
        self.files.iter().flat_map(|file| file.old.iter().cloned()).collect()
    }

    /// Repositories of their own: what they hold is theirs to check.
    pub(super) fn not_looked_into(&mut self, repositories: &[PathBuf]) {
        let names: Vec<String> = repositories.iter().map(|it| it.display().to_string()).collect();
        note("a repository of its own, and not looked into", &names, &mut self.notes);
    }

    /// Something worth knowing that is about no one line.
    pub(super) fn note(&mut self, text: String) {
        self.notes.push(text);
    }

    /// A folder that could not be looked into.
    pub(super) fn unread(&mut self, path: PathBuf, why: &str) {
        let finding = Finding { line: 1, word: Word::Unread, sentence: why.to_owned() };
        let survey = Survey { findings: vec![finding], ..Survey::default() };
        self.files.push(Surveyed::new(path, survey));
    }

    /// Something about a file that is worth a look, and stops no merge.
    pub(super) fn warn(&mut self, path: &Path, sentence: String) {
        let path = files::relative(path);
        let word = "PolicyChanged";
        self.warnings.push(Said { path, line: 1, word, sentence, is_finding: false });
    }

    /// A `.seal.yaml` that a change brings, and by which nothing can be sealed.
    pub(super) fn bad_policy(&mut self, path: &Path, why: String) {
        let name = files::relative(path);
        let is_known = self
            .files
            .iter()
            .filter_map(|file| file.bad_policy.as_ref())
            .any(|bad| bad.path == name);
        if !is_known {
            let finding = Finding { line: 1, word: Word::BadPolicy, sentence: why };
            let survey = Survey { findings: vec![finding], ..Survey::default() };
            self.files.push(Surveyed::new(PathBuf::from(name), survey));
        }
    }

    /// The names of files with sealed objects that are among `paths`.
    pub(super) fn sealed_among(&self, paths: &BTreeSet<PathBuf>) -> Vec<String> {
        let sealed = self.files.iter().filter(|file| !file.survey.objects.is_empty());
        let among =
            sealed.filter(|file| files::real_path(&file.path).is_ok_and(|it| paths.contains(&it)));
        among.map(|file| file.name.clone()).collect()
    }

    /// Each file with sealed objects: its path, and what messages call it.
    pub(super) fn sealed_files(&self) -> Vec<(PathBuf, String)> {
        let sealed = self.files.iter().filter(|file| !file.survey.objects.is_empty());
        sealed.map(|file| (file.path.clone(), file.name.clone())).collect()
    }

    /// Plaintext that Git ignores is where it belongs: it is named, and no finding.
    pub(super) fn leave_out_ignored(&mut self) {
        let is_plain =
            |finding: &Finding| matches!(finding.word, Word::Plaintext | Word::PrivateKey);
        let plain = self.files.iter().filter(|file| file.survey.findings.iter().any(is_plain));
        let paths: Vec<PathBuf> = plain.map(|file| file.path.clone()).collect();
        if paths.is_empty() {
            return;
        }
        let ignored = ignored::among(&paths);
        let mut names = BTreeSet::new();
        for file in self.files.iter_mut().filter(|file| ignored.contains(&file.path)) {
            file.survey.findings.retain(|finding| !is_plain(finding));
            names.insert(file.name.clone());
        }
        note(
            "in clear, and ignored by Git",
            &names.into_iter().collect::<Vec<_>>(),
            &mut self.notes,
        );
    }

    /// What this branch has not changed does not stop it: that such a file is not as the policy says is named, and no finding.
    pub(super) fn leave_out_untouched(&mut self, changed: &BTreeSet<PathBuf>) {
        let is_by_policy = |finding: &Finding| !matches!(finding.word, Word::NotByPolicy);
        let mut names = Vec::new();
        for file in &mut self.files {
            let is_touched = files::real_path(&file.path).is_ok_and(|path| changed.contains(&path));
            if !is_touched && !file.survey.findings.iter().all(is_by_policy) {
                file.survey.findings.retain(is_by_policy);
                names.push(file.name.clone());
            }
        }
        let what = "not as the policy says, and not changed here; `seal reseal` on the branch of the policy puts it right";
        note(what, &names, &mut self.notes);
    }

    /// Says all of it; anything that was found is a failure.
    pub(super) fn end(mut self, format: Format, console: &mut Console) -> Result<(), Failure> {
        self.tell_besides();
        let objects = self.objects().len();
        let files: BTreeSet<&Path> = self.files.iter().map(|file| file.path.as_path()).collect();
        let files = files.len();
        let mut said = self.findings();
        said.append(&mut self.warnings);
        said.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
        let found = said.iter().filter(|it| it.is_finding).count();
        let all = All { said, notes: self.notes, objects, files };
        formats::write(&all, format, console)?;
        let counted = format!("{} in {}", plural(objects, "sealed object"), plural(files, "file"));
        if found == 0 {
            console::say(&format!("nothing found: {counted}"));
            return Ok(());
        }
        let message = format!("{} found: {counted}", plural(found, "thing"));
        Err(Failure::new(ExitCode::Found, message)
            .hint("docs/how-to/check.md says what each word means"))
    }

    fn findings(&self) -> Vec<Said> {
        let mut all = self.objects();
        let asked = all.len();
        all.extend(objects_of(&self.beside));
        let twice = duplicates(&all);
        let twice = twice.iter().filter(|(index, _)| *index < asked);
        let twice = twice.map(|(index, finding)| (all[*index].0, finding));
        let of_files = self.files.iter().flat_map(|file| {
            file.survey.findings.iter().map(|finding| (file.name.as_str(), finding))
        });
        let policies = self.bad_policies();
        let policies = policies.iter().map(|(path, finding)| (*path, finding));
        of_files.chain(twice).chain(policies).map(|(path, finding)| said(path, finding)).collect()
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
        objects_of(&self.files).collect()
    }

    /// What is worth knowing, and stops no merge.
    fn tell_besides(&mut self) {
        let templates: Vec<String> = self
            .files
            .iter()
            .filter_map(|file| file.survey.template.map(|line| format!("{}:{line}", file.name)))
            .collect();
        let large = self.files.iter().filter(|file| file.is_too_large);
        let large: Vec<String> = large.map(|file| file.name.clone()).collect();
        let past: Vec<String> = self
            .objects()
            .iter()
            .filter_map(|(path, seen)| ended(path, seen.line, &seen.name, seen.expires.as_ref()?))
            .collect();
        note(
            "a template, which is not checked before it is filled in",
            &templates,
            &mut self.notes,
        );
        note("larger than 2 MiB, and not read", &large, &mut self.notes);
        if let Some(list) = listed(&past) {
            console::warn(&format!("credentials that are no longer valid: {list}"));
        }
    }
}

fn objects_of(files: &[Surveyed]) -> impl Iterator<Item = InFile<'_>> {
    files
        .iter()
        .flat_map(|file| file.survey.objects.iter().map(|object| (file.name.as_str(), object)))
}

/// Of an object whose credentials are no longer valid, where it is and since when.
fn ended(path: &str, line: usize, name: &str, expires: &str) -> Option<String> {
    match Expiry::parse(expires) {
        Some(day) if !day.is_past() => None,
        Some(day) => Some(format!("{path}:{line} ({name} ended with {day})")),
        None => Some(format!("{path}:{line} ({expires} is no day)")),
    }
}

fn said(path: &str, Finding { line, word, sentence }: &Finding) -> Said {
    let sentence = cut(sentence, MOST_OF_A_SENTENCE);
    Said { path: printable(path), line: *line, word: word.as_str(), sentence, is_finding: true }
}

fn note(what: &str, paths: &[String], notes: &mut Vec<String>) {
    notes.extend(listed(paths).map(|list| format!("{what}: {list}")));
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
