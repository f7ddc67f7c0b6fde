//! The URL of a repository: https or ssh alone, a host that is one, and no word of a login or query in what is said of it.
//!
//! The controller is a program, so its files are taken in by their paths.
#![no_main]
#![allow(dead_code)]

use libfuzzer_sys::fuzz_target;

#[path = "../../../controller/src/fetch/error.rs"]
mod error;
#[path = "../../../controller/src/fetch/url.rs"]
mod url;

use error::FetchError;
use url::GitUrl;

fuzz_target!(|text: &str| match GitUrl::parse(text) {
    Ok(GitUrl::Https { host, url }) => {
        // What is asked is what was said, and no login is in it.
        assert!(text.starts_with("https://") && text.starts_with(&url));
        assert!(!url["https://".len()..].split('/').next().unwrap_or_default().contains('@'));
        is_host(&host);
    }
    Ok(GitUrl::Ssh { user, host, path, .. }) => {
        // None of these is ever an option of a program.
        assert!(!user.is_empty() && !user.contains([':', '@']));
        assert!(!path.is_empty() && !path.starts_with('-'));
        is_host(&host);
    }
    Err(error) => {
        assert!(matches!(error, FetchError::Url(_)));
        // A sentence of ours, whatever stands there.
        assert!(error.to_string().starts_with("the URL of the repository "));
        assert!(error.to_string().len() < 100);
    }
});

fn is_host(host: &str) {
    assert!(!host.is_empty() && !host.starts_with('-') && !host.contains(['@', '/']));
    assert!(host.is_ascii() && !host.contains(char::is_whitespace));
}
