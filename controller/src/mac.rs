//! HMAC and SHA-256 of the TLS provider: for host names that a known_hosts hides, signatures of webhooks, and names of
//! folders; and numbers that nobody else has. Compares in constant time. Encrypts and decrypts nothing.

use aws_lc_rs::digest;
use aws_lc_rs::hmac::{self, HMAC_SHA1_FOR_LEGACY_USE_ONLY, HMAC_SHA256, Key};

/// Whether `tag` is the HMAC-SHA-1 of `message`, as OpenSSH hides a host's name.
pub(crate) fn is_sha1(key: &[u8], message: &[u8], tag: &[u8]) -> bool {
    hmac::verify(&Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, key), message, tag).is_ok()
}

/// The HMAC-SHA-256 of a message that arrives in parts, of which none is kept. As forges sign what they deliver.
pub(crate) struct Hmac(hmac::Context);

impl Hmac {
    pub(crate) fn begin(key: &[u8]) -> Self {
        Self(hmac::Context::with_key(&Key::new(HMAC_SHA256, key)))
    }

    pub(crate) fn take(&mut self, part: &[u8]) {
        self.0.update(part);
    }

    /// Whether it is `tag`.
    pub(crate) fn is(self, tag: &[u8]) -> bool {
        is_same(self.0.sign().as_ref(), tag)
    }
}

/// Whether two texts are the same; takes as long whatever they have in common.
pub(crate) fn is_same(one: &[u8], other: &[u8]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(one, other).is_ok()
}

/// A number that no other process has, as text.
pub(crate) fn random_id() -> String {
    let mut bytes = [0; 8];
    aws_lc_rs::rand::fill(&mut bytes).expect("the operating system gives randomness");
    hex::encode(bytes)
}

/// The SHA-256 of a text.
pub(crate) fn sha256(text: &[u8]) -> [u8; 32] {
    let digest = digest::digest(&digest::SHA256, text);
    digest.as_ref().try_into().expect("SHA-256 has 32 bytes")
}
