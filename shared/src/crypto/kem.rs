//! age's post-quantum recipient type `mlkem768x25519`: X-Wing in HPKE Base mode, one message.
//!
//! X-Wing is draft-connolly-cfrg-xwing-kem (HPKE KEM 0x647a), HPKE is RFC 9180 with KDF 0x0001 (HKDF-SHA256)
//! and AEAD 0x0003 (ChaCha20Poly1305), the stanza is C2SP age's. The bytes are those of Go age 1.3.
//!
//! An all-zero X25519 shared secret is refused in both directions, as Go age does; the `hpke` crate accepts
//! it, which is why X-Wing is written out here. To be deleted when a released `age` crate passes the vectors.

use chacha20poly1305::{ChaCha20Poly1305, KeyInit, aead::Aead};
use hkdf::Hkdf;
use ml_kem::kem::{Decapsulate, KeyExport};
use ml_kem::{DecapsulationKey768, EncapsulationKey768};
use sha2::Sha256;
use sha3::{Digest, Sha3_256};
use shake::{ExtendableOutput, Shake256, Update, XofReader};
use subtle::ConstantTimeEq;
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::{Zeroize, Zeroizing};

use super::random;

/// ML-KEM-768 encapsulation key ‖ X25519 public key.
pub(crate) const PUBLIC_KEY_BYTES: usize = ML_KEM_KEY_BYTES + 32;
/// ML-KEM-768 ciphertext ‖ X25519 share: the one argument of the stanza.
pub(crate) const SHARE_BYTES: usize = ML_KEM_SHARE_BYTES + 32;
/// The private key, from which everything else is expanded.
pub(crate) const SEED_BYTES: usize = 32;

const ML_KEM_KEY_BYTES: usize = 1184;
const ML_KEM_SHARE_BYTES: usize = 1088;
/// X-Wing's domain separator, `\.//^\`.
const X_WING_LABEL: &[u8] = b"\x5c\x2e\x2f\x2f\x5e\x5c";
const HPKE_INFO: &[u8] = b"age-encryption.org/mlkem768x25519";
/// `"HPKE" ‖ KEM 0x647a ‖ KDF 0x0001 ‖ AEAD 0x0003` (RFC 9180, section 5.1).
const HPKE_SUITE: &[u8] = b"HPKE\x64\x7a\x00\x01\x00\x03";

/// The two halves cannot be used together: a damaged key or share, or one made to have no secret.
#[derive(Debug)]
pub(crate) struct Unusable;

/// The public half of an X-Wing key, checked and expanded.
#[derive(Clone)]
pub(crate) struct PublicHalf {
    ml_kem: EncapsulationKey768,
    x25519: PublicKey,
}

impl PublicHalf {
    /// Reads the 1,216 bytes of a recipient; FIPS 203's check of the ML-KEM half (section 7.2) included.
    pub(crate) fn from_bytes(bytes: &[u8; PUBLIC_KEY_BYTES]) -> Result<Self, Unusable> {
        let (ml_kem, x25519) = bytes.split_at(ML_KEM_KEY_BYTES);
        let ml_kem = ml_kem.try_into().map_err(|_| Unusable)?;
        let x25519: [u8; 32] = x25519.try_into().map_err(|_| Unusable)?;
        Ok(Self {
            ml_kem: EncapsulationKey768::new(ml_kem).map_err(|_| Unusable)?,
            x25519: PublicKey::from(x25519),
        })
    }

    /// The bytes that a recipient string carries.
    pub(crate) fn to_bytes(&self) -> [u8; PUBLIC_KEY_BYTES] {
        let mut bytes = [0; PUBLIC_KEY_BYTES];
        bytes[..ML_KEM_KEY_BYTES].copy_from_slice(&self.ml_kem.to_bytes());
        bytes[ML_KEM_KEY_BYTES..].copy_from_slice(self.x25519.as_bytes());
        bytes
    }

    /// HPKE `SealBase(pk, info, aad = "", plaintext)`: the share, and the 16 bytes of tag more.
    pub(crate) fn seal(&self, plaintext: &[u8]) -> Result<([u8; SHARE_BYTES], Vec<u8>), Unusable> {
        let (share, shared) = self.encapsulate()?;
        let (cipher, nonce) = hpke_key_schedule(&shared);
        let sealed = cipher.encrypt(&nonce.into(), plaintext).map_err(|_| Unusable)?;
        Ok((share, sealed))
    }

    fn encapsulate(&self) -> Result<([u8; SHARE_BYTES], Zeroizing<[u8; 32]>), Unusable> {
        let mut message = Zeroizing::new(ml_kem::B32::default());
        random(&mut message);
        let (ml_kem_share, mut ml_kem_secret) = self.ml_kem.encapsulate_deterministic(&message);

        let mut scalar = Zeroizing::new([0; 32]);
        random(scalar.as_mut());
        let ephemeral = StaticSecret::from(*scalar);
        let x25519_share = PublicKey::from(&ephemeral);
        let x25519_secret = ephemeral.diffie_hellman(&self.x25519);

        let shared = combine(&ml_kem_secret, x25519_secret.as_bytes(), &x25519_share, &self.x25519);
        ml_kem_secret.zeroize();
        let mut share = [0; SHARE_BYTES];
        share[..ML_KEM_SHARE_BYTES].copy_from_slice(&ml_kem_share);
        share[ML_KEM_SHARE_BYTES..].copy_from_slice(x25519_share.as_bytes());
        Ok((share, shared?))
    }
}

/// The private half of an X-Wing key: the seed, and what it expands to.
pub(crate) struct PrivateHalf {
    seed: Zeroizing<[u8; SEED_BYTES]>,
    ml_kem: DecapsulationKey768,
    x25519: StaticSecret,
    public: PublicHalf,
}

