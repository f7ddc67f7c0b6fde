//! The README's block for whoever has stock age and no seal. All other blocks run in `testing/tests/documents`.

use std::path::Path;

/// The block with which stock age opens a value.
pub(crate) fn recovery() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let readme = std::fs::read_to_string(path).unwrap();
    let (_, after) = readme.split_once("<!-- recovery").expect("the README has the marker");
    let (_, code) = after.split_once("```sh\n").unwrap();
    code.split_once("```").unwrap().0.to_owned()
}
