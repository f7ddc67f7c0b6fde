//! One value: an age v1 payload whose plaintext begins with the place it is sealed for.
//!
//! age carries no associated data, so the scope and the key name are sealed in with the value, and [`open`]
//! compares them before it returns a byte. Nothing is ever parsed out of decrypted data: the expected
//! beginning is built from the file and compared whole. Nothing else in the project returns plaintext.

use std::io::Read;

use age::{DecryptError, Decryptor};
use age_core::format::{FILE_KEY_BYTES, FileKey, Stanza};
use age_core::secrecy::ExposeSecret;
use chacha20poly1305::{ChaCha20Poly1305, KeyInit, aead::Aead};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::header::Header;
use super::padding::padded;
use super::random;
use crate::place::Scope;
use crate::secret::SecretValue;

const NONCE_BYTES: usize = 16;
const CHUNK_BYTES: usize = 64 * 1024;
const TAG_BYTES: usize = 16;

/// Why a payload gave no value. Says nothing about the bytes in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Header or payload are not as they were sealed; the word names the check that failed.
    Damaged(&'static str),
    /// Intact, but sealed for another scope or key.
    NotSealedForThis,
}

/// Seals `value` under `file_key`, for `scope` and `key` only.
///
/// Returns `nonce(16) ‖ STREAM`. Hides the length to its size class. Does not say who sealed: anyone can.
pub(crate) fn seal(file_key: &FileKey, scope: &Scope, key: &str, value: &SecretValue) -> Vec<u8> {
    let mut nonce = [0; NONCE_BYTES];
    random(&mut nonce);
    seal_with_nonce(file_key, nonce, scope, key, value)
}

fn seal_with_nonce(
    file_key: &FileKey,
    nonce: [u8; NONCE_BYTES],
    scope: &Scope,
    key: &str,
    value: &SecretValue,
) -> Vec<u8> {
    let plaintext = frame(scope, key, value);
    let cipher = payload_cipher(file_key, nonce);
    let mut payload = nonce.to_vec();
    let last = plaintext.len().div_ceil(CHUNK_BYTES) - 1; // the frame is never empty
    for (counter, chunk) in plaintext.chunks(CHUNK_BYTES).enumerate() {
        let nonce = stream_nonce(counter as u64, counter == last);
        let sealed = cipher.encrypt(&nonce.into(), chunk);
        payload.extend(sealed.expect("a chunk is far below ChaCha20's limit"));
    }
    payload
}

/// Checks the MAC of `header`, and gives the shortest header of its file key to open its payloads under. The error
/// names the check that failed.
///
/// The `age` crate reads the header and checks its MAC again for each payload; with 64 stanzas and 1,024 values
/// that would be seconds. A payload's own key hangs on the file key alone.
pub(crate) fn authenticate(header: &Header, file_key: &FileKey) -> Result<Header, &'static str> {
    stream(header, file_key, &[0; NONCE_BYTES])?;
    let stanza = Stanza { tag: "authenticated".to_owned(), args: vec![], body: vec![] };
    Ok(Header::write(file_key, vec![stanza]))
}

/// Opens one payload under a file key already unwrapped from `header`.
///
/// The MAC of the header and every chunk are checked by the `age` crate; then the plaintext must begin with
/// exactly the lines that `scope` and `key` make, and be padded to exactly its size class.
pub(crate) fn open(
    header: &Header,
    file_key: &FileKey,
    payload: &[u8],
    scope: &Scope,
    key: &str,
) -> Result<SecretValue, Refused> {
    let plaintext = decrypt(header, file_key, payload)?;
    unframe(scope, key, &plaintext)
}

/// How long the value in a payload of `len` bytes is made to look, which needs no key: what [`seal`] pads it to. At least
/// as long as the value that [`open`] gives, if it gives one.
pub(crate) fn size_class(len: usize, scope: &Scope, key: &str) -> usize {
    let chunks = len.saturating_sub(NONCE_BYTES).div_ceil(CHUNK_BYTES + TAG_BYTES);
    len.saturating_sub(NONCE_BYTES + chunks * TAG_BYTES + prefix(scope, key).len() + 1)
}

