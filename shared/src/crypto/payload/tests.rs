//! The known answers of the format's specification, and the frame's own refusals.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::*;

fn known() -> (FileKey, Scope) {
    let file_key = FileKey::new(Box::new(std::array::from_fn(|i| i as u8)));
    (file_key, Scope { namespaces: vec!["prod".into()], name: "db".into() })
}

#[test]
fn the_known_value_frames_and_seals_to_the_known_bytes() {
    let (file_key, scope) = known();
    let value = SecretValue::from(&b"hunter2"[..]);
    let plaintext = frame(&scope, "password", &value);
    assert_eq!(plaintext.len(), 174);
    assert_eq!(
        hex::encode(Sha256::digest(&plaintext)),
        "e1f9e18ee1b4f8f7844ecbc5874719b06743e69f5ad575e59db78b10b551d70f"
    );
    let nonce = std::array::from_fn(|i| 0x10 + i as u8);
    let payload = seal_with_nonce(&file_key, nonce, &scope, "password", &value);
    let expected = "EBESExQVFhcYGRobHB0eH/bcXrIdqCT68vd3SgfVUA/7VXwcXwMeISrhkmdQXwVKVp2W2rfG5mySmZ7k94OEGKKmMn2GHUYltukGNWZK6nEHkh1BQfE7rveQ\
        1PEdQ0vzAifvErln7VR9lA4kuLHIWjpEUGNQ+APY+WeybzsWcdKrDcqE+TZnNehsP3COYlsomYuc7FPx6lH+d8s+So2uvlovg4G3boqaLTlDgV0v148cOarvrUnu\
        NEgDrnSN77K9zVGN4AE91kyA3cLsHdY=";
    assert_eq!(STANDARD.encode(payload), expected);
}

#[test]
fn a_frame_opens_only_for_its_scope_and_key() {
    let (_, scope) = known();
    let plaintext = frame(&scope, "password", &SecretValue::from(&b"x"[..]));
    assert!(unframe(&scope, "password", &plaintext).is_ok());
    assert_eq!(unframe(&scope, "user", &plaintext).unwrap_err(), Refused::NotSealedForThis);
    let wider = Scope { namespaces: vec!["*".into()], name: "db".into() };
    assert_eq!(unframe(&wider, "password", &plaintext).unwrap_err(), Refused::NotSealedForThis);
}

#[test]
fn padding_that_is_off_by_one_is_damage_either_way() {
    let (_, scope) = known();
    let right = frame(&scope, "k", &SecretValue::from(&b"..\n.."[..]));
    assert_eq!(unframe(&scope, "k", &right).unwrap().expose(), b"..\n..");
    let dots = right.iter().position(|b| *b == b'.').unwrap();
    let mut shorter = right.to_vec();
    shorter.remove(dots);
    let mut longer = right.to_vec();
    longer.insert(dots, b'.');
    for wrong in [shorter, longer] {
        assert_eq!(unframe(&scope, "k", &wrong).unwrap_err(), Refused::Damaged("padding"));
    }
}
