//! What the child is asked and what it answers: one line of JSON each way, credentials among them.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

use super::FetchError;

/// What to fetch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Reference {
    /// What the server's HEAD names.
    #[default]
    Head,
    /// A branch or a tag, whichever has that name.
    Named(String),
    Branch(String),
    Tag(String),
    /// A whole hash.
    Commit(String),
}

/// How to prove who asks, and whom is believed. As files and Secrets have it.
#[derive(Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Credentials {
    pub(crate) username: Option<String>,
    pub(crate) password: Option<String>,
    pub(crate) bearer_token: Option<String>,
    /// An OpenSSH private key without a passphrase.
    pub(crate) ssh_key: Option<String>,
    /// Host keys, in the format of OpenSSH's known_hosts.
    pub(crate) known_hosts: Option<String>,
    /// Certificates of authorities, PEM. With it no other authority counts.
    pub(crate) ca_bundle: Option<String>,
}

/// One fetch.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) url: String,
    pub(crate) reference: Reference,
    /// The folders of the sealed files: contents elsewhere are not asked for, where the server can leave them out.
    pub(crate) paths: Vec<PathBuf>,
    pub(crate) credentials: Credentials,
    /// Where the objects go.
    pub(crate) store: PathBuf,
    /// The commit that the last fetch of this store gave: what it has need not be sent again.
    pub(crate) known: Option<String>,
    /// The commit from which the new one must descend for [`Fetched::descends`] to be true.
    pub(crate) ancestor: Option<String>,
    pub(crate) timeout: Duration,
}

/// What is in the store now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fetched {
    /// The commit that the reference names, a whole hash.
    pub(crate) commit: String,
    /// Whether it descends from [`Job::ancestor`]; true without one.
    pub(crate) descends: bool,
}

/// What the child writes.
pub(crate) type Answer = Result<Fetched, FetchError>;

impl Reference {
    /// As `--ref` has it: a branch or a tag, `refs/heads/…` or `refs/tags/…`, or a whole hash.
    pub(crate) fn of(text: &str) -> Self {
        let is_hash = text.len() == 40 && text.bytes().all(|b| b.is_ascii_hexdigit());
        match (text.strip_prefix("refs/heads/"), text.strip_prefix("refs/tags/")) {
            (Some(branch), _) => Self::Branch(branch.to_owned()),
            (_, Some(tag)) => Self::Tag(tag.to_owned()),
            _ if text == "HEAD" => Self::Head,
            _ if is_hash => Self::Commit(text.to_ascii_lowercase()),
            _ => Self::Named(text.to_owned()),
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Head => f.write_str("HEAD"),
            Self::Named(name) => write!(f, "branch or tag {}", seal_core::escape::escaped(name)),
            Self::Branch(name) => write!(f, "branch {}", seal_core::escape::escaped(name)),
            Self::Tag(name) => write!(f, "tag {}", seal_core::escape::escaped(name)),
            Self::Commit(hash) => write!(f, "commit {}", seal_core::escape::escaped(hash)),
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl Drop for Credentials {
    fn drop(&mut self) {
        self.password.zeroize();
        self.bearer_token.zeroize();
        self.ssh_key.zeroize();
    }
}
