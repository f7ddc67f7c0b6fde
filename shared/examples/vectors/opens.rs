//! What must open: recipients, scopes, and values of every kind.

use crate::file::{File, Header};
use crate::keys::{Dice, classic_after};
use crate::under::{BOTH, PASSWORD, Under, plain};
use crate::{Case, age};

pub(crate) fn cases() -> Vec<Case> {
    let grease = Under::EACH.map(grease).into();
    [recipients(), grease, scopes(), values(), vec![chunk_edges()]].into_iter().flatten().collect()
}

fn recipients() -> Vec<Case> {
    let five = ["third", "fourth", "cluster", "offline", "fifth"];
    let two = "hybrid-2-recipients";
    let many = classic_after(63);
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    vec![
        sealed_to("hybrid-1-recipient", "sealed to one post-quantum key", &["cluster"]),
        sealed_to(two, "the first of two keys opens", &["cluster", "offline"]),
        sealed_to(two, "the second of two keys opens", &["cluster", "offline"]).with(&["offline"]),
        sealed_to("hybrid-5-recipients", "a key in the middle of five opens", &five),
        sealed_to("classic-1-recipient", "sealed to one X25519 key", &["classic"])
            .with(&["classic"]),
        sealed_to(
            "classic-2-recipients",
            "the second of two X25519 keys opens",
            &["classic", "classic-offline"],
        )
        .with(&["classic-offline"]),
        sealed_to("most-stanzas", "64 stanzas are read, the last is ours", &many)
            .with(&["classic"]),
    ]
}

fn sealed_to(file: &str, promise: &str, keys: &[&str]) -> Case {
    Case::opens(file, promise, plain(file, keys).yaml(), &BOTH)
}

fn grease(under: Under) -> Case {
    let text = under.changed("grease", &["cluster"], add_grease);
    let promise = under.promise("a stanza of an unknown type is passed over");
    Case::opens(under.file("grease-stanza"), promise, text, &BOTH)
}

fn add_grease(header: &mut Header) {
    let words = vec!["x~V3-grease".to_owned(), "Kz}".to_owned(), "!".to_owned()];
    header.stanzas.insert(0, age::Stanza { words, body: vec![7; 96] });
}

fn scopes() -> Vec<Case> {
    let any_namespace = ("dev", "db", "*", "db");
    let wildcard = ("NotAllowed", "scope.namespaces");
    vec![
        scoped(
            "scope-any-namespace",
            "`*` opens in any namespace where it is allowed",
            any_namespace,
        )
        .at("dev/db")
        .wildcard_allowed(),
        scoped("scope-any-name", "`*` opens under any name", ("prod", "db.copy", "prod", "*"))
            .at("prod/db.copy"),
        scoped("scope-any-place", "`*` twice opens anywhere it is allowed", ("dev", "x", "*", "*"))
            .at("dev/x")
            .wildcard_allowed(),
        scoped(
            "scope-set",
            "a set of namespaces opens in each",
            ("staging", "db", "dev,prod,staging", "db"),
        )
        .at("staging/db"),
        scoped("scope-any-namespace", "`*` needs to be allowed", any_namespace)
            .at("dev/db")
            .but_refused(wildcard),
    ]
}

/// One password that lies at the first two and is sealed for the last two.
fn scoped(file: &str, promise: &str, place: (&str, &str, &str, &str)) -> Case {
    let (namespace, name, namespaces, names) = place;
    let sealed = File::at(namespace, name).scoped(namespaces, names);
    let sealed = sealed.seal(&mut Dice::new(file), &["cluster"], &[PASSWORD]);
    Case::opens(file, promise, sealed.yaml(), &[PASSWORD])
}

fn values() -> Vec<Case> {
    vec![
        value("empty-value", "no bytes at all", b""),
        value("value-300-kib", "several chunks", &patterned(300 * 1024)),
        value("value-129-bytes", "one byte more than the smallest size class", &patterned(129)),
        value(
            "dots-and-line-feeds",
            "a value that looks like the padding before it",
            b"...\n..\n.\n\n",
        ),
        value("not-utf-8", "bytes that are no text", &[0xff, 0xfe, 0x00, 0x80, b'\n', 0xc3]),
        value(
            "looks-like-a-frame",
            "a value that is itself a frame",
            b"seal/v1\nnamespaces=prod\nname=db\nkey=v\n\n",
        ),
    ]
}

fn value(file: &str, promise: &str, value: &[u8]) -> Case {
    let sealed = File::at("prod", "db").seal(&mut Dice::new(file), &["cluster"], &[("v", value)]);
    Case::opens(file, promise, sealed.yaml(), &[("v", value)])
}

fn patterned(len: usize) -> Vec<u8> {
    (0..len).map(|at| ((at * at) >> 7) as u8).collect()
}

/// 32 namespaces make a prefix so long that the three frames end at 65,535, 65,536 and 65,537 bytes.
fn chunk_edges() -> Case {
    let namespaces: Vec<String> = (0..32).map(long_namespace).collect();
    let value = patterned(63_488);
    let edges: [(&str, &[u8]); 3] = [("k", &value), ("kk", &value), ("kkk", &value)];
    let edge = File::at(&namespaces[0], "db").scoped(&namespaces.join(","), "db");
    let lengths =
        edges.map(|(key, value)| edge.frame(key, age::dots_for(value.len()), value).len());
    assert_eq!(lengths, [65_535, 65_536, 65_537]);
    Case::opens(
        "chunk-edges",
        "the frame ends one byte before, at, and one byte after a chunk's end",
        edge.seal(&mut Dice::new("edge"), &["cluster"], &edges).yaml(),
        &edges,
    )
    .at("n00xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx/db")
}

fn long_namespace(n: usize) -> String {
    format!("n{n:02}{}", "x".repeat(if n == 31 { 25 } else { 60 }))
}