/// The age crate's opening of `header ‖ payload`, with the file key handed to it.
fn decrypt(
    header: &Header,
    file_key: &FileKey,
    payload: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Refused> {
    if payload.len() < NONCE_BYTES {
        return Err(Refused::Damaged("payload")); // age would count a missing nonce to the header
    }
    let mut stream = stream(header, file_key, payload).map_err(Refused::Damaged)?;
    // Reserved at its final size: a vector that grows leaves unwiped copies behind.
    let mut plaintext = Zeroizing::new(Vec::with_capacity(payload.len()));
    stream.read_to_end(&mut plaintext).map_err(|_| Refused::Damaged("payload"))?;
    Ok(plaintext)
}

/// Reads the header and checks its MAC; no chunk of the payload is opened yet. The error names the check.
fn stream<'a>(
    header: &'a Header,
    file_key: &FileKey,
    payload: &'a [u8],
) -> Result<impl Read + use<'a>, &'static str> {
    let file = header.as_bytes().chain(payload);
    let decryptor = Decryptor::new_buffered(file).map_err(|_| "header")?;
    let held = Held(file_key);
    decryptor.decrypt(std::iter::once(&held as &dyn age::Identity)).map_err(|error| match error {
        DecryptError::InvalidMac => "mac",
        _ => "header",
    })
}

/// A file key that is known already: the age crate is spared the unwrapping, not the MAC.
struct Held<'a>(&'a FileKey);

impl age::Identity for Held<'_> {
    fn unwrap_stanza(&self, _: &Stanza) -> Option<Result<FileKey, DecryptError>> {
        Some(Ok(FileKey::init_with_mut(|key: &mut [u8; FILE_KEY_BYTES]| {
            key.copy_from_slice(self.0.expose_secret());
        })))
    }
}

/// The four lines that bind a value to its place. Injective: no part can hold `LF`, `=` or `,`.
pub(super) fn prefix(scope: &Scope, key: &str) -> String {
    format!("seal/v1\nnamespaces={}\nname={}\nkey={key}\n", scope.namespaces.join(","), scope.name)
}

/// Prefix, dots up to the size class, line feed, value.
fn frame(scope: &Scope, key: &str, value: &SecretValue) -> Zeroizing<Vec<u8>> {
    let prefix = prefix(scope, key);
    let value = value.expose();
    let dots = padded(value.len()) - value.len();
    let mut frame = Zeroizing::new(Vec::with_capacity(prefix.len() + dots + 1 + value.len()));
    frame.extend_from_slice(prefix.as_bytes());
    frame.resize(prefix.len() + dots, b'.');
    frame.push(b'\n');
    frame.extend_from_slice(value);
    frame
}

fn unframe(scope: &Scope, key: &str, plaintext: &[u8]) -> Result<SecretValue, Refused> {
    let rest =
        plaintext.strip_prefix(prefix(scope, key).as_bytes()).ok_or(Refused::NotSealedForThis)?;
    let padding = Refused::Damaged("padding");
    let dots = rest.iter().take_while(|byte| **byte == b'.').count();
    if rest.get(dots) != Some(&b'\n') {
        return Err(padding);
    }
    let value = &rest[dots + 1..];
    if dots != padded(value.len()) - value.len() {
        return Err(padding);
    }
    Ok(SecretValue::from(value))
}

/// `HKDF-SHA-256(ikm = file key, salt = nonce, info = "payload")`.
fn payload_cipher(file_key: &FileKey, nonce: [u8; NONCE_BYTES]) -> ChaCha20Poly1305 {
    let mut key = Zeroizing::new([0; 32]);
    Hkdf::<Sha256>::new(Some(&nonce), file_key.expose_secret())
        .expand(b"payload", key.as_mut())
        .expect("32 bytes are within HKDF's limit");
    ChaCha20Poly1305::new((&*key).into())
}

/// 11-byte big-endian counter, then 1 for the last chunk.
fn stream_nonce(counter: u64, last: bool) -> [u8; 12] {
    let mut nonce = [0; 12];
    nonce[3..11].copy_from_slice(&counter.to_be_bytes());
    nonce[11] = u8::from(last);
    nonce
}

#[cfg(test)]
mod cctv;
#[cfg(test)]
mod tests;
