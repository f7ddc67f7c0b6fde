//! The pinned keys of a host: whatever a known_hosts says, only a key that stands in it is believed, and none that is revoked.
//!
//! The controller is a program, so its files are taken in by their paths.
#![no_main]
#![allow(dead_code)]

use libfuzzer_sys::fuzz_target;
use russh::keys::PublicKey;

#[path = "../../../controller/src/fetch/error.rs"]
mod error;
#[path = "../../../controller/src/fetch/known_hosts.rs"]
mod known_hosts;
#[path = "../../../controller/src/mac.rs"]
mod mac;

use error::FetchError;
use known_hosts::Pinned;

const KEY: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB";

fuzz_target!(|text: &str| {
    let key = PublicKey::from_openssh(&format!("ssh-ed25519 {KEY}")).expect("a key");
    match Pinned::of(text, "git.example.com", 22) {
        Ok(pinned) => {
            assert!(!pinned.algorithms().is_empty());
            assert!(!pinned.holds(&key) || text.contains(KEY));
        }
        Err(error) => {
            let is_known = matches!(error, FetchError::Credentials(..) | FetchError::UnknownHost(_));
            assert!(is_known && !error.to_string().contains("AAAA"));
        }
    }
    // A revocation of every host counts whatever stands before it.
    let revoked = format!("{text}\n@revoked * ssh-ed25519 {KEY}\n");
    if let Ok(pinned) = Pinned::of(&revoked, "git.example.com", 22) {
        assert!(!pinned.holds(&key));
    }
});
