//! Which host keys are believed: OpenSSH's known_hosts, as text. Nothing is trusted at first sight.
//!
//! Several keys of a host may stand there, so that one can be exchanged for another without a gap. Names may be hashed
//! (`|1|…`), patterns have `*`, `?` and `!`, and a port other than 22 stands as `[host]:port`. `@revoked` refuses a key,
//! `@cert-authority` is not supported and matches nothing.

use russh::keys::ssh_key::known_hosts::{Entry, HostPatterns, KnownHosts, Marker};
use russh::keys::{Algorithm, PublicKey};

use super::FetchError;
use crate::mac;

/// Lines of a known_hosts.
const MAX_LINES: usize = 1024;

/// The keys pinned for one host.
pub(super) struct Pinned {
    keys: Vec<PublicKey>,
    revoked: Vec<PublicKey>,
}

impl Pinned {
    /// Those of `host` at `port`. Lines that are none are an error: a typo must not take a pin away silently.
    pub(super) fn of(text: &str, host: &str, port: u16) -> Result<Self, FetchError> {
        let wrong = |what: String| FetchError::Credentials("host keys".to_owned(), what);
        let name = if port == 22 { host.to_owned() } else { format!("[{host}]:{port}") };
        let (mut keys, mut revoked) = (Vec::new(), Vec::new());
        for (number, entry) in KnownHosts::new(text).enumerate() {
            if number >= MAX_LINES {
                return Err(wrong(format!("it has more than {MAX_LINES} lines")));
            }
            let entry = entry.map_err(|_| wrong(format!("entry {} is no host key", number + 1)))?;
            if !is_of(&entry, &name) {
                continue;
            }
            match entry.marker() {
                None => keys.push(entry.public_key().clone()),
                Some(Marker::Revoked) => revoked.push(entry.public_key().clone()),
                Some(Marker::CertAuthority) => {}
            }
        }
        // Asked for, they would be chosen, and cannot be checked: no RSA is in this binary.
        let are_rsa = !keys.is_empty();
        keys.retain(|key: &PublicKey| !matches!(key.algorithm(), Algorithm::Rsa { .. }));
        if keys.is_empty() && are_rsa {
            return Err(wrong(format!(
                "of {name} it has RSA keys alone, which are not supported: pin its Ed25519 or ECDSA key"
            )));
        }
        if keys.is_empty() {
            return Err(FetchError::UnknownHost(name));
        }
        Ok(Self { keys, revoked })
    }

    /// The algorithms to ask the server for, so that it shows a key that is pinned.
    pub(super) fn algorithms(&self) -> Vec<Algorithm> {
        let mut algorithms: Vec<Algorithm> = Vec::new();
        for key in &self.keys {
            if !algorithms.contains(&key.algorithm()) {
                algorithms.push(key.algorithm());
            }
        }
        algorithms
    }

    /// Whether the server may go on with this key.
    pub(super) fn holds(&self, offered: &PublicKey) -> bool {
        let is_it = |key: &PublicKey| key.key_data() == offered.key_data();
        self.keys.iter().any(is_it) && !self.revoked.iter().any(is_it)
    }
}

fn is_of(entry: &Entry, name: &str) -> bool {
    match entry.host_patterns() {
        HostPatterns::HashedName { salt, hash } => mac::is_sha1(salt, name.as_bytes(), hash),
        HostPatterns::Patterns(patterns) => {
            let is_refused = patterns
                .iter()
                .any(|it| it.strip_prefix('!').is_some_and(|pattern| matches(pattern, name)));
            !is_refused && patterns.iter().any(|pattern| matches(pattern, name))
        }
    }
}

/// `*` and `?`, without regard to case.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut at, mut in_name, mut star) = (0, 0, None);
    while in_name < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, in_name));
                at += 1;
            }
            Some(c) if *c == b'?' || c.eq_ignore_ascii_case(&name[in_name]) => {
                at += 1;
                in_name += 1;
            }
            _ => match star {
                Some((of_star, from)) => {
                    star = Some((of_star, from + 1));
                    at = of_star + 1;
                    in_name = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|c| *c == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB";
    const B: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIC";

    fn key(text: &str) -> PublicKey {
        PublicKey::from_openssh(text).unwrap()
    }

    #[test]
    fn several_keys_of_a_host_count_and_no_other_key_does() {
        let text = format!("# GitHub\nexample.com,10.0.0.1 {A}\n\nexample.com {B} comment\n");
        let pinned = Pinned::of(&text, "example.com", 22).unwrap();
        assert!(pinned.holds(&key(A)) && pinned.holds(&key(B)));
        assert_eq!(pinned.algorithms(), [Algorithm::Ed25519]);
        let one = Pinned::of(&format!("example.com {A}"), "example.com", 22).unwrap();
        assert!(!one.holds(&key(B)));
    }

    #[test]
    fn patterns_ports_hashes_and_revocations_are_read_as_openssh_does() {
        let at =
            |hosts: &str, host: &str, port| Pinned::of(&format!("{hosts} {A}"), host, port).is_ok();
        assert!(at("*.example.com", "git.example.com", 22));
        assert!(!at("*.example.com,!git.example.com", "git.example.com", 22));
        assert!(at("git?.example.com", "git1.EXAMPLE.com", 22));
        assert!(at("[example.com]:2222", "example.com", 2222));
        assert!(!at("example.com", "example.com", 2222));
        assert!(!at("[example.com]:2222", "example.com", 22));
        // HMAC-SHA1 of the name under the salt, as `ssh-keygen -H` writes it.
        let hashed = "|1|AAECAwQFBgcICQoLDA0ODxAREhM=|nnUK16ANsXd3hL31YfAkGOluSjU=";
        assert!(at(hashed, "example.com", 22) && !at(hashed, "other.example", 22));
        let revoked = format!("example.com {A}\n@revoked * {A}");
        assert!(!Pinned::of(&revoked, "example.com", 22).unwrap().holds(&key(A)));
    }

    #[test]
    fn a_line_that_is_no_key_is_said_and_an_unknown_host_too() {
        let error = |text: &str| Pinned::of(text, "example.com", 22).err().unwrap();
        assert!(matches!(error("example.com ssh-ed25519 AAAA"), FetchError::Credentials(..)));
        assert!(matches!(error("example.com"), FetchError::Credentials(..)));
        assert!(matches!(error(""), FetchError::UnknownHost(_)));
        assert!(matches!(error(&format!("@cert-authority * {A}")), FetchError::UnknownHost(_)));
    }
}
