//! Ciphertext that was copied to where it would be sealed for other recipients.
//!
//! Whoever may open a pull request can copy a file from one cluster's folder to another's. Its scope holds, for both
//! clusters may have that namespace: but sealing the copy anew would let the other cluster open it. Nobody without a key
//! can make the copy look different, so the same payload in two files says that one of them is a copy. Looked for in the
//! whole work tree, whatever part of it is sealed anew, and in files that do not read as well: an original may have been broken so
//! that nobody knows it. A copy whose original is gone cannot be known.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use seal_core::text;
use zeroize::Zeroizing;

use super::super::tree::{Source, Tree};
use super::look::{Digest, Looked, Seen, look};
use crate::error::Failure;
use crate::files;
use crate::parallel;
use crate::policy::{Choices, RecipientArgs};

/// Larger files are not looked through.
const MOST_BYTES: usize = 64 * 1024 * 1024;
/// Characters of the shortest text that is taken for a payload.
const PAYLOAD: usize = 40;

/// The files of the work trees that `all` lie in, beside these, with the payloads that they hold.
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
    let looked = parallel::each(&sources, || Choices::new(recipients), looked_through);
    looked.unwrap_or_default().into_iter().flatten().collect()
}

/// The sealed objects of a file; of one that cannot be judged every text that may be a payload.
fn looked_through(source: &Source, choices: &mut Choices<'_>) -> Option<Looked> {
    if let Ok(Seen::Sealed(looked)) = look(source, choices) {
        return Some(looked);
    }
    let bytes = files::read_small(&source.path, MOST_BYTES).ok()??;
    if !text::mentions(&bytes, "payload") {
        return None;
    }
    let text = match text::decode(bytes.clone()) {
        Ok(text) => text,
        Err(_) => Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned()),
    };
    let text = Zeroizing::new(unescaped(&text));
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
    let words = text.split(|c| !is_part(c)).filter(|word| word.len() >= PAYLOAD);
    Some(Looked::unjudged(source.path.clone(), words))
}

/// A text with its escapes resolved, as a reader of YAML or JSON would; what is none stays.
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        plain.push_str(&rest[..at]);
        let digits = match rest[at + 1..].chars().next() {
            Some('x') => 2,
            Some('u') => 4,
            Some('U') => 8,
            _ => 0,
        };
        let code =
            rest.get(at + 2..at + 2 + digits).and_then(|it| u32::from_str_radix(it, 16).ok());
        match code.and_then(char::from_u32).filter(|_| digits > 0) {
            Some(c) => {
                plain.push(c);
                rest = &rest[at + 2 + digits..];
            }
            None => {
                plain.push('\\');
                rest = &rest[at + 1..];
            }
        }
    }
    plain + rest
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
    let is_judged = !one.wanted.is_empty() && !other.wanted.is_empty();
    let [one, other] = [one, other].map(|looked| files::relative(&looked.path));
    let why = if is_judged {
        "their rules seal for different recipients"
    } else {
        "one of the two does not read, so that nobody knows for whom it is"
    };
    Failure::input(format!("{other} has a value of {one}, byte for byte, and {why}"))
        .hint("one is a copy of the other: seal it from its own values, or take it out")
}
