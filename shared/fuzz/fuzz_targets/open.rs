//! A sealed file for a fixed key, its header and payload changed at will: never opens, never panics.
//!
//! The first byte chooses: arbitrary header and payload, or changes to right ones (where, and which bits); and whether
//! the header is shared or the block's own.

#![no_main]

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use libfuzzer_sys::fuzz_target;
use seal_core::key::{Identity, Keyring};
use seal_core::kind::file::{Document, read};
use seal_core::kind::sealed::SealedSecret;
use seal_core::open::allowed::Grants;
use seal_core::open::check::check;
use seal_core::open::open;

static KEYRING: LazyLock<Keyring> = LazyLock::new(|| {
    let text = include_str!("../../../testdata/keys/classic.txt");
    Identity::parse_file(text).expect("a test key").into_iter().collect()
});

static SEALED: LazyLock<SealedSecret> = LazyLock::new(|| {
    let text = include_str!("../../../testdata/vectors/classic-1-recipient.yaml");
    match read(text).expect("a vector").remove(0) {
        Document::Sealed(sealed) => *sealed,
        _ => unreachable!("a vector is a sealed file"),
    }
});

fuzz_target!(|data: &[u8]| {
    let Some((mode, data)) = data.split_first() else { return };
    let mut header = SEALED.spec.header.clone().expect("the vector's header");
    let mut payload = SEALED.spec.values["password"].payload.clone();
    if mode % 2 == 0 {
        (header, payload) = arbitrary(data);
    } else {
        alter(&mut header, &mut payload, data);
    }
    let same = SEALED.spec.header.as_ref() == Some(&header)
        && SEALED.spec.values["password"].payload == payload;
    let sealed = put(header, payload, mode % 4 > 1);
    let opened = check(&sealed)
        .and_then(|checked| checked.allowed(&Grants::default()))
        .and_then(|allowed| open(&allowed, &KEYRING));
    assert_eq!(opened.is_ok(), same, "{:?}", sealed.spec.values);
});

/// The vector with this header, shared or the block's own, and this payload; its other blocks stay.
fn put(header: String, payload: String, own: bool) -> SealedSecret {
    let mut sealed = SEALED.clone();
    let sealed_to = sealed.spec.sealed_to.clone();
    let block = sealed.spec.values.get_mut("password").expect("the vector's key");
    block.payload = payload;
    if own {
        (block.header, block.sealed_to) = (Some(header), sealed_to);
    } else {
        sealed.spec.header = Some(header);
    }
    sealed
}

fn arbitrary(data: &[u8]) -> (String, String) {
    let cut = data.iter().position(|byte| *byte == 0).unwrap_or(data.len());
    let payload = STANDARD.encode(data.get(cut + 1..).unwrap_or_default());
    (String::from_utf8_lossy(&data[..cut]).into_owned(), payload)
}

fn alter(header: &mut String, payload: &mut String, data: &[u8]) {
    let mut bytes = header.clone().into_bytes();
    let mut stored = STANDARD.decode(&*payload).expect("the vector's payload");
    for change in data.chunks_exact(3) {
        let at = usize::from(u16::from_be_bytes([change[0], change[1]]));
        let at = at % (bytes.len() + stored.len());
        match bytes.get_mut(at) {
            Some(byte) => *byte ^= change[2] & 0x7f,
            None => stored[at - header.len()] ^= change[2],
        }
    }
    *payload = STANDARD.encode(stored);
    *header = String::from_utf8_lossy(&bytes).into_owned();
}
