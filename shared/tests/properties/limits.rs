//! Every changed byte, and the edges of what the format admits.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use seal_core::kind::sealed::{MAX_PLAINTEXT_BYTES, MAX_REST_BYTES, SealedSecret};
use seal_core::place::{Place, Scope};
use seal_core::reason::Reason;
use seal_core::seal::{SealError, seal, seal_blocks, seal_values};

use super::{check, db, key, manifest, opened, sealed, values};

#[test]
fn a_changed_byte_of_a_payload_never_opens() {
    let (keyring, to) = key();
    let file = sealed(values(&[("k", b"hunter2")]), db(), &to);
    let payload = STANDARD.decode(&file.spec.values["k"].payload).unwrap();
    for at in 0..payload.len() {
        for bit in [0x01, 0x80] {
            let mut changed = payload.clone();
            changed[at] ^= bit;
            let mut file = file.clone();
            put(&mut file, STANDARD.encode(changed));
            assert_eq!(opened(&file, &keyring).unwrap_err().reason(), Reason::Damaged, "byte {at}");
        }
    }
    for len in 1..payload.len() {
        let mut file = file.clone();
        put(&mut file, STANDARD.encode(&payload[..len]));
        assert_eq!(opened(&file, &keyring).unwrap_err().reason(), Reason::Damaged, "{len} bytes");
    }
}

#[test]
fn a_changed_character_of_a_header_or_payload_never_opens() {
    let (keyring, mut to) = key();
    to.extend(key().1);
    let file = sealed(values(&[("k", b"hunter2")]), db(), &to);
    let header = file.spec.header.clone().unwrap();
    let own = moved_into_the_block(&file);
    for (at, old) in header.char_indices() {
        // Two of seven ways at each place: all of them take a minute.
        let ways = ["A", "\n", "", "Z", "\r\n", " ", "AA"];
        for new in [ways[at % 7], ways[(at + 3) % 7]] {
            if new != &header[at..=at] {
                let mut changed = header.clone();
                changed.replace_range(at..at + old.len_utf8(), new);
                let mut shared = file.clone();
                shared.spec.header = Some(changed.clone());
                assert!(opened(&shared, &keyring).is_err(), "character {at}");
                let mut own = own.clone();
                own.spec.values.get_mut("k").unwrap().header = Some(changed);
                assert!(opened(&own, &keyring).is_err(), "character {at} of a block's own header");
            }
        }
    }
    let payload = &file.spec.values["k"].payload;
    for at in 0..payload.len() {
        for new in ["A", "B", "=", "", "AA"].iter().filter(|new| **new != &payload[at..=at]) {
            let mut changed = payload.clone();
            changed.replace_range(at..=at, new);
            let mut file = file.clone();
            put(&mut file, changed);
            assert!(opened(&file, &keyring).is_err(), "character {at}");
        }
    }
}

fn put(file: &mut SealedSecret, payload: String) {
    file.spec.values.get_mut("k").unwrap().payload = payload;
}

/// The same file with its shared header in its only block.
fn moved_into_the_block(file: &SealedSecret) -> SealedSecret {
    let mut own = file.clone();
    let block = own.spec.values.get_mut("k").unwrap();
    block.header = own.spec.header.take();
    block.sealed_to = std::mem::take(&mut own.spec.sealed_to);
    own
}

#[test]
fn a_mebibyte_opens_and_a_byte_more_does_not() {
    let (keyring, to) = key();
    let most = vec![b'x'; MAX_PLAINTEXT_BYTES];
    let file = sealed(values(&[("k", &most)]), db(), &to);
    assert_eq!(opened(&file, &keyring).unwrap().values["k"].expose(), most);

    let more = values(&[("k", &most), ("l", b"x")]);
    assert!(matches!(seal_values(&more, &db(), &to), Err(SealError::TooLarge(_))));
    let place = Place::new("prod", "db").unwrap();
    let clear = BTreeSet::from(["l".to_owned()]);
    let sealed = seal(manifest(more), &place, db(), &clear, &to);
    assert!(matches!(sealed, Err(SealError::TooLarge(_))), "clear and sealed count together");

    // Two headers, each over less than the limit.
    let mut both = file;
    both.spec.values.extend(seal_blocks(&values(&[("l", b"x")]), &db(), &to).unwrap());
    assert_eq!(check(&both).unwrap_err().reason(), Reason::Malformed);
}

/// Whoever may edit a sealed file would otherwise add clear bytes until it no longer opens, and know how long the
/// sealed values are together.
#[test]
fn how_much_still_fits_beside_a_sealed_value_tells_its_size_class_and_no_more() {
    let (keyring, to) = key();
    for length in [0, 1, 127, 128] {
        let mut file = sealed(values(&[("k", &vec![b'x'; length])]), db(), &to);
        let room = MAX_PLAINTEXT_BYTES - 128;
        put_clear(&mut file, room);
        assert!(opened(&file, &keyring).is_ok(), "{length}");
        put_clear(&mut file, room + 1);
        assert_eq!(check(&file).unwrap_err().reason(), Reason::Malformed, "{length}");
    }
    let clear = BTreeSet::from(["clear".to_owned()]);
    let place = Place::new("prod", "db").unwrap();
    for (room, fits) in [(MAX_PLAINTEXT_BYTES - 128, true), (MAX_PLAINTEXT_BYTES - 127, false)] {
        let values = values(&[("clear", &vec![b'x'; room]), ("k", b"")]);
        assert_eq!(seal(manifest(values), &place, db(), &clear, &to).is_ok(), fits);
    }
}

