//! A sealed file for a fixed key, its header and payload changed at will: never opens, never panics.
//!
//! The first byte chooses: arbitrary header and payload, or changes to right ones (where, and which bits).

#![no_main]

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use libfuzzer_sys::fuzz_target;
use seal_core::open::check::check;
use seal_core::kind::sealed::{Envelope, SealedSecret};
use seal_core::key::{Identity, Keyring};
use seal_core::open::open;
use seal_core::kind::file::{Document, read};

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
    let mut sealed = SEALED.clone();
    let envelope = &mut sealed.spec.envelopes[0];
    let changed = if mode % 2 == 0 { arbitrary(envelope, data) } else { altered(envelope, data) };
    let opened = check(&sealed).and_then(|checked| open(&checked, &KEYRING));
    assert_eq!(opened.is_err(), changed, "{:?}", sealed.spec.envelopes[0]);
});

fn arbitrary(envelope: &mut Envelope, data: &[u8]) -> bool {
    let before = envelope.clone();
    let cut = data.iter().position(|byte| *byte == 0).unwrap_or(data.len());
    envelope.header = String::from_utf8_lossy(&data[..cut]).into_owned();
    let payload = STANDARD.encode(data.get(cut + 1..).unwrap_or_default());
    envelope.values.insert("password".to_owned(), payload);
    *envelope != before
}

fn altered(envelope: &mut Envelope, data: &[u8]) -> bool {
    let before = envelope.clone();
    let mut header = envelope.header.clone().into_bytes();
    let value = envelope.values.get_mut("password").expect("the vector's key");
    let mut payload = STANDARD.decode(&*value).expect("the vector's payload");
    for change in data.chunks_exact(3) {
        let at = usize::from(u16::from_be_bytes([change[0], change[1]]));
        let at = at % (header.len() + payload.len());
        match header.get_mut(at) {
            Some(byte) => *byte ^= change[2] & 0x7f,
            None => payload[at - before.header.len()] ^= change[2],
        }
    }
    *value = STANDARD.encode(payload);
    envelope.header = String::from_utf8_lossy(&header).into_owned();
    *envelope != before
}
