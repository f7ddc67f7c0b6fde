//! The sealed objects: metadata and status of each, never its ciphertext.

mod overwritten;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, ObjectMeta};
use seal_core::kind::sealed::{SealedSecret, SealedSecretStatus, WrittenSecret};
use seal_core::open::allowed::{Grants, would_be_allowed};

use super::Watched;
use super::accounts::Attaching;
use super::asks::{self, Asks};
use super::copies::{self, Copy};
use super::namespaces::Wants;
use crate::object_id::{Kind, ObjectId, ObjectName};
use crate::thin::Arrived;
use crate::work::pace::{Repairs, Trouble};

/// A sealed object as it is remembered.
#[derive(Clone, Debug)]
pub(crate) struct Tracked {
    pub id: ObjectId,
    /// `metadata.generation`.
    pub generation: i64,
    /// The annotation that asks for a reconcile.
    pub reconcile_at: Option<String>,
    /// `spec.suspend`.
    pub suspended: bool,
    /// On its way out.
    pub deleted: bool,
    /// Whether it has our finalizer: it has written, or was about to write, into objects of others.
    pub detaches: bool,
    /// Whether its live Secret is to stay when it is deleted.
    pub keeps: bool,
    /// Whether it is to be merged into a Secret of others.
    pub merges: bool,
    /// Bytes of its JSON when it last arrived.
    pub bytes: usize,
    /// Whether it has a shape that this version's type can hold.
    pub readable: bool,
    /// Whether the checks that need no key let it pass.
    pub allowed: bool,
    /// Where it wants its live Secrets.
    pub wants: Wants,
    /// Of a ClusterSealedSecret: its live Secrets by namespace.
    pub(super) copies: BTreeMap<String, Copy>,
    /// The ServiceAccounts it is attached to.
    pub attaching: Attaching,
    /// The status as last read or written.
    pub status: SealedSecretStatus,
    /// What it asked for when it was last brought to its end by this process.
    processed: Option<Asks>,
    /// The status that is being written.
    pending: Option<Box<SealedSecretStatus>>,
    /// The version of the object that has the status we wrote last.
    status_version: u64,
    overwritten: overwritten::Overwritten,
    /// The version of the live Secret that was last found as it should be; the status may name an earlier one.
    confirmed: Option<WrittenSecret>,
    /// The generation that was last applied: what differs within it was changed by somebody else.
    pub applied: Option<i64>,
    /// What stands in the way for now, and since when.
    pub trouble: Trouble,
    pub repairs: Repairs,
}

impl Tracked {
    /// What is known of an object, of which this process has done nothing yet.
    pub(super) fn of(arrived: &Arrived, name: ObjectName, grants: &Grants) -> Self {
        let Arrived { sealed, is_readable, bytes, .. } = arrived;
        let mut tracked = Self {
            suspended: sealed.spec.suspend == Some(true),
            merges: sealed.spec.on_conflict.as_deref() == Some("Merge"),
            attaching: Attaching::of(&sealed.spec.service_accounts),
            bytes: *bytes,
            readable: *is_readable,
            allowed: *is_readable && is_allowed(sealed, grants),
            wants: Wants::of(sealed),
            status: sealed.status.clone().unwrap_or_default(),
            ..Self::of_metadata(&sealed.metadata, name)
        };
        let was_applied =
            tracked.is_ready() || matches!(tracked.reason(), Some("Contested" | "Partial"));
        tracked.applied = tracked.status.observed_generation.filter(|_| was_applied);
        tracked.copies = copies::of_status(&tracked.status, tracked.applied);
        tracked
    }

    fn of_metadata(metadata: &ObjectMeta, name: ObjectName) -> Self {
        Self {
            id: ObjectId { at: Arc::new(name), uid: metadata.uid.clone().unwrap_or_default() },
            generation: metadata.generation.unwrap_or_default(),
            reconcile_at: asks::request(metadata),
            suspended: false,
            deleted: metadata.deletion_timestamp.is_some(),
            detaches: asks::detaches(metadata),
            keeps: asks::keeps(metadata),
            merges: false,
            bytes: 0,
            readable: false,
            allowed: false,
            wants: Wants::Own,
            copies: BTreeMap::new(),
            attaching: Attaching::default(),
            status: SealedSecretStatus::default(),
            processed: None,
            pending: None,
            status_version: 0,
            overwritten: overwritten::Overwritten::default(),
            confirmed: None,
            applied: None,
            trouble: Trouble::default(),
            repairs: Repairs::default(),
        }
    }

    fn asks(&self) -> Asks {
        Asks {
            generation: self.generation,
            reconcile_at: self.reconcile_at.clone(),
            keeps: self.keeps,
            deleted: self.deleted,
            detaches: self.detaches,
        }
    }

    /// Whether this process has not yet brought to its end what is asked for. Of an object on its way out that is to take
    /// back what it wrote into objects of others.
    pub(super) fn needs_work(&self) -> bool {
        (!self.deleted || self.detaches) && self.processed.as_ref() != Some(&self.asks())
    }

    /// Whether it has written into objects of others and somebody has taken our finalizer away.
    pub(crate) fn lacks_finalizer(&self) -> bool {
        let SealedSecretStatus { merged_keys, attached_to, .. } = &self.status;
        let has_written = !merged_keys.is_empty() || !attached_to.is_empty();
        has_written && !self.detaches && !self.deleted
    }

    /// This generation and request are done with, for better or worse.
    pub(crate) fn processed(&mut self, generation: i64) {
        self.trouble = Trouble::default();
        self.processed = Some(Asks { generation, ..self.asks() });
    }

