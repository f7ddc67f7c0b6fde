//! Which header a block is under: the shared one, its own, and a shared one that no block is under.

use crate::Case;
use crate::file::{File, Header};
use crate::keys::Dice;
use crate::under::{BOTH, PASSWORD, USERNAME, plain, replaced};

const TOKEN: (&str, &[u8]) = ("token", b"t-1");
const LEVEL: (&str, &[u8]) = ("level", b"debug");

pub(crate) fn cases() -> Vec<Case> {
    [own(), several_keys(), same_header(), unused(), unused_and_malformed(), clear()]
        .into_iter()
        .flatten()
        .collect()
}

/// No shared header: a header for each of three blocks.
pub(crate) fn all_own(name: &str) -> File {
    let dice = &mut Dice::new(name);
    File::at("prod", "db")
        .set(dice, &["cluster"], PASSWORD)
        .set(dice, &["offline", "cluster"], TOKEN)
        .set(dice, &["cluster"], USERNAME)
}

fn own() -> Vec<Case> {
    let two = replaced("block 2", &["cluster", "offline"]).yaml();
    let replayed = replaced("replayed", &["cluster"]);
    let mut replay = plain("replay", &["cluster"]);
    replay.blocks[0] = replayed.blocks[0].clone();
    let three = [PASSWORD, TOKEN, USERNAME];
    vec![
        Case::opens(
            "blocks-mixed",
            "one block under a header of its own, the other under the shared one",
            replaced("mixed", &["cluster"]).yaml(),
            &BOTH,
        ),
        Case::opens(
            "blocks-own-headers",
            "each block has a file key of its own, and no header is shared",
            all_own("own").yaml(),
            &three,
        ),
        Case::opens("block-2-recipients", "the first of two keys opens", two.clone(), &BOTH),
        Case::opens("block-2-recipients", "the second of two keys opens", two, &BOTH)
            .with(&["offline"]),
        Case::opens(
            "block-replayed",
            "a block of another file for the same place and key: which is newest is Git's to say",
            replay.yaml(),
            &BOTH,
        ),
    ]
}

fn several_keys() -> Vec<Case> {
    let none = ("NoMatchingKey", "no key here");
    let one = "one block without a key refuses the whole file";
    let apart = plain("apart", &["cluster"]);
    let apart = apart.set(&mut Dice::new("apart own"), &["offline"], PASSWORD).yaml();
    let foreign = plain("foreign", &["stranger"]);
    let foreign = foreign.set(&mut Dice::new("foreign own"), &["cluster"], PASSWORD).yaml();
    let types = plain("types", &["cluster"]);
    let types = types.set(&mut Dice::new("types own"), &["classic"], PASSWORD).yaml();
    vec![
        Case::opens(
            "blocks-to-different-keys",
            "a keyring with both keys opens both headers",
            apart.clone(),
            &BOTH,
        )
        .with(&["cluster", "offline"]),
        Case::refused("blocks-to-different-keys", one, apart.clone(), none),
        Case::refused("blocks-to-different-keys", one, apart, none).with(&["offline"]),
        Case::refused("header-of-stranger", "the shared header is in use", foreign, none),
        Case::opens(
            "blocks-of-both-types",
            "types are kept apart in one header, not in one file",
            types,
            &BOTH,
        )
        .with(&["cluster", "classic"]),
    ]
}

fn same_header() -> Vec<Case> {
    let mut twice = plain("same header", &["cluster"]);
    for block in &mut twice.blocks {
        block.header.clone_from(&twice.shared);
    }
    let mut repeated = plain("repeated", &["cluster"]);
    repeated.blocks[0].header.clone_from(&repeated.shared);
    twice.shared = None;
    vec![
        Case::opens(
            "block-headers-equal",
            "two blocks with the same header, each as its own",
            twice.yaml(),
            &BOTH,
        ),
        Case::opens(
            "block-header-repeats-shared",
            "the shared header again as a block's own",
            repeated.yaml(),
            &BOTH,
        ),
    ]
}

/// A shared header that no block is under, which a clean merge can leave.
fn unused() -> Vec<Case> {
    let mut damaged = unused_to("unused 3", "cluster");
    damaged.shared().stanzas[0].body[0] ^= 1;
    vec![
        Case::opens(
            "header-unused",
            "a shared header that no block is under",
            unused_to("unused 1", "cluster").yaml(),
            &BOTH,
        ),
        Case::opens(
            "header-unused-of-stranger",
            "a header that no block is under needs no key",
            unused_to("unused 2", "stranger").yaml(),
            &BOTH,
        ),
        Case::opens(
            "header-unused-damaged",
            "a header that no block is under is never unwrapped",
            damaged.yaml(),
            &BOTH,
        ),
    ]
}

/// It has a header's shape all the same.
fn unused_and_malformed() -> Vec<Case> {
    let mut cut = unused_to("unused 4", "cluster");
    let text = cut.shared().text();
    cut.shared().instead = text.rsplit_once('\n').map(|(text, _)| text.to_owned());
    let mut hint = unused_to("unused 5", "stranger");
    hint.shared().hints[0].truncate(20);
    let mut mixed = unused_to("unused 6", "cluster");
    let classic = Header::new(&mut Dice::new("unused 7"), &["classic"]);
    mixed.shared().stanzas.extend(classic.stanzas);
    let no_block = "a shared header that no block is under";
    vec![
        Case::malformed("header-unused-cut", no_block, cut.yaml(), "MAC"),
        Case::malformed("header-unused-hint-short", no_block, hint.yaml(), "fingerprint"),
        Case::malformed("header-unused-mixed-labels", no_block, mixed.yaml(), "mixes"),
    ]
}

/// Both values under headers of their own, and a shared one to `key`.
fn unused_to(name: &str, key: &str) -> File {
    let dice = &mut Dice::new(&format!("{name} own"));
    plain(name, &[key]).set(dice, &["cluster"], PASSWORD).set(dice, &["cluster"], USERNAME)
}

fn clear() -> Vec<Case> {
    let header = File::at("prod", "db").seal(&mut Dice::new("only clear"), &["stranger"], &[]);
    let (with, without) = (with_level(header).yaml(), with_level(File::at("prod", "db")).yaml());
    vec![
        Case::opens(
            "clear-and-sealed",
            "clear values stand beside sealed ones",
            with_level(plain("clear", &["cluster"])).yaml(),
            &[PASSWORD, USERNAME, LEVEL],
        ),
        no_values("values-empty", "clear values alone", without.clone()),
        no_values("values-absent", "clear values alone, and no map of blocks", absent(&without)),
        no_values("values-empty-with-header", "a header and no block need no key", with.clone()),
        no_values("values-absent-with-header", "a header alone needs no key", absent(&with)),
    ]
}

fn absent(text: &str) -> String {
    crate::swap(text, "  values: {}\n", "")
}

fn no_values(file: &str, promise: &str, text: String) -> Case {
    Case::opens(file, promise, text, &[LEVEL]).with(&[])
}

fn with_level(mut file: File) -> File {
    file.more =
        "  template:\n    type: kubernetes.io/basic-auth\n    stringData:\n      level: debug\n"
            .into();
    file
}
