//! Setting and unsetting in any text: no panic, and an edit that succeeds leaves every other line as it was.

#![no_main]

use std::collections::BTreeSet;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use seal_core::kind::edit::edit;
use seal_core::kind::sealed::Envelope;
use seal_core::kind::file::{Document, read};

static ADDED: LazyLock<Envelope> = LazyLock::new(|| {
    let text = include_str!("../../../testdata/vectors/classic-2-recipients.yaml");
    let Document::Sealed(sealed) = read(text).expect("a vector").remove(0) else {
        unreachable!("a vector is a sealed file");
    };
    sealed.spec.envelopes[0].clone()
});

fuzz_target!(|text: &str| {
    let Ok(documents) = read(text) else { return };
    for (index, document) in documents.iter().enumerate() {
        let Document::Sealed(sealed) = document else { continue };
        let keys =
            sealed.spec.envelopes.iter().flat_map(|envelope| envelope.values.keys().cloned());
        let keys: Vec<String> = keys.collect();
        let removals = keys.iter().map(|key| BTreeSet::from([key.clone()]));
        let all = BTreeSet::from_iter(keys.iter().cloned());
        for remove in removals.take(4).chain([all]) {
            if let Ok(unset) = edit(text, index, &remove, None) {
                only_taken_out(text, &unset);
            }
        }
        if let Ok(set) = edit(text, index, &BTreeSet::new(), Some(&ADDED)) {
            assert!(read(&set).is_ok());
        }
    }
});

/// The lines left are lines of `text` in its order, but for an `envelopes: []` that was left empty.
fn only_taken_out(text: &str, unset: &str) {
    let mut lines = text.lines();
    for line in unset.lines() {
        let line = line.split(" []").next().unwrap_or(line);
        assert!(lines.any(|kept| kept == line || kept.starts_with(line)), "{line:?}");
    }
}
