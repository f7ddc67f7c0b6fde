//! Every header that our reader takes, the age crate takes too, with the same stanzas: what was checked by the
//! one is what the other puts under the MAC.

#![no_main]

use std::cell::RefCell;

use age::DecryptError;
use age_core::format::{FileKey, Stanza};
use libfuzzer_sys::fuzz_target;
use seal_core::kind::sealed::{Block, SealedSecret};
use seal_core::open::check::check;
use seal_core::place::{Place, Scope};

fuzz_target!(|text: &str| {
    // A header as it lies in a sealed file, or a whole sealed file's text with its indentation.
    let unindented: Vec<&str> = text.lines().map(|line| line.trim_start_matches(' ')).collect();
    let unindented = unindented.join("\n");
    let start = unindented.find("age-encryption.org/v1\n").unwrap_or(0);
    let end = unindented[start..].find("\nvalues:").map_or(unindented.len(), |end| start + end);
    compare(text);
    compare(&unindented[start..end]);
});

fn compare(header: &str) {
    let place = Place::new("prod", "db").expect("a place");
    let block = Block { payload: "AAAA".to_owned(), ..Block::default() };
    let mut sealed = SealedSecret::default();
    sealed.metadata.namespace = Some(place.namespace.clone());
    sealed.metadata.name = Some(place.name.clone());
    sealed.spec.scope = Scope::of(&place);
    sealed.spec.header = Some(header.to_owned());
    sealed.spec.values = [("k".to_owned(), block)].into();
    let Ok(checked) = check(&sealed) else { return };

    let file = [header.as_bytes(), b"\n", &[0; 48]].concat();
    let seen = Seen::default();
    let age = age::Decryptor::new_buffered(&*file).expect("ours is a part of age's");
    assert!(age.decrypt(std::iter::once(&seen as &dyn age::Identity)).is_err());
    assert_eq!(seen.0.into_inner(), checked.headers()[0].stanza_types);
}

/// Opens nothing and notes the stanzas it is shown.
#[derive(Default)]
struct Seen(RefCell<Vec<String>>);

impl age::Identity for Seen {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<FileKey, DecryptError>> {
        self.0.borrow_mut().push(stanza.tag.clone());
        None
    }
}
