//! Ciphertext that was copied to where it would be sealed for other recipients.
//!
//! Whoever may open a pull request can copy a file from one cluster's folder to another's. Its scope holds, for both
//! clusters may have that namespace: but sealing the copy anew would let the other cluster open it. Nobody without a key
//! can make the copy look different, so the same payload in two files says that one of them is a copy.

use std::collections::BTreeMap;

use super::look::Looked;
use crate::error::Failure;

/// Refuses where one payload stands in two files that are for different recipients.
pub(super) fn refuse(all: &[Looked]) -> Result<(), Failure> {
    let mut seen: BTreeMap<&str, &Looked> = BTreeMap::new();
    for looked in all {
        for payload in &looked.payloads {
            let before = *seen.entry(payload).or_insert(looked);
            if before.wanted != looked.wanted {
                let (one, other) = (before.path.display(), looked.path.display());
                return Err(Failure::input(format!(
                    "{other} has a value of {one}, byte for byte, and their rules seal for different recipients"
                ))
                .hint("one is a copy of the other: seal it from its own values, or take it out"));
            }
        }
    }
    Ok(())
}
