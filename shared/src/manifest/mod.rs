//! Plaintext in: a Secret's manifest as kubectl reads it ([`read`]), and env files ([`dotenv`]).

pub mod dotenv;
mod error;
mod read;

pub use error::{KeyAt, ManifestError};
pub use read::{Manifest, is_sops, read};
