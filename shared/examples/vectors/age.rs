//! age v1 and the sealed value's frame, written a second time from their specifications.
//!
//! Shares no code with seal-core, takes ML-KEM from another crate, and is told its randomness: so it can be
//! wrong on purpose, and so a mistake in one implementation shows as a vector that the other refuses.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use libcrux_ml_kem::mlkem768;
use sha2::Sha256;
use x25519_dalek::{PublicKey, StaticSecret};

/// One recipient stanza, its words and its body.
#[derive(Clone)]
pub(crate) struct Stanza {
    pub(crate) words: Vec<String>,
    pub(crate) body: Vec<u8>,
}

impl Stanza {
    pub(crate) fn text(&self) -> String {
        let body = STANDARD_NO_PAD.encode(&self.body);
        let mut text = format!("-> {}\n", self.words.join(" "));
        for line in body.as_bytes().chunks(64) {
            text += std::str::from_utf8(line).expect("base64 is ASCII");
            text.push('\n');
        }
        if body.len().is_multiple_of(64) {
            text.push('\n');
        }
        text
    }
}

/// The header as it lies in a sealed file: its MAC is that of `file_key`, its last line feed is left out.
pub(crate) fn header(stanzas: &[Stanza], file_key: &[u8]) -> String {
    let stanzas: String = stanzas.iter().map(Stanza::text).collect();
    let text = format!("age-encryption.org/v1\n{stanzas}---");
    let key = expand(&[], file_key, b"header");
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(&key).expect("HMAC takes any key");
    mac.update(text.as_bytes());
    format!("{text} {}", STANDARD_NO_PAD.encode(mac.finalize().into_bytes()))
}

/// `nonce ‖ STREAM`, the chunks cut as told: a correct writer cuts every 65,536 bytes.
pub(crate) fn payload(file_key: &[u8], nonce: &[u8], chunks: &[&[u8]]) -> Vec<u8> {
    let key = expand(nonce, file_key, b"payload");
    let mut sealed = nonce.to_vec();
    for (counter, chunk) in chunks.iter().enumerate() {
        let mut nonce = [0; 12];
        nonce[3..11].copy_from_slice(&(counter as u64).to_be_bytes());
        nonce[11] = u8::from(counter + 1 == chunks.len());
        sealed.extend(encrypt(&key, &nonce, chunk));
    }
    sealed
}

/// The plaintext of one value. `dots` is what padding there is; [`dots_for`] says how much is right.
pub(crate) fn frame(scope: (&str, &str), key: &str, dots: usize, value: &[u8]) -> Vec<u8> {
    let (namespaces, name) = scope;
    let lines = format!("seal/v1\nnamespaces={namespaces}\nname={name}\nkey={key}\n");
    [lines.as_bytes(), ".".repeat(dots).as_bytes(), b"\n", value].concat()
}

/// Padmé with a floor of 128: the low bits that its mantissa does not keep are rounded up.
pub(crate) fn dots_for(len: usize) -> usize {
    let floored = len.max(128);
    let exponent = usize::BITS - 1 - floored.leading_zeros();
    let kept = u32::BITS - exponent.leading_zeros();
    let mask = (1_usize << (exponent - kept)) - 1;
    ((floored + mask) & !mask) - len
}

/// `X25519`, wrapped with the ephemeral scalar that is given.
pub(crate) fn wrap_classic(seed: &[u8; 32], file_key: &[u8], ephemeral: [u8; 32]) -> Stanza {
    let recipient = PublicKey::from(&StaticSecret::from(*seed));
    let ephemeral = StaticSecret::from(ephemeral);
    let share = PublicKey::from(&ephemeral);
    let salt = [share.to_bytes(), recipient.to_bytes()].concat();
    let secret = ephemeral.diffie_hellman(&recipient);
    let key = expand(&salt, secret.as_bytes(), b"age-encryption.org/v1/X25519");
    let words = vec!["X25519".to_owned(), STANDARD_NO_PAD.encode(share.as_bytes())];
    Stanza { words, body: encrypt(&key, &[0; 12], file_key) }
}

/// The 1,216 bytes of a hybrid recipient.
pub(crate) fn hybrid_public(seed: &[u8; 32]) -> Vec<u8> {
    let (ml_kem_seed, scalar) = expand_seed(seed);
    let pair = mlkem768::generate_key_pair(ml_kem_seed);
    [pair.pk().as_slice(), PublicKey::from(&StaticSecret::from(scalar)).as_bytes()].concat()
}

