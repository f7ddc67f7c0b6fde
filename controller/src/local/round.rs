//! One pass: open → plan → write → prune, from the files of one revision to the output folder.

use std::collections::BTreeSet;

use seal_core::key::Keyring;
use seal_core::kind::sealed::SealedSecret;
use seal_core::layout::{LaidOut, Layout, lay_out};
use seal_core::names::{CONTROLLER_NAMESPACE, GIT_NAMESPACE};
use seal_core::open::allowed::Grants;
use seal_core::open::check::check_at;
use seal_core::open::{OpenError, open};
use seal_core::place::Place;
use seal_core::tree::collect::{Collected, Collector, Object, Warning};
use seal_core::tree::prune::{Prune, prune};
use seal_disk::plan::{Plan, Write};
use seal_disk::{DiskError, Out};

use super::Settings;
use super::refusal::Refusal;
use super::stop::Stop;
use crate::texts::{Asked, Revision, Source, SourceError};

/// Objects whose values are in memory at the same time.
const BATCH: usize = 64;
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
    /// A signal came before the end: what was done is whole, the rest is as it was.
    pub(crate) stopped: bool,
}

/// Reads one revision of a source: one content after another, of which only what is to be opened stays.
///
/// At most [`MAX_HELD_BYTES`] stay, beside one content of 2 MiB and its tree (`seal_core`'s reader bounds it) and one object
/// of the repository.
pub(crate) fn collect(
    source: &Source,
    revision: &Revision,
    out: &Out,
    settings: &Settings,
    stop: &Stop,
) -> Result<Collected, SourceError> {
    let known: BTreeSet<String> = out.inventory().places().map(|(_, path)| path.clone()).collect();
    let mut collector = Collector::new(&known, &settings.namespaces);
    source.read(revision, Asked(&|| !stop.requested()), &mut |text| {
        collector.add(text);
        if collector.held() > MAX_HELD_BYTES {
            return Err(SourceError::TooMuch("bytes of all sealed objects together"));
        }
        Ok(())
    })?;
    Ok(collector.finish())
}

/// Brings the output folder to what was `collected`, as far as `settings` and the keyring let it.
pub(crate) fn round(
    collected: Collected,
    keyring: &Keyring,
    out: &mut Out,
    settings: &Settings,
    stop: &Stop,
) -> Tally {
    let Collected { objects, present, unread, refused, warnings, skipped } = collected;
    let refusals = refused.into_iter().map(Refusal::from).collect();
    let mut tally = Tally { refusals, warnings, skipped, ..Tally::default() };
    out.begin();
    for batch in objects.chunks(BATCH) {
        if stop.requested() {
            tally.stopped = true;
            break;
        }
        open_and_write(batch, keyring, out, settings, &mut tally);
    }
    if !tally.stopped {
        remove_vanished(&present, &unread, out, settings, &mut tally);
    }
    if let Err(error) = out.finish() {
        tally.refuse(out.given(), &error);
    }
    // The exit code is that of the first refusal, so their order must not depend on batches.
    tally.refusals.sort_by(|a, b| a.path.cmp(&b.path));
    tally
}

fn open_and_write(
    batch: &[Object],
    keyring: &Keyring,
    out: &mut Out,
    settings: &Settings,
    tally: &mut Tally,
) {
    let mut writes: Vec<(&str, Write)> = Vec::new();
    for Object { path, place, sealed } in batch {
        if sealed.spec.suspend == Some(true) {
            tally.unchanged += 1;
            continue;
        }
        let opened = open_here(sealed, place, keyring, &settings.namespaces, settings.layout);
        let planned = match opened {
            Ok(laid) => out.plan(laid, path),
            Err(error) => {
                tally.refusals.push(Refusal::open(path, &error));
                continue;
            }
        };
        match planned {
            Ok(Plan::Leave) => tally.unchanged += 1,
            Ok(Plan::Write(write)) => writes.push((path, write)),
            Ok(Plan::Refuse(error)) | Err(error) => tally.refuse(path, &error),
        }
    }
    write(writes, out, tally);
}

fn write(writes: Vec<(&str, Write)>, out: &mut Out, tally: &mut Tally) {
    if writes.is_empty() {
        return;
    }
    let (paths, writes): (Vec<(&str, bool)>, Vec<Write>) =
        writes.into_iter().map(|(path, write)| ((path, write.changes_files()), write)).unzip();
    match out.write(writes) {
        Ok(results) => {
            for ((path, changes), (_, result)) in paths.into_iter().zip(results) {
                match result {
                    Ok(()) if changes => tally.applied += 1,
                    Ok(()) => tally.unchanged += 1,
                    Err(error) => tally.refuse(path, &error),
                }
            }
        }
        Err(error) => paths.iter().for_each(|(path, _)| tally.refuse(path, &error)),
    }
}

/// The same checks and the same open as in a cluster, and the list of namespaces in place of its roles.
fn open_here(
    sealed: &SealedSecret,
    place: &Place,
    keyring: &Keyring,
    namespaces: &BTreeSet<String>,
    layout: Layout,
) -> Result<LaidOut, OpenError> {
    // Content and path both come from the source, so that a scope of `*` would open anybody's values.
    let grants = Grants {
        closed_namespaces: [CONTROLLER_NAMESPACE.to_owned(), GIT_NAMESPACE.to_owned()].into(),
        only_namespaces: Some(namespaces.clone()),
        ..Grants::default()
    };
    Ok(lay_out(layout, open(&check_at(sealed, place.clone())?.allowed(&grants)?, keyring)?))
}

fn remove_vanished(
    present: &BTreeSet<String>,
    unread: &BTreeSet<String>,
    out: &mut Out,
    settings: &Settings,
    tally: &mut Tally,
) {
    match prune(out.inventory().places(), present, unread, settings.allow_prune) {
        Prune::Remove(places) if places.is_empty() => {}
        Prune::Remove(places) => {
            for (place, result) in out.prune(places) {
                match result {
                    Ok(()) => tally.pruned += 1,
                    Err(error) => tally.refuse(&place, &error),
                }
            }
        }
        Prune::Blocked { vanished, total } => {
            tally.prune_blocked = Some(Refusal::prune_blocked(vanished, total));
        }
    }
}

impl Tally {
    fn refuse(&mut self, path: &str, error: &DiskError) {
        self.refusals.push(Refusal::disk(path, error));
    }

    /// Every refusal, the blocked prune last.
    pub(crate) fn all_refusals(&self) -> impl Iterator<Item = &Refusal> {
        self.refusals.iter().chain(&self.prune_blocked)
    }
}
