//! The loop: is there anything new, then one pass, then the log. Level-triggered; nothing new costs no key operation.

use std::collections::BTreeSet;
use std::process;

use seal_core::exit_code::ExitCode;
use seal_core::reason::Reason;
use seal_core::tree::collect::Warning;

use super::Settings;
use super::identity::Identities;
use super::refusal::{Failure, Refusal};
use super::remote::Remote;
use super::round::{Tally, collect, round};
use super::stop::Stop;
use super::target::Target;
use crate::fetch::FetchError;
use crate::texts::{Asked, Revision, Source, SourceError};
use crate::work::pace::doubling;

/// Ticks between two tries at something that the system refused, at most.
const MOST_TICKS: u64 = 60;

/// Everything a run holds on to between two passes.
#[derive(Debug)]
pub(crate) struct Run {
    source: Source,
    /// What the source is fetched from, where that is elsewhere.
    remote: Option<Remote>,
    identities: Identities,
    target: Target,
    last: Option<Last>,
    logged: Logged,
}

/// The state that the last pass left, by which the next tick knows whether there is anything to do.
#[derive(Debug)]
struct Last {
    revision: Revision,
    /// Ticks until the next try; 0 when nothing waits for one.
    retry_in: u64,
    /// Passes in a row that something passing stood in the way of.
    tries: u32,
}

/// What the log has said already.
#[derive(Debug, Default)]
struct Logged {
    revision: Option<Revision>,
    refusals: Vec<Refusal>,
    warnings: BTreeSet<Warning>,
    source_error: Option<NotRead>,
    /// Why nothing can be written where OUT leads to.
    lost: Option<String>,
}

impl Run {
    pub(crate) fn new(
        source: Source,
        remote: Option<Remote>,
        identities: Identities,
        target: Target,
    ) -> Self {
        Self { source, remote, identities, target, last: None, logged: Logged::default() }
    }

    /// Runs until a signal, or once.
    pub(crate) fn until_stopped(&mut self, settings: &Settings, stop: &Stop) -> process::ExitCode {
        loop {
            let result = self.tick(settings, stop);
            if settings.once {
                return process::ExitCode::from(u8::from(exit_code(result)));
            }
            if stop.wait(settings.interval) {
                tracing::info!("stopped");
                return process::ExitCode::SUCCESS;
            }
        }
    }

    fn tick(&mut self, settings: &Settings, stop: &Stop) -> Result<Option<Tally>, NotRead> {
        let new_keys = self.identities.refresh().unwrap_or_else(|failure| {
            tracing::warn!(
                reason = %failure.reason,
                hint = failure.hint,
                "{}; the keys read before are kept",
                failure.message
            );
            false
        });
        match self.target.follow(&self.source) {
            Ok(false) => {}
            Ok(true) => {
                tracing::info!("another folder is at the path of OUT now, and is written to");
                self.last = None;
            }
            Err(failure) => {
                self.logged.lost(Some(failure));
                return Ok(None);
            }
        }
        self.logged.lost(None);
        let result = self.pass(new_keys, settings, stop);
        self.logged.source_error(result.as_ref().err());
        result
    }

    fn pass(
        &mut self,
        new_keys: bool,
        settings: &Settings,
        stop: &Stop,
    ) -> Result<Option<Tally>, NotRead> {
        let asked = || !stop.requested();
        if let Some(remote) = &mut self.remote {
            if stop.take_woken() {
                remote.woken();
            }
            let commit = remote.commit(Asked(&asked), settings.once)?;
            self.source.set_commit(commit);
        }
        let revision = self.source.revision(Asked(&asked))?;
        if !new_keys && !self.is_due(&revision) {
            return Ok(None);
        }
        let inventory = self.target.inventory();
        let collected = collect(&self.source, &revision, inventory, settings, stop);
        if let (Err(SourceError::DamagedCommit(_)), Some(remote)) = (&collected, &mut self.remote) {
            remote.distrust();
        }
        let collected = collected?;
        let keyring = self.identities.keyring();
        let tally = round(collected, keyring, &mut self.target, settings, stop);
        self.remember(revision, &tally);
        Ok(Some(tally))
    }

