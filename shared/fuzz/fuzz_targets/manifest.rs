//! Any text at all through every reader: no panic, no message that takes over a terminal or a log, and no more memory at
//! once than the text's size allows. `tests/bounds.rs` holds the same bound without a fuzzer.

#![no_main]

use libfuzzer_sys::fuzz_target;
use peak_alloc::PeakAlloc;
use seal_core::open::check::check;
use seal_core::manifest;
use seal_core::kind::file::{self, Document};
use seal_core::policy_file::{self, PolicyFile, date, pin, pin_apart};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

fuzz_target!(|text: &str| {
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    read(text);
    let peak = ALLOCATOR.peak_usage().saturating_sub(before);
    assert!(peak <= 24 * 1024 * 1024 + 64 * text.len(), "{peak} bytes for {}", text.len());
});

fn read(text: &str) {
    match policy_file::read(text) {
        Err(error) => presentable(&error.to_string()),
        Ok(policy) => pinned(text, &policy),
    }
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
}

/// A pin, or the day of a key, changes nothing else; a layout that does not allow it is an error.
fn pinned(text: &str, before: &PolicyFile) {
    for name in ["new"].into_iter().chain(before.recipients.keys().map(String::as_str)).take(4) {
        let edits = [pin(text, name, "age1new"), pin_apart(text, name, "age1new"), date(text, name, "2027-01-31")];
        for after in edits.into_iter().flatten() {
            let after = policy_file::read(&after).expect("an edited policy reads");
            assert_eq!(before.rules.len(), after.rules.len());
            assert_eq!(before.allow_classic, after.allow_classic);
            let others = |it: &PolicyFile| it.recipients.clone().into_iter().filter(|(other, _)| other != name).collect::<Vec<_>>();
            assert_eq!(others(before), others(&after));
        }
    }
}

fn presentable(message: &str) {
    assert!(!message.contains(char::is_control), "{message:?}");
    assert!(message.len() < 16 * 1024);
}
