//! Signatures of commits: nobody without the key makes a commit that is taken for its holder's.
//!
//! The controller is a program, so its file is taken in by its path. The input is a text of allowed signers, a line of
//! dashes, and a commit.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../../controller/src/git/verify.rs"]
#[allow(dead_code)]
mod verify;

use verify::Signers;

/// Nobody has the private half of it.
const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB";

fuzz_target!(|data: &[u8]| {
    let at = data.windows(5).position(|it| it == b"\n---\n");
    let (signers, commit) = at.map_or((&[][..], data), |at| (&data[..at], &data[at + 5..]));
    let ours = Signers::parse(&format!("* {KEY}")).expect("one line");
    assert!(ours.problem(commit).is_some());
    let Ok(text) = std::str::from_utf8(signers) else { return };
    match Signers::parse(text) {
        Ok(signers) => drop(signers.problem(commit)),
        // A sentence of ours, and nothing of the text.
        Err(error) => assert!(error.contains("allowedSigners") && error.len() < 100),
    }
});