    fn is_due(&mut self, revision: &Revision) -> bool {
        let Some(last) = &mut self.last else { return true };
        if last.revision != *revision || !last.revision.is_settled() {
            return true;
        }
        if last.retry_in > 0 {
            last.retry_in -= 1;
            if last.retry_in == 0 {
                return true;
            }
        }
        self.target.has_drifted()
    }

    fn remember(&mut self, revision: Revision, tally: &Tally) {
        self.logged.pass(&revision, tally);
        let passing = tally.refusals.iter().any(Refusal::is_passing) || tally.stopped;
        let before = self.last.take().map_or(0, |last| last.tries);
        let (tries, retry_in) = if passing {
            let tries = before.saturating_add(1);
            (tries, doubling(tries, MOST_TICKS))
        } else {
            (0, 0)
        };
        self.last = Some(Last { revision, retry_in, tries });
    }
}

/// Why nothing was read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotRead {
    #[error("{0}")]
    Source(#[from] SourceError),
    #[error("{0}")]
    Fetch(#[from] FetchError),
}

impl NotRead {
    fn reason(&self) -> Reason {
        match self {
            Self::Source(error) => error.reason(),
            Self::Fetch(error) => error.reason(),
        }
    }

    fn hint(&self) -> &'static str {
        match self {
            Self::Source(error) => error.hint(),
            Self::Fetch(error) => error.hint(),
        }
    }
}

impl Logged {
    /// One line for each new revision, and for each pass that changed files; refusals when they change.
    fn pass(&mut self, revision: &Revision, tally: &Tally) {
        let Tally { applied, unchanged, pruned, refusals, .. } = tally;
        let refused = refusals.len();
        let is_new = self.revision.as_ref() != Some(revision);
        if is_new || *applied > 0 || *pruned > 0 {
            let left_alone = |number: usize, of: &str| match number {
                0 => String::new(),
                number => format!(", left alone {of} {number}"),
            };
            let skipped = left_alone(tally.skipped, "in other namespaces");
            let passed_over = left_alone(tally.passed_over, "of other types");
            tracing::info!(
                "{revision}: applied {applied}, unchanged {unchanged}, refused {refused}, pruned {pruned}{skipped}{passed_over}"
            );
        }
        for refusal in tally.all_refusals().filter(|refusal| !self.refusals.contains(refusal)) {
            let Refusal { reason, path, message, hint } = refusal;
            tracing::warn!(%reason, path, hint, "{message}");
        }
        for Warning { path, message, .. } in tally.warnings.difference(&self.warnings) {
            tracing::warn!(path, "{message}");
        }
        self.revision = Some(revision.clone());
        self.refusals = tally.all_refusals().cloned().collect();
        self.warnings.clone_from(&tally.warnings);
    }

    fn lost(&mut self, failure: Option<Failure>) {
        let told = self.lost.take();
        self.lost = failure.as_ref().map(|failure| failure.message.clone());
        if let Some(Failure { reason, message, hint }) = failure.filter(|_| told != self.lost) {
            tracing::warn!(%reason, hint, "{message}");
        }
    }

    fn source_error(&mut self, error: Option<&NotRead>) {
        if let Some(error) = error.filter(|error| self.source_error.as_ref() != Some(error)) {
            tracing::warn!(reason = %error.reason(), hint = error.hint(), "{error}");
        }
        self.source_error = error.cloned();
    }
}

/// 0 when everything was applied, else the code of the first refusal.
fn exit_code(result: Result<Option<Tally>, NotRead>) -> ExitCode {
    match result {
        Ok(Some(tally)) => match tally.all_refusals().next() {
            Some(first) => first.reason.into(),
            None if tally.stopped => ExitCode::Failed,
            None => ExitCode::Done,
        },
        Ok(None) => ExitCode::Failed,
        Err(error) => error.reason().into(),
    }
}