    /// This status is about to be written: the watch may tell of it before the answer comes.
    pub(crate) fn writes_status(&mut self, status: &SealedSecretStatus) {
        self.pending = Some(Box::new(status.clone()));
    }

    /// This status was written; `version` is that of the object which has it.
    pub(crate) fn wrote_status(&mut self, status: SealedSecretStatus, version: Option<&str>) {
        self.status = status;
        self.pending = None;
        self.status_version = version.and_then(|it| it.parse().ok()).unwrap_or(self.status_version);
    }

    /// This version of the live Secret is as it should be.
    pub(crate) fn confirmed(&mut self, secret: WrittenSecret) {
        self.confirmed = Some(secret);
    }

    /// The version of the live Secret that was last written, or found as it should be.
    pub(crate) fn written(&self) -> Option<&WrittenSecret> {
        self.confirmed.as_ref().or(self.status.secret.as_ref())
    }

    /// Whether the status is about the present generation.
    pub(crate) fn is_observed(&self) -> bool {
        self.status.observed_generation == Some(self.generation)
    }

    /// Whether the status says Ready=True.
    pub(crate) fn is_ready(&self) -> bool {
        self.ready().is_some_and(|it| it.status == "True")
    }

    /// The reason of the Ready condition, when there is one.
    pub(crate) fn reason(&self) -> Option<&str> {
        self.ready().map(|it| it.reason.as_str())
    }

    fn ready(&self) -> Option<&Condition> {
        self.status.conditions.iter().find(|it| it.type_ == "Ready")
    }
}

/// At every place that is known without the labels of namespaces.
fn is_allowed(sealed: &SealedSecret, grants: &Grants) -> bool {
    let places = match sealed.places() {
        none if none.is_empty() => sealed.place().into_iter().collect(),
        places => places,
    };
    !places.is_empty() && places.iter().all(|place| would_be_allowed(sealed, place, grants))
}

/// What the arrival of an object means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// There is nothing to do.
    Nothing,
    /// It asks for nothing new, and what it asked for before is under way or waits for its time.
    Known,
    /// There may be work, for which the object itself is hardly needed: its status is of this generation.
    Observed,
    /// There is work.
    New,
}

/// All of them by name.
#[derive(Default)]
pub(super) struct Objects {
    /// Boxed, so that the table is small: it is there twice while it grows.
    by_name: HashMap<Arc<ObjectName>, Box<Tracked>>,
    /// While a list is under way: what it has named so far.
    listing: HashMap<(Kind, Watched), HashSet<Arc<ObjectName>>>,
}

impl Objects {
    /// Takes over what a watch told of an object.
    pub(super) fn arrive(&mut self, watched: &Watched, mut now: Tracked, version: u64) -> Arrival {
        if let Some(listed) = self.listing.get_mut(&(now.id.at.kind, watched.clone())) {
            listed.insert(now.id.at.clone());
        }
        let mut is_news = true;
        let known = self.remove(&now.id.at);
        if let Some(before) = known.filter(|known| known.id == now.id) {
            // The same generation and request: our own status, or somebody's label. An object that waits for its
            // next try goes on waiting.
            is_news = before.asks() != now.asks();
            let is_overwritten = before.is_overwritten_by(&now.status, version);
            now.processed = before.processed;
            now.trouble = before.trouble;
            now.repairs = before.repairs;
            now.attaching.goes_on(before.attaching);
            now.applied = before.applied;
            now.confirmed = before.confirmed;
            now.copies = before.copies;
            now.pending = before.pending;
            now.overwritten = before.overwritten.then(is_overwritten, is_news);
            // What we wrote last is no older than what an event carries, unless it is of a later version: then
            // somebody else wrote the status, and it is written again.
            if is_overwritten {
                now.status_version = version;
                now.processed = None;
                is_news = true;
            } else {
                now.status_version = before.status_version;
                now.status = before.status;
            }
        }
        let arrival = match () {
            () if !now.needs_work() => Arrival::Nothing,
            () if !is_news => Arrival::Known,
            () if now.is_observed() => Arrival::Observed,
            () => Arrival::New,
        };
        self.by_name.insert(now.id.at.clone(), Box::new(now));
        arrival
    }

    pub(super) fn get(&self, name: &ObjectName) -> Option<&Tracked> {
        self.by_name.get(name).map(Box::as_ref)
    }

    /// The object, unless another one has its name by now.
    pub(super) fn get_mut(&mut self, id: &ObjectId) -> Option<&mut Tracked> {
        self.named_mut(&id.at).filter(|tracked| tracked.id == *id)
    }

    pub(super) fn named_mut(&mut self, name: &ObjectName) -> Option<&mut Tracked> {
        self.by_name.get_mut(name).map(Box::as_mut)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Tracked> {
        self.by_name.values().map(Box::as_ref)
    }

    pub(super) fn remove(&mut self, name: &ObjectName) -> Option<Tracked> {
        self.by_name.remove(name).map(|tracked| *tracked)
    }

    pub(super) fn list_begins(&mut self, kind: Kind, watched: &Watched) {
        self.listing.insert((kind, watched.clone()), HashSet::new());
    }

    /// A list is complete: the objects that it did not name.
    pub(super) fn list_ends(&mut self, kind: Kind, watched: &Watched) -> Vec<Arc<ObjectName>> {
        let listed = self.listing.remove(&(kind, watched.clone())).unwrap_or_default();
        let names = self.by_name.keys().filter(|name| name.kind == kind);
        let names = names.filter(|name| watched.sees(name.namespace.as_deref()));
        names.filter(|name| !listed.contains(*name)).cloned().collect()
    }
}
