//! What holds for every value, key, scope and text, and not only for those in testdata.

#![allow(clippy::unwrap_used, clippy::panic)] // helpers are tests too, which clippy does not see

mod driven;
mod editing;
mod formatting;
mod limits;
mod merging;
mod redaction;

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use seal_core::key::{Identity, Keyring, Recipient};
use seal_core::kind::file::{self, Document};
use seal_core::kind::sealed::{SealedSecret, Template};
use seal_core::manifest::Manifest;
use seal_core::open::allowed::Grants;
use seal_core::open::check::check;
use seal_core::open::{OpenError, Opened, open};
use seal_core::place::{Place, Scope};
use seal_core::reason::Reason;
use seal_core::seal::{seal, seal_values};
use seal_core::secret::SecretValue;

fn key() -> (Keyring, Vec<Recipient>) {
    let identity = Identity::generate();
    let recipients = vec![identity.recipient().parse().unwrap()];
    ([identity].into_iter().collect(), recipients)
}

fn values(pairs: &[(&str, &[u8])]) -> BTreeMap<String, SecretValue> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), SecretValue::from(*value))).collect()
}

fn manifest(values: BTreeMap<String, SecretValue>) -> Manifest {
    Manifest {
        namespace: None,
        name: None,
        template: Template::default(),
        values,
        dropped: vec![],
        empty: vec![],
    }
}

fn sealed(values: BTreeMap<String, SecretValue>, scope: Scope, to: &[Recipient]) -> SealedSecret {
    let namespace = if scope.any_namespace() { "anywhere" } else { &scope.namespaces[0] };
    let name = if scope.name == "*" { "anything" } else { &scope.name };
    let place = Place::new(namespace, name).unwrap();
    seal(manifest(values), &place, scope, &BTreeSet::new(), to).unwrap()
}

fn db() -> Scope {
    Scope { namespaces: vec!["prod".into()], name: "db".into() }
}

fn opened(sealed: &SealedSecret, keyring: &Keyring) -> Result<Opened, OpenError> {
    open(&check(sealed)?.allowed(&Grants::most())?, keyring)
}

fn read(text: &str) -> SealedSecret {
    match file::read(text).unwrap().remove(0) {
        Document::Sealed(sealed) => *sealed,
        other => panic!("{other}"),
    }
}

fn label() -> impl Strategy<Value = String> {
    "[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?"
}

fn scopes() -> impl Strategy<Value = Scope> {
    let namespaces = prop_oneof![
        proptest::collection::btree_set(label(), 1..5).prop_map(|set| set.into_iter().collect()),
        Just(vec!["*".to_owned()]),
    ];
    let name = prop_oneof!["[a-z0-9]{1,5}(\\.[a-z0-9]{1,5}){0,3}", Just("*".to_owned())];
    (namespaces, name).prop_map(|(namespaces, name)| Scope { namespaces, name })
}

fn keys() -> impl Strategy<Value = String> {
    "[-_a-zA-Z0-9][-._a-zA-Z0-9]{0,40}"
}

fn all_values() -> impl Strategy<Value = BTreeMap<String, Vec<u8>>> {
    let value = proptest::collection::vec(any::<u8>(), 0..400);
    proptest::collection::btree_map(keys(), value, 1..5)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn what_is_sealed_opens_to_the_same_bytes(plain in all_values(), scope in scopes()) {
        let (keyring, to) = key();
        let secret = plain.iter().map(|(key, value)| (key.clone(), value.clone().into())).collect();
        let text = file::write(&sealed(secret, scope, &to));
        let opened = opened(&read(&text), &keyring).unwrap();
        let opened = opened.values.iter().map(|(key, value)| (key.clone(), value.expose().to_vec()));
        prop_assert_eq!(opened.collect::<BTreeMap<_, _>>(), plain);
    }

    #[test]
    fn another_scope_or_key_never_opens(plain in all_values(), scope in scopes(), other in scopes(), name in keys()) {
        let (keyring, to) = key();
        let secret = plain.into_iter().map(|(key, value)| (key, value.into())).collect();
        let right = sealed(secret, scope.clone(), &to);
        if other != scope {
            let mut moved = right.clone();
            let place = sealed(values(&[("k", b"")]), other.clone(), &to).metadata;
            (moved.metadata, moved.spec.scope) = (place, other);
            prop_assert_eq!(opened(&moved, &keyring).unwrap_err().reason(), Reason::NotSealedForThis);
        }
        let mut renamed = right;
        let stored = &mut renamed.spec.values;
        if !stored.contains_key(&name) {
            let (_, block) = stored.pop_first().unwrap();
            stored.insert(name, block);
            prop_assert_eq!(opened(&renamed, &keyring).unwrap_err().reason(), Reason::NotSealedForThis);
        }
    }

    #[test]
    fn what_is_written_is_read_back_and_written_the_same(text in "\\PC*", more in "(?s).{0,80}", name in label()) {
        let mut file = sealed(values(&[("k", b"v")]), db(), &key().1);
        let mut template = Template { type_: Some(format!("a{text}")), ..Template::default() };
        template.metadata.labels.insert(name.clone(), text.clone());
        template.metadata.annotations.insert(text, more.clone());
        template.string_data.insert(name, more);
        file.spec.template = Some(template);
        let written = file::write(&file);
        let again = read(&written);
        prop_assert_eq!(&again, &file);
        prop_assert_eq!(file::write(&again), written);
    }

    #[test]
    fn the_size_of_a_payload_says_only_the_size_class(a in 0..4000_usize, b in 0..4000_usize) {
        let (_, to) = key();
        let (a_bytes, b_bytes) = (vec![b'a'; a], vec![0xff; b]);
        let one = |value: &[u8]| seal_values(&values(&[("k", value)]), &db(), &to).unwrap().payloads["k"].len();
        let same = one(&a_bytes) == one(&b_bytes);
        let class = |len: usize| {
            // As many leading bits are kept as the exponent itself has.
            let floored = len.max(128);
            floored.next_multiple_of(1 << (floored.ilog2() - floored.ilog2().ilog2() - 1))
        };
        prop_assert_eq!(same, class(a) == class(b));
    }
}
