//! The recipient type `mlkem768x25519` as age's texts and stanzas: Bech32, and the rules of a stanza.
//!
//! Recipient: HRP `age1pq`... written lower case; identity: HRP `AGE-SECRET-KEY-PQ-`, upper case. Both are
//! those of Go age 1.3, so keys made on either side work on the other.

use std::collections::HashSet;

use age::{DecryptError, EncryptError};
use age_core::format::{FILE_KEY_BYTES, FileKey, Stanza};
use age_core::secrecy::ExposeSecret;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bech32::primitives::decode::CheckedHrpstring;
use bech32::{Checksum, Hrp};
use zeroize::{Zeroize, Zeroizing};

use super::kem::{PUBLIC_KEY_BYTES, PrivateHalf, PublicHalf, SEED_BYTES, SHARE_BYTES};

/// Type of the stanzas of post-quantum recipients.
pub(crate) const STANZA: &str = "mlkem768x25519";
pub(crate) const IDENTITY_START: &str = "AGE-SECRET-KEY-PQ-1";
const RECIPIENT_HRP: &str = "age1pq";
const IDENTITY_HRP: &str = "AGE-SECRET-KEY-PQ-";
const BODY_BYTES: usize = FILE_KEY_BYTES + 16;
/// Recipients whose label sets differ are never put into one header.
const LABEL: &str = "postquantum";

/// Bech32 as BIP-173 has it, without its limit of 90 characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LongBech32 {}

impl Checksum for LongBech32 {
    type MidstateRepr = u32;
    const CODE_LENGTH: usize = 4096;
    const CHECKSUM_LENGTH: usize = bech32::Bech32::CHECKSUM_LENGTH;
    const GENERATOR_SH: [u32; 5] = bech32::Bech32::GENERATOR_SH;
    const TARGET_RESIDUE: u32 = bech32::Bech32::TARGET_RESIDUE;
}

pub(crate) fn parse_recipient(text: &str) -> Option<PublicHalf> {
    let parsed = CheckedHrpstring::new::<LongBech32>(text).ok()?;
    let bytes: Vec<u8> = parsed.byte_iter().collect();
    let key = PublicHalf::from_bytes(&<[u8; PUBLIC_KEY_BYTES]>::try_from(bytes).ok()?).ok()?;
    // Written again, so that no second spelling (prefix, padding bits, case) has a fingerprint of its own.
    (recipient_text(&key) == text).then_some(key)
}

pub(crate) fn recipient_text(key: &PublicHalf) -> String {
    let hrp = Hrp::parse(RECIPIENT_HRP).expect("a valid HRP");
    bech32::encode_lower::<LongBech32>(hrp, &key.to_bytes()).expect("within the code length")
}

pub(crate) fn parse_identity(text: &str) -> Option<PrivateHalf> {
    let parsed = CheckedHrpstring::new::<LongBech32>(text).ok()?;
    let bytes = Zeroizing::new(parsed.byte_iter().collect::<Vec<u8>>());
    let mut seed = Zeroizing::new([0; SEED_BYTES]);
    if bytes.len() != SEED_BYTES {
        return None;
    }
    seed.copy_from_slice(&bytes);
    let key = PrivateHalf::from_seed(seed);
    (identity_text(&key).as_str() == text).then_some(key)
}

pub(crate) fn identity_text(key: &PrivateHalf) -> Zeroizing<String> {
    let hrp = Hrp::parse(IDENTITY_HRP).expect("a valid HRP");
    let text = bech32::encode_upper::<LongBech32>(hrp, key.seed());
    Zeroizing::new(text.expect("within the code length"))
}

/// One stanza for `key`: `-> mlkem768x25519 <share>`, and the wrapped file key as its body.
pub(crate) fn wrap(
    key: &PublicHalf,
    file_key: &FileKey,
) -> Result<(Vec<Stanza>, HashSet<String>), EncryptError> {
    // An unusable key is one that was made so that the shared secret is zero.
    let (share, body) = key.seal(file_key.expose_secret()).map_err(|_| {
        EncryptError::Io(std::io::Error::other("the recipient has a low-order key"))
    })?;
    let stanza = Stanza { tag: STANZA.to_owned(), args: vec![STANDARD_NO_PAD.encode(share)], body };
    Ok((vec![stanza], HashSet::from([LABEL.to_owned()])))
}

/// The file key, when the stanza is for `key`; an error when a stanza of this type has the wrong shape.
pub(crate) fn unwrap(key: &PrivateHalf, stanza: &Stanza) -> Option<Result<FileKey, DecryptError>> {
    if stanza.tag != STANZA {
        return None;
    }
    let Some(share) = share(stanza) else {
        return Some(Err(DecryptError::InvalidHeader));
    };
    match key.open(&share, &stanza.body) {
        Ok(Some(mut plaintext)) => {
            let file_key = FileKey::init_with_mut(|key| key.copy_from_slice(&plaintext));
            plaintext.zeroize();
            Some(Ok(file_key))
        }
        Ok(None) => None,
        Err(_) => Some(Err(DecryptError::DecryptionFailed)),
    }
}

/// The share of a well-formed stanza: one argument of 1,120 bytes, a body of 32.
pub(crate) fn share(stanza: &Stanza) -> Option<Box<[u8; SHARE_BYTES]>> {
    let [share] = stanza.args.as_slice() else { return None };
    let bytes = STANDARD_NO_PAD.decode(share).ok()?;
    let share = bytes.into_boxed_slice().try_into().ok()?;
    (stanza.body.len() == BODY_BYTES).then_some(share)
}
