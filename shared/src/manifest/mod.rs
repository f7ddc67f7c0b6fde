//! Plaintext in: a Secret's manifest as kubectl reads it ([`read`]), env files ([`dotenv`]), and a
//! text for an editor ([`editable`]).

pub mod dotenv;
mod editable;
mod error;
mod read;
mod secret;

pub use editable::{SEALED, editable};
pub use error::{KeyAt, ManifestError};
pub use read::read;
pub use secret::Manifest;

/// Whether a value is ciphertext of sops, which is text that begins and ends so.
pub fn is_sops(value: &[u8]) -> bool {
    let value = value.trim_ascii();
    value.starts_with(b"ENC[AES256_GCM,data:") && value.ends_with(b"]")
}
