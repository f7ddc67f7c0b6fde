//! A sealed file in parts that can each be wrong: the shared header, and the blocks.

use crate::age::{self, Stanza};
use crate::keys::{Dice, Key};

/// An age header, and the file key that it wraps.
#[derive(Clone)]
pub(crate) struct Header {
    pub(crate) file_key: [u8; 16],
    pub(crate) hints: Vec<String>,
    pub(crate) stanzas: Vec<Stanza>,
    /// Stands for the text that the parts above make.
    pub(crate) instead: Option<String>,
}

impl Header {
    pub(crate) fn new(dice: &mut Dice, keys: &[&str]) -> Self {
        let file_key: [u8; 16] = dice.throw();
        let keys: Vec<Key> = keys.iter().map(|name| Key::named(name)).collect();
        let hints = keys.iter().map(Key::fingerprint).collect();
        let stanzas = keys.iter().map(|key| dice.stanza(key, &file_key)).collect();
        Self { file_key, hints, stanzas, instead: None }
    }

    /// As it lies in a sealed file: without its last line feed.
    pub(crate) fn text(&self) -> String {
        self.instead.clone().unwrap_or_else(|| age::header(&self.stanzas, &self.file_key))
    }
}

/// What stands under one key of `values`.
#[derive(Clone)]
pub(crate) struct Block {
    pub(crate) key: String,
    /// Its own; without one it is under the shared header.
    pub(crate) header: Option<Header>,
    pub(crate) payload: Vec<u8>,
}

/// A sealed file's parts. `namespaces` is joined by commas.
#[derive(Clone)]
pub(crate) struct File {
    pub(crate) place: (String, String),
    pub(crate) namespaces: String,
    pub(crate) name: String,
    /// Lines under `spec:`, indented, after the scope.
    pub(crate) more: String,
    pub(crate) shared: Option<Header>,
    /// In the order in which they are written.
    pub(crate) blocks: Vec<Block>,
}

impl File {
    /// An empty one that lies at `namespace/name` and is sealed for there only.
    pub(crate) fn at(namespace: &str, name: &str) -> Self {
        Self {
            place: (namespace.to_owned(), name.to_owned()),
            namespaces: namespace.to_owned(),
            name: name.to_owned(),
            more: String::new(),
            shared: None,
            blocks: Vec::new(),
        }
    }

    pub(crate) fn scoped(mut self, namespaces: &str, name: &str) -> Self {
        self.namespaces = namespaces.to_owned();
        self.name = name.to_owned();
        self
    }

    /// Makes the shared header, for `keys`, and a block under it for each value.
    pub(crate) fn seal(mut self, dice: &mut Dice, keys: &[&str], values: &[(&str, &[u8])]) -> Self {
        let header = Header::new(dice, keys);
        for value in values {
            let block = self.block(dice, &header, *value);
            self.blocks.push(block);
        }
        self.shared = Some(header);
        self
    }

    /// Gives one key a block with a header of its own, for `keys`: where its block stands, or as the last.
    pub(crate) fn set(mut self, dice: &mut Dice, keys: &[&str], value: (&str, &[u8])) -> Self {
        let header = Header::new(dice, keys);
        let block = Block { header: Some(header.clone()), ..self.block(dice, &header, value) };
        match self.blocks.iter_mut().find(|old| old.key == value.0) {
            Some(old) => *old = block,
            None => self.blocks.push(block),
        }
        self
    }

    /// A block without a header of its own, its payload under `header`.
    pub(crate) fn block(
        &self,
        dice: &mut Dice,
        header: &Header,
        (key, value): (&str, &[u8]),
    ) -> Block {
        let frame = self.frame(key, age::dots_for(value.len()), value);
        let payload = payload(dice, &header.file_key, &frame);
        Block { key: key.to_owned(), header: None, payload }
    }

    pub(crate) fn frame(&self, key: &str, dots: usize, value: &[u8]) -> Vec<u8> {
        age::frame((&self.namespaces, &self.name), key, dots, value)
    }

    /// The same file with its first payload made of another plaintext, under the right file key.
    pub(crate) fn with_plaintext(mut self, dice: &mut Dice, plaintext: &[u8]) -> Self {
        let file_key = self.shared().file_key;
        self.blocks[0].payload = payload(dice, &file_key, plaintext);
        self
    }

    pub(crate) fn shared(&mut self) -> &mut Header {
        self.shared.as_mut().expect("the case has sealed it")
    }

    pub(crate) fn own(&mut self, block: usize) -> &mut Header {
        self.blocks[block].header.as_mut().expect("the case has set it")
    }
}

fn payload(dice: &mut Dice, file_key: &[u8], plaintext: &[u8]) -> Vec<u8> {
    let mut chunks: Vec<&[u8]> = plaintext.chunks(64 * 1024).collect();
    if chunks.is_empty() {
        chunks.push(&[]); // age seals nothing as one empty chunk
    }
    age::payload(file_key, &dice.throw::<16>(), &chunks)
}
