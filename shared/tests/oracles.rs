//! Wycheproof's vectors against the very crates that the format is composed of, and a second ML-KEM.
//!
//! The vectors of age itself run beside the code they test, in `src/crypto/payload/cctv.rs`.

#![allow(clippy::unwrap_used, clippy::panic)] // helpers are tests too, which clippy does not see

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use libcrux_ml_kem::mlkem768 as libcrux;
use ml_kem::kem::{Decapsulate, KeyExport};
use ml_kem::{DecapsulationKey768, EncapsulationKey768};
use sha2::{Digest, Sha256};
use wycheproof::{aead, hkdf as hkdf_set, mac, mlkem, xdh};

#[test]
fn chacha20_poly1305_is_that_of_wycheproof() {
    let set = aead::TestSet::load(aead::TestName::ChaCha20Poly1305).unwrap();
    let mut ran = 0;
    for (group, test) in set.test_groups.iter().flat_map(|g| g.tests.iter().map(move |t| (g, t))) {
        if group.nonce_size != 96 || test.key.len() != 32 || test.nonce.len() != 12 {
            assert!(test.result.must_fail(), "case {}", test.tc_id);
            continue; // the types of the crate admit no other length
        }
        let cipher = ChaCha20Poly1305::new(Key::from_slice(&test.key));
        let sealed = [&test.ct[..], &test.tag[..]].concat();
        let opened = cipher
            .decrypt(Nonce::from_slice(&test.nonce), Payload { msg: &sealed, aad: &test.aad })
            .ok();
        let expected = (!test.result.must_fail()).then(|| test.pt.to_vec());
        assert_eq!(opened, expected, "case {}: {}", test.tc_id, test.comment);
        ran += 1;
    }
    assert!(ran > 250, "{ran}");
}

#[test]
fn x25519_is_that_of_wycheproof() {
    let set = xdh::TestSet::load(xdh::TestName::X25519).unwrap();
    let mut low_order = 0;
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let public: [u8; 32] = test.public_key[..].try_into().unwrap();
        let private: [u8; 32] = test.private_key[..].try_into().unwrap();
        let secret = x25519_dalek::x25519(private, public);
        assert_eq!(secret[..], test.shared_secret[..], "case {}: {}", test.tc_id, test.comment);
        low_order += usize::from(secret == [0; 32]);
    }
    // The crate computes them; that we refuse an all-zero secret is a vector and a unit test.
    assert!(low_order > 20, "{low_order}");
}

#[test]
fn hkdf_sha256_is_that_of_wycheproof() {
    let set = hkdf_set::TestSet::load(hkdf_set::TestName::HkdfSha256).unwrap();
    let mut ran = 0;
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let mut okm = vec![0; test.size];
        let expanded =
            Hkdf::<Sha256>::new(Some(&test.salt), &test.ikm).expand(&test.info, &mut okm);
        assert_eq!(expanded.is_err(), test.result.must_fail(), "case {}", test.tc_id);
        assert!(expanded.is_err() || okm == test.okm[..], "case {}: {}", test.tc_id, test.comment);
        ran += 1;
    }
    assert!(ran > 80, "{ran}");
}

#[test]
fn hmac_sha256_is_that_of_wycheproof() {
    let set = mac::TestSet::load(mac::TestName::HmacSha256).unwrap();
    let mut ran = 0;
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let mut hmac = <Hmac<Sha256> as Mac>::new_from_slice(&test.key).unwrap();
        hmac.update(&test.msg);
        let same = hmac.finalize().into_bytes()[..test.tag.len()] == test.tag[..];
        assert_eq!(same, !test.result.must_fail(), "case {}: {}", test.tc_id, test.comment);
        ran += 1;
    }
    assert!(ran > 150, "{ran}");
}

fn ml_kem_tests(name: mlkem::TestName) -> Vec<mlkem::Test> {
    let set = mlkem::TestSet::load(name).unwrap();
    set.test_groups.into_iter().flat_map(|group| group.tests).collect()
}

