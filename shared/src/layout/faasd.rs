//! The layout `faasd` (faasd `pkg/provider/handlers/secret.go` and `cmd/provider.go`, 0.19).
//!
//! A secret is the file `<namespace>/<name>` in the provider's folder of secrets. The file itself is mounted into each
//! container that asks for it, so a function sees a change only where the same file is written over. Each entry of the
//! namespace's folder is listed as a secret, and when the provider starts it copies the files at the top into the folder of
//! its default namespace; folders there it leaves alone.

use std::collections::BTreeMap;

use crate::place::Place;
use crate::secret::SecretValue;

use super::{LaidFile, LayoutError};

pub(super) const FOLDER_MODE: u32 = 0o755;
const FILE_MODE: u32 = 0o644;

/// The one file of an object.
pub(super) fn files(
    place: &Place,
    values: BTreeMap<String, SecretValue>,
) -> Result<Vec<LaidFile>, LayoutError> {
    if values.len() != 1 {
        let keys = values.into_keys().collect();
        return Err(LayoutError::Keys { object: place.to_string(), keys });
    }
    let path = [&place.namespace, &place.name].map(Clone::clone);
    let file = |value| LaidFile { path: path.to_vec(), mode: FILE_MODE, value };
    Ok(values.into_values().map(file).collect())
}
