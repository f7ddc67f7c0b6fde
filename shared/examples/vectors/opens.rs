//! What must open: recipients, envelopes, scopes, values of every kind, and the ways YAML can say it.

use crate::Case;
use crate::file::{Dice, File, Key};

const PASSWORD: (&str, &[u8]) = ("password", b"correct horse battery staple");
const USERNAME: (&str, &[u8]) = ("username", b"app");

pub(crate) fn cases() -> Vec<Case> {
    [recipients(), envelopes(), scopes(), values(), spellings()].into_iter().flatten().collect()
}

/// `prod/db` with a user name and a password, as most cases have it.
pub(crate) fn plain(name: &str, keys: &[&str]) -> File {
    File::at("prod", "db").seal(&mut Dice::new(name), keys, &[PASSWORD, USERNAME])
}

fn recipients() -> Vec<Case> {
    let opens = |file, promise, keys: &[&str]| {
        Case::opens(file, promise, plain(file, keys).yaml(), &[PASSWORD, USERNAME])
    };
    let five = ["third", "fourth", "cluster", "offline", "fifth"];
    let two = "hybrid-2-recipients";
    let mut grease = plain("grease", &["cluster"]);
    let words = vec!["x~V3-grease".to_owned(), "Kz}".to_owned(), "!".to_owned()];
    grease.envelopes[0].stanzas.insert(0, crate::age::Stanza { words, body: vec![7; 96] });
    let many: Vec<String> = (0..63).map(|n| format!("classic-{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).chain(["classic"]).collect();
    vec![
        opens("hybrid-1-recipient", "sealed to one post-quantum key", &["cluster"]),
        opens(two, "the first of two keys opens", &["cluster", "offline"]),
        opens(two, "the second of two keys opens", &["cluster", "offline"]).with(&["offline"]),
        opens("hybrid-5-recipients", "a key in the middle of five opens", &five),
        opens("classic-1-recipient", "sealed to one X25519 key", &["classic"]).with(&["classic"]),
        opens(
            "classic-2-recipients",
            "the second of two X25519 keys opens",
            &["classic", "classic-offline"],
        )
        .with(&["classic-offline"]),
        opens("most-stanzas", "64 stanzas are read, the last is ours", &many).with(&["classic"]),
        Case::opens(
            "grease-stanza",
            "a stanza of an unknown type is passed over",
            grease.yaml(),
            &[PASSWORD, USERNAME],
        ),
    ]
}

fn envelopes() -> Vec<Case> {
    let dice = &mut Dice::new("envelopes");
    let token: (&str, &[u8]) = ("token", b"t-1");
    let several = File::at("prod", "db")
        .seal(dice, &["cluster"], &[USERNAME])
        .seal(dice, &["offline", "cluster"], &[PASSWORD])
        .seal(dice, &["cluster"], &[token]);
    let apart = File::at("prod", "db").seal(dice, &["cluster"], &[USERNAME]).seal(
        dice,
        &["offline"],
        &[PASSWORD],
    );
    let classic = File::at("prod", "db").seal(dice, &["cluster"], &[USERNAME]).seal(
        dice,
        &["classic"],
        &[PASSWORD],
    );
    let mut beside = plain("clear", &["cluster"]);
    beside.more =
        "  template:\n    type: kubernetes.io/basic-auth\n    stringData:\n      level: debug\n"
            .into();
    let level: (&str, &[u8]) = ("level", b"debug");
    vec![
        Case::opens(
            "several-envelopes",
            "each envelope has a file key of its own",
            several.yaml(),
            &[USERNAME, PASSWORD, token],
        ),
        Case::opens(
            "envelopes-to-different-keys",
            "a keyring with both keys opens both envelopes",
            apart.yaml(),
            &[USERNAME, PASSWORD],
        )
        .with(&["cluster", "offline"]),
        Case::opens(
            "envelopes-of-both-types",
            "types are kept apart in one header, not in one file",
            classic.yaml(),
            &[USERNAME, PASSWORD],
        )
        .with(&["cluster", "classic"]),
        Case::refused(
            "envelopes-to-different-keys",
            "one envelope without a key refuses the whole file",
            apart.yaml(),
            ("NoMatchingKey", "no key here"),
        ),
        Case::opens(
            "clear-and-sealed",
            "clear values stand beside sealed ones",
            beside.yaml(),
            &[PASSWORD, USERNAME, level],
        ),
    ]
}

fn scopes() -> Vec<Case> {
    let opens = |file, promise, place: (&str, &str), namespaces, name| {
        let sealed = File::at(place.0, place.1).scoped(namespaces, name);
        let sealed = sealed.seal(&mut Dice::new(file), &["cluster"], &[PASSWORD]);
        Case::opens(file, promise, sealed.yaml(), &[PASSWORD])
    };
    vec![
        opens(
            "scope-any-namespace",
            "`*` opens in any namespace where it is allowed",
            ("dev", "db"),
            "*",
            "db",
        )
        .at("dev/db")
        .wildcard_allowed(),
        opens("scope-any-name", "`*` opens under any name", ("prod", "db.copy"), "prod", "*")
            .at("prod/db.copy"),
        opens("scope-any-place", "`*` twice opens anywhere it is allowed", ("dev", "x"), "*", "*")
            .at("dev/x")
            .wildcard_allowed(),
        opens(
            "scope-set",
            "a set of namespaces opens in each",
            ("staging", "db"),
            "dev,prod,staging",
            "db",
        )
        .at("staging/db"),
        Case {
            expect: crate::Expect::Refused { reason: "NotAllowed", detail: "scope.namespaces" },
            ..opens("scope-any-namespace", "`*` needs to be allowed", ("dev", "db"), "*", "db")
                .at("dev/db")
        },
    ]
}

fn values() -> Vec<Case> {
    let opens = |file, promise, value: &[u8]| {
        let sealed =
            File::at("prod", "db").seal(&mut Dice::new(file), &["cluster"], &[("v", value)]);
        Case::opens(file, promise, sealed.yaml(), &[("v", value)])
    };
    let patterned = |len: usize| -> Vec<u8> { (0..len).map(|at| ((at * at) >> 7) as u8).collect() };
    // 32 namespaces make a prefix so long that the three frames end at 65,535, 65,536 and 65,537 bytes.
    let long = |n: usize| format!("n{n:02}{}", "x".repeat(if n == 31 { 25 } else { 60 }));
    let namespaces: Vec<String> = (0..32).map(long).collect();
    let value = patterned(63_488);
    let edges: [(&str, &[u8]); 3] = [("k", &value), ("kk", &value), ("kkk", &value)];
    let place = namespaces[0].clone();
    let edge = File::at(&place, "db").scoped(&namespaces.join(","), "db");
    let lengths =
        edges.map(|(key, value)| edge.frame(key, crate::age::dots_for(value.len()), value).len());
    assert_eq!(lengths, [65_535, 65_536, 65_537]);
    let edge = edge.seal(&mut Dice::new("edge"), &["cluster"], &edges);
    vec![
        opens("empty-value", "no bytes at all", b""),
        opens("value-300-kib", "several chunks", &patterned(300 * 1024)),
        opens("value-129-bytes", "one byte more than the smallest size class", &patterned(129)),
        opens(
            "dots-and-line-feeds",
            "a value that looks like the padding before it",
            b"...\n..\n.\n\n",
        ),
        opens("not-utf-8", "bytes that are no text", &[0xff, 0xfe, 0x00, 0x80, b'\n', 0xc3]),
        opens(
            "looks-like-a-frame",
            "a value that is itself a frame",
            b"seal/v1\nnamespaces=prod\nname=db\nkey=v\n\n",
        ),
        Case::opens(
            "chunk-edges",
            "the frame ends one byte before, at, and one byte after a chunk's end",
            edge.yaml(),
            &edges,
        )
        .at("n00xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx/db"),
    ]
}

fn spellings() -> Vec<Case> {
    let opens = |file, promise, text| Case::opens(file, promise, text, &[PASSWORD, USERNAME]);
    let file = plain("spelling", &["cluster"]);
    let text = file.yaml();
    let hint = Key::named("cluster").fingerprint();
    let aliased = text.replace("namespaces: [prod]", "namespaces: [&ns prod]").replace(
        "    name: db\n  envelopes",
        "    name: &name db\n  template: {metadata: {labels: {app: *name, env: *ns}}}\n  envelopes",
    );
    let quoted = file.envelopes[0].header().replace('\n', "\\n");
    let block: String =
        file.envelopes[0].header().lines().map(|line| format!("      {line}\n")).collect();
    let quoted = text.replace(&format!("|-\n{block}"), &format!("\"{quoted}\"\n"));
    assert!(quoted.contains("header: \"age-"));
    let mut two = plain("hints", &["stranger", "cluster"]);
    two.envelopes[0].hints = vec![Key::named("offline").fingerprint(), hint.clone()];
    let json = json(&file);
    vec![
        opens("alias", "an alias that resolves means what it stands for", aliased),
        opens("line-ends-crlf", "a checkout with CRLF line ends", text.replace('\n', "\r\n")),
        opens("header-quoted", "the header as a double-quoted string", quoted),
        opens("json", "the same file as JSON", json),
        opens(
            "comments",
            "comments between all lines",
            text.replace("spec:\n", "spec: # why\n  # why\n")
                .replace("    values:\n", "    # why\n    values:\n"),
        ),
        opens("hints-of-others", "a hint that nobody here knows is passed over", two.yaml()),
    ]
}

fn json(file: &File) -> String {
    use base64::Engine;
    let envelope = &file.envelopes[0];
    let encode = |bytes: &Vec<u8>| base64::engine::general_purpose::STANDARD.encode(bytes);
    let values: serde_json::Map<String, serde_json::Value> = envelope
        .values
        .iter()
        .map(|(key, payload)| (key.clone(), encode(payload).into()))
        .collect();
    let json = serde_json::json!({
        "apiVersion": "seal.dev/v1",
        "kind": "SealedSecret",
        "metadata": { "name": "db", "namespace": "prod" },
        "spec": {
            "scope": { "namespaces": ["prod"], "name": "db" },
            "envelopes": [{ "sealedTo": envelope.hints, "header": envelope.header(), "values": values }],
        },
    });
    format!("{json:#}\n")
}
