//! testdata/vectors, the treaty: what opened once opens always, and what was refused stays refused.
//!
//! Only reads. The files come from `examples/vectors`; testdata/README.md says what each field means, so that
//! any other implementation can run them too.

#![allow(clippy::unwrap_used, clippy::panic)] // helpers are tests too, which clippy does not see

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use seal_core::key::{Identity, Keyring};
use seal_core::kind::file::{self, Document};
use seal_core::open::allowed::Grants;
use seal_core::open::check::check;
use seal_core::open::{OpenError, open};
use seal_core::secret::SecretValue;
use serde::Deserialize;
use sha2::{Digest, Sha256};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Case {
    file: String,
    promise: String,
    object: String,
    identity: Vec<String>,
    #[serde(default)]
    allow_wildcard: bool,
    values: Option<BTreeMap<String, Expected>>,
    reason: Option<String>,
    detail: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Expected {
    Base64(String),
    Hash { bytes: usize, sha256: String },
}

impl Expected {
    fn is(&self, value: &[u8]) -> bool {
        match self {
            Self::Base64(text) => *text == STANDARD.encode(value),
            Self::Hash { bytes, sha256 } => {
                *bytes == value.len() && *sha256 == hex::encode(Sha256::digest(value))
            }
        }
    }
}

/// What one file gave: the object's name and its values, or the reason, the check that failed and the text.
type Outcome = Result<(String, BTreeMap<String, SecretValue>), (String, &'static str, String)>;

fn testdata(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata").join(path)
}

fn cases() -> Vec<Case> {
    let text = std::fs::read_to_string(testdata("vectors/expect.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn keyring(names: &[String]) -> Keyring {
    let read = |name: &String| std::fs::read_to_string(testdata("keys").join(name)).unwrap();
    names.iter().flat_map(|name| Identity::parse_file(&read(name)).unwrap()).collect()
}

fn run(case: &Case) -> Outcome {
    let text = std::fs::read_to_string(testdata("vectors").join(&case.file)).unwrap();
    let malformed = |e: file::FileError| ("Malformed".to_owned(), "", e.to_string());
    let mut documents = file::read(&text).map_err(malformed)?;
    let Some(Document::Sealed(sealed)) = documents.pop() else { panic!("{}", case.file) };
    assert!(documents.is_empty(), "{}", case.file);
    let refused = |error: OpenError| {
        let check = if let OpenError::Damaged { check, .. } = error { check } else { "" };
        (error.reason().to_string(), check, error.to_string())
    };
    let grants = Grants {
        wildcard_anywhere: case.allow_wildcard,
        cluster_wide: case.allow_wildcard,
        ..Grants::default()
    };
    let allowed = check(&sealed).and_then(|checked| checked.allowed(&grants)).map_err(refused)?;
    let opened = open(&allowed, &keyring(&case.identity)).map_err(refused)?;
    Ok((opened.place.to_string(), opened.values))
}

#[test]
fn every_vector_ends_as_the_treaty_says() {
    let cases = cases();
    assert!(cases.len() >= 230, "the treaty has lost cases: {}", cases.len());
    let wrong: Vec<String> = cases.iter().filter_map(differs).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// How a case ended otherwise than it must.
fn differs(case: &Case) -> Option<String> {
    let outcome = run(case);
    let as_promised = match (&outcome, &case.values, &case.reason, &case.detail) {
        (Ok((object, values)), Some(expected), None, None) => {
            *object == case.object
                && values.keys().eq(expected.keys())
                && values.iter().all(|(key, value)| expected[key].is(value.expose()))
        }
        (Err((reason, check, text)), None, Some(expected), Some(detail)) => {
            let same_detail =
                if check.is_empty() { text.contains(detail) } else { check == detail };
            reason == expected && same_detail
        }
        _ => false,
    };
    let seen = match outcome {
        Ok((object, values)) => format!("{object} opened with {} values", values.len()),
        Err((reason, _, text)) => format!("{reason}: {text}"),
    };
    (!as_promised).then(|| format!("{} ({}): {seen}", case.file, case.promise))
}

#[test]
fn every_file_among_the_vectors_is_in_the_treaty() {
    let named: BTreeSet<String> = cases().into_iter().map(|case| case.file).collect();
    let there = std::fs::read_dir(testdata("vectors")).unwrap();
    let there = there.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(there.filter(|name| name != "expect.json").collect::<BTreeSet<_>>(), named);
}

#[test]
fn what_opens_is_written_and_opens_again() {
    for case in cases().iter().filter(|case| case.values.is_some()) {
        let text = std::fs::read_to_string(testdata("vectors").join(&case.file)).unwrap();
        let Document::Sealed(sealed) = file::read(&text).unwrap().remove(0) else { panic!() };
        let written = file::write(&sealed);
        let Document::Sealed(again) = file::read(&written).unwrap().remove(0) else { panic!() };
        assert_eq!(*again, *sealed, "{}", case.file);
        let allowed = check(&again).unwrap().allowed(&Grants::most()).unwrap();
        let opened = open(&allowed, &keyring(&case.identity)).unwrap();
        assert_eq!(opened.values.len(), case.values.as_ref().unwrap().len(), "{}", case.file);
    }
}

/// The example in docs/reference/format.md is cut short where it would be long, and a sealed file all the same.
#[test]
fn the_example_of_the_documents_has_the_fields_that_readers_know() {
    let document = std::fs::read_to_string(testdata("../docs/reference/format.md")).unwrap();
    let (_, after) = document.split_once("```yaml\n").unwrap();
    let (example, _) = after.split_once("```").unwrap();
    let documents = file::read(example).unwrap();
    let [Document::Sealed(sealed)] = documents.as_slice() else { panic!("one sealed file") };
    assert_eq!(sealed.full_name(), "prod/db");
    assert!(sealed.uses_shared_header() && sealed.spec.values["token"].header.is_some());
}
