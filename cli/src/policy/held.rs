//! What the rules of `.seal.yaml` say of files that are sealed already.

use std::path::{Path, PathBuf};

use seal_core::exit_code::ExitCode;
use seal_core::tree::Ruled;

use super::rules::Policies;
use super::source::Source;
use crate::error::Failure;
use crate::files::{self, relative};

/// The `.seal.yaml` files above the files of one run.
#[derive(Default)]
pub(crate) struct Held {
    policies: Policies,
}

/// A `.seal.yaml` by which nothing can be sealed, with the line where that is known, and why.
#[derive(Debug)]
pub(crate) struct BadPolicy {
    pub(crate) path: String,
    pub(crate) line: usize,
    pub(crate) why: String,
}

/// Somebody whom a rule seals for, and when the key was made.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Dated {
    /// The `.seal.yaml`.
    pub(crate) policy: PathBuf,
    /// What it calls the recipient.
    pub(crate) name: String,
    pub(crate) fingerprint: String,
    /// As the `.seal.yaml` notes it, if it does.
    pub(crate) day: Option<String>,
}

impl Held {
    /// Those that `source` has.
    pub(crate) fn of(source: Source) -> Self {
        Self { policies: Policies::of(source) }
    }

    /// The rule for the file at `path`; none for standard input, nor where no `.seal.yaml` counts for it, or no rule is for its path: then flags
    /// said for whom to seal.
    pub(crate) fn rule(&mut self, path: &Path) -> Result<Option<Ruled>, BadPolicy> {
        if files::is_stdin(path) {
            return Ok(None);
        }
        let Ok(real) = files::real_path(path) else { return Ok(None) };
        let above = self.policies.above(&real);
        for policy in &above {
            let read = self.policies.load(policy).map_err(|failure| bad(policy, failure))?;
            if read.rules.is_empty() {
                return Err(bad(policy, Failure::input("it has no rules")));
            }
        }
        let Some(nearest) = above.first() else { return Ok(None) };
        match self.policies.choose(&above, &real) {
            Ok(chosen) if chosen.recipients.is_empty() => {
                Err(bad(nearest, Failure::input("a rule names nobody to seal for")))
            }
            Ok(chosen) => Ok(Some(Ruled {
                policy: relative(nearest),
                is_of_a_commit: self.policies.are_of_a_commit(),
                number: chosen.rule,
                recipients: chosen.names.clone(),
                namespace: chosen.namespace.clone(),
                platform: chosen.platform,
                clear: chosen.clear.clone(),
            })),
            Err(failure) if failure.code == ExitCode::Missing => Ok(None),
            Err(failure) => Err(bad(nearest, failure)),
        }
    }

    /// Why nothing can be sealed by the `.seal.yaml` at `path`, as it stands with those above it.
    pub(crate) fn refusal(&mut self, path: &Path) -> Option<Failure> {
        if !self.policies.has(path) {
            return None;
        }
        let target = files::folder_of(path).join("-");
        let above = self.policies.above(&target);
        let refused = self.policies.choose(&above, &target).err();
        refused.filter(|failure| failure.code != ExitCode::Missing)
    }

    /// The rules of the `.seal.yaml` at `path` that are for none of these files, whose paths begin at its folder.
    pub(crate) fn idle_rules(&mut self, path: &Path, files: &[&Path]) -> Vec<usize> {
        self.policies.idle_rules(path, files)
    }

    /// Whether `.seal.yaml` files count for the file at `path`, and no rule of the nearest is for it.
    pub(crate) fn has_no_rule(&mut self, path: &Path) -> bool {
        if files::is_stdin(path) {
            return false;
        }
        let Ok(real) = files::real_path(path) else { return false };
        let above = self.policies.above(&real);
        let chosen = self.policies.choose(&above, &real);
        !above.is_empty() && chosen.is_err_and(|failure| failure.code == ExitCode::Missing)
    }

    /// Everybody whom the rule for the file at `path` seals for; nobody where none is for it.
    pub(crate) fn recipients(&mut self, path: &Path) -> Vec<Dated> {
        if files::is_stdin(path) {
            return Vec::new();
        }
        let Ok(real) = files::real_path(path) else { return Vec::new() };
        let above = self.policies.above(&real);
        let Some(nearest) = above.first() else { return Vec::new() };
        let Ok(chosen) = self.policies.choose(&above, &real) else { return Vec::new() };
        let dated = |(fingerprint, name): (&String, &String)| Dated {
            policy: nearest.clone(),
            name: name.clone(),
            fingerprint: fingerprint.clone(),
            day: chosen.created.get(fingerprint).cloned(),
        };
        chosen.names.iter().map(dated).collect()
    }
}

fn bad(policy: &Path, failure: Failure) -> BadPolicy {
    let path = relative(policy);
    let message = failure.message;
    let why = message.strip_prefix(&format!("{path}: ")).unwrap_or(&message);
    let numbered = why.strip_prefix("line ").and_then(|rest| rest.split_once(": "));
    let numbered = numbered.and_then(|(line, rest)| Some((line.parse().ok()?, rest)));
    let (line, why) = numbered.unwrap_or((1, why));
    BadPolicy { path, line, why: why.to_owned() }
}
