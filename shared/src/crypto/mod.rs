//! The cryptography of the sealed-file format, and the only folder that encrypts or decrypts.
//!
//! Everything here is age v1 (<https://c2sp.org/age>) put together from its own parts: a header that wraps
//! one file key to many recipients, and payloads under that file key. [`kem`] is the post-quantum recipient
//! type, [`file`] whole age files, [`header`] the header, [`stanzas`] what may stand in it, [`payload`] one value, [`padding`] the length classes,
//! [`recall`] what a machine remembers of a value that it sealed.
//!
//! Deliberately absent: any other cipher, associated data, signatures, algorithm negotiation.

pub(crate) mod file;
pub(crate) mod header;
pub(crate) mod kem;
pub(crate) mod padding;
pub(crate) mod payload;
pub(crate) mod recall;
pub(crate) mod recipient;
pub(crate) mod stanzas;

use age_core::format::{FILE_KEY_BYTES, FileKey};

/// Fills `bytes` from the operating system, the only source of randomness in this crate.
///
/// There is nothing a sealing command could usefully do without randomness, so its absence ends the process.
pub(crate) fn random(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the operating system gives randomness");
}

/// A fresh file key: 16 random bytes, one per header, wiped on drop.
pub(crate) fn new_file_key() -> FileKey {
    FileKey::init_with_mut(|key: &mut [u8; FILE_KEY_BYTES]| random(key))
}
