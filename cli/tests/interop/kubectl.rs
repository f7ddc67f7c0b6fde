//! Against kubectl, which reads YAML 1.1 in its own way: what it reads as a string is what we seal, what it does not
//! is refused, and what we write it reads back the same.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use seal_core::kind::sealed::{SealedSecret, Template};
use seal_core::manifest;
use seal_testing::tool;
use serde_json::Value;

use crate::process::piped;

/// Scalars that one reader or another takes for something else.
const TRICKY: &str = "y Y n N yes Yes YES yEs no No NO on On ON off OFF true True TRUE false ~ null Null NULL nUll \
0 00 01 07 08 09 0777 0o17 0O17 0x1F 0X1f 0xZZ 0b101 0B101 0b12 0b-1 -0b1 1_000 1__0 _1 1_ 0_8 0x_1 1e3 1E3 1e+3 1e-3 1e 1e999 -1e999 e3 1.0 1. .5 -.5 +.5 ._5 .5_5 1.2.3 \
+1 -1 ++1 +-1 18446744073709551615 18446744073709551616 -9223372036854775808 -9223372036854775809 +18446744073709551615 \
.nan .NaN .NAN .inf .Inf -.inf +.INF .infinity inf NaN 12:30:45 190:20:30 2001-01-01 2001-01-01T00:00:00Z 2001-1-1 = << <<x \
!!str a-b a.b a:b a=b a,b a#b #a @a %a &a *a `a |a >a -a -- --- ... ?a ?  a? [a {a a] a} 'a \"a a' a\" \\a \\n / // a/b \u{e9} \u{1f600} \u{fffd} \u{2028} \u{85}";

fn tricky() -> Vec<String> {
    let mut all: Vec<String> = TRICKY.split(' ').map(ToOwned::to_owned).collect();
    let spaced = [
        " a", "a ", "a b", "a: b", "a #b", "a\tb", "\t", "\n", "a\n", "\na", "a\n\n", "a\nb",
        "- a", "? a", ": a", " \n a", "#", "\r", "a\r\nb", "\u{7f}", "\u{a0}", "\u{feff}", "\u{1}",
        "~ ", "0777\n",
    ];
    all.extend(spaced.map(ToOwned::to_owned));
    all.extend(pseudo_random());
    all
}

/// Short words over the characters that decide, from a fixed generator: the same on every run.
fn pseudo_random() -> impl Iterator<Item = String> {
    let alphabet: Vec<char> =
        "0189_.+-eExXoObBynNaf:, #'\"!&*|>%@`{}[]?=~<\\\n\t/é".chars().collect();
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    (0..1500).map(move |_| {
        let len = 1 + next() % 6;
        (0..len).map(|_| alphabet[(next() % alphabet.len() as u64) as usize]).collect()
    })
}

/// What kubectl makes of each document, or `None` when it cannot read one of them.
fn as_kubectl_reads(kubectl: &Path, yaml: &str) -> Option<Vec<Value>> {
    // A local verb parses and prints without a server, for any kind.
    let mut command = Command::new(kubectl);
    command.args(["label", "--local", "-f", "-", "-o", "json", "read=1"]);
    let output = piped(&mut command, yaml.as_bytes());
    let json = serde_json::Deserializer::from_slice(&output.stdout).into_iter();
    output.status.success().then(|| json.collect::<Result<_, _>>().unwrap())
}

#[test]
fn kubectl_reads_back_every_string_that_we_write() {
    let Some(kubectl) = tool!("kubectl") else { return };
    let strings = tricky();
    let mut string_data = BTreeMap::new();
    for (n, text) in strings.iter().enumerate() {
        string_data.insert(format!("k{n}"), text.clone());
    }
    let mut sealed = SealedSecret::default();
    sealed.metadata.name = Some("db".into());
    sealed.metadata.namespace = Some("prod".into());
    sealed.spec.template = Some(Template { string_data, ..Template::default() });
    let yaml = seal_core::kind::file::write(&sealed);
    let read = &as_kubectl_reads(&kubectl, &yaml).expect("kubectl reads what we write")[0];
    for (n, text) in strings.iter().enumerate() {
        let read = &read["spec"]["template"]["stringData"][format!("k{n}")];
        assert_eq!(read.as_str(), Some(text.as_str()), "written as {:?}", line(&yaml, n));
    }
}

fn secret(text: &str) -> String {
    format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\nstringData:\n  k: {text}\n")
}

#[test]
fn what_we_would_seal_is_what_kubectl_reads() {
    let Some(kubectl) = tool!("kubectl") else { return };
    let mut accepted = Vec::new();
    for text in tricky().iter().filter(|text| !text.contains(['\n', '\r', '\u{85}', '\u{2028}'])) {
        let yaml = secret(text);
        if let Some(ours) =
            manifest::read(&yaml, &BTreeSet::new()).ok().and_then(|mut all| all.pop())
        {
            accepted.push((yaml, ours.values["k"].expose().to_vec()));
        }
    }
    assert!(accepted.len() > 500, "only {} were accepted", accepted.len());
    let all: Vec<&str> = accepted.iter().map(|(yaml, _)| yaml.as_str()).collect();
    let theirs = read_in_halves(&kubectl, &all);
    // kubectl's parser stops at a few things that YAML allows, such as an anchor that is no ASCII word.
    let unreadable = theirs.iter().filter(|read| read.is_none()).count();
    assert!(unreadable * 20 < all.len(), "kubectl cannot read {unreadable} of {}", all.len());
    for ((yaml, ours), theirs) in accepted.iter().zip(theirs) {
        let Some(theirs) = theirs else { continue };
        // A null is an empty value to both.
        let theirs = theirs["stringData"]
            .get("k")
            .map_or(Some(""), |it| it.as_str().or(it.as_null().map(|()| "")));
        assert_eq!(theirs.map(str::as_bytes), Some(ours.as_slice()), "{yaml}");
    }
}

#[test]
fn what_we_refuse_is_no_string_to_kubectl_either() {
    let Some(kubectl) = tool!("kubectl") else { return };
    for text in TRICKY.split(' ') {
        let yaml = secret(text);
        if manifest::read(&yaml, &BTreeSet::new()).is_ok() {
            continue;
        }
        let theirs = as_kubectl_reads(&kubectl, &yaml);
        let string = theirs.and_then(|read| read[0]["stringData"]["k"].as_str().map(str::to_owned));
        assert_eq!(string, None, "kubectl reads {text:?} as a string and we refuse it");
    }
}

/// What kubectl makes of each document; one that it cannot read takes no other along.
fn read_in_halves(kubectl: &Path, documents: &[&str]) -> Vec<Option<Value>> {
    match as_kubectl_reads(kubectl, &documents.join("---\n")) {
        Some(read) => {
            assert_eq!(read.len(), documents.len());
            read.into_iter().map(Some).collect()
        }
        None if documents.len() == 1 => vec![None],
        None => {
            let (left, right) = documents.split_at(documents.len() / 2);
            let mut read = read_in_halves(kubectl, left);
            read.extend(read_in_halves(kubectl, right));
            read
        }
    }
}

fn line(yaml: &str, n: usize) -> Option<&str> {
    yaml.lines().find(|line| line.trim_start().starts_with(&format!("k{n}: ")))
}
