//! A sealed file in parts that can each be wrong: keys, envelopes, and the text they make.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::age::{self, Stanza};

/// A test key, made from its name alone.
pub(crate) struct Key {
    pub(crate) seed: [u8; 32],
    pub(crate) hybrid: bool,
    pub(crate) recipient: String,
    pub(crate) identity: String,
}

impl Key {
    /// `classic…` is X25519, every other name post-quantum.
    pub(crate) fn named(name: &str) -> Self {
        let seed: [u8; 32] = Sha256::digest(format!("seal test key: {name}")).into();
        let hybrid = !name.starts_with("classic");
        let (recipient, identity) = if hybrid {
            let recipient = age::bech32("age1pq", &age::hybrid_public(&seed));
            (recipient, age::bech32("age-secret-key-pq-", &seed))
        } else {
            let public = x25519_dalek::PublicKey::from(&x25519_dalek::StaticSecret::from(seed));
            (age::bech32("age", public.as_bytes()), age::bech32("age-secret-key-", &seed))
        };
        Self { seed, hybrid, recipient, identity: identity.to_ascii_uppercase() }
    }

    pub(crate) fn fingerprint(&self) -> String {
        format!("sha256:{}", &hex::encode(Sha256::digest(&self.recipient))[..32])
    }
}

/// Bytes that are the same at every run: SHA-256 over a name and a counter.
pub(crate) struct Dice {
    name: String,
    thrown: u32,
}

impl Dice {
    pub(crate) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), thrown: 0 }
    }

    pub(crate) fn throw<const N: usize>(&mut self) -> [u8; N] {
        self.thrown += 1;
        let bytes = Sha256::digest(format!("{} {}", self.name, self.thrown));
        std::array::from_fn(|at| bytes[at])
    }

    pub(crate) fn stanza(&mut self, key: &Key, file_key: &[u8]) -> Stanza {
        if key.hybrid {
            age::wrap_hybrid(&key.seed, file_key, (self.throw(), self.throw()), false)
        } else {
            age::wrap_classic(&key.seed, file_key, self.throw())
        }
    }
}

#[derive(Clone)]
pub(crate) struct Envelope {
    pub(crate) file_key: [u8; 16],
    pub(crate) hints: Vec<String>,
    pub(crate) stanzas: Vec<Stanza>,
    /// Key and payload.
    pub(crate) values: Vec<(String, Vec<u8>)>,
    /// Stands for the header that the parts above make.
    pub(crate) header: Option<String>,
}

impl Envelope {
    pub(crate) fn header(&self) -> String {
        self.header.clone().unwrap_or_else(|| age::header(&self.stanzas, &self.file_key))
    }
}

/// A sealed file's parts. `namespaces` is joined by commas.
#[derive(Clone)]
pub(crate) struct File {
    pub(crate) place: (String, String),
    pub(crate) namespaces: String,
    pub(crate) name: String,
    /// Lines under `spec:`, indented, between scope and envelopes.
    pub(crate) more: String,
    pub(crate) envelopes: Vec<Envelope>,
}

impl File {
    /// An empty one that lies at `namespace/name` and is sealed for there only.
    pub(crate) fn at(namespace: &str, name: &str) -> Self {
        Self {
            place: (namespace.to_owned(), name.to_owned()),
            namespaces: namespace.to_owned(),
            name: name.to_owned(),
            more: String::new(),
            envelopes: Vec::new(),
        }
    }

    pub(crate) fn scoped(mut self, namespaces: &str, name: &str) -> Self {
        self.namespaces = namespaces.to_owned();
        self.name = name.to_owned();
        self
    }

    /// Adds an envelope for `keys`, correct in every part.
    pub(crate) fn seal(mut self, dice: &mut Dice, keys: &[&str], values: &[(&str, &[u8])]) -> Self {
        let file_key: [u8; 16] = dice.throw();
        let keys: Vec<Key> = keys.iter().map(|name| Key::named(name)).collect();
        let hints = keys.iter().map(Key::fingerprint).collect();
        let stanzas = keys.iter().map(|key| dice.stanza(key, &file_key)).collect();
        let values = values.iter().map(|(key, value)| {
            let frame = self.frame(key, age::dots_for(value.len()), value);
            ((*key).to_owned(), payload(dice, &file_key, &frame))
        });
        let values = values.collect();
        self.envelopes.push(Envelope { file_key, hints, stanzas, values, header: None });
        self
    }

    pub(crate) fn frame(&self, key: &str, dots: usize, value: &[u8]) -> Vec<u8> {
        age::frame((&self.namespaces, &self.name), key, dots, value)
    }

    /// The same file with one payload made of another plaintext, under the right file key.
    pub(crate) fn with_plaintext(mut self, dice: &mut Dice, plaintext: &[u8]) -> Self {
        let envelope = &mut self.envelopes[0];
        envelope.values[0].1 = payload(dice, &envelope.file_key, plaintext);
        self
    }

    pub(crate) fn yaml(&self) -> String {
        let (namespace, name) = &self.place;
        let quoted =
            |text: &str| if text.contains('*') { format!("'{text}'") } else { text.to_owned() };
        let namespaces: Vec<String> = self.namespaces.split(',').map(quoted).collect();
        let mut text = format!(
            "apiVersion: seal.dev/v1\nkind: SealedSecret\nmetadata:\n  name: {name}\n  namespace: {namespace}\n\
             spec:\n  scope:\n    namespaces: [{}]\n    name: {}\n{}  envelopes:\n",
            namespaces.join(", "),
            quoted(&self.name),
            self.more
        );
        for envelope in &self.envelopes {
            text += &format!("  - sealedTo: [{}]\n    header: |-\n", envelope.hints.join(", "));
            for line in envelope.header().lines() {
                text += &format!("      {line}\n");
            }
            text += "    values:\n";
            for (key, payload) in &envelope.values {
                text += &format!("      {key}: {}\n", STANDARD.encode(payload));
            }
        }
        text
    }
}

fn payload(dice: &mut Dice, file_key: &[u8], plaintext: &[u8]) -> Vec<u8> {
    let mut chunks: Vec<&[u8]> = plaintext.chunks(64 * 1024).collect();
    if chunks.is_empty() {
        chunks.push(&[]); // age seals nothing as one empty chunk
    }
    age::payload(file_key, &dice.throw::<16>(), &chunks)
}
