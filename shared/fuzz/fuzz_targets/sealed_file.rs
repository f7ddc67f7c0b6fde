//! What is read can be written, and what was written is read as the same and written the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use seal_core::kind::file::{Document, read, write};

fuzz_target!(|text: &str| {
    for document in read(text).unwrap_or_default() {
        let Document::Sealed(mut sealed) = document else { continue };
        sealed.status = None; // never written
        let written = write(&sealed);
        let Document::Sealed(again) = read(&written).expect("what we write, we read").remove(0)
        else {
            unreachable!("a sealed file stays one");
        };
        assert_eq!(again, sealed);
        assert_eq!(write(&again), written);
    }
});
