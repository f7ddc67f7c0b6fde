//! The layout `flyte` (flytekit `core/context_manager.py`, 1.16).
//!
//! Outside of a cluster a task reads a secret from `<folder>/<group>/<key>`, both in lower case, where the variable
//! `FLYTE_SECRETS_DEFAULT_DIR` names the folder. A group is the name of a Secret, whatever its namespace, so that two of
//! one name may want one file.

use std::collections::BTreeMap;

use crate::place::Place;
use crate::secret::SecretValue;

use super::LaidFile;

pub(super) const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// Where the value of a key goes.
pub(super) fn path(place: &Place, key: &str) -> Vec<String> {
    vec![place.name.to_ascii_lowercase(), key.to_ascii_lowercase()]
}

/// One file for each value, sorted by path.
pub(super) fn files(place: &Place, values: BTreeMap<String, SecretValue>) -> Vec<LaidFile> {
    let file =
        |(key, value): (String, _)| LaidFile { path: path(place, &key), mode: FILE_MODE, value };
    let mut files: Vec<LaidFile> = values.into_iter().map(file).collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}
