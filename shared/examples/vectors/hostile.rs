//! What is refused before any key is used: scopes, headers, stanzas and base64.

use crate::Case;
use crate::file::{Dice, File, Key};
use crate::opens::plain;

pub(crate) fn cases() -> Vec<Case> {
    [scopes(), headers(), stanzas(), base64()].into_iter().flatten().collect()
}

pub(crate) fn malformed(
    file: &'static str,
    promise: &'static str,
    text: String,
    detail: &'static str,
) -> Case {
    Case::refused(file, promise, text, ("Malformed", detail))
}

/// `text` with every `from` made `to`; the generator must not miss its mark in silence.
pub(crate) fn swap(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from}");
    text.replace(from, to)
}

fn scopes() -> Vec<Case> {
    let scoped = |name, namespaces: &str| {
        File::at("prod", "db")
            .scoped(namespaces, "db")
            .seal(&mut Dice::new(name), &["cluster"], &[("k", b"x")])
            .yaml()
    };
    let many: Vec<String> = (0..65).map(|n| format!("prod-{n:02}")).collect();
    vec![
        malformed(
            "scope-unsorted",
            "a set that is not sorted",
            scoped("s1", "prod,dev"),
            "not sorted",
        ),
        malformed("scope-twice", "a namespace twice", scoped("s2", "prod,prod"), "twice"),
        malformed("scope-mixed-wildcard", "`*` beside a name", scoped("s3", "*,prod"), "mixes")
            .wildcard_allowed(),
        malformed(
            "scope-65-namespaces",
            "more than 64 namespaces",
            scoped("s4", &many.join(",")),
            "64",
        ),
        malformed(
            "scope-upper-case",
            "a name that no namespace has",
            scoped("s5", "Prod"),
            "cannot name",
        ),
        malformed(
            "scope-empty",
            "no namespace at all",
            swap(&scoped("s6", "prod"), "[prod]", "[]"),
            "empty",
        ),
        malformed(
            "scope-number",
            "a number for a namespace",
            swap(&scoped("s7", "prod"), "[prod]", "[1]"),
            "wrong type",
        ),
        malformed(
            "scope-absent",
            "no scope",
            swap(&scoped("s8", "prod"), "  scope:\n    namespaces: [prod]\n    name: db\n", ""),
            "empty",
        ),
    ]
}