/// The same against etcd, which counts the live Secret whole, names and what `managedFields` says of them included.
#[test]
fn keys_labels_and_annotations_are_bounded_so_that_etcd_is_never_asked_how_long_a_value_is() {
    let (_, to) = key();
    let names: Vec<String> = (0..1000).map(|n| format!("{n:0>170}")).collect();
    let pairs: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b""[..])).collect();
    let mut file = sealed(values(&pairs), db(), &to);
    let room = MAX_REST_BYTES - 1000 * (2 * 170 + 24) - (2 + 24);
    annotations_of(&mut file).insert("a".to_owned(), "x".repeat(room));
    assert!(check(&file).is_ok());
    annotations_of(&mut file).insert("a".to_owned(), "x".repeat(room + 1));
    assert_eq!(check(&file).unwrap_err().reason(), Reason::Malformed);
}

fn annotations_of(file: &mut SealedSecret) -> &mut BTreeMap<String, String> {
    &mut file.spec.template.get_or_insert_default().metadata.annotations
}

fn put_clear(file: &mut SealedSecret, length: usize) {
    let template = file.spec.template.get_or_insert_default();
    template.string_data.insert("clear".to_owned(), "x".repeat(length));
}

#[test]
fn the_most_of_everything_opens_and_one_more_does_not() {
    let (keyring, to) = key();
    let names: Vec<String> = (0..257).map(|n| format!("k{n}")).collect();
    let pairs: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b"v"[..])).collect();
    let mut file = sealed(values(&[("k", b"v")]), db(), &to);
    file.spec.values.extend(seal_blocks(&values(&pairs[..256]), &db(), &to).unwrap());
    assert_eq!(opened(&file, &keyring).unwrap().values.len(), 257, "256 of their own, one shared");
    file.spec.values.extend(seal_blocks(&values(&pairs[256..]), &db(), &to).unwrap());
    assert_eq!(opened(&file, &keyring).unwrap_err().reason(), Reason::Malformed);

    let keys: Vec<String> = (0..1025).map(|n| format!("k{n}")).collect();
    let pairs: Vec<(&str, &[u8])> = keys.iter().map(|key| (key.as_str(), &b""[..])).collect();
    let mut file = sealed(values(&pairs[..1024]), db(), &to);
    assert!(check(&file).is_ok());
    assert!(matches!(seal_values(&values(&pairs), &db(), &to), Err(SealError::TooManyValues)));
    file.spec.values.insert("one-more".into(), file.spec.values["k0"].clone());
    assert_eq!(check(&file).unwrap_err().reason(), Reason::Malformed);
}

#[test]
fn nothing_is_sealed_that_no_reader_would_take() {
    let (_, to) = key();
    for wrong in ["", ".", "..", "a b", "k\nname=other", "a/b"] {
        let sealed = seal_values(&values(&[(wrong, b"v")]), &db(), &to);
        assert_eq!(sealed.unwrap_err(), SealError::BadKey, "{wrong:?}");
    }
    for (namespaces, name) in
        [(vec![], "db"), (vec!["b", "a"], "db"), (vec!["a\nname=x"], "db"), (vec!["a"], "")]
    {
        let scope = Scope {
            namespaces: namespaces.into_iter().map(str::to_owned).collect(),
            name: name.into(),
        };
        let sealed = seal_values(&values(&[("k", b"v")]), &scope, &to);
        assert!(matches!(sealed, Err(SealError::BadScope(_))), "{scope}");
    }
    assert_eq!(
        seal_values(&values(&[("k", b"v")]), &db(), &[]).unwrap_err(),
        SealError::NoRecipient
    );
}

/// Eight bytes at one position are the same by chance once in the age of the universe.
#[test]
fn sealed_twice_the_same_values_have_nothing_in_common() {
    let (_, to) = key();
    let same = [0; 400];
    let pairs: [(&str, &[u8]); 2] = [("a", &same), ("b", &same)];
    let mut payloads = Vec::new();
    for _ in 0..2 {
        let file = sealed(values(&pairs), db(), &to);
        let blocks = file.spec.values.values();
        payloads.extend(blocks.map(|block| STANDARD.decode(&block.payload).unwrap()));
    }
    for (index, one) in payloads.iter().enumerate() {
        for other in &payloads[index + 1..] {
            let mut windows = one.windows(8).zip(other.windows(8));
            assert!(windows.all(|(one, other)| one != other), "two payloads share bytes");
        }
    }
}