/// `mlkem768x25519`; with `low_order` the X25519 half has no secret, which every reader must refuse.
pub(crate) fn wrap_hybrid(
    seed: &[u8; 32],
    file_key: &[u8],
    randomness: ([u8; 32], [u8; 32]),
    low_order: bool,
) -> Stanza {
    let (ml_kem_seed, scalar) = expand_seed(seed);
    let pair = mlkem768::generate_key_pair(ml_kem_seed);
    let (ml_kem_share, ml_kem_secret) = mlkem768::encapsulate(pair.public_key(), randomness.0);
    let recipient = PublicKey::from(&StaticSecret::from(scalar));
    let ephemeral = StaticSecret::from(randomness.1);
    let (share, secret) = if low_order {
        ([0; 32], [0; 32])
    } else {
        (PublicKey::from(&ephemeral).to_bytes(), ephemeral.diffie_hellman(&recipient).to_bytes())
    };
    let shared = {
        use sha3::Digest as _;
        let parts =
            [&ml_kem_secret[..], &secret, &share, recipient.as_bytes(), br"\.//^\"].concat();
        sha3::Sha3_256::digest(parts)
    };
    let (key, nonce) = hpke(&shared);
    let ml_kem_share: &[u8] = ml_kem_share.as_ref();
    let enc = [ml_kem_share, &share].concat();
    let words = vec!["mlkem768x25519".to_owned(), STANDARD_NO_PAD.encode(enc)];
    Stanza { words, body: encrypt(&key, &nonce, file_key) }
}

fn expand_seed(seed: &[u8; 32]) -> ([u8; 64], [u8; 32]) {
    use shake::{ExtendableOutput as _, Update as _, XofReader as _};
    let mut reader = shake::Shake256::default().chain(seed).finalize_xof();
    let (mut ml_kem_seed, mut scalar) = ([0; 64], [0; 32]);
    reader.read(&mut ml_kem_seed);
    reader.read(&mut scalar);
    (ml_kem_seed, scalar)
}

/// RFC 9180's key schedule in mode Base, for KEM 0x647a, HKDF-SHA256 and ChaCha20Poly1305.
fn hpke(shared: &[u8]) -> ([u8; 32], [u8; 12]) {
    let suite = b"HPKE\x64\x7a\x00\x01\x00\x03";
    let extract = |salt: &[u8], label: &str, ikm: &[u8]| {
        Hkdf::<Sha256>::extract(
            Some(salt),
            &[b"HPKE-v1", &suite[..], label.as_bytes(), ikm].concat(),
        )
    };
    let psk = extract(b"", "psk_id_hash", b"").0;
    let info = extract(b"", "info_hash", b"age-encryption.org/mlkem768x25519").0;
    let context = [&[0], &psk[..], &info[..]].concat();
    let secret = extract(shared, "secret", b"").1;
    let (mut key, mut nonce) = ([0; 32], [0; 12]);
    let outputs: [(&str, &mut [u8]); 2] = [("key", &mut key), ("base_nonce", &mut nonce)];
    for (label, out) in outputs {
        let length = [0, u8::try_from(out.len()).expect("32 or 12")];
        let info = [&length[..], b"HPKE-v1", suite, label.as_bytes(), &context].concat();
        secret.expand(&info, out).expect("within HKDF's limit");
    }
    (key, nonce)
}

/// BIP-173 without its limit of 90 characters, lower case.
pub(crate) fn bech32(hrp: &str, bytes: &[u8]) -> String {
    const CHARSET: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    let bits = bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1));
    let bits: Vec<u8> = bits.collect();
    let group = |bits: &[u8]| (0..5).fold(0, |word, at| word << 1 | bits.get(at).unwrap_or(&0));
    let words: Vec<u8> = bits.chunks(5).map(group).collect();
    let expanded = hrp.bytes().map(|b| b >> 5).chain([0]).chain(hrp.bytes().map(|b| b & 31));
    let check = polymod(expanded.chain(words.iter().copied()).chain([0; 6])) ^ 1;
    let check = (0..6).rev().map(|at| (check >> (5 * at) & 31) as u8);
    let text =
        words.iter().copied().chain(check).map(|word| char::from(CHARSET[usize::from(word)]));
    format!("{hrp}1{}", text.collect::<String>())
}

fn polymod(words: impl Iterator<Item = u8>) -> u32 {
    const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
    words.fold(1, |sum, word| {
        let (top, shifted) = (sum >> 25, (sum & 0x01ff_ffff) << 5 ^ u32::from(word));
        (0..5).filter(|bit| top >> bit & 1 == 1).fold(shifted, |sum, bit| sum ^ GENERATOR[bit])
    })
}

fn expand(salt: &[u8], secret: &[u8], info: &[u8]) -> [u8; 32] {
    let mut key = [0; 32];
    Hkdf::<Sha256>::new(Some(salt), secret).expand(info, &mut key).expect("within HKDF's limit");
    key
}

fn encrypt(key: &[u8; 32], nonce: &[u8; 12], plaintext: &[u8]) -> Vec<u8> {
    let cipher = ChaCha20Poly1305::new(Key::from_slice(key));
    cipher.encrypt(Nonce::from_slice(nonce), plaintext).expect("far below ChaCha20's limit")
}
