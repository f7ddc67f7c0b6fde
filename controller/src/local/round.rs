//! One pass, from the files of one revision to the output: what both kinds of output share.

use std::collections::BTreeSet;

use seal_core::key::Keyring;
use seal_core::names::{CONTROLLER_NAMESPACE, GIT_NAMESPACE};
use seal_core::open::allowed::Grants;
use seal_core::open::check::check_at;
use seal_core::open::{OpenError, Opened, open};
use seal_core::tree::collect::{Collected, Collector, Object, Warning};
use seal_core::tree::prune::{Guard, Prune, prune};
use seal_disk::{DiskError, Inventory};

use super::refusal::Refusal;
use super::stop::Stop;
use super::target::Target;
use super::{Settings, folding, laying};
use crate::texts::{Asked, Revision, Source, SourceError};

/// Bytes that the sealed objects of a source, and what is said of its files, may take in memory together.
const MAX_HELD_BYTES: usize = 256 * 1024 * 1024;

/// How a pass ended.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) applied: usize,
    pub(crate) unchanged: usize,
    pub(crate) pruned: usize,
    pub(crate) refusals: Vec<Refusal>,
    pub(crate) prune_blocked: Option<Refusal>,
    pub(crate) warnings: BTreeSet<Warning>,
    /// Objects of other namespaces, which are none of this run's.
    pub(crate) skipped: usize,
    /// Objects of types that are nothing for the layout.
    pub(crate) passed_over: usize,
    /// A signal, or an output that does not answer, came before the end: what was done is whole, the rest is as it was.
    pub(crate) stopped: bool,
}

/// Reads one revision of a source: one content after another, of which only what is to be opened stays.
///
/// At most [`MAX_HELD_BYTES`] stay, beside one content of 2 MiB and its tree (`seal_core`'s reader bounds it) and one object
/// of the repository.
pub(crate) fn collect(
    source: &Source,
    revision: &Revision,
    inventory: &Inventory,
    settings: &Settings,
    stop: &Stop,
) -> Result<Collected, SourceError> {
    let known: BTreeSet<String> = inventory.places().map(|(_, path)| path.clone()).collect();
    let mut collector = Collector::new(&known, &settings.namespaces).at_most(MAX_HELD_BYTES);
    source.read(revision, Asked(&|| !stop.requested()), &mut |text| {
        collector.add(text);
        if collector.held() > MAX_HELD_BYTES {
            return Err(SourceError::TooMuch("bytes of all sealed objects together"));
        }
        Ok(())
    })?;
    Ok(collector.finish())
}

/// What a pass goes by.
pub(super) struct Pass<'a> {
    pub(super) objects: &'a [Object],
    pub(super) present: &'a BTreeSet<String>,
    pub(super) unread: &'a BTreeSet<String>,
    pub(super) keyring: &'a Keyring,
    pub(super) settings: &'a Settings,
    pub(super) stop: &'a Stop,
}

/// Brings the output to what was `collected`, as far as `settings` and the keyring let it.
pub(crate) fn round(
    collected: Collected,
    keyring: &Keyring,
    target: &mut Target,
    settings: &Settings,
    stop: &Stop,
) -> Tally {
    let Collected { objects, present, unread, refused, warnings, skipped } = collected;
    let refusals = refused.into_iter().map(Refusal::from).collect();
    let mut tally = Tally { refusals, warnings, skipped, ..Tally::default() };
    let (objects, present, unread) = (&objects, &present, &unread);
    let pass = Pass { objects, present, unread, keyring, settings, stop };
    match target {
        Target::Folder(out) => laying::pass(&pass, out, &mut tally),
        Target::File(file) => folding::pass(&pass, file, &mut tally),
        Target::Direktiv(direktiv) => direktiv.pass(&pass, &mut tally),
    }
    // The exit code is that of the first refusal, so their order must not depend on batches.
    tally.refusals.sort_by(|a, b| a.path.cmp(&b.path));
    tally
}

impl Pass<'_> {
    /// The same checks and the same open as in a cluster, and the list of namespaces in place of its roles.
    pub(super) fn open(&self, Object { place, sealed, .. }: &Object) -> Result<Opened, OpenError> {
        // Content and path both come from the source, so that a scope of `*` would open anybody's values.
        let grants = Grants {
            closed_namespaces: [CONTROLLER_NAMESPACE.to_owned(), GIT_NAMESPACE.to_owned()].into(),
            only_namespaces: Some(self.settings.namespaces.clone()),
            ..Grants::default()
        };
        open(&check_at(sealed, place.clone())?.allowed(&grants)?, self.keyring)
    }

    /// The places of ours that are to be removed; none, and a word on it, where too many have vanished at once.
    pub(super) fn vanished(&self, inventory: &Inventory, tally: &mut Tally) -> Vec<String> {
        let guard = match (self.settings.allow_prune, inventory.prune_blocked) {
            (true, _) => Guard::Lifted,
            (false, true) => Guard::Held,
            (false, false) => Guard::Usual,
        };
        match prune(inventory.places(), self.present, self.unread, guard) {
            Prune::Remove(places) => places,
            Prune::Blocked { vanished, total } => {
                tally.prune_blocked = Some(Refusal::prune_blocked(vanished, total));
                Vec::new()
            }
        }
    }
}

impl Tally {
    pub(super) fn refuse(&mut self, path: &str, error: &DiskError) {
        self.refusals.push(Refusal::disk(path, error));
    }

    /// Every refusal, the blocked prune last.
    pub(crate) fn all_refusals(&self) -> impl Iterator<Item = &Refusal> {
        self.refusals.iter().chain(&self.prune_blocked)
    }
}
