//! Writes testdata/keys and testdata/vectors anew, the same bytes at every run.
//!
//! `cargo run -p seal-core --example vectors`. What is committed is a treaty: a run may add files; a change
//! of one that was there is a change of the format. `age.rs` is an implementation of its own, so that the
//! vectors do not merely repeat what seal-core does.

mod age;
mod altered;
mod blocks;
mod broken;
mod cluster;
mod file;
mod headers;
mod keys;
mod layouts;
mod limits;
mod moved;
mod opens;
mod places;
mod shape;
mod text;
mod under;

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// The test keys that have a file in testdata/keys.
const KEYS: [&str; 5] = ["cluster", "offline", "stranger", "classic", "classic-offline"];
/// Values longer than this stand in expect.json as their hash.
const LONG: usize = 1024;

/// One line of expect.json, and the file it is about.
pub(crate) struct Case {
    file: String,
    promise: String,
    text: String,
    object: &'static str,
    identity: Vec<&'static str>,
    allow_wildcard: bool,
    expect: Expect,
}

pub(crate) enum Expect {
    Values(BTreeMap<String, Vec<u8>>),
    Refused { reason: &'static str, detail: &'static str },
}

impl Case {
    /// A file that opens with the key `cluster`.
    pub(crate) fn opens(
        file: impl Into<String>,
        promise: impl Into<String>,
        text: String,
        values: &[(&str, &[u8])],
    ) -> Self {
        let values = values.iter().map(|(key, value)| ((*key).to_owned(), value.to_vec()));
        Self::of(file.into(), promise.into(), text, Expect::Values(values.collect()))
    }

    /// A file that the key `cluster` must not open.
    pub(crate) fn refused(
        file: impl Into<String>,
        promise: impl Into<String>,
        text: String,
        (reason, detail): (&'static str, &'static str),
    ) -> Self {
        Self::of(file.into(), promise.into(), text, Expect::Refused { reason, detail })
    }

    /// A file that is refused before any key is used.
    pub(crate) fn malformed(
        file: impl Into<String>,
        promise: impl Into<String>,
        text: String,
        detail: &'static str,
    ) -> Self {
        Self::refused(file, promise, text, ("Malformed", detail))
    }

    /// A file that opens for nobody: `check` fails.
    pub(crate) fn damaged(
        file: impl Into<String>,
        promise: impl Into<String>,
        text: String,
        check: &'static str,
    ) -> Self {
        Self::refused(file, promise, text, ("Damaged", check))
    }

    fn of(file: String, promise: String, text: String, expect: Expect) -> Self {
        let identity = vec!["cluster"];
        Self { file, promise, text, object: "prod/db", identity, allow_wildcard: false, expect }
    }

    /// Where the file lies, when that is not `prod/db`.
    pub(crate) fn at(mut self, object: &'static str) -> Self {
        self.object = object;
        self
    }

    pub(crate) fn with(mut self, identity: &[&'static str]) -> Self {
        self.identity = identity.to_vec();
        self
    }

    /// The same file, found where it must not open.
    pub(crate) fn but_refused(mut self, (reason, detail): (&'static str, &'static str)) -> Self {
        self.expect = Expect::Refused { reason, detail };
        self
    }

    pub(crate) fn wildcard_allowed(mut self) -> Self {
        self.allow_wildcard = true;
        self
    }

    fn json(&self) -> Value {
        let identity: Vec<String> = self.identity.iter().map(|key| format!("{key}.txt")).collect();
        let mut json = json!({
            "file": format!("{}.yaml", self.file),
            "promise": self.promise,
            "object": self.object,
            "identity": identity,
        });
        if self.allow_wildcard {
            json["allowWildcard"] = json!(true);
        }
        match &self.expect {
            Expect::Values(values) => {
                json["values"] =
                    values.iter().map(|(key, value)| (key.clone(), expected(value))).collect();
            }
            Expect::Refused { reason, detail } => {
                json["reason"] = json!(reason);
                json["detail"] = json!(detail);
            }
        }
        json
    }
}

/// `text` with every `from` made `to`; the generator must not miss its mark in silence.
pub(crate) fn swap(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from}");
    text.replace(from, to)
}

fn expected(value: &[u8]) -> Value {
    if value.len() > LONG {
        json!({ "bytes": value.len(), "sha256": hex::encode(Sha256::digest(value)) })
    } else {
        json!(STANDARD.encode(value))
    }
}

fn cases() -> Vec<Case> {
    let cases = [
        opens::cases(),
        blocks::cases(),
        layouts::cases(),
        moved::cases(),
        places::cases(),
        cluster::cases(),
        altered::cases(),
        headers::cases(),
        limits::cases(),
        shape::cases(),
        broken::cases(),
    ];
    cases.into_iter().flatten().collect()
}

fn main() -> std::io::Result<()> {
    let testdata = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata");
    let (keys, vectors) = (testdata.join("keys"), testdata.join("vectors"));
    std::fs::create_dir_all(&keys)?;
    std::fs::create_dir_all(&vectors)?;
    for name in KEYS {
        let key = keys::Key::named(name);
        let text = format!(
            "# PUBLIC, and only for tests: this private key is printed in a public repository.\n\
             # Never seal anything to it that is a secret.\n# recipient: {}\n{}\n",
            key.recipient, key.identity
        );
        std::fs::write(keys.join(format!("{name}.txt")), text)?;
    }
    let mut written = BTreeMap::new();
    let cases = cases();
    for case in &cases {
        let same = written.insert(&case.file, &case.text).is_none_or(|text| *text == case.text);
        assert!(same, "two files are named {}", case.file);
        std::fs::write(vectors.join(format!("{}.yaml", case.file)), &case.text)?;
    }
    let expect: Vec<Value> = cases.iter().map(Case::json).collect();
    let expect = serde_json::to_string_pretty(&expect)?;
    std::fs::write(vectors.join("expect.json"), expect + "\n")
}
