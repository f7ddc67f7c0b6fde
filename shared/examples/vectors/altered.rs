//! What was changed after sealing, and what a malicious sealer can put under a correct MAC.

use crate::file::{File, Header};
use crate::keys::{Dice, Key};
use crate::under::{BOTH, Under, plain};
use crate::{Case, age};

const ELSEWHERE: (&str, &str) = ("NotSealedForThis", "password");

pub(crate) fn cases() -> Vec<Case> {
    let headers = Under::EACH.into_iter().flat_map(|under| {
        let changed = HEADERS.into_iter().map(move |row| changed(under, row));
        split(under).into_iter().chain(changed).chain([low_order_classic(under)])
    });
    let payloads = [padding(), frames(), payloads(), chunks()];
    headers.chain(payloads.into_iter().flatten()).collect()
}

/// File, promise, the change of a header for two keys, reason and detail.
type Row = (&'static str, &'static str, fn(&mut Header), (&'static str, &'static str));

const MAC: (&str, &str) = ("Damaged", "mac");
const STANZA: (&str, &str) = ("Damaged", "stanza");
const NO_KEY: (&str, &str) = ("NoMatchingKey", "no key here");

const HEADERS: [Row; 9] = [
    ("stanza-stripped", "a stanza taken out", strip, MAC),
    ("stanza-added", "a stanza put in by somebody who knew the file key", add, MAC),
    ("stanzas-reordered", "stanzas in another order", reorder, MAC),
    ("low-order-share", "an X25519 half without a secret", without_secret, STANZA),
    (
        "two-stanzas-for-one-key",
        "the first stanza for a key counts, and the MAC is another's",
        wrap_another,
        MAC,
    ),
    ("stanza-body-changed", "one bit of the wrapped file key, under a right MAC", flip, STANZA),
    ("foreign-fingerprint", "sealed to others only", to_others, NO_KEY),
    ("hint-without-stanza", "a hint of ours, and no stanza of ours", lie, STANZA),
    ("no-hint", "a stanza of ours without a hint: no trial", |header| header.hints.clear(), NO_KEY),
];

fn changed(under: Under, (file, promise, change, refusal): Row) -> Case {
    let file = under.file(file);
    let text = under.changed(&file, &["cluster", "offline"], change);
    Case::refused(file, under.promise(promise), text, refusal)
}

/// File key 1 for `cluster`, file key 2 for `offline`; MAC and payload are those of file key 1.
fn split(under: Under) -> [Case; 2] {
    let text = under.changed("split", &["cluster", "offline"], |header| {
        header.stanzas[1] = Dice::new("split 2").stanza(&Key::named("offline"), &[2; 16]);
    });
    let file = under.file("split-header");
    let promise = under.promise("of a split header only the key of the MAC opens");
    let other = under.promise("the other key of a split header gets nothing");
    [
        Case::opens(file.clone(), promise, text.clone(), &BOTH),
        Case::damaged(file, other, text, "mac").with(&["offline"]),
    ]
}

fn low_order_classic(under: Under) -> Case {
    let file = under.file("low-order-share-classic");
    let text = under.changed(&file, &["classic"], |header| {
        header.stanzas[0].words[1] = "A".repeat(43);
    });
    let promise = under.promise("an X25519 share of low order");
    Case::damaged(file, promise, text, "stanza").with(&["classic"])
}

fn strip(header: &mut Header) {
    let second = header.stanzas[1].text();
    header.instead = Some(crate::swap(&header.text(), &second, ""));
    header.hints.pop();
}

fn add(header: &mut Header) {
    let more = Dice::new("added").stanza(&Key::named("stranger"), &header.file_key);
    let more = format!("\n{}---", more.text());
    header.instead = Some(crate::swap(&header.text(), "\n---", &more));
}

fn reorder(header: &mut Header) {
    let (right, last) = (header.text(), header.stanzas.len() - 1);
    header.stanzas.swap(0, last);
    let mac = right.lines().last().unwrap_or_default();
    let text = header.text();
    let stanzas = text.rsplit_once('\n').map(|(stanzas, _)| stanzas).unwrap_or_default();
    header.instead = Some(format!("{stanzas}\n{mac}"));
}

fn without_secret(header: &mut Header) {
    let seed = Key::named("cluster").seed;
    header.stanzas[0] = age::wrap_hybrid(&seed, &header.file_key, ([1; 32], [2; 32]), true);
}

fn wrap_another(header: &mut Header) {
    let other = Dice::new("twice").stanza(&Key::named("cluster"), &[3; 16]);
    header.stanzas.insert(0, other);
}

fn flip(header: &mut Header) {
    header.stanzas[0].body[0] ^= 1;
}

