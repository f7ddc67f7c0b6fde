//! Ciphertext that was copied to where it would be sealed for other recipients.
//!
//! Whoever may open a pull request can copy a file from one cluster's folder to another's. Its scope holds, for both
//! clusters may have that namespace: but sealing the copy anew would let the other cluster open it. Nobody without a key
//! can make the copy look different, so the same payload in two files says that one of them is a copy. Looked for in the
//! whole work tree, whatever part of it is sealed anew; a copy whose original is gone cannot be known.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::super::tree::Tree;
use super::look::{Digest, Looked, look};
use crate::error::Failure;
use crate::files;
use crate::parallel;
use crate::policy::{Choices, RecipientArgs};

/// The sealed files of the work trees that `all` lie in, beside these. What cannot be read there is no copy of ours.
pub(super) fn beside(all: &[Looked], recipients: &RecipientArgs) -> Vec<Looked> {
    let real = |looked: &Looked| files::real_path(&looked.path).ok();
    let ours: BTreeSet<PathBuf> = all.iter().filter_map(real).collect();
    let roots: BTreeSet<PathBuf> =
        ours.iter().filter_map(|path| files::work_tree_root(files::folder_of(path))).collect();
    let roots: Vec<PathBuf> = roots.into_iter().collect();
    if roots.is_empty() {
        return Vec::new();
    }
    let Ok(Tree { mut sources, .. }) = Tree::of(&roots) else { return Vec::new() };
    sources.retain(|source| files::real_path(&source.path).is_ok_and(|path| !ours.contains(&path)));
    let looked = parallel::each(&sources, || Choices::new(recipients), look);
    looked.unwrap_or_default().into_iter().filter_map(Result::ok).flatten().collect()
}

/// The files among `all` that hold a payload which another file holds as well, where their rules are for different
/// recipients; each with why it is refused.
pub(super) fn refused(all: &[Looked], beside: &[Looked]) -> BTreeMap<PathBuf, Failure> {
    let mut seen: BTreeMap<&Digest, &Looked> = BTreeMap::new();
    let mut refused = BTreeMap::new();
    for looked in beside.iter().chain(all) {
        for payload in &looked.payloads {
            let before = *seen.entry(payload).or_insert(looked);
            if before.wanted != looked.wanted {
                refused.insert(looked.path.clone(), copied(before, looked));
                refused.insert(before.path.clone(), copied(before, looked));
            }
        }
    }
    refused
        .retain(|path, _| all.iter().any(|looked| looked.path == *path && !looked.due.is_empty()));
    refused
}

fn copied(one: &Looked, other: &Looked) -> Failure {
    let [one, other] = [one, other].map(|looked| files::relative(&looked.path));
    Failure::input(format!(
        "{other} has a value of {one}, byte for byte, and their rules seal for different recipients"
    ))
    .hint("one is a copy of the other: seal it from its own values, or take it out")
}
