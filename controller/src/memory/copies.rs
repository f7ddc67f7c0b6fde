//! The live Secrets of ClusterSealedSecrets: what is known of each copy, and in which namespaces copies stand, so that one
//! that is no longer wanted is found wherever it is.

use std::collections::{BTreeMap, HashMap, HashSet};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use seal_core::kind::Kind;
use seal_core::kind::sealed::{SealedSecretStatus, WrittenSecret};
use seal_core::names::GROUP_PREFIX;
use seal_core::place::Place;

use crate::work::pace::Repairs;

/// What is known of one copy.
#[derive(Clone, Debug, Default)]
pub(super) struct Copy {
    /// The version that was last written, or found as it should be.
    pub(super) written: Option<WrittenSecret>,
    /// The generation that it has.
    pub(super) applied: Option<i64>,
    pub(super) repairs: Repairs,
}

/// The copies of one object by namespace, as its status has them.
pub(super) fn of_status(
    status: &SealedSecretStatus,
    applied: Option<i64>,
) -> BTreeMap<String, Copy> {
    let mut copies = BTreeMap::new();
    for served in &status.secrets {
        let written = Some(WrittenSecret {
            uid: served.uid.clone(),
            resource_version: served.resource_version.clone(),
        });
        copies.insert(served.namespace.clone(), Copy { written, applied, ..Copy::default() });
    }
    copies
}

/// Which Secrets say that a ClusterSealedSecret controls them: name of both, namespace, uid of the owner.
#[derive(Default)]
pub(super) struct Owned {
    by_name: HashMap<String, HashMap<String, String>>,
    /// While a list is under way: what it has named so far.
    listed: Option<HashSet<Place>>,
}

impl Owned {
    /// A Secret was seen at `place`. Whoever may write a Secret can say of it what they like, so only one of the owner's own
    /// name counts; whose it is in truth is looked at before anything is done.
    pub(super) fn saw(&mut self, place: &Place, metadata: &ObjectMeta) {
        let mut owners = metadata.owner_references.iter().flatten();
        let owner = owners.find(|owner| owner.controller == Some(true)).filter(|owner| {
            owner.kind == Kind::ClusterSealedSecret.as_str()
                && owner.api_version.starts_with(GROUP_PREFIX)
                && owner.name == place.name
        });
        let Some(owner) = owner else { return self.gone(place) };
        if let Some(listed) = &mut self.listed {
            listed.insert(place.clone());
        }
        let namespaces = self.by_name.entry(place.name.clone()).or_default();
        namespaces.insert(place.namespace.clone(), owner.uid.clone());
    }

    pub(super) fn gone(&mut self, place: &Place) {
        if let Some(namespaces) = self.by_name.get_mut(&place.name) {
            namespaces.remove(&place.namespace);
            if namespaces.is_empty() {
                self.by_name.remove(&place.name);
            }
        }
    }

    pub(super) fn list_begins(&mut self) {
        self.listed = Some(HashSet::new());
    }

    pub(super) fn list_ends(&mut self) {
        let Some(listed) = self.listed.take() else { return };
        for (name, namespaces) in &mut self.by_name {
            namespaces.retain(|namespace, _| {
                listed.contains(&Place { namespace: namespace.clone(), name: name.clone() })
            });
        }
        self.by_name.retain(|_, namespaces| !namespaces.is_empty());
    }

    /// The namespaces with a Secret of this name that the object with this uid controls.
    pub(super) fn namespaces_of<'a>(
        &'a self,
        name: &str,
        uid: &'a str,
    ) -> impl Iterator<Item = &'a String> {
        let all = self.by_name.get(name).into_iter().flatten();
        all.filter(move |(_, owner)| *owner == uid).map(|(namespace, _)| namespace)
    }
}