fn to_others(header: &mut Header) {
    *header = Header::new(&mut Dice::new("foreign"), &["stranger", "offline"]);
}

fn lie(header: &mut Header) {
    to_others(header);
    header.hints = vec![Key::named("cluster").fingerprint()];
}

/// One value, so that the plaintext can be replaced.
fn one(name: &str) -> File {
    File::at("prod", "db").seal(&mut Dice::new(name), &["cluster"], &[("password", b"hunter2")])
}

fn framed(name: &str, plaintext: &[u8]) -> String {
    one(name).with_plaintext(&mut Dice::new(&format!("{name} again")), plaintext).yaml()
}

fn frame(dots: usize) -> Vec<u8> {
    File::at("prod", "db").frame("password", dots, b"hunter2")
}

/// The frame that is right, as text.
fn right() -> String {
    String::from_utf8_lossy(&frame(121)).into_owned()
}

fn padding() -> Vec<Case> {
    let spaces = right().replace('.', " ");
    vec![
        Case::opens(
            "padding-right",
            "the file of which the next ones differ",
            framed("right", &frame(121)),
            &[("password", b"hunter2")],
        ),
        Case::damaged(
            "padding-one-short",
            "one dot too few",
            framed("short", &frame(120)),
            "padding",
        ),
        Case::damaged(
            "padding-one-long",
            "one dot too many",
            framed("long", &frame(122)),
            "padding",
        ),
        Case::damaged("padding-absent", "no dots at all", framed("none", &frame(0)), "padding"),
        Case::damaged(
            "padding-not-dots",
            "spaces for dots",
            framed("spaces", spaces.as_bytes()),
            "padding",
        ),
        Case::damaged(
            "padding-without-end",
            "dots to the end",
            framed("endless", &frame(121)[..160]),
            "padding",
        ),
    ]
}

fn frames() -> Vec<Case> {
    let version = right().replace("seal/v1", "seal/v2");
    let crlf = right().replace('\n', "\r\n");
    let cut = framed("cut", b"seal/v1\nnamespaces=prod\n");
    let elsewhere = [
        ("frame-empty", "a payload of nothing", framed("empty", b"")),
        ("frame-cut", "the beginning ends early", cut),
        ("frame-version", "a frame of another version", framed("v2", version.as_bytes())),
        ("frame-crlf", "a frame with CRLF line ends", framed("crlf", crlf.as_bytes())),
        ("frame-absent", "a stock age file of the value alone", framed("raw", b"hunter2")),
    ];
    let refused = elsewhere.into_iter();
    refused.map(|(file, promise, text)| Case::refused(file, promise, text, ELSEWHERE)).collect()
}

fn payloads() -> Vec<Case> {
    vec![
        payload("payload-trailing-bytes", "bytes after the payload", |p| p.push(0)),
        payload("payload-truncated", "the last byte is missing", |p| p.truncate(p.len() - 1)),
        payload("payload-nonce-only", "a nonce and nothing else", |p| p.truncate(16)),
        payload("payload-shorter-than-nonce", "not even a nonce", |p| p.truncate(15)),
        payload("payload-nonce-changed", "one bit of the nonce", |p| p[0] ^= 1),
        payload("payload-tag-changed", "one bit of the tag", |p| {
            *p.last_mut().expect("not empty") ^= 1;
        }),
    ]
}

/// The payload changed after sealing.
fn payload(file: &str, promise: &str, change: fn(&mut Vec<u8>)) -> Case {
    let mut sealed = one(file);
    change(&mut sealed.blocks[0].payload);
    Case::damaged(file, promise, sealed.yaml(), "payload")
}

fn chunks() -> Vec<Case> {
    // 65,536 bytes of frame must be one last chunk; here a second, empty one follows.
    let mut empty_last = one("empty last");
    let file_key = empty_last.shared().file_key;
    empty_last.blocks[0].payload = age::payload(&file_key, &[9; 16], &[&[b'x'; 65_536], &[]]);
    let mut short = one("short chunk");
    let file_key = short.shared().file_key;
    let frame = frame(121);
    short.blocks[0].payload = age::payload(&file_key, &[9; 16], &[&frame[..100], &frame[100..]]);
    let mut second = plain("second", &["cluster"]);
    second.blocks[1].payload[20] ^= 1;
    vec![
        Case::damaged(
            "payload-last-chunk-empty",
            "an empty chunk after a full one",
            empty_last.yaml(),
            "payload",
        ),
        Case::damaged(
            "payload-short-chunk",
            "a chunk that is not last and not full",
            short.yaml(),
            "payload",
        ),
        Case::damaged("payload-second-damaged", "all values or none", second.yaml(), "payload"),
    ]
}
