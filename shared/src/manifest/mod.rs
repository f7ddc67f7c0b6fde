//! Plaintext in: a Secret's manifest as kubectl reads it ([`read`]), and env files ([`dotenv`]).

pub mod dotenv;
mod error;
mod read;

pub use error::ManifestError;
pub use read::{Manifest, is_sops, read};
