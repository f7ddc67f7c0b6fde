//! How much a file may hold: the most of it opens, one more is refused.

use crate::Case;
use crate::age::Stanza;
use crate::file::File;
use crate::keys::Dice;
use crate::under::{PASSWORD, plain};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        most_blocks(),
        too_many_blocks(),
        too_many_values(),
        most_bytes(),
        too_many_bytes(),
        too_much_beside(),
        header_too_long(),
    ]
}

/// `count` blocks with a header of their own, for `classic`.
fn with_own_headers(count: usize) -> (File, Vec<String>) {
    let dice = &mut Dice::new("most blocks");
    let keys: Vec<String> = (0..count).map(|n| format!("k{n:03}")).collect();
    let mut file = File::at("prod", "db");
    for key in &keys {
        file = file.set(dice, &["classic"], (key, b"v"));
    }
    (file, keys)
}

fn most_blocks() -> Case {
    let (file, keys) = with_own_headers(256);
    let file = file.seal(&mut Dice::new("most blocks 2"), &["classic"], &[PASSWORD]);
    let values: Vec<(&str, &[u8])> = keys.iter().map(|key| (key.as_str(), &b"v"[..])).collect();
    let values = [&values[..], &[PASSWORD]].concat();
    let promise = "256 blocks with a header of their own, and one under the shared header";
    Case::opens("most-blocks", promise, file.yaml(), &values).with(&["classic"])
}

fn too_many_blocks() -> Case {
    let promise = "257 blocks with a header of their own";
    let text = with_own_headers(257).0.yaml();
    Case::malformed("blocks-257", promise, text, "more than 256 blocks").with(&["classic"])
}

fn too_many_values() -> Case {
    let clear: String = (0..1024).map(|n| format!("      k{n:04}: v\n")).collect();
    let mut file = File::at("prod", "db");
    file.more = format!("  template:\n    stringData:\n{clear}");
    let file = file.seal(&mut Dice::new("values 1025"), &["cluster"], &[PASSWORD]);
    let promise = "1,024 clear values and a sealed one";
    Case::malformed("values-1025", promise, file.yaml(), "more than 1,024 values")
}

/// A sealed value, which counts as its size class of 128 bytes, and a clear one of `length`.
fn beside_clear(length: usize) -> (String, String) {
    let clear = "x".repeat(length);
    let mut file = File::at("prod", "db");
    file.more = format!("  template:\n    stringData:\n      clear: {clear}\n");
    (file.seal(&mut Dice::new("bytes"), &["cluster"], &[PASSWORD]).yaml(), clear)
}

fn most_bytes() -> Case {
    let (text, clear) = beside_clear(1024 * 1024 - 128);
    let promise = "1 MiB of values, the sealed one counted as its size class";
    Case::opens("bytes-most", promise, text, &[("clear", clear.as_bytes()), PASSWORD])
}

fn too_many_bytes() -> Case {
    let text = beside_clear(1024 * 1024 - 127).0;
    let promise = "a byte more than 1 MiB of values, the sealed one counted as its size class";
    Case::malformed("bytes-too-many", promise, text, "larger than 1 MiB")
}

fn too_much_beside() -> Case {
    let note = "x".repeat(192 * 1024 - 25);
    let mut file = File::at("prod", "db");
    file.more = format!(
        "  template:\n    metadata:\n      annotations:\n        a: {note}\n        b: {note}\n"
    );
    let file = file.seal(&mut Dice::new("beside"), &["cluster"], &[PASSWORD]);
    let promise =
        "more than 384 KiB of keys, labels and annotations, names counted twice and with 24 bytes";
    Case::malformed("rest-too-large", promise, file.yaml(), "384 KiB")
}

/// With its last line feed, which the reader adds, it is one byte longer than 128 KiB.
fn header_too_long() -> Case {
    let mut file = plain("too long", &["cluster"]);
    let header = file.shared();
    header.stanzas.insert(0, Stanza { words: vec!["grease".into()], body: vec![7; 32] });
    let missing = 128 * 1024 - header.text().len() - " ".len();
    header.stanzas[0].words.push("x".repeat(missing));
    Case::malformed("header-too-long", "more than 128 KiB of header", file.yaml(), "128 KiB")
}
