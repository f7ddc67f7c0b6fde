//! Whole age files: a text for recipients, and back. Any age reads them.

use std::io::{Read, Write};

use age::{Decryptor, Encryptor, Identity, Recipient};
use zeroize::Zeroizing;

/// Why a file did not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unopened {
    /// Not an age file, or a changed one.
    Damaged,
    /// For none of the identities.
    NoKey,
    /// More than was allowed.
    TooLarge,
}

/// `plain` for these recipients, of whom each can open it.
pub(crate) fn encrypt(plain: &[u8], recipients: &[&dyn Recipient]) -> Option<Vec<u8>> {
    let encryptor = Encryptor::with_recipients(recipients.iter().copied()).ok()?;
    let mut file = Vec::new();
    let mut writer = encryptor.wrap_output(&mut file).ok()?;
    writer.write_all(plain).ok()?;
    writer.finish().ok()?;
    Some(file)
}

/// What is in an age file, up to `most` bytes; nothing of it unless all of it is right.
pub(crate) fn decrypt(
    file: &[u8],
    identities: &[&dyn Identity],
    most: usize,
) -> Result<Zeroizing<Vec<u8>>, Unopened> {
    let decryptor = Decryptor::new(file).map_err(|_| Unopened::Damaged)?;
    let reader = decryptor.decrypt(identities.iter().copied()).map_err(|error| match error {
        age::DecryptError::NoMatchingKeys => Unopened::NoKey,
        _ => Unopened::Damaged,
    })?;
    // So large from the start that no copy of it is left behind by growing.
    let mut plain = Zeroizing::new(Vec::with_capacity(file.len().min(most) + 1));
    let mut limited = reader.take(most as u64 + 1);
    limited.read_to_end(&mut plain).map_err(|_| Unopened::Damaged)?;
    if plain.len() > most { Err(Unopened::TooLarge) } else { Ok(plain) }
}
