//! What is gone from a repository goes from the cluster, where the source says so and the guard lets it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use seal_core::reason::Reason;
use seal_core::tree::collect::Refused;
use seal_core::tree::prune::{Guard, Prune, prune};

use super::applying::{Pass, reason_of};
use super::object::Live;
use super::tally::Tally;
use super::tree::place_of;
use crate::api_error::ApiError;
use crate::object_id::ObjectName;
use crate::target::sources;

/// Objects of a source.
pub(super) type Its = Vec<(Arc<ObjectName>, Arc<Live>)>;

/// Their places, and where each was last seen.
fn known(its: &Its) -> BTreeMap<String, String> {
    let of = |(name, live): &(Arc<ObjectName>, Arc<Live>)| {
        Some((place_of(name), live.mark.as_ref()?.path.clone()))
    };
    its.iter().filter_map(of).collect()
}

impl Pass<'_> {
    /// Removes what is gone from the repository, or says why it stays.
    pub(super) async fn prune(
        &self,
        its: Its,
        present: &BTreeSet<String>,
        unread: &BTreeSet<String>,
        tally: &mut Tally,
    ) {
        let (its, elsewhere): (Its, Its) = its.into_iter().partition(|(name, _)| {
            let is_named = name.namespace.as_ref().is_none_or(|it| self.namespaces.contains(it));
            is_named && !self.unwatched.contains_key(&name.namespace)
        });
        match prune(known(&its).iter(), present, unread, self.guard) {
            Prune::Remove(places) => self.remove(&its, &places, tally).await,
            Prune::Blocked { vanished, total } => tally.prune_blocked = Some((vanished, total)),
        }
        // A namespace that is not named for a while takes nothing out of what waits.
        let is_held = self.guard == Guard::Held;
        let waits =
            is_held && prune(known(&elsewhere).iter(), present, unread, self.guard).blocks();
        tally.holds_prune = tally.prune_blocked.is_some() || waits;
    }

    async fn remove(
        &self,
        its: &[(Arc<ObjectName>, Arc<Live>)],
        places: &[String],
        tally: &mut Tally,
    ) {
        for (name, live) in its.iter().filter(|(name, _)| places.contains(&place_of(name))) {
            let path = || live.mark.as_ref().map(|mark| mark.path.clone()).unwrap_or_default();
            match self.remove_one(name, live).await {
                Ok(true) => tally.pruned += 1,
                Ok(false) => tally.refused.push(Refused {
                    reason: Reason::NotAllowed,
                    path: path(),
                    message: format!(
                        "{name} is for namespaces that spec.namespaces does not name: it stays"
                    ),
                }),
                Err(error) => {
                    let message = format!("{name}: {error}");
                    tally.refuse(Refused { reason: reason_of(&error), path: path(), message });
                }
            }
        }
    }

    /// Removes one object; says whether it may go. One in no namespace takes live Secrets of several along.
    async fn remove_one(&self, name: &ObjectName, live: &Live) -> Result<bool, ApiError> {
        let (uid, version) = (&live.uid, &live.resource_version);
        if name.namespace.is_none() {
            let namespaces = sources::namespaces_of(self.client, name).await?;
            if !namespaces.iter().all(|it| self.namespaces.contains(it)) {
                return Ok(false);
            }
        }
        sources::delete(self.client, name, uid, version).await.map(|()| true)
    }
}
