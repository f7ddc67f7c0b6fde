//! `.env` files beside the two readers that most programs use: what we take, both take the same.
//!
//! `testdata/dotenv.json` has what they made of each text, some written by hand and the rest from a fixed generator.

#![allow(clippy::unwrap_used, clippy::panic)] // helpers are tests too, which clippy does not see

use std::collections::BTreeMap;

use seal_core::manifest::dotenv::dotenv;
use serde::Deserialize;

#[derive(Deserialize)]
struct Recorded {
    /// What both made of a text.
    agreed: Vec<(String, BTreeMap<String, String>)>,
    /// Where one refused it, or made something else of it.
    disagreed: Vec<String>,
}

fn ours(text: &str) -> Option<BTreeMap<String, String>> {
    let entries = dotenv(text).ok()?;
    let pair = |(key, value): (String, seal_core::secret::SecretValue)| {
        (key, String::from_utf8(value.expose().to_vec()).unwrap())
    };
    Some(entries.into_iter().map(pair).collect())
}

#[test]
fn an_env_file_is_read_as_others_read_it_or_refused() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../testdata/dotenv.json");
    let recorded: Recorded = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let mut taken = 0;
    for (text, theirs) in &recorded.agreed {
        if let Some(ours) = ours(text) {
            taken += 1;
            assert_eq!(&ours, theirs, "{text:?}");
        }
    }
    assert!(taken * 10 > recorded.agreed.len() * 8, "only {taken} of {}", recorded.agreed.len());
    let two_things = |text: &&String| ours(text).is_some();
    // One of the two does not know the mark, which changes nothing of a value.
    let unmarked = recorded.disagreed.iter().filter(|text| !text.starts_with('\u{feff}'));
    assert_eq!(unmarked.filter(two_things).collect::<Vec<_>>(), Vec::<&String>::new());
}
