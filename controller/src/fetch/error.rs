//! Why nothing was fetched. Made in the child, told by its parent, so each is also a line of JSON.
//!
//! No text of a server is in any of them but a reference's or a host's name, and no credential.

use seal_core::reason::Reason;
use serde::{Deserialize, Serialize};

fn for_seconds(seconds: &Option<u64>) -> String {
    seconds.map(|seconds| format!(" for {seconds} s")).unwrap_or_default()
}

/// Why nothing was fetched. One variant, one remedy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub(crate) enum FetchError {
    #[error("{0}")]
    Url(String),
    #[error("the {0} cannot be used: {1}")]
    Credentials(String, String),
    #[error("{0} cannot be reached: {1}")]
    Unreachable(String, String),
    #[error("{0} has a certificate that is not trusted here")]
    Certificate(String),
    #[error("the host key of {host} is none of those that are pinned: it offers {offered}")]
    HostKey { host: String, offered: String },
    #[error("no host key of {0} is pinned")]
    UnknownHost(String),
    #[error("{0} does not accept the credentials, or there are none")]
    Unauthorized(String),
    #[error("{0} has no such repository, or does not show it to these credentials")]
    NoRepository(String),
    #[error("{host} asks to be left alone{}", for_seconds(.retry_after))]
    Busy { host: String, retry_after: Option<u64> },
    #[error(
        "{0} sends this repository elsewhere: to another host, not by https, or more than three times"
    )]
    Moved(String),
    #[error("the repository has no {0}")]
    NoRef(String),
    #[error("the {0} is of no commit")]
    NoCommit(String),
    #[error("{0} is the name of a branch and of a tag")]
    Ambiguous(String),
    #[error("{0} has trouble of its own: HTTP status {1}")]
    Trouble(String, u16),
    #[error("{0} answered what no git server answers: {1}")]
    Protocol(String, String),
    #[error("what {0} sends is beyond a limit: {1}")]
    TooMuch(String, String),
    #[error("{0} did not send all of it in time")]
    Timeout(String),
    #[error(
        "the fetch from {0} ended without an answer: it was killed, or needed more than 192 MiB of memory"
    )]
    Ended(String),
    #[error("the folder for fetched objects, {0}, cannot be used: {1}")]
    Store(String, String),
    #[error("no process can be started for a fetch: {0}")]
    NoProcess(String),
}

impl FetchError {
    /// The one word for it.
    pub(crate) fn reason(&self) -> Reason {
        match self {
            Self::Url(_) | Self::Credentials(..) => Reason::Malformed,
            Self::HostKey { .. }
            | Self::UnknownHost(_)
            | Self::Certificate(_)
            | Self::Moved(_)
            | Self::Ambiguous(_) => Reason::NotAllowed,
            _ => Reason::Retrying,
        }
    }

    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::Url(_) => "https://HOST/PATH or ssh://git@HOST/PATH, without a password in it",
            Self::Credentials(..) => "put right what is named",
            Self::Unreachable(..) | Self::Timeout(_) | Self::Trouble(..) => {
                "what was applied stays until it can be fetched again"
            }
            Self::Certificate(_) => {
                "give the certificate of the authority that signed its certificate, as caBundle of the GitSource or --git-ca-file, and check its name and dates"
            }
            Self::HostKey { .. } => {
                "compare it with what the host's operator publishes, and only then pin it: in knownHosts, or the file of --git-known-hosts"
            }
            Self::UnknownHost(_) => {
                "pin its keys as its operator publishes them, in knownHosts or the file of --git-known-hosts: nothing is trusted at first sight"
            }
            Self::Unauthorized(_) | Self::NoRepository(_) => {
                "give a token or deploy key that may read this repository"
            }
            Self::Busy { .. } => "it is tried again when the host asks for it",
            Self::Moved(_) => "name the repository by the URL it has now",
            Self::NoRef(_) | Self::NoCommit(_) => {
                "name a branch, tag or commit that is there; what was applied stays"
            }
            Self::Ambiguous(_) => "say which: refs/heads/NAME or refs/tags/NAME",
            Self::Protocol(..) => "is that the URL of a repository? `git ls-remote URL` tells",
            Self::TooMuch(..) | Self::Ended(_) => {
                "name the folder of the sealed files with spec.path of the GitSource or --path, or keep them in a repository of their own"
            }
            Self::Store(..) => "make room, or give the folder to the user that this runs as",
            Self::NoProcess(_) => "it is tried again; more memory or more processes may be needed",
        }
    }

    /// How long the host asks to be left alone.
    pub(crate) fn retry_after(&self) -> Option<std::time::Duration> {
        match self {
            Self::Busy { retry_after, .. } => retry_after.map(std::time::Duration::from_secs),
            _ => None,
        }
    }
}
