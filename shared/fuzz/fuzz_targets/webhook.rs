//! Deliveries of forges: only one that was signed with the token is right, whatever headers and body say.
//!
//! The controller is a program, so its two files are taken in by their paths.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../../controller/src/mac.rs"]
#[allow(dead_code)]
mod mac;
#[path = "../../../controller/src/webhook/signature.rs"]
mod signature;

const TOKEN: &[u8] = b"a token of sixteen bytes or more";

fuzz_target!(|data: &[u8]| {
    let mut parts = data.splitn(3, |byte| *byte == b'\n');
    let (which, value) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let body = parts.next().unwrap_or_default();
    let names = ["x-hub-signature-256", "x-gitea-signature", "x-forgejo-signature", "x-gitlab-token"];
    let name = names[which.first().map_or(0, |byte| usize::from(byte % 4))];
    let is_right = |token: &[u8], value: &[u8], body: &[u8]| {
        let mut check = signature::Check::begin(token, |asked| (asked == name).then_some(value));
        // The parts in which it arrives make no difference.
        body.chunks(1 + value.len()).for_each(|part| check.take(part));
        check.was_right()
    };
    // Nobody guesses a signature; the token itself is a seed.
    let is_token = name == "x-gitlab-token" && value == TOKEN;
    assert_eq!(is_right(TOKEN, value, body), is_token);
    // One that is right for a body is so for no other body, and not without a header.
    let hex: String = hmac(value, body).iter().map(|byte| format!("{byte:02x}")).collect();
    let signed = if name == "x-hub-signature-256" { format!("sha256={hex}") } else { hex };
    if name != "x-gitlab-token" && !value.is_empty() {
        assert!(is_right(value, signed.as_bytes(), body));
        assert!(!is_right(value, signed.as_bytes(), &[body, b"x"].concat()));
        assert!(!is_right(value, &signed.as_bytes()[1..], body));
    }
    assert!(!signature::Check::begin(TOKEN, |_| None).was_right());
});

fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
    sign(&Key::new(HMAC_SHA256, key), message).as_ref().to_vec()
}