fn headers() -> Vec<Case> {
    let with = |name: &str, change: &dyn Fn(String) -> String| {
        let mut file = plain(name, &["cluster"]);
        file.envelopes[0].header = Some(change(file.envelopes[0].header()));
        file
    };
    let quoted = |name: &str, change: &dyn Fn(String) -> String| {
        let file = plain(name, &["cluster"]);
        let header = file.envelopes[0].header();
        let block: String = header.lines().map(|line| format!("      {line}\n")).collect();
        swap(
            &file.yaml(),
            &format!("|-\n{block}"),
            &format!("\"{}\"\n", change(header).replace('\n', "\\n")),
        )
    };
    let many: Vec<String> = (0..64).map(|n| format!("classic-{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).chain(["classic"]).collect();
    vec![
        malformed(
            "header-crlf",
            "CRLF within the header",
            quoted("h1", &|h| h.replace('\n', "\\r\n")),
            "does not begin",
        ),
        malformed(
            "header-final-line-feed",
            "a line feed too many",
            quoted("h2", &|h| h + "\n"),
            "line feed",
        ),
        malformed(
            "header-after-mac",
            "a line after the MAC",
            with("h3", &|h| h + "\nmore").yaml(),
            "after its MAC",
        ),
        malformed(
            "header-version",
            "age v2",
            with("h4", &|h| swap(&h, "/v1", "/v2")).yaml(),
            "does not begin",
        ),
        malformed(
            "header-cut",
            "the MAC line is missing",
            with("h5", &|h| h[..h.rfind('\n').unwrap_or(0)].to_owned()).yaml(),
            "MAC",
        ),
        malformed(
            "header-mac-not-canonical",
            "loose last bits in the MAC",
            with("h6", &loose_last).yaml(),
            "MAC",
        ),
        malformed("header-mac-padded", "a padded MAC", with("h7", &|h| h + "=").yaml(), "MAC"),
        malformed(
            "header-65-stanzas",
            "more than 64 stanzas",
            plain("h8", &many).yaml(),
            "64 stanzas",
        ),
        malformed(
            "header-empty",
            "no header",
            swap(&with("h9", &|_| "x".into()).yaml(), "|-\n      x\n", "''\n"),
            "does not begin",
        ),
        malformed(
            "header-no-stanza",
            "a header without stanzas",
            with("h10", &|h| {
                format!("age-encryption.org/v1\n{}", h.lines().last().unwrap_or_default())
            })
            .yaml(),
            "no stanza",
        ),
    ]
}

/// The last character of 43 carries two bits that decode to nothing; here they are not zero.
fn loose_last(text: String) -> String {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let last = text.chars().last().and_then(|last| ALPHABET.find(last)).unwrap_or(0);
    text[..text.len() - 1].to_owned() + &ALPHABET[last + 1..last + 2]
}

fn stanzas() -> Vec<Case> {
    let with = |name: &str, change: &dyn Fn(&mut crate::age::Stanza)| {
        let mut file = plain(name, &["cluster"]);
        change(&mut file.envelopes[0].stanzas[0]);
        file
    };
    let body_line = |name: &str, change: fn(&str) -> String| {
        let mut file = with(name, &|_| {});
        let header = file.envelopes[0].header();
        let line = header.lines().nth(2).unwrap_or_default();
        file.envelopes[0].header = Some(swap(&header, line, &change(line)));
        file.yaml()
    };
    let dice = &mut Dice::new("mixed");
    let mut mixed = plain("mixed", &["cluster"]);
    let stanza = dice.stanza(&Key::named("classic"), &mixed.envelopes[0].file_key);
    mixed.envelopes[0].stanzas.push(stanza);
    let mut scrypt = plain("scrypt", &["cluster"]);
    let words = ["scrypt", "rF0/NwblUHHTpgQgRpe5CQ", "10"].map(str::to_owned).to_vec();
    scrypt.envelopes[0].stanzas = vec![crate::age::Stanza { words, body: vec![1; 32] }];
    vec![
        malformed(
            "mixed-labels",
            "a classical stanza beside a post-quantum one",
            mixed.yaml(),
            "mixes",
        ),
        malformed("scrypt-stanza", "a passphrase stanza", scrypt.yaml(), "passphrase"),
        malformed(
            "stanza-body-not-canonical",
            "loose last bits in a body",
            body_line("t1", |line| loose_last(line.to_owned())),
            "body",
        ),
        malformed(
            "stanza-body-padded",
            "a padded body",
            body_line("t2", |line| format!("{line}=")),
            "body",
        ),
        malformed(
            "stanza-share-not-canonical",
            "loose last bits in a share",
            with("t3", &|s| s.words[1] = loose_last(s.words[1].clone())).yaml(),
            "shape",
        ),
        malformed(
            "stanza-share-short",
            "a share of one byte less",
            with("t4", &|s| {
                s.words[1].truncate(1492);
            })
            .yaml(),
            "shape",
        ),
        malformed(
            "stanza-extra-argument",
            "a second argument",
            with("t5", &|s| s.words.push("x".into())).yaml(),
            "shape",
        ),
        malformed(
            "stanza-body-long",
            "a body of 33 bytes",
            with("t6", &|s| s.body.push(0)).yaml(),
            "shape",
        ),
        malformed(
            "stanza-empty-argument",
            "two spaces between arguments",
            with("t7", &|s| s.words.insert(1, String::new())).yaml(),
            "words",
        ),
    ]
}

fn base64() -> Vec<Case> {
    let with = |name: &str, change: fn(&str) -> String| {
        let text = plain(name, &["cluster"]).yaml();
        let line = text.lines().find(|line| line.contains("password: ")).unwrap_or_default();
        let value = line.split_once(": ").unwrap_or_default().1;
        swap(&text, value, &change(value))
    };
    let loose = |value: &str| {
        let unpadded = value.trim_end_matches('=');
        loose_last(unpadded.to_owned()) + &value[unpadded.len()..]
    };
    vec![
        malformed("base64-loose-bits", "loose last bits in a payload", with("b1", loose), "base64"),
        malformed(
            "base64-no-padding",
            "a payload without its padding",
            with("b2", |v| v.trim_end_matches('=').into()),
            "base64",
        ),
        malformed(
            "base64-too-much-padding",
            "a payload with more padding",
            with("b3", |v| format!("{v}=")),
            "base64",
        ),
        malformed(
            "base64-url-alphabet",
            "the alphabet of URLs",
            with("b4", |v| format!("-_{}", &v[2..])),
            "base64",
        ),
        malformed(
            "base64-line-break",
            "a line break within a payload",
            with("b5", |v| format!("\"{}\\n{}\"", &v[..64], &v[64..])),
            "base64",
        ),
    ]
}
