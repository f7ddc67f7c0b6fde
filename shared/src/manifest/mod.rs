//! Plaintext in: a Secret's manifest as kubectl reads it ([`read`]), and env files ([`dotenv`]).

pub mod dotenv;
mod read;

pub use read::{Manifest, ManifestError, read};
