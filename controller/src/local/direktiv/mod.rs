//! The layout `direktiv-api`: opened values → the API of a Direktiv that keeps secrets in a database.
//!
//! A ledger on disk says which sealing of an object was sent where. What was sent is not sent again: whether a value is equal is
//! not asked, only whether its ciphertext is the one that was sent. When a run starts it looks once whether each secret is still
//! there. A secret with a value that is not in the ledger is somebody else's and stays; a row without one is filled.

mod api;
mod args;
mod version;
mod wanted;

use std::collections::BTreeSet;
use std::path::Path;

use http::{HeaderValue, Uri};
use seal_core::layout::DirektivSecret;
use seal_core::place::Place;
use seal_core::reason::Reason;
use seal_core::secret::SecretValue;
use seal_disk::{DiskError, Entry, Inventory, Ledger};

use super::refusal::Refusal;
use super::round::{Pass, Tally};
use api::{Api, ApiError, There};
pub(crate) use args::DirektivArgs;
use version::Version;
use wanted::{Wanted, wanted};

/// Objects whose values are in memory at the same time.
const BATCH: usize = 64;

/// A Direktiv, and what it was sent.
#[derive(Debug)]
pub(crate) struct Direktiv {
    api: Api,
    url: String,
    ledger: Ledger,
    /// Places that this run has found in order.
    looked_at: BTreeSet<Place>,
}

/// Why an object was not brought there.
enum Failed {
    /// It alone.
    One(Refusal),
    /// Nobody answers, or nothing is allowed: the next would fare no better.
    All(Refusal),
}

