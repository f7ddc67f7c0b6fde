//! Decides what happens to a live Secret. Pure: what was read and what is wanted go in, one [`Plan`] comes out,
//! and [`crate::target::secret`] carries it out without asking anything else.
//!
//! The rule above all others: a Secret that is not ours is left alone.

mod changes;
mod desired;
mod merge;
pub(crate) mod ours;
pub(crate) mod pull_secrets;
mod taking_over;
mod writers;

use std::fmt;

use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use seal_core::escaped;
use seal_core::reason::Reason;

use crate::object_id::ObjectId;
use crate::outcome::Outcome;
use changes::Changes;
pub(crate) use desired::{Desired, OnConflict};
pub(crate) use merge::Problem;
pub(crate) use ours::Refusal;

/// Number of these rules. A change that would write other bytes for the same sealed file raises it, and every
/// object is compared once more.
pub(crate) const RULES: i64 = 2;

/// Most names that a sentence gives of what others chose.
const MOST_NAMED: usize = 4;

/// Why the live Secret is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// This generation of the file has not been applied yet.
    File,
    /// It has been: whatever differs now was changed by somebody else.
    Drift,
}

/// What is to be done with a live Secret, and the Event that tells of it once it is done.
pub(crate) enum Plan {
    /// It is as it should be; this is its metadata.
    Leave(Box<ObjectMeta>),
    /// There is none: make it.
    Create { secret: Box<Secret>, event: Option<Outcome> },
    /// Ours and different: put this in the place of that version.
    Update { secret: Box<Secret>, over: Version, event: Outcome },
    /// Ours, but immutable or of another type: delete that version, then make this one.
    Replace { secret: Box<Secret>, over: Version, event: Outcome, cause: Cause },
    /// Not ours, with its writer's consent: apply our keys, and nothing else, to that version of it.
    Merge {
        secret: Box<Secret>,
        over: Version,
        manager: String,
        event: Outcome,
        /// Who has written over them, as far as the Secret says.
        contender: Option<String>,
    },
    /// Our keys are in a Secret into which they no longer belong: apply none to that version, then plan again.
    Unmerge { secret: Box<Secret>, over: Version, manager: String },
    /// Nothing can be done before something is gone, or there.
    Wait(Waiting),
    /// Not ours, or a kind that is never touched.
    Refuse(Refusal),
}

/// What has to go before the live Secret can be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Waiting {
    /// The live Secret is being deleted, and these finalizers hold it.
    Deleted { finalizers: Vec<String> },
    /// It would have to be deleted and made again, and was made by an earlier sealed object of this name.
    Collected,
    /// It is to be merged into, which makes none.
    Missing,
}

/// The version of a live Secret that a plan was made over. Any other one is a race, to be planned again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Version {
    pub uid: Option<String>,
    pub resource_version: Option<String>,
}

impl Version {
    fn of(metadata: &ObjectMeta) -> Self {
        Self { uid: metadata.uid.clone(), resource_version: metadata.resource_version.clone() }
    }
}

impl Plan {
    /// Whether it undoes what somebody else did to a Secret of ours.
    pub(crate) fn is_repair(&self) -> bool {
        matches!(self, Self::Replace { cause: Cause::Drift, .. })
            || self.event().is_some_and(|event| event.reason == Reason::Repaired)
    }

    /// What is told once it is done.
    pub(crate) fn event(&self) -> Option<&Outcome> {
        match self {
            Self::Create { event, .. } => event.as_ref(),
            Self::Update { event, .. }
            | Self::Replace { event, .. }
            | Self::Merge { event, .. } => Some(event),
            Self::Leave(_) | Self::Unmerge { .. } | Self::Wait(_) | Self::Refuse(_) => None,
        }
    }

    /// Whether the sealed object's keys are then beside those of others.
    pub(crate) fn is_merged(&self, desired: &Desired<'_>) -> bool {
        match self {
            Self::Merge { .. } => true,
            Self::Leave(metadata) => {
                desired.on_conflict == OnConflict::Merge
                    && merge::is_marked(metadata, desired.owner)
            }
            _ => false,
        }
    }

    /// Who else writes what this plan writes to `live`, as far as that says.
    pub(crate) fn contender(&self, live: &Secret) -> Option<String> {
        match self {
            Self::Merge { contender, .. } => contender.clone(),
            _ => {
                writers::of_values(&live.metadata).or_else(|| writers::of_anything(&live.metadata))
            }
        }
    }
}

/// Prints names only: a Secret prints its values.
impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Leave(_) => f.write_str("Leave"),
            Self::Create { event, .. } => write!(f, "Create({event:?})"),
            Self::Update { over, event, .. } => write!(f, "Update({over:?}, {event:?})"),
            Self::Replace { over, event, .. } => write!(f, "Replace({over:?}, {event:?})"),
            Self::Merge { over, event, .. } => write!(f, "Merge({over:?}, {event:?})"),
            Self::Unmerge { over, .. } => write!(f, "Unmerge({over:?})"),
            Self::Wait(waiting) => write!(f, "Wait({waiting:?})"),
            Self::Refuse(refusal) => write!(f, "Refuse({refusal:?})"),
        }
    }
}

