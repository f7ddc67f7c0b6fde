//! X-Wing against a second implementation, and the shares that have no secret.

use super::*;

fn random_seed() -> [u8; 32] {
    let mut seed = [0; 32];
    random(&mut seed);
    seed
}

#[test]
fn what_is_sealed_opens_with_its_key_only() {
    let key = PrivateHalf::generate();
    let (share, sealed) = key.public().seal(b"sixteen bytes ok").unwrap();
    assert_eq!(key.open(&share, &sealed).unwrap().unwrap().as_slice(), b"sixteen bytes ok");
    assert!(PrivateHalf::generate().open(&share, &sealed).unwrap().is_none());
}

#[test]
fn keys_and_secrets_are_those_of_the_x_wing_crate() {
    use x_wing::{Decapsulate as _, Decapsulator as _, KeyExport as _};
    for _ in 0..50 {
        let seed = random_seed();
        let ours = PrivateHalf::from_seed(Zeroizing::new(seed));
        let theirs = x_wing::DecapsulationKey::from(seed);
        assert_eq!(ours.public().to_bytes()[..], theirs.encapsulation_key().to_bytes()[..]);

        let (mut share, secret) = ours.public().encapsulate().unwrap();
        let their_share = x_wing::Ciphertext::try_from(&share[..]).unwrap();
        assert_eq!(theirs.decapsulate(&their_share)[..], secret[..]);
        assert_eq!(ours.decapsulate(&share).unwrap()[..], secret[..]);

        // A damaged ML-KEM half is rejected implicitly: another secret, the same in both.
        share[0] ^= 1;
        let their_share = x_wing::Ciphertext::try_from(&share[..]).unwrap();
        assert_eq!(theirs.decapsulate(&their_share)[..], ours.decapsulate(&share).unwrap()[..]);
        assert_ne!(ours.decapsulate(&share).unwrap()[..], secret[..]);
    }
}

#[test]
fn a_share_or_key_of_low_order_is_refused() {
    let key = PrivateHalf::generate();
    let (mut share, sealed) = key.public().seal(b"sixteen bytes ok").unwrap();
    share[ML_KEM_SHARE_BYTES..].fill(0);
    assert!(key.open(&share, &sealed).is_err());

    let mut public = key.public().to_bytes();
    public[ML_KEM_KEY_BYTES..].fill(0);
    assert!(PublicHalf::from_bytes(&public).unwrap().seal(b"sixteen bytes ok").is_err());
}

#[test]
fn an_unreduced_ml_kem_key_is_refused() {
    let mut public = PrivateHalf::generate().public().to_bytes();
    public[..3].fill(0xff);
    assert!(PublicHalf::from_bytes(&public).is_err());
}
