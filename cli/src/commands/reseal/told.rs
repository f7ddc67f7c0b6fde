//! What is said of a tree that was sealed anew: for whom, who can open more than before, and what failed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use seal_core::exit_code::ExitCode;

use super::look::Looked;
use crate::console;
use crate::error::Failure;
use crate::policy;
use crate::suggest;

/// Failures that are said one by one.
const MOST_FAILURES: usize = 20;

#[derive(Default)]
pub(super) struct Told {
    keep_going: bool,
    failures: Vec<Failure>,
    /// Files that were looked at.
    pub(super) files: usize,
    /// Objects that are for today's recipients already.
    done: usize,
    /// The sentences that say for whom, and the files of each.
    sentences: BTreeMap<String, Vec<String>>,
    /// Who could not open them before, by their hints, and which objects those are.
    gains: BTreeMap<String, Vec<String>>,
}

impl Told {
    pub(super) fn new(keep_going: bool) -> Self {
        Self { keep_going, ..Self::default() }
    }

    pub(super) fn failed(&mut self, failure: Failure) {
        self.failures.push(failure);
    }

    /// Counts what is left as it is.
    pub(super) fn done(&mut self, all: &[Looked]) {
        self.done = all.iter().map(|looked| looked.done).sum();
    }

    /// Notes for whom the files are that are due, and who gains what.
    pub(super) fn counts(&mut self, due: &[Looked]) {
        for looked in due {
            let files = self.sentences.entry(looked.sentence.clone()).or_default();
            files.push(looked.path.display().to_string());
            let names = policy::names(&looked.path);
            for due in &looked.due {
                for new in looked.wanted.difference(&due.sealed_to) {
                    let who = policy::with_name(new, &names);
                    let gained = format!("{} in {}", due.name, looked.path.display());
                    self.gains.entry(who).or_default().push(gained);
                }
            }
        }
    }

    /// Whether a file would change; opens nothing.
    pub(super) fn would_change(self, due: &[Looked]) -> Result<(), Failure> {
        self.stop_at_failures()?;
        if due.is_empty() {
            return self.end(&[]);
        }
        self.tell_for_whom();
        let files: Vec<String> =
            due.iter().map(|looked| looked.path.display().to_string()).collect();
        let message = format!("{} would change", some_of(&files));
        Err(Failure::new(ExitCode::WouldChange, message)
            .hint("run it again without --check, and commit"))
    }

    /// Unless it is to go on, one failure is enough: then nothing is written.
    pub(super) fn stop_at_failures(&self) -> Result<(), Failure> {
        if self.keep_going || self.failures.is_empty() {
            Ok(())
        } else {
            Err(self.failure("nothing was written"))
        }
    }

    /// What became of it.
    pub(super) fn end(self, written: &[PathBuf]) -> Result<(), Failure> {
        if !written.is_empty() {
            self.tell_for_whom();
            let files: Vec<String> =
                written.iter().map(|path| path.display().to_string()).collect();
            console::say(&format!("wrote {}", some_of(&files)));
        }
        if self.done == 0 && written.is_empty() && self.failures.is_empty() {
            console::say(&format!("there is no sealed object in {} files", self.files));
        }
        if self.done > 0 {
            console::say(&format!("{} sealed for these recipients already", objects(self.done)));
        }
        match self.failures.is_empty() {
            true => Ok(()),
            false => Err(self.failure(&format!("{} files were written", written.len()))),
        }
    }

    fn tell_for_whom(&self) {
        for (sentence, files) in &self.sentences {
            console::say(&format!("{}: {sentence}", some_of(files)));
        }
        // All of them, however many: what is left out of a list is what a list was made for.
        for (who, objects) in &self.gains {
            console::say(&format!("{who} gains, by the fingerprints in the files:"));
            objects.iter().for_each(|object| console::say(&format!("  {object}")));
        }
    }

    /// All failures as one: the only one as it is, of several each said before.
    fn failure(&self, outcome: &str) -> Failure {
        if let [only] = self.failures.as_slice() {
            let hint = only.hint.iter().map(|hint| format!("; {hint}")).collect::<String>();
            return only.again().hint(format!("{outcome}{hint}"));
        }
        let messages: BTreeSet<&str> = self.failures.iter().map(|it| it.message.as_str()).collect();
        messages.iter().take(MOST_FAILURES).for_each(|message| console::warn(message));
        let hints: BTreeSet<&String> =
            self.failures.iter().filter_map(|it| it.hint.as_ref()).collect();
        let code = self.failures.first().map_or(ExitCode::Failed, |failure| failure.code);
        let failure = Failure::new(code, format!("{} failures; {outcome}", self.failures.len()));
        // One hint for all of them is what helps.
        if let (Some(hint), 1) = (hints.first(), hints.len()) {
            return failure.hint(hint.as_str());
        }
        if self.keep_going {
            return failure;
        }
        failure.hint("--keep-going writes the files that can be sealed anew")
    }
}

fn objects(count: usize) -> String {
    if count == 1 { "1 object is".to_owned() } else { format!("{count} objects are") }
}

fn some_of(names: &[String]) -> String {
    suggest::some_of(&names.iter().map(String::as_str).collect::<Vec<_>>())
}
