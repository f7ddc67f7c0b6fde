//! The identities held in one place, and where each of them opens.
//!
//! An identity may be for some namespaces only, so that what a tenant's own key opens is found in that tenant's namespaces alone.
//! Narrowing never goes away by adding something: an identity that is held twice opens where both allow it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Fingerprint, Identity};

/// The namespaces in which an identity opens; none is all of them.
pub type Namespaces = Option<BTreeSet<String>>;

/// The identities held in one place, found by fingerprint and never by trial.
#[derive(Debug, Default)]
pub struct Keyring(BTreeMap<Fingerprint, Held>);

#[derive(Debug)]
struct Held {
    identity: Arc<Identity>,
    namespaces: Namespaces,
}

impl Keyring {
    /// Adds an identity that opens everywhere, unless it is held for some namespaces only: so it stays then.
    pub fn insert(&mut self, identity: impl Into<Arc<Identity>>) {
        self.insert_for(identity, None);
    }

    /// Adds an identity that opens in these namespaces alone; where it is held already, in those that both name.
    pub fn insert_for(&mut self, identity: impl Into<Arc<Identity>>, namespaces: Namespaces) {
        let identity = identity.into();
        let fingerprint = identity.fingerprint();
        let namespaces = match self.0.get(&fingerprint) {
            Some(held) => narrower(namespaces, held.namespaces.clone()),
            None => namespaces,
        };
        self.0.insert(fingerprint, Held { identity, namespaces });
    }

    /// The identity with this fingerprint, and the fingerprint as it is kept here, where it opens in this namespace.
    pub(crate) fn get_at(
        &self,
        fingerprint: &Fingerprint,
        namespace: &str,
    ) -> Option<(&Fingerprint, &Identity)> {
        let (fingerprint, held) = self.0.get_key_value(fingerprint)?;
        held.opens_at(namespace).then(|| (fingerprint, &*held.identity))
    }

    /// Whether an identity with this fingerprint, as text, is held and opens in this namespace.
    pub fn opens_at(&self, fingerprint: &str, namespace: &str) -> bool {
        let held = Fingerprint::parse(fingerprint).and_then(|fingerprint| self.0.get(&fingerprint));
        held.is_some_and(|held| held.opens_at(namespace))
    }

    /// The fingerprints of all identities that open in this namespace, sorted.
    pub fn fingerprints_at(&self, namespace: &str) -> Vec<Fingerprint> {
        let here = self.0.iter().filter(|(_, held)| held.opens_at(namespace));
        here.map(|(fingerprint, _)| fingerprint.clone()).collect()
    }

    /// All that are held, and where each opens.
    pub fn held(&self) -> BTreeMap<Fingerprint, Namespaces> {
        let of = |(fingerprint, held): (&Fingerprint, &Held)| {
            (fingerprint.clone(), held.namespaces.clone())
        };
        self.0.iter().map(of).collect()
    }

    /// The namespaces of an identity that is held for some only.
    pub fn namespaces_of(&self, fingerprint: &Fingerprint) -> Option<&BTreeSet<String>> {
        self.0.get(fingerprint)?.namespaces.as_ref()
    }

    /// The identities for some namespaces only that open in this one: where two namespaces have the same, everything opens
    /// in both by the same keys, or in neither.
    pub fn narrowed_at(&self, namespace: &str) -> BTreeSet<&Fingerprint> {
        let is_narrowed = |held: &Held| held.namespaces.is_some() && held.opens_at(namespace);
        self.0.iter().filter(|(_, held)| is_narrowed(held)).map(|(it, _)| it).collect()
    }
}

impl Held {
    fn opens_at(&self, namespace: &str) -> bool {
        self.namespaces.as_ref().is_none_or(|namespaces| namespaces.contains(namespace))
    }
}

fn narrower(one: Namespaces, other: Namespaces) -> Namespaces {
    match (one, other) {
        (Some(one), Some(other)) => Some(&one & &other),
        (one, other) => one.or(other),
    }
}

impl FromIterator<Identity> for Keyring {
    fn from_iter<I: IntoIterator<Item = Identity>>(identities: I) -> Self {
        let mut keyring = Self::default();
        identities.into_iter().for_each(|identity| keyring.insert(identity));
        keyring
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn namespaces(names: &[&str]) -> Namespaces {
        Some(names.iter().map(|it| (*it).to_owned()).collect())
    }

    #[test]
    fn an_identity_that_is_held_twice_opens_where_both_allow_it_whichever_came_first() {
        let identity = Arc::new(Identity::generate_classic());
        let text = identity.fingerprint().to_string();
        for (one, other, opens) in [
            (namespaces(&["a", "b"]), None, ["a", "b"].as_slice()),
            (namespaces(&["a", "b"]), namespaces(&["b", "c"]), &["b"]),
            (namespaces(&["a"]), namespaces(&["c"]), &[]),
            (None, None, &["a", "b", "c"]),
        ] {
            for both in [[one.clone(), other.clone()], [other.clone(), one.clone()]] {
                let mut keyring = Keyring::default();
                both.into_iter().for_each(|it| keyring.insert_for(identity.clone(), it));
                for namespace in ["a", "b", "c"] {
                    let expected = opens.contains(&namespace);
                    assert_eq!(keyring.opens_at(&text, namespace), expected, "{namespace}");
                    assert_eq!(!keyring.fingerprints_at(namespace).is_empty(), expected);
                }
            }
        }
    }
}