#[test]
fn ml_kem_768_opens_what_wycheproof_opens() {
    let tests = ml_kem_tests(mlkem::TestName::MlKem768);
    assert!(tests.len() > 50, "{}", tests.len());
    for test in &tests {
        let seed = test.seed.as_ref().unwrap();
        let share = test.ct.as_ref().unwrap();
        let (Ok(seed), Ok(share)) =
            (<[u8; 64]>::try_from(&seed[..]), <[u8; 1088]>::try_from(&share[..]))
        else {
            assert!(test.result.must_fail(), "case {}", test.tc_id);
            continue; // the types of the crate admit no other length
        };
        let key = DecapsulationKey768::from_seed(seed.into());
        if let Some(public) = &test.encaps_key {
            assert_eq!(key.encapsulation_key().to_bytes()[..], public[..], "case {}", test.tc_id);
        }
        let same = key.decapsulate(&share.into())[..] == test.shared_secret.as_ref().unwrap()[..];
        assert_eq!(same, !test.result.must_fail(), "case {}: {}", test.tc_id, test.comment);
    }
}

#[test]
fn ml_kem_768_makes_the_keys_and_shares_of_wycheproof() {
    for test in ml_kem_tests(mlkem::TestName::MlKem768KeyGenSeed) {
        let seed: [u8; 64] = test.seed.as_ref().unwrap()[..].try_into().unwrap();
        let key = DecapsulationKey768::from_seed(seed.into());
        let same = key.encapsulation_key().to_bytes()[..] == test.encaps_key.as_ref().unwrap()[..];
        assert_eq!(same, !test.result.must_fail(), "case {}", test.tc_id);
    }
    let mut refused = 0;
    for test in ml_kem_tests(mlkem::TestName::MlKem768Encaps) {
        let public = <[u8; 1184]>::try_from(&test.encaps_key.as_ref().unwrap()[..]).ok();
        let Some(key) = public.and_then(|public| EncapsulationKey768::new(&public.into()).ok())
        else {
            assert!(test.result.must_fail(), "case {}: {}", test.tc_id, test.comment);
            refused += 1;
            continue; // cut, or not reduced: FIPS 203's check of the modulus
        };
        let message: [u8; 32] = test.msg.as_ref().unwrap()[..].try_into().unwrap();
        let (share, secret) = key.encapsulate_deterministic(&message.into());
        let same = share[..] == test.ct.as_ref().unwrap()[..]
            && secret[..] == test.shared_secret.as_ref().unwrap()[..];
        assert_eq!(same, !test.result.must_fail(), "case {}: {}", test.tc_id, test.comment);
    }
    assert!(refused > 10, "{refused}");
}

/// 64 bytes that differ with `n` and are the same at every run.
fn bytes(n: u32) -> [u8; 64] {
    let half = |side: u32| Sha256::digest([n.to_be_bytes(), side.to_be_bytes()].concat());
    [half(0), half(1)].concat().try_into().unwrap()
}

#[test]
fn ml_kem_agrees_with_a_second_implementation() {
    for n in 0..200 {
        let ours = DecapsulationKey768::from_seed(bytes(n).into());
        let theirs = libcrux::generate_key_pair(bytes(n));
        assert_eq!(ours.encapsulation_key().to_bytes()[..], theirs.pk()[..]);

        let message: [u8; 32] = bytes(n + 1000)[..32].try_into().unwrap();
        let (our_share, our_secret) =
            ours.encapsulation_key().encapsulate_deterministic(&message.into());
        let (their_share, their_secret) = libcrux::encapsulate(theirs.public_key(), message);
        assert_eq!(our_share[..], their_share.as_ref()[..]);
        assert_eq!(our_secret[..], their_secret[..]);

        // Damaged shares too: implicit rejection must give the same secret in both.
        let mut share: [u8; 1088] = our_share[..].try_into().unwrap();
        for at in [0, n as usize * 5, 1087] {
            share[at] ^= 1 << (n % 8);
            let opened = libcrux::decapsulate(theirs.private_key(), &share.into());
            assert_eq!(ours.decapsulate(&share.into())[..], opened[..]);
        }
    }
}
