//! What was changed after sealing, and what a malicious sealer can put under a correct MAC.

use crate::Case;
use crate::age::{self, Stanza};
use crate::file::{Dice, File, Key};
use crate::opens::plain;

const MAC: (&str, &str) = ("Damaged", "mac");
const PADDING: (&str, &str) = ("Damaged", "padding");
const PAYLOAD: (&str, &str) = ("Damaged", "payload");
const STANZA: (&str, &str) = ("Damaged", "stanza");

pub(crate) fn cases() -> Vec<Case> {
    [headers(), stanzas(), frames(), payloads(), hints()].into_iter().flatten().collect()
}

/// One value, so that the plaintext can be replaced.
fn one(name: &str) -> File {
    File::at("prod", "db").seal(&mut Dice::new(name), &["cluster"], &[("password", b"hunter2")])
}

fn headers() -> Vec<Case> {
    // File key 1 for `cluster`, file key 2 for `offline`; MAC and payload are those of file key 1.
    let mut split = plain("split", &["cluster", "offline"]);
    let stanza = Dice::new("split 2").stanza(&Key::named("offline"), &[2; 16]);
    split.envelopes[0].stanzas[1] = stanza;
    let value: [(&str, &[u8]); 2] =
        [("password", b"correct horse battery staple"), ("username", b"app")];

    let mut stripped = plain("stripped", &["cluster", "offline"]);
    let whole = stripped.envelopes[0].header();
    let second =
        stripped.envelopes[0].stanzas.pop().map(|stanza| stanza.text()).unwrap_or_default();
    stripped.envelopes[0].header = Some(whole.replace(&second, ""));
    stripped.envelopes[0].hints.pop();
    let mut added = plain("added", &["cluster"]);
    let more = Dice::new("added 2").stanza(&Key::named("stranger"), &added.envelopes[0].file_key);
    let whole = added.envelopes[0].header();
    added.envelopes[0].header = Some(whole.replace("\n---", &format!("\n{}---", more.text())));
    let mut reordered = plain("reordered", &["cluster", "offline"]);
    let mac = reordered.envelopes[0].header().lines().last().unwrap_or_default().to_owned();
    reordered.envelopes[0].stanzas.reverse();
    let text = reordered.envelopes[0].header();
    let at = text.rfind("---").unwrap_or_default();
    reordered.envelopes[0].header = Some(text[..at].to_owned() + &mac);
    vec![
        Case::opens(
            "split-header",
            "of a split header only the key of the MAC opens",
            split.yaml(),
            &value,
        ),
        Case::refused(
            "split-header",
            "the other key of a split header gets nothing",
            split.yaml(),
            MAC,
        )
        .with(&["offline"]),
        Case::refused("stanza-stripped", "a stanza taken out", stripped.yaml(), MAC),
        Case::refused(
            "stanza-added",
            "a stanza put in by somebody who knew the file key",
            added.yaml(),
            MAC,
        ),
        Case::refused("stanzas-reordered", "stanzas in another order", reordered.yaml(), MAC),
    ]
}

fn stanzas() -> Vec<Case> {
    let with = |name: &str, stanza: fn(&Key, &[u8]) -> Stanza| {
        let mut file = one(name);
        let file_key = file.envelopes[0].file_key;
        file.envelopes[0].stanzas = vec![stanza(&Key::named("cluster"), &file_key)];
        file.yaml()
    };
    let low = with("low", |key, file_key| {
        age::wrap_hybrid(&key.seed, file_key, ([1; 32], [2; 32]), true)
    });
    let mut classic =
        File::at("prod", "db").seal(&mut Dice::new("low 2"), &["classic"], &[("password", b"x")]);
    classic.envelopes[0].stanzas[0].words[1] = "A".repeat(43);
    let mut twice = one("twice");
    let other = Dice::new("twice 2").stanza(&Key::named("cluster"), &[3; 16]);
    twice.envelopes[0].stanzas.insert(0, other);
    let mut flipped = one("flipped");
    flipped.envelopes[0].stanzas[0].body[0] ^= 1;
    vec![
        Case::refused("low-order-share", "an X25519 half without a secret", low, STANZA),
        Case::refused(
            "low-order-share-classic",
            "an X25519 share of low order",
            classic.yaml(),
            STANZA,
        )
        .with(&["classic"]),
        Case::refused(
            "two-stanzas-for-one-key",
            "the first stanza for a key counts, and the MAC is another's",
            twice.yaml(),
            MAC,
        ),
        Case::refused(
            "stanza-body-changed",
            "one bit of the wrapped file key, under a right MAC",
            flipped.yaml(),
            STANZA,
        ),
    ]
}

