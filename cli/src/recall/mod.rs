//! Which values of a sealed file are those that are sealed over it: their blocks stay as they are.
//!
//! Known from what this machine remembers of the values that it has sealed, or from an identity that opens the file.
//! Nothing of it is said anywhere.

mod store;

use std::collections::{BTreeMap, BTreeSet};

use seal_core::key::{Keyring, Recipient};
use seal_core::kind::edit::SharedHeader;
use seal_core::kind::sealed::SealedSecret;
use seal_core::open::allowed::Grants;
use seal_core::open::check::check;
use seal_core::open::open;
use seal_core::place::Scope;
use seal_core::recall::{RECALL_BYTES, RecallKey, digest};
use seal_core::seal::Kept;

use crate::values::Values;
use store::Store;

/// What stands for a value, by this machine's key.
type Tag = [u8; RECALL_BYTES];

/// The values that are sealed, by key: kept until the file is written, then remembered.
pub(crate) type Tags = BTreeMap<String, Tag>;

/// The memory of one run.
pub(crate) struct Recall {
    key: RecallKey,
    store: Option<Store>,
    /// Opens what the machine does not remember.
    keyring: Option<Keyring>,
}

impl Recall {
    /// With what this machine remembers, unless that was switched off or cannot be had: then with nothing.
    pub(crate) fn open(keyring: Option<Keyring>) -> Self {
        match Store::open() {
            Some((key, store)) => Self { key, store: Some(store), keyring },
            None => Self { key: RecallKey::generate(), store: None, keyring },
        }
    }

    /// What stands for each of `values`.
    pub(crate) fn tags(&self, scope: &Scope, values: &Values) -> Tags {
        values.iter().map(|(key, value)| (key.clone(), self.key.tag(scope, key, value))).collect()
    }

    /// What of `before` stays as it is when values with these `tags` are sealed over it.
    pub(crate) fn kept(
        &self,
        before: &SealedSecret,
        scope: &Scope,
        recipients: &[Recipient],
        tags: &Tags,
    ) -> Kept {
        if before.spec.scope != *scope || check(before).is_err() {
            return Kept::default();
        }
        let wanted = Recipient::fingerprints(recipients);
        let opened = self.opened(before, scope);
        let mut kept = Kept::default();
        for (key, block) in &before.spec.values {
            let sealed_to = before.sealed_to_of(block).iter().cloned();
            let is_for_them = sealed_to.collect::<BTreeSet<_>>() == wanted;
            let remembered = self.remembered(before, key);
            let known = opened.get(key).copied().or(remembered);
            if is_for_them && known.is_some() && known.as_ref() == tags.get(key) {
                kept.blocks.insert(key.clone(), block.clone());
            }
        }
        if let Some(header) = before.spec.header.clone().filter(|_| !kept.blocks.is_empty()) {
            let sealed_to = before.spec.sealed_to.clone();
            kept.shared = Some(SharedHeader { sealed_to, header, resealed: Vec::new() });
        }
        kept
    }

    fn remembered(&self, object: &SealedSecret, key: &str) -> Option<Tag> {
        self.store.as_ref()?.get(&digest(object, key)?)
    }

    /// What stands for the values that the identity opens; nothing where it does not open all of them.
    fn opened(&self, object: &SealedSecret, scope: &Scope) -> Tags {
        let Some(keyring) = &self.keyring else { return Tags::new() };
        let allowed = check(object).and_then(|checked| checked.allowed(&Grants::most()));
        let opened = allowed.and_then(|allowed| open(&allowed, keyring));
        opened.map(|opened| self.tags(scope, &opened.values)).unwrap_or_default()
    }

    /// Remembers what was written: a value that this machine has sealed is known when it is sealed again.
    pub(crate) fn remember<'o>(
        &self,
        written: impl IntoIterator<Item = (&'o SealedSecret, &'o Tags)>,
    ) {
        let Some(store) = &self.store else { return };
        let mut new = Vec::new();
        for (object, tags) in written {
            for (key, tag) in tags {
                // A block that was kept was asked for before; any other is new.
                if let Some(digest) = digest(object, key).filter(|it| store.given(it) != Some(*tag))
                {
                    new.push((digest, *tag));
                }
            }
        }
        store.add(&new);
    }
}
