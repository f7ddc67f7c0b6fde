//! The layout `tree`: `<namespace>/<name>/<key>`, each key a file that only its owner reads.

use std::collections::BTreeMap;

use crate::place::Place;
use crate::secret::SecretValue;

use super::LaidFile;

pub(super) const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// One file for each value, sorted by key.
pub(super) fn files(place: &Place, values: BTreeMap<String, SecretValue>) -> Vec<LaidFile> {
    let mut files = Vec::with_capacity(values.len());
    for (key, value) in values {
        let path = vec![place.namespace.clone(), place.name.clone(), key];
        files.push(LaidFile { path, mode: FILE_MODE, value });
    }
    files
}
