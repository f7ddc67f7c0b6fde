//! testdata/reject: one file for each way to be wrong, named by its reason; none is answered with its text.
//!
//! A file's name begins with the reason that a sealed file is refused for; beneath `manifest/` with the variant
//! of `ManifestError`.

#![allow(clippy::unwrap_used, clippy::panic)] // helpers are tests too, which clippy does not see

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use seal_core::key::{Identity, Keyring};
use seal_core::kind::file::{self, Document};
use seal_core::manifest;
use seal_core::open::allowed::Grants;
use seal_core::open::check::check;
use seal_core::open::open;

/// Stands where a value stands in every file that has one, and in no message.
const CANARY: &str = "canary-5d41402a";

fn testdata(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata").join(path)
}

fn keyring() -> Keyring {
    let files = ["cluster", "offline", "classic", "classic-offline"];
    let text =
        files.map(|name| std::fs::read_to_string(testdata(&format!("keys/{name}.txt"))).unwrap());
    Identity::parse_file(&text.concat()).unwrap().into_iter().collect()
}

/// The reason a sealed file is refused for, and everything a user could see of the error.
fn refuse_sealed(text: &str, keyring: &Keyring) -> Option<(String, String)> {
    let closed_namespaces = BTreeSet::from(["seal-system".to_owned()]);
    let grants = Grants { closed_namespaces, ..Grants::default() };
    let documents = match file::read(text) {
        Ok(documents) => documents,
        Err(error) => return Some(("Malformed".into(), format!("{error}\n{error:?}"))),
    };
    documents.iter().find_map(|document| {
        let Document::Sealed(sealed) = document else { return None };
        let refused = check(sealed)
            .and_then(|checked| checked.allowed(&grants))
            .and_then(|allowed| open(&allowed, keyring));
        let error = refused.err()?;
        Some((error.reason().to_string(), format!("{error}\n{error:?}")))
    })
}

fn refuse_manifest(text: &str) -> Option<(String, String)> {
    let read = manifest::read(text, &BTreeSet::new());
    let error = read.and_then(|all| all.iter().try_for_each(|it| it.require_values("db"))).err()?;
    let printed = format!("{error:?}");
    let variant = printed.split(|c: char| !c.is_alphanumeric()).next().unwrap().to_owned();
    Some((variant, format!("{error}\n{printed}")))
}

fn walk(folder: &str, refuse: impl Fn(&str) -> Option<(String, String)>) -> (usize, Vec<String>) {
    let mut wrong = Vec::new();
    let mut walked = 0;
    for entry in std::fs::read_dir(testdata(folder)).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            continue;
        }
        walked += 1;
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let expected = name.split('-').next().unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(CANARY) || text.len() < 10, "{name} has no canary");
        match refuse(&text) {
            None => wrong.push(format!("{name} was taken")),
            Some((reason, said)) if reason != expected => {
                wrong.push(format!("{name}: {reason}: {said}"))
            }
            Some((_, said)) if said.contains(CANARY) => {
                wrong.push(format!("{name} repeats the value: {said}"))
            }
            Some((_, said)) if said.replace('\n', "").contains(unprintable) => {
                wrong.push(format!("{name} prints control characters: {said:?}"));
            }
            Some(_) => {}
        }
    }
    (walked, wrong)
}

fn unprintable(c: char) -> bool {
    c.is_control()
        || ('\u{202a}'..='\u{202e}').contains(&c)
        || ('\u{2066}'..='\u{2069}').contains(&c)
}

#[test]
fn every_rejected_file_is_refused_for_its_reason_and_never_repeated() {
    let keyring = keyring();
    let (sealed, mut wrong) = walk("reject", |text| refuse_sealed(text, &keyring));
    let (manifests, more) = walk("reject/manifest", refuse_manifest);
    wrong.extend(more);
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(sealed >= 100 && manifests >= 55, "{sealed} sealed files, {manifests} manifests");
}

/// The file that the rejected ones differ from in one thing.
#[test]
fn the_file_that_the_others_were_made_of_opens() {
    let text =
        std::fs::read_to_string(testdata("reject/WrongPlace-kustomize-prefix.yaml")).unwrap();
    assert!(refuse_sealed(&text.replace("dev-db", "db"), &keyring()).is_none());
}
