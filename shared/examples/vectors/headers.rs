//! What is refused before any key is used: the text of a header, shared or a block's own, and its stanzas.

use crate::file::Header;
use crate::keys::{Dice, Key, classic_after};
use crate::under::Under;
use crate::{Case, age, swap};

pub(crate) fn cases() -> Vec<Case> {
    let tables = Under::EACH.into_iter().flat_map(|under| {
        let texts = TEXTS.into_iter().map(move |row| changed_text(under, row));
        let parts = PARTS.into_iter().map(move |row| changed_parts(under, row));
        texts.chain(parts).chain([too_many_stanzas(under)])
    });
    tables.collect()
}

/// File, promise, the change of the header's text, words of the message.
type Text = (&'static str, &'static str, fn(&str) -> String, &'static str);

const TEXTS: [Text; 12] = [
    ("header-crlf", "CRLF within the header", |h| h.replace('\n', "\r\n"), "does not begin"),
    ("header-final-line-feed", "a line feed too many", |h| format!("{h}\n"), "line feed"),
    ("header-after-mac", "a line after the MAC", |h| format!("{h}\nmore"), "after its MAC"),
    ("header-version", "age v2", |h| swap(h, "/v1", "/v2"), "does not begin"),
    ("header-cut", "the MAC line is missing", without_mac, "MAC"),
    ("header-mac-not-canonical", "loose last bits in the MAC", loose_last, "MAC"),
    ("header-mac-padded", "a padded MAC", |h| format!("{h}="), "MAC"),
    ("header-empty", "no header", |_| String::new(), "header"),
    ("header-no-stanza", "a header without stanzas", without_stanza, "no stanza"),
    ("stanza-body-not-canonical", "loose last bits in a body", loose_body, "body"),
    ("stanza-body-padded", "a padded body", padded_body, "body"),
    ("stanza-body-absent", "a header that ends inside a stanza", without_body, "inside a stanza"),
];

/// File, promise, the change of the header's parts, words of the message.
type Parts = (&'static str, &'static str, fn(&mut Header), &'static str);

const PARTS: [Parts; 10] = [
    ("mixed-labels", "a classical stanza beside a post-quantum one", mix, "mixes"),
    ("scrypt-stanza", "a passphrase stanza", passphrase, "passphrase"),
    ("stanza-share-not-canonical", "loose last bits in a share", loose_share, "shape"),
    ("stanza-share-short", "a share of one byte less", short_share, "shape"),
    ("stanza-extra-argument", "a second argument", argue, "shape"),
    ("stanza-body-long", "a body of 33 bytes", |h| h.stanzas[0].body.push(0), "shape"),
    ("stanza-body-short", "a body of 31 bytes", |h| h.stanzas[0].body.truncate(31), "shape"),
    ("stanza-empty-argument", "two spaces between arguments", space, "words"),
    ("more-hints-than-stanzas", "two hints and one stanza", repeat_hint, "more entries"),
    ("hint-short", "a fingerprint that is none", |h| h.hints[0].truncate(20), "fingerprint"),
];

fn changed_text(under: Under, (file, promise, change, detail): Text) -> Case {
    let file = under.file(file);
    let text = under.changed(&file, &["cluster"], |header| {
        header.instead = Some(change(&header.text()));
    });
    Case::malformed(file, under.promise(promise), text, detail)
}

fn changed_parts(under: Under, (file, promise, change, detail): Parts) -> Case {
    let file = under.file(file);
    let text = under.changed(&file, &["cluster"], change);
    Case::malformed(file, under.promise(promise), text, detail)
}

fn too_many_stanzas(under: Under) -> Case {
    let file = under.file("header-65-stanzas");
    let keys = classic_after(64);
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let mut sealed = under.sealed(&file, &["classic"]);
    *under.header(&mut sealed) = Header::new(&mut Dice::new(&file), &keys);
    let promise = under.promise("more than 64 stanzas");
    Case::malformed(file, promise, sealed.yaml(), "64 stanzas").with(&["classic"])
}

/// The last character of 43 carries two bits that decode to nothing; here they are not zero.
pub(crate) fn loose_last(text: &str) -> String {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let last = text.chars().last().and_then(|last| ALPHABET.find(last)).unwrap_or(0);
    text[..text.len() - 1].to_owned() + &ALPHABET[last + 1..last + 2]
}

fn last_line(header: &str) -> &str {
    header.lines().last().unwrap_or_default()
}

/// That of the first stanza.
fn body_line(header: &str) -> &str {
    header.lines().nth(2).unwrap_or_default()
}

fn without_mac(header: &str) -> String {
    swap(header, &format!("\n{}", last_line(header)), "")
}

fn without_stanza(header: &str) -> String {
    format!("age-encryption.org/v1\n{}", last_line(header))
}

fn loose_body(header: &str) -> String {
    swap(header, body_line(header), &loose_last(body_line(header)))
}

fn padded_body(header: &str) -> String {
    swap(header, body_line(header), &format!("{}=", body_line(header)))
}

fn without_body(header: &str) -> String {
    header.lines().take(2).collect::<Vec<_>>().join("\n")
}

fn mix(header: &mut Header) {
    let stanza = Dice::new("mixed").stanza(&Key::named("classic"), &header.file_key);
    header.stanzas.push(stanza);
}

fn passphrase(header: &mut Header) {
    let words = ["scrypt", "rF0/NwblUHHTpgQgRpe5CQ", "10"].map(str::to_owned).to_vec();
    header.stanzas = vec![age::Stanza { words, body: vec![1; 32] }];
}

fn loose_share(header: &mut Header) {
    let share = &mut header.stanzas[0].words[1];
    *share = loose_last(share);
}

fn short_share(header: &mut Header) {
    header.stanzas[0].words[1].truncate(1492);
}

fn argue(header: &mut Header) {
    header.stanzas[0].words.push("x".into());
}

fn space(header: &mut Header) {
    header.stanzas[0].words.insert(1, String::new());
}

fn repeat_hint(header: &mut Header) {
    header.hints.push(header.hints[0].clone());
}