impl PrivateHalf {
    /// A new key from the operating system's randomness.
    pub(crate) fn generate() -> Self {
        let mut seed = Zeroizing::new([0; SEED_BYTES]);
        random(seed.as_mut());
        Self::from_seed(seed)
    }

    /// `SHAKE256(seed)` to 64 bytes of ML-KEM's `d ‖ z` and 32 bytes of X25519 scalar.
    pub(crate) fn from_seed(seed: Zeroizing<[u8; SEED_BYTES]>) -> Self {
        let mut expanded = Zeroizing::new([0; 96]);
        Shake256::default().chain(seed.as_slice()).finalize_xof().read(expanded.as_mut());
        let (d_z, scalar) = expanded.split_at(64);
        let mut ml_kem_seed = ml_kem::Seed::default();
        ml_kem_seed.copy_from_slice(d_z);
        let ml_kem = DecapsulationKey768::from_seed(ml_kem_seed);
        ml_kem_seed.zeroize();
        let mut x25519_scalar = Zeroizing::new([0; 32]);
        x25519_scalar.copy_from_slice(scalar);
        let x25519 = StaticSecret::from(*x25519_scalar);
        let public = PublicHalf {
            ml_kem: ml_kem.encapsulation_key().clone(),
            x25519: PublicKey::from(&x25519),
        };
        Self { seed, ml_kem, x25519, public }
    }

    pub(crate) fn seed(&self) -> &[u8; SEED_BYTES] {
        &self.seed
    }

    pub(crate) fn public(&self) -> &PublicHalf {
        &self.public
    }

    /// HPKE `OpenBase(share, sk, info, aad = "", sealed)`.
    ///
    /// `Ok(None)` when `sealed` is not for this key. `Err` when the share has no secret with any key.
    pub(crate) fn open(
        &self,
        share: &[u8; SHARE_BYTES],
        sealed: &[u8],
    ) -> Result<Option<Zeroizing<Vec<u8>>>, Unusable> {
        let shared = self.decapsulate(share)?;
        let (cipher, nonce) = hpke_key_schedule(&shared);
        Ok(cipher.decrypt(&nonce.into(), sealed).ok().map(Zeroizing::new))
    }

    fn decapsulate(&self, share: &[u8; SHARE_BYTES]) -> Result<Zeroizing<[u8; 32]>, Unusable> {
        let (ml_kem_share, x25519_share) = share.split_at(ML_KEM_SHARE_BYTES);
        let x25519_share: [u8; 32] = x25519_share.try_into().map_err(|_| Unusable)?;
        let x25519_public = PublicKey::from(x25519_share);
        let x25519_secret = self.x25519.diffie_hellman(&x25519_public);
        let ml_kem_share = ml_kem_share.try_into().map_err(|_| Unusable)?;
        let mut ml_kem_secret = self.ml_kem.decapsulate(ml_kem_share);
        let shared =
            combine(&ml_kem_secret, x25519_secret.as_bytes(), &x25519_public, &self.public.x25519);
        ml_kem_secret.zeroize();
        shared
    }
}

/// `SHA3-256(ss_M ‖ ss_X ‖ ct_X ‖ pk_X ‖ label)`, X-Wing's combiner.
fn combine(
    ml_kem_secret: &[u8],
    x25519_secret: &[u8; 32],
    x25519_share: &PublicKey,
    x25519_key: &PublicKey,
) -> Result<Zeroizing<[u8; 32]>, Unusable> {
    if bool::from(x25519_secret.ct_eq(&[0; 32])) {
        return Err(Unusable);
    }
    let mut hash = Sha3_256::new();
    for part in
        [ml_kem_secret, x25519_secret, x25519_share.as_bytes(), x25519_key.as_bytes(), X_WING_LABEL]
    {
        Digest::update(&mut hash, part);
    }
    Ok(Zeroizing::new(hash.finalize().into()))
}

/// RFC 9180, section 5.1, mode Base: no PSK, so the first and only message uses `base_nonce` as it is.
fn hpke_key_schedule(shared: &[u8; 32]) -> (ChaCha20Poly1305, [u8; 12]) {
    let psk_id_hash = labeled_extract(&[], b"psk_id_hash", &[]).0;
    let info_hash = labeled_extract(&[], b"info_hash", HPKE_INFO).0;
    let context = [&[0][..], &psk_id_hash, &info_hash].concat();

    let (_, secret) = labeled_extract(shared, b"secret", &[]);
    let mut key = Zeroizing::new([0; 32]);
    labeled_expand(&secret, b"key", &context, key.as_mut());
    let mut nonce = [0; 12];
    labeled_expand(&secret, b"base_nonce", &context, &mut nonce);
    (ChaCha20Poly1305::new((&*key).into()), nonce)
}

/// `LabeledExtract(salt, label, ikm)` of RFC 9180, section 4.
fn labeled_extract(salt: &[u8], label: &[u8], ikm: &[u8]) -> ([u8; 32], Hkdf<Sha256>) {
    let labeled = Zeroizing::new([b"HPKE-v1", HPKE_SUITE, label, ikm].concat());
    let (prk, hkdf) = Hkdf::<Sha256>::extract(Some(salt), &labeled);
    (prk.into(), hkdf)
}

/// `LabeledExpand(prk, label, info, out.len())` of RFC 9180, section 4.
fn labeled_expand(prk: &Hkdf<Sha256>, label: &[u8], info: &[u8], out: &mut [u8]) {
    let length = u16::try_from(out.len()).expect("a key or a nonce is short").to_be_bytes();
    prk.expand_multi_info(&[&length, b"HPKE-v1", HPKE_SUITE, label, info], out)
        .expect("a key or a nonce is shorter than HKDF's limit");
}

#[cfg(test)]
mod tests;
