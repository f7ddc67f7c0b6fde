//! Any text at all through both readers: no panic, and no message that takes over a terminal or a log.

#![no_main]

use libfuzzer_sys::fuzz_target;
use seal_core::open::check::check;
use seal_core::manifest;
use seal_core::kind::file::{self, Document};

fuzz_target!(|text: &str| {
    if let Err(error) = manifest::read(text, &Default::default()) {
        presentable(&error.to_string());
    }
    match file::read(text) {
        Err(error) => presentable(&error.to_string()),
        Ok(documents) => documents.iter().for_each(|document| {
            presentable(&document.to_string());
            if let Document::Sealed(sealed) = document
                && let Err(error) = check(sealed)
            {
                presentable(&error.to_string());
            }
        }),
    }
});

fn presentable(message: &str) {
    assert!(!message.contains(char::is_control), "{message:?}");
    assert!(message.len() < 16 * 1024);
}
