//! Whether a value is the one that was sealed before, for whoever sealed it: a keyed digest that stays on their machine.
//!
//! Nothing of it is ever in a sealed file: a digest there would let anybody who has the file test guesses of weak values.

use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::payload::prefix;
use super::random;
use crate::place::Scope;
use crate::secret::SecretValue;

/// Bytes of a key, and of what it makes.
pub const RECALL_BYTES: usize = 32;

/// The key of one machine. Whoever has it and its digests can test guesses of the values.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct RecallKey([u8; RECALL_BYTES]);

impl RecallKey {
    /// A new one, from the operating system's randomness.
    pub fn generate() -> Self {
        let mut key = [0; RECALL_BYTES];
        random(&mut key);
        Self(key)
    }

    /// One that was kept.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Its bytes, to be kept. The caller answers for where they go.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// HMAC-SHA-256 over what a value is sealed as: scope, key and value.
    pub fn tag(&self, scope: &Scope, key: &str, value: &SecretValue) -> [u8; RECALL_BYTES] {
        let mut hmac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes any key");
        hmac.update(prefix(scope, key).as_bytes());
        hmac.update(value.expose());
        hmac.finalize().into_bytes().into()
    }
}
