//! A secret value: bytes that print as `[redacted]` and are wiped on drop.
//!
//! There is deliberately no `Serialize`, `Display`, `PartialEq` or `len` here: whoever needs the bytes says
//! so with [`SecretValue::expose`], which a reviewer can search for.

use std::fmt;

use zeroize::Zeroizing;

/// One plaintext value of a Secret.
#[derive(Clone, Default)]
pub struct SecretValue(Zeroizing<Vec<u8>>);

impl SecretValue {
    /// The bytes themselves. The caller answers for where they go; copies are not wiped.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for SecretValue {
    /// Takes the bytes over; no copy stays behind.
    fn from(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

impl From<&[u8]> for SecretValue {
    fn from(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(bytes.to_vec()))
    }
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}
