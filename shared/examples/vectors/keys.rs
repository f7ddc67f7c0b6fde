//! Test keys and randomness, both made of names: the same bytes at every run.

use sha2::{Digest, Sha256};

use crate::age::{self, Stanza};

/// A test key, made from its name alone.
pub(crate) struct Key {
    pub(crate) seed: [u8; 32],
    pub(crate) hybrid: bool,
    pub(crate) recipient: String,
    pub(crate) identity: String,
}

impl Key {
    /// `classic…` is X25519, every other name post-quantum.
    pub(crate) fn named(name: &str) -> Self {
        let seed: [u8; 32] = Sha256::digest(format!("seal test key: {name}")).into();
        let hybrid = !name.starts_with("classic");
        let (recipient, identity) = if hybrid {
            let recipient = age::bech32("age1pq", &age::hybrid_public(&seed));
            (recipient, age::bech32("age-secret-key-pq-", &seed))
        } else {
            let public = x25519_dalek::PublicKey::from(&x25519_dalek::StaticSecret::from(seed));
            (age::bech32("age", public.as_bytes()), age::bech32("age-secret-key-", &seed))
        };
        Self { seed, hybrid, recipient, identity: identity.to_ascii_uppercase() }
    }

    pub(crate) fn fingerprint(&self) -> String {
        format!("sha256:{}", &hex::encode(Sha256::digest(&self.recipient))[..32])
    }
}

/// `classic-0` to `classic-{others - 1}`, whose keys nobody holds, and `classic` after them.
pub(crate) fn classic_after(others: usize) -> Vec<String> {
    (0..others).map(|n| format!("classic-{n}")).chain(["classic".to_owned()]).collect()
}

/// Bytes that are the same at every run: SHA-256 over a name and a counter.
pub(crate) struct Dice {
    name: String,
    thrown: u32,
}

impl Dice {
    pub(crate) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), thrown: 0 }
    }

    pub(crate) fn throw<const N: usize>(&mut self) -> [u8; N] {
        self.thrown += 1;
        let bytes = Sha256::digest(format!("{} {}", self.name, self.thrown));
        std::array::from_fn(|at| bytes[at])
    }

    pub(crate) fn stanza(&mut self, key: &Key, file_key: &[u8]) -> Stanza {
        if key.hybrid {
            age::wrap_hybrid(&key.seed, file_key, (self.throw(), self.throw()), false)
        } else {
            age::wrap_classic(&key.seed, file_key, self.throw())
        }
    }
}
