//! Which values were only sealed anew: marks in a comment above the shared header, for whoever merges branches.
//!
//! Sealing is randomised, so of a block that was replaced nobody without a key sees whether its value is another. Who
//! seals all of a file for new recipients knows that none is, and says so: one mark for each key, over the old payload
//! and the new one, which is public data. A mark holds for these two payloads alone, so one that is left behind by a
//! later edit says nothing. Marks are not authenticated: whoever can write one can also write the value.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

/// What the comment begins with.
pub(super) const COMMENT: &str = "# resealed:";
/// Bytes of a mark: two payloads that were not made for it do not meet by chance.
const BYTES: usize = 6;

/// The mark of a value whose payload was `before` and is `after`.
pub fn mark(key: &str, before: &str, after: &str) -> String {
    let digest = Sha256::digest(format!("{key}\n{before}\n{after}"));
    hex::encode(&digest[..BYTES])
}

/// The marks that stand in a text, of all its objects.
pub fn marks(text: &str) -> BTreeSet<&str> {
    let comments = text.lines().filter_map(|line| line.trim().strip_prefix(COMMENT));
    comments.flat_map(str::split_whitespace).collect()
}

/// The comment that holds `marks`, a line of its own; nothing where there are none.
pub(super) fn comment(marks: &[String]) -> String {
    if marks.is_empty() { String::new() } else { format!("{COMMENT} {}\n", marks.join(" ")) }
}
