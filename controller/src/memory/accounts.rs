//! Which sealed objects are attached to which ServiceAccounts: of each ServiceAccount that one names the version last seen,
//! of every other one nothing.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use seal_core::open::allowed::Grants;

use super::{Memory, Tracked};
use crate::object_id::ObjectName;

/// The name of a ServiceAccount, and its namespace; none where it is wanted in whichever an object goes to.
type Name = (Option<String>, String);

/// All of them that are named by sealed objects.
#[derive(Default)]
pub(super) struct Accounts {
    wanted: HashMap<Name, BTreeSet<Arc<ObjectName>>>,
    by_object: HashMap<Arc<ObjectName>, Vec<Name>>,
    /// Uid and version of those that were seen and are wanted, by namespace and name.
    versions: HashMap<(String, String), (String, String)>,
}

/// What a sealed object is attached to, as far as this process knows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attaching {
    /// `spec.serviceAccounts`.
    pub names: Vec<String>,
    /// How often one of them has changed.
    pub changes: u64,
    /// The same number when all of them were last as they should be.
    done_at: Option<u64>,
    /// Uids of those that this process has written to: writing again undoes what somebody else did.
    written: Vec<String>,
    /// Generation and namespaces for which whatever else was in objects of others was last taken out.
    left: Option<(i64, Vec<String>)>,
}

impl Attaching {
    pub(super) fn of(names: &[String]) -> Self {
        Self { names: names.to_vec(), ..Self::default() }
    }

    /// The same object has arrived again.
    pub(super) fn goes_on(&mut self, before: Self) {
        let names = std::mem::take(&mut self.names);
        *self = Self { names, ..before };
    }

    /// Whether one of them may be other than it should.
    pub(crate) fn is_due(&self) -> bool {
        !self.names.is_empty() && self.done_at != Some(self.changes)
    }

    /// All of them were as they should be when `changes` was the number.
    pub(crate) fn done(&mut self, changes: u64) {
        self.done_at = Some(changes);
    }

    /// Whether there may be something in objects of others that this generation does not want in these namespaces: looking
    /// for it asks for lists of the whole cluster.
    pub(crate) fn may_be_elsewhere(&self, generation: i64, namespaces: &[String]) -> bool {
        let left = self.left.as_ref();
        left.is_none_or(|(of, among)| *of != generation || among != namespaces)
    }

    /// Nothing is anywhere else.
    pub(crate) fn is_nowhere_else(&mut self, generation: i64, namespaces: Vec<String>) {
        self.left = Some((generation, namespaces));
    }

    /// The ServiceAccount with this uid is written to.
    pub(crate) fn writes(&mut self, uid: &str) {
        if !self.has_written(uid) {
            self.written.truncate(2 * self.names.len()); // some may have been made again under their name
            self.written.insert(0, uid.to_owned());
        }
    }

    /// It was not written to after all.
    pub(crate) fn has_not_written(&mut self, uid: &str) {
        self.written.retain(|written| written != uid);
    }

    pub(crate) fn has_written(&self, uid: &str) -> bool {
        self.written.iter().any(|written| written == uid)
    }
}

impl Accounts {
    /// What the object wants from now on.
    pub(super) fn want(&mut self, object: &Arc<ObjectName>, wanted: Vec<Name>) {
        if self.by_object.get(object).is_some_and(|before| *before == wanted) {
            return;
        }
        self.forget(object);
        for name in &wanted {
            self.wanted.entry(name.clone()).or_default().insert(object.clone());
        }
        if !wanted.is_empty() {
            self.by_object.insert(object.clone(), wanted);
        }
    }

    pub(super) fn forget(&mut self, object: &Arc<ObjectName>) {
        for name in self.by_object.remove(object).unwrap_or_default() {
            let Some(by) = self.wanted.get_mut(&name) else { continue };
            by.remove(object);
            if by.is_empty() {
                self.wanted.remove(&name);
                self.versions.retain(|(namespace, account), _| {
                    name.0.as_ref().is_some_and(|it| it != namespace) || name.1 != *account
                });
            }
        }
    }

    /// Who may want the ServiceAccount of this name, where it is another one than before.
    fn changed(
        &mut self,
        namespace: &str,
        name: &str,
        version: Option<(String, String)>,
    ) -> Vec<Arc<ObjectName>> {
        let here = self.wanted.get(&(Some(namespace.to_owned()), name.to_owned()));
        let anywhere = self.wanted.get(&(None, name.to_owned()));
        let by: Vec<_> = here.into_iter().chain(anywhere).flatten().cloned().collect();
        if by.is_empty() {
            return by;
        }
        let at = (namespace.to_owned(), name.to_owned());
        let before = match version.clone() {
            Some(version) => self.versions.insert(at, version),
            None => self.versions.remove(&at),
        };
        if version.is_some() && before == version { Vec::new() } else { by }
    }
}

/// The ServiceAccounts that an object is to be attached to.
pub(super) fn wanted_by(tracked: &Tracked, grants: &Grants) -> Vec<Name> {
    let names = tracked.attaching.names.iter().filter(|_| grants.pull_secrets);
    names.map(|name| (tracked.id.at.namespace.clone(), name.clone())).collect()
}

impl Memory {
    /// A ServiceAccount was seen. Returns the sealed objects that may have work with it.
    pub(crate) fn account(&self, metadata: &ObjectMeta) -> Vec<Arc<ObjectName>> {
        let version = metadata.uid.clone().zip(metadata.resource_version.clone());
        self.account_changed(metadata, version)
    }

    /// A ServiceAccount is gone. Returns the sealed objects that may have work with it.
    pub(crate) fn account_gone(&self, metadata: &ObjectMeta) -> Vec<Arc<ObjectName>> {
        self.account_changed(metadata, None)
    }

    fn account_changed(
        &self,
        metadata: &ObjectMeta,
        version: Option<(String, String)>,
    ) -> Vec<Arc<ObjectName>> {
        let (Some(namespace), Some(name)) = (&metadata.namespace, &metadata.name) else {
            return Vec::new();
        };
        self.with(|state| {
            let mut by = state.accounts.changed(namespace, name, version);
            by.retain(|object| {
                let is_here = object.namespace.as_ref() == Some(namespace);
                let tracked = state.objects.get(object);
                is_here
                    || tracked.is_some_and(|it| state.namespaces.is_wanted(&it.wants, namespace))
            });
            for object in &by {
                if let Some(tracked) = state.objects.named_mut(object) {
                    tracked.attaching.changes += 1;
                }
            }
            by
        })
    }
}
