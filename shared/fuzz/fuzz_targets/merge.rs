//! Three texts merged: no panic, the three agree in every key that is no conflict, and no value is there that neither side had.
//! And a text made short for a difference: none of its ciphertext is left.

#![no_main]

use std::collections::BTreeSet;

use libfuzzer_sys::fuzz_target;
use seal_core::kind::brief::brief;
use seal_core::kind::edit::edit;
use seal_core::kind::file::{Document, read};
use seal_core::kind::resealed::marks;
use seal_core::kind::sealed::SealedSecret;
use seal_core::merge::{Version, merge};

/// Between two of the three versions; where there are fewer, the last one stands for the rest.
const BETWEEN: &str = "\n=======\n";
/// Shorter texts stand in many places.
const CIPHERTEXT: usize = 32;

fuzz_target!(|text: &str| {
    let mut parts = text.split(BETWEEN);
    let base = parts.next().unwrap_or_default();
    let ours = parts.next().unwrap_or(base);
    let theirs = parts.next().unwrap_or(ours);
    for text in [base, ours, theirs] {
        shortened(text);
    }
    let [Some(a), Some(b), Some(c)] = [base, ours, theirs].map(first) else { return };
    let all = [base, ours, theirs].map(marks);
    let version = |object, side: usize| Version { object, marks: &all[side] };
    let Some(merged) = merge(version(&a, 0), version(&b, 1), version(&c, 2)) else { return };
    let mut after = Vec::new();
    for (text, change) in [base, ours, theirs].iter().zip(&merged.changes) {
        let Ok(text) = edit(text, 0, change) else { return };
        after.push(first(&text).expect("an edited text is a sealed file"));
    }
    let known: BTreeSet<&String> =
        [&b, &c].iter().flat_map(|it| it.spec.values.values()).map(|block| &block.payload).collect();
    for key in after.iter().flat_map(|it| it.spec.values.keys()) {
        if merged.conflicts.contains(key) {
            continue;
        }
        let blocks: Vec<_> = after.iter().map(|it| it.spec.values.get(key)).collect();
        let payloads: BTreeSet<_> = blocks.iter().map(|block| block.map(|it| &it.payload)).collect();
        assert!(payloads.len() == 1, "{key} differs after the merge");
        assert!(payloads.into_iter().flatten().all(|it| known.contains(it)), "{key} is nobody's");
    }
});

/// The first document, where it is a sealed object.
fn first(text: &str) -> Option<SealedSecret> {
    match read(text).ok()?.into_iter().next()? {
        Document::Sealed(object) => Some(*object),
        _ => None,
    }
}

fn shortened(text: &str) {
    let Some(short) = brief(text) else { return };
    for document in read(text).expect("what was made short does read") {
        let Document::Sealed(object) = document else { continue };
        for block in object.spec.values.values() {
            assert!(block.payload.len() < CIPHERTEXT || !short.contains(&block.payload));
        }
    }
}
