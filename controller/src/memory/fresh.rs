//! Sealed objects that have just arrived: kept until their reconcile, to save reading them again.
//!
//! Nothing is ever dropped for want of room. While there is more than the budget, the watches of sealed objects
//! wait in `Memory::room` before they take another, so it is exceeded by one object of each watch at most.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use seal_core::kind::sealed::SealedSecret;

use crate::object_id::ObjectName;

/// Bytes from which on the watches wait.
pub(super) const BUDGET: usize = 4 << 20;

/// The objects and their weight.
pub(super) struct Fresh {
    objects: HashMap<Arc<ObjectName>, Box<SealedSecret>>,
    bytes: usize,
    budget: usize,
}

impl Fresh {
    pub(super) fn new(budget: usize) -> Self {
        Self { objects: HashMap::new(), bytes: 0, budget }
    }

    /// Whether the watches must wait.
    pub(super) fn is_full(&self) -> bool {
        self.bytes > self.budget
    }

    pub(super) fn keep(&mut self, name: Arc<ObjectName>, sealed: Box<SealedSecret>) {
        self.take(&name);
        self.bytes += weight(&sealed);
        self.objects.insert(name, sealed);
    }

    /// Keeps it again, unless a later one has arrived meanwhile.
    pub(super) fn keep_unless_newer(&mut self, name: Arc<ObjectName>, sealed: Box<SealedSecret>) {
        if !self.objects.contains_key(&name) {
            self.keep(name, sealed);
        }
    }

    pub(super) fn take(&mut self, name: &ObjectName) -> Option<Box<SealedSecret>> {
        let sealed = self.objects.remove(name)?;
        self.bytes -= weight(&sealed);
        Some(sealed)
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

/// About the bytes that an object takes: all that whoever makes it can make large.
fn weight(sealed: &SealedSecret) -> usize {
    let spec = &sealed.spec;
    let mut bytes = 1024 + list_weight(&spec.service_accounts);
    bytes += list_weight(&spec.sealed_to) + spec.header.as_ref().map_or(0, String::len);
    for (key, block) in &spec.values {
        bytes += 160 + key.len() + block.payload.len();
        bytes += list_weight(&block.sealed_to) + block.header.as_ref().map_or(0, String::len);
    }
    if let Some(template) = &spec.template {
        bytes += map_weight(&template.string_data);
        bytes += map_weight(&template.metadata.labels) + map_weight(&template.metadata.annotations);
    }
    let metadata = &sealed.metadata;
    bytes += metadata.labels.as_ref().map_or(0, map_weight);
    bytes += metadata.annotations.as_ref().map_or(0, map_weight);
    bytes + metadata.finalizers.as_deref().map_or(0, list_weight)
}

fn map_weight(map: &BTreeMap<String, String>) -> usize {
    map.iter().map(|(key, value)| 64 + key.len() + value.len()).sum()
}

fn list_weight(list: &[String]) -> usize {
    list.iter().map(|text| 32 + text.len()).sum()
}
