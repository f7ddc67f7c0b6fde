//! What a machine remembers of the values that it sealed, so that sealing them again changes nothing: of each block a
//! digest of its ciphertext, and beside it a keyed digest of its value.
//!
//! Both are made here and kept by the caller, outside of any repository. A memory that is lost costs a larger diff.

use sha2::{Digest, Sha256};

use crate::kind::sealed::SealedSecret;

pub use crate::crypto::recall::{RECALL_BYTES, RecallKey};

/// SHA-256 over the ciphertext of a key's block, wherever its header stands, and over whom it says it is sealed to.
pub fn digest(object: &SealedSecret, key: &str) -> Option<[u8; RECALL_BYTES]> {
    let spec = &object.spec;
    let block = spec.values.get(key)?;
    let (sealed_to, header) = match &block.header {
        Some(header) => (&block.sealed_to, header),
        None => (&spec.sealed_to, spec.header.as_ref()?),
    };
    let mut digest = Sha256::new();
    for part in sealed_to.iter().chain([header, &block.payload]) {
        digest.update(part);
        digest.update("\n\n"); // in none of the parts
    }
    Some(digest.finalize().into())
}