impl Direktiv {
    /// `out` is the folder of the ledger.
    fn open(
        out: &Path,
        url: &Uri,
        version: Version,
        key: Option<HeaderValue>,
    ) -> Result<Result<Self, &'static str>, DiskError> {
        let ledger = Ledger::open(out, &format!("direktiv-api of {url}"))?;
        let looked_at = BTreeSet::new();
        let api = Api::new(url.clone(), version, key);
        Ok(api.map(|api| Self { api, url: url.to_string(), ledger, looked_at }))
    }

    pub(crate) fn inventory(&self) -> &Inventory {
        self.ledger.inventory()
    }

    /// Brings Direktiv to what the objects seal, some at a time: what is about to be sent is noted before, so that nothing of
    /// ours is ever taken for somebody else's.
    pub(super) fn pass(&mut self, pass: &Pass<'_>, tally: &mut Tally) {
        let wanted = wanted(pass, tally);
        // What is new makes it no smaller a part that is gone.
        let vanished = pass.vanished(self.ledger.inventory(), tally);
        let done = wanted.chunks(BATCH).try_for_each(|batch| self.batch(pass, batch, tally));
        match done {
            Ok(()) => self.remove_vanished(vanished, tally),
            Err(refusal) => {
                tally.stopped = true;
                tally.refusals.extend(refusal);
            }
        }
        // What was sent or deleted until then is noted in any case.
        if let Err(error) = self.ledger.save() {
            tally.refuse(self.ledger.given(), &error);
        }
    }

    /// An error ends the pass, on a signal without a refusal.
    fn batch(
        &mut self,
        pass: &Pass<'_>,
        batch: &[Wanted<'_>],
        tally: &mut Tally,
    ) -> Result<(), Option<Refusal>> {
        let mut to_send = Vec::new();
        for wanted in batch {
            if pass.stop.requested() {
                return Err(None);
            }
            match self.look(pass, wanted) {
                Ok(None) => tally.unchanged += 1,
                Ok(Some(found)) => to_send.push((wanted, found)),
                Err(Failed::One(refusal)) => tally.refusals.push(refusal),
                Err(Failed::All(refusal)) => return Err(Some(refusal)),
            }
        }
        self.ledger.save().map_err(|error| Some(Refusal::disk(self.ledger.given(), &error)))?;
        for (wanted, (there, value)) in to_send {
            if pass.stop.requested() {
                return Err(None);
            }
            match self.bring(wanted, there, &value) {
                Ok(()) => tally.applied += 1,
                Err(Failed::One(refusal)) => tally.refusals.push(refusal),
                Err(Failed::All(refusal)) => return Err(Some(refusal)),
            }
        }
        Ok(())
    }

    /// What is to be sent for an object, and what stands there; nothing where the same was sent before and stands.
    fn look(
        &mut self,
        pass: &Pass<'_>,
        Wanted { object, secret, sealing }: &Wanted<'_>,
    ) -> Result<Option<(There, SecretValue)>, Failed> {
        let place = object.place.to_string();
        let known = self.inventory().objects.get(&place).cloned().unwrap_or_default();
        let is_ours = known.entries.contains(&secret.to_string());
        let is_sent = is_ours && known.sealing.as_ref() == Some(sealing);
        if is_sent && self.looked_at.contains(&object.place) {
            return Ok(None);
        }
        let there =
            self.api.get(secret).map_err(|error| self.failed(&object.path, secret, &error))?;
        if is_sent && matches!(there, There::Value | There::Untold) {
            self.looked_at.insert(object.place.clone());
            return Ok(None);
        }
        if there == There::Value && !is_ours {
            let message = format!("{secret} has a value in Direktiv that was not sent from here");
            let hint = "delete it there, and this one is sent at once";
            return Err(Failed::One(refusal(Reason::NotOurs, &object.path, message, hint)));
        }
        let opened = pass.open(object);
        let opened = opened.map_err(|error| Failed::One(Refusal::open(&object.path, &error)))?;
        let mut entries = known.entries;
        entries.insert(secret.to_string());
        let from = object.path.clone();
        self.ledger.note(place, Entry { from, entries, ..Entry::default() });
        Ok(Some((there, DirektivSecret::value(opened))))
    }

    /// Sends a value, deletes what the object was before, and notes both.
    fn bring(
        &mut self,
        Wanted { object, secret, sealing }: &Wanted<'_>,
        there: There,
        value: &SecretValue,
    ) -> Result<(), Failed> {
        let failed = |secret: &_, error: ApiError| self.failed(&object.path, secret, &error);
        self.send(secret, there, value.expose()).map_err(|error| failed(secret, error))?;
        let place = object.place.to_string();
        let entry = self.inventory().objects.get(&place);
        let entries = entry.map(|entry| entry.entries.clone()).unwrap_or_default();
        for old in entries.iter().filter_map(|text| DirektivSecret::parse(text)) {
            if old != *secret {
                self.api.delete(&old).map_err(|error| failed(&old, error))?;
            }
        }
        let (from, sealing) = (object.path.clone(), Some(sealing.clone()));
        let entries = [secret.to_string()].into();
        self.ledger.note(place, Entry { from, entries, sealing, ..Entry::default() });
        self.looked_at.insert(object.place.clone());
        Ok(())
    }

    fn send(&self, secret: &DirektivSecret, there: There, value: &[u8]) -> Result<(), ApiError> {
        let not_found = ApiError::Status(http::StatusCode::NOT_FOUND);
        match there {
            There::Value | There::Placeholder => self.api.update(secret, value),
            There::Untold => match self.api.update(secret, value) {
                Err(error) if error == not_found => self.api.create(secret, value),
                done => done,
            },
            There::Absent => match self.api.create(secret, value) {
                // A flow that was uploaded meanwhile has made a row, which may only be updated.
                Err(ApiError::Status(status)) if status.is_server_error() => {
                    match self.api.get(secret)? {
                        There::Placeholder => self.api.update(secret, value),
                        _ => Err(ApiError::Status(status)),
                    }
                }
                done => done,
            },
        }
    }

    fn remove_vanished(&mut self, places: Vec<String>, tally: &mut Tally) {
        self.ledger.note_blocked(tally.prune_blocked.is_some());
        for place in places {
            let Some(entry) = self.inventory().objects.get(&place).cloned() else { continue };
            let mut secrets = entry.entries.iter().filter_map(|text| DirektivSecret::parse(text));
            let failed = secrets.find_map(|secret| {
                self.api
                    .delete(&secret)
                    .err()
                    .map(|error| self.failed(&entry.from, &secret, &error))
            });
            match failed {
                None => {
                    self.ledger.forget(&place);
                    tally.pruned += 1;
                }
                Some(Failed::One(refusal)) => tally.refusals.push(refusal),
                Some(Failed::All(refusal)) => return tally.refusals.push(refusal),
            }
        }
    }

    fn failed(&self, path: &str, secret: &DirektivSecret, error: &ApiError) -> Failed {
        let url = &self.url;
        match error {
            ApiError::NoAnswer | ApiError::Silent => {
                let message = format!("{url} does not answer; the others wait too");
                Failed::All(refusal(
                    Reason::Retrying,
                    "",
                    message,
                    "look whether Direktiv runs there",
                ))
            }
            ApiError::Refused(status) => {
                let message =
                    format!("{url} answers {}: the API key is not taken", status.as_u16());
                let hint = "name the file of the right one with --api-key-file";
                Failed::All(refusal(Reason::NotAllowed, "", message, hint))
            }
            ApiError::Status(status) => {
                let message = format!("{url} answers {} for {secret}", status.as_u16());
                let hint = "look into Direktiv's log; is there such a namespace?";
                Failed::One(refusal(Reason::Retrying, path, message, hint))
            }
            ApiError::Odd => {
                let message =
                    format!("{url} answers for {secret} as no Direktiv of this version does");
                let hint = "look at --url and --direktiv-version";
                Failed::One(refusal(Reason::Retrying, path, message, hint))
            }
        }
    }
}

fn refusal(reason: Reason, path: &str, message: String, hint: &'static str) -> Refusal {
    Refusal { reason, path: path.to_owned(), message, hint }
}
