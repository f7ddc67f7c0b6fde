//! What an attacker with write access to Git can move within files: every payload is intact, its key or its
//! header is another.

use crate::Case;
use crate::blocks::all_own;
use crate::file::File;
use crate::keys::Dice;
use crate::under::{PASSWORD, plain, replaced};

pub(crate) const ELSEWHERE: (&str, &str) = ("NotSealedForThis", "password");
const PASSWD: (&str, &str) = ("NotSealedForThis", "passwd");
const PAYLOAD: (&str, &str) = ("Damaged", "payload");

pub(crate) fn cases() -> Vec<Case> {
    [keys(), blocks(), headers(), files()].into_iter().flatten().collect()
}

/// Under one header.
fn keys() -> Vec<Case> {
    let mut renamed = plain("renamed", &["cluster"]);
    renamed.blocks.truncate(1);
    renamed.blocks[0].key = "passwd".into();
    let mut swapped = plain("swapped", &["cluster"]);
    let (password, username) = swapped.blocks.split_at_mut(1);
    std::mem::swap(&mut password[0].payload, &mut username[0].payload);
    let mut copied = plain("copied", &["cluster"]);
    copied.blocks[0].payload = copied.blocks[1].payload.clone();
    vec![
        Case::refused("moved-to-another-key", "a value renamed", renamed.yaml(), PASSWD),
        Case::refused("moved-keys-swapped", "two values swapped", swapped.yaml(), ELSEWHERE),
        Case::refused("moved-key-copied", "one value under two keys", copied.yaml(), ELSEWHERE),
    ]
}

/// Header and payload together.
fn blocks() -> Vec<Case> {
    let mut renamed = replaced("block renamed", &["cluster"]);
    renamed.blocks[0].key = "passwd".into();
    let mut swapped = all_own("blocks swapped");
    (swapped.blocks[0].key, swapped.blocks[2].key) = ("username".into(), "password".into());
    let mut copied = all_own("block copied");
    copied.blocks[0] = crate::file::Block { key: "password".into(), ..copied.blocks[2].clone() };
    let mut carried = plain("carried", &["cluster"]);
    carried.blocks[0].payload = carried.blocks[1].payload.clone();
    carried.blocks[0].header.clone_from(&carried.shared);
    vec![
        Case::refused("moved-block-renamed", "a block under another key", renamed.yaml(), PASSWD),
        Case::refused(
            "moved-blocks-swapped",
            "two blocks swapped, each with its header",
            swapped.yaml(),
            ("NotSealedForThis", "sealed for another"),
        ),
        Case::refused("moved-block-copied", "one block under two keys", copied.yaml(), ELSEWHERE),
        Case::refused(
            "moved-with-shared-header",
            "a payload under another key, the shared header copied along",
            carried.yaml(),
            ELSEWHERE,
        ),
    ]
}

/// A payload under another header than its own.
fn headers() -> Vec<Case> {
    let mut swapped = all_own("headers swapped");
    let (first, rest) = swapped.blocks.split_at_mut(1);
    std::mem::swap(&mut first[0].header, &mut rest[1].header);
    let mut borrowed = all_own("header borrowed");
    borrowed.blocks[0].header = borrowed.blocks[2].header.clone();
    let mut lowered = replaced("to shared", &["cluster"]);
    lowered.blocks[0].header = None;
    let mut raised = plain("to own", &["cluster"]);
    raised.blocks[0].header.clone_from(&replaced("to own 2", &["cluster"]).blocks[0].header);
    let mut shared = plain("shared", &["cluster"]);
    shared.shared.clone_from(&plain("shared 2", &["cluster"]).shared);
    vec![
        Case::refused("moved-headers-swapped", "two headers swapped", swapped.yaml(), PAYLOAD),
        Case::refused("moved-header-copied", "another block's header", borrowed.yaml(), PAYLOAD),
        Case::refused(
            "moved-under-shared-header",
            "a block's own header taken out",
            lowered.yaml(),
            PAYLOAD,
        ),
        Case::refused(
            "moved-under-own-header",
            "a header put into a block that was under the shared one",
            raised.yaml(),
            PAYLOAD,
        ),
        Case::refused(
            "moved-shared-header",
            "the shared header of another file for the same place",
            shared.yaml(),
            PAYLOAD,
        ),
    ]
}

/// From another file.
fn files() -> Vec<Case> {
    let mut grafted = plain("grafted", &["cluster"]);
    grafted.blocks[0].payload = plain("other file", &["cluster"]).blocks[0].payload.clone();
    vec![
        Case::refused(
            "moved-from-another-file",
            "a payload of another file for the same place and key",
            grafted.yaml(),
            PAYLOAD,
        ),
        pasted("moved-block-of-another-name", "a block of another name's file", ("prod", "web")),
        pasted(
            "moved-block-of-another-namespace",
            "a block of another namespace's file",
            ("dev", "db"),
        ),
    ]
}

fn pasted(file: &str, promise: &str, (namespace, name): (&str, &str)) -> Case {
    let theirs = File::at(namespace, name).set(&mut Dice::new(name), &["cluster"], PASSWORD);
    let mut ours = plain(file, &["cluster"]);
    ours.blocks[0] = theirs.blocks[0].clone();
    Case::refused(file, promise, ours.yaml(), ELSEWHERE)
}
