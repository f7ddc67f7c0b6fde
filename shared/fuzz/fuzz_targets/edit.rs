//! Setting and unsetting in any text: no panic, and an edit that succeeds leaves every other line as it was.

#![no_main]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use seal_core::kind::edit::{Change, edit};
use seal_core::kind::file::{Document, read};
use seal_core::kind::sealed::Block;

/// A block with a header of its own.
static BLOCK: LazyLock<Block> = LazyLock::new(|| {
    let text = include_str!("../../../testdata/vectors/blocks-own-headers.yaml");
    let Document::Sealed(sealed) = read(text).expect("a vector").remove(0) else {
        unreachable!("a vector is a sealed file");
    };
    sealed.spec.values.into_values().next().expect("a vector with blocks")
});

fuzz_target!(|text: &str| {
    let Ok(documents) = read(text) else { return };
    for (index, document) in documents.iter().enumerate() {
        let Document::Sealed(sealed) = document else { continue };
        let keys: BTreeSet<String> = sealed.spec.values.keys().cloned().collect();
        for key in keys.iter().take(4) {
            let put = BTreeMap::from([(key.clone(), BLOCK.clone())]);
            let set = edit(text, index, &Change { put, ..Change::default() });
            assert!(set.is_err() || set.is_ok_and(|set| read(&set).is_ok()));
        }
        let removals = keys.iter().map(|key| BTreeSet::from([key.clone()]));
        for remove in removals.take(4).chain([keys.clone()]) {
            if let Ok(unset) = edit(text, index, &Change { remove, ..Change::default() }) {
                only_taken_out(text, &unset);
            }
        }
    }
});

/// The lines left are lines of `text` in its order, but for `values: {}` where none was left.
fn only_taken_out(text: &str, unset: &str) {
    let mut lines = text.lines();
    for line in unset.lines() {
        let line = line.split(" {}").next().unwrap_or(line);
        assert!(lines.any(|kept| kept == line || kept.starts_with(line)), "{line:?}");
    }
}