/// Decides between what is there and what is wanted.
pub(crate) fn plan(live: Option<&Secret>, desired: &Desired<'_>, cause: Cause) -> Plan {
    let merges = desired.on_conflict == OnConflict::Merge;
    let Some(live) = live else {
        return if merges { Plan::Wait(Waiting::Missing) } else { create(desired, cause) };
    };
    let refusal = match ours::refusal(live, desired) {
        Some(Refusal::NotOurs(other)) if merges => return merge::plan(live, desired, other, cause),
        refusal => refusal,
    };
    if let Some(leave) = merge::leave(live, desired.owner) {
        return leave;
    }
    let taken_over = match refusal.map(|refusal| taking_over::reason(live, desired, refusal)) {
        Some(Err(refusal)) => return Plan::Refuse(refusal),
        Some(Ok(why)) => Some(why),
        None => None,
    };
    if let Some(finalizers) = finalizers_of_deleted(live) {
        return Plan::Wait(Waiting::Deleted { finalizers });
    }
    let changes = Changes::between(live, desired);
    if changes.need_another_secret {
        return match taken_over {
            Some(_) => Plan::Refuse(Refusal::Frozen),
            None => replace(live, desired, cause),
        };
    }
    if changes.is_empty() {
        return Plan::Leave(Box::new(live.metadata.clone()));
    }
    let event = match taken_over {
        Some(why) => Outcome::new(Reason::Adopted, format!("the Secret was taken over, {why}")),
        None => updated(&changes, desired, cause),
    };
    Plan::Update { secret: Box::new(desired.over(live)), over: Version::of(&live.metadata), event }
}

fn updated(changes: &Changes, desired: &Desired<'_>, cause: Cause) -> Outcome {
    let written = || format!("generation {} of the file was written", desired.generation);
    match cause {
        _ if desired.keep && !desired.was_kept => Outcome::new(
            Reason::Released,
            "the live Secret stays when this object is deleted, as its annotation seal.dev/on-delete says",
        ),
        Cause::Drift if desired.was_kept && !desired.keep => {
            Outcome::new(Reason::Applied, "the live Secret goes with this object again")
        }
        Cause::File => Outcome::new(Reason::Applied, written()),
        Cause::Drift => Outcome::new(Reason::Repaired, changes.sentence()),
    }
}

fn replace(live: &Secret, desired: &Desired<'_>, cause: Cause) -> Plan {
    if !desired.made(live) {
        return match ours::controller_of(&live.metadata) {
            Some(_) => Plan::Wait(Waiting::Collected),
            None => Plan::Refuse(Refusal::Frozen),
        };
    }
    let text = "the live Secret was immutable or of another type, and was deleted and made again";
    Plan::Replace {
        secret: Box::new(desired.instead_of(live)),
        over: Version::of(&live.metadata),
        event: Outcome::new(Reason::Replaced, text),
        cause,
    }
}

/// What becomes of a Secret at a place that is no longer wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stray {
    /// This very object controls it and made it: it has our mark, and nobody but us has written its values. It is deleted in
    /// this version.
    Ours(Version),
    /// It says that this object controls it, and somebody else has made or written it. Whoever may write a Secret can name any
    /// owner in it, and copy a mark.
    Mixed,
    /// It is another's, or going already.
    Foreign,
}

impl Stray {
    pub(crate) fn of(live: &ObjectMeta, owner: &ObjectId) -> Self {
        let controller = ours::controller_of(live);
        let is_ours =
            controller.is_some_and(|it| ours::refers_to(it, &owner.at) && it.uid == owner.uid);
        if !is_ours || live.deletion_timestamp.is_some() {
            return Self::Foreign;
        }
        let is_made_by_us = ours::Origin::read(live, &owner.at).is_some()
            && writers::of_values(live).is_none()
            && writers::is_of_ours(live);
        if is_made_by_us { Self::Ours(Version::of(live)) } else { Self::Mixed }
    }
}

/// What holds a Secret that is being deleted; `None` of one that is not.
fn finalizers_of_deleted(live: &Secret) -> Option<Vec<String>> {
    live.metadata.deletion_timestamp.as_ref()?;
    let finalizers = live.metadata.finalizers.iter().flatten().map(|name| escaped(name));
    Some(finalizers.take(MOST_NAMED).collect())
}

/// The field manager under which a sealed object's keys are merged into Secrets of others.
pub(crate) fn merging_manager(owner: &ObjectId) -> String {
    merge::manager(owner)
}

fn create(desired: &Desired<'_>, cause: Cause) -> Plan {
    let text = "the live Secret was gone and is made again";
    let event = match cause {
        // That an object was applied for the first time is in its status, and is no news.
        Cause::File => None,
        Cause::Drift => Some(Outcome::new(Reason::Repaired, text)),
    };
    Plan::Create { secret: Box::new(desired.new_secret()), event }
}

#[cfg(test)]
mod tests;
