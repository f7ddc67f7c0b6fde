//! The kinds of `seal.dev`: one type for the file in Git and the custom resource, and its text.
//!
//! [`sealed`] is the type, [`crd`] how a cluster learns of it, [`file`] its text read and written, [`edit`] one text
//! changed line by line. Nothing here knows a key, and nothing is authenticated.

pub mod crd;
pub mod edit;
mod edit_lines;
pub mod file;
pub(crate) mod file_error;
pub mod format;
pub mod sealed;