fn frames() -> Vec<Case> {
    let framed = |name: &str, plaintext: &[u8]| {
        one(name).with_plaintext(&mut Dice::new(name), plaintext).yaml()
    };
    let file = File::at("prod", "db");
    let frame = |dots| file.frame("password", dots, b"hunter2");
    let text = |frame: Vec<u8>| String::from_utf8_lossy(&frame).into_owned();
    let right = text(frame(121));
    let elsewhere = ("NotSealedForThis", "password");
    vec![
        Case::opens(
            "padding-right",
            "the file of which the next ones differ",
            framed("right", right.as_bytes()),
            &[("password", b"hunter2")],
        ),
        Case::refused(
            "padding-one-short",
            "one dot too few",
            framed("short", &frame(120)),
            PADDING,
        ),
        Case::refused("padding-one-long", "one dot too many", framed("long", &frame(122)), PADDING),
        Case::refused("padding-absent", "no dots at all", framed("none", &frame(0)), PADDING),
        Case::refused(
            "padding-not-dots",
            "spaces for dots",
            framed("spaces", right.replace('.', " ").as_bytes()),
            PADDING,
        ),
        Case::refused(
            "padding-without-end",
            "dots to the end",
            framed("endless", &right.as_bytes()[..160]),
            PADDING,
        ),
        Case::refused("frame-empty", "a payload of nothing", framed("empty", b""), elsewhere),
        Case::refused(
            "frame-cut",
            "the beginning ends early",
            framed("cut", b"seal/v1\nnamespaces=prod\n"),
            elsewhere,
        ),
        Case::refused(
            "frame-version",
            "a frame of another version",
            framed("v2", right.replace("seal/v1", "seal/v2").as_bytes()),
            elsewhere,
        ),
        Case::refused(
            "frame-crlf",
            "a frame with CRLF line ends",
            framed("crlf", right.replace('\n', "\r\n").as_bytes()),
            elsewhere,
        ),
        Case::refused(
            "frame-absent",
            "a stock age file of the value alone",
            framed("raw", b"hunter2"),
            elsewhere,
        ),
    ]
}

fn payloads() -> Vec<Case> {
    let change = |name: &str, change: fn(&mut Vec<u8>)| {
        let mut file = one(name);
        change(&mut file.envelopes[0].values[0].1);
        file.yaml()
    };
    // 65,536 bytes of frame must be one last chunk; here a second, empty one follows.
    let mut empty_last = one("empty last");
    let envelope = &mut empty_last.envelopes[0];
    let chunk = vec![b'x'; 65_536];
    envelope.values[0].1 = age::payload(&envelope.file_key, &[9; 16], &[&chunk, &[]]);
    let mut short_chunk = one("short chunk");
    let frame = short_chunk.frame("password", 121, b"hunter2");
    let envelope = &mut short_chunk.envelopes[0];
    envelope.values[0].1 =
        age::payload(&envelope.file_key, &[9; 16], &[&frame[..100], &frame[100..]]);
    vec![
        Case::refused(
            "payload-trailing-bytes",
            "bytes after the payload",
            change("trailing", |p| p.push(0)),
            PAYLOAD,
        ),
        Case::refused(
            "payload-truncated",
            "the last byte is missing",
            change("truncated", |p| p.truncate(p.len() - 1)),
            PAYLOAD,
        ),
        Case::refused(
            "payload-nonce-only",
            "a nonce and nothing else",
            change("nonce", |p| p.truncate(16)),
            PAYLOAD,
        ),
        Case::refused(
            "payload-shorter-than-nonce",
            "not even a nonce",
            change("short", |p| p.truncate(15)),
            PAYLOAD,
        ),
        Case::refused(
            "payload-nonce-changed",
            "one bit of the nonce",
            change("bit", |p| p[0] ^= 1),
            PAYLOAD,
        ),
        Case::refused(
            "payload-tag-changed",
            "one bit of the tag",
            change("tag", |p| *p.last_mut().expect("not empty") ^= 1),
            PAYLOAD,
        ),
        Case::refused(
            "payload-last-chunk-empty",
            "an empty chunk after a full one",
            empty_last.yaml(),
            PAYLOAD,
        ),
        Case::refused(
            "payload-short-chunk",
            "a chunk that is not last and not full",
            short_chunk.yaml(),
            PAYLOAD,
        ),
    ]
}

fn hints() -> Vec<Case> {
    let foreign = plain("foreign", &["stranger", "offline"]);
    let mut lying = plain("lying", &["stranger"]);
    lying.envelopes[0].hints = vec![Key::named("cluster").fingerprint()];
    let mut silent = plain("silent", &["cluster"]);
    silent.envelopes[0].hints.clear();
    let none = ("NoMatchingKey", "no key here");
    vec![
        Case::refused("foreign-fingerprint", "sealed to others only", foreign.yaml(), none),
        Case::refused(
            "hint-without-stanza",
            "a hint of ours, and no stanza of ours",
            lying.yaml(),
            STANZA,
        ),
        Case::refused("no-hint", "a stanza of ours without a hint: no trial", silent.yaml(), none),
    ]
}
