//! The URL of a repository, taken apart: `https://` and `ssh://`, and `git@host:path` as git writes the latter.
//!
//! No other scheme: `http://` and `git://` show everything to whoever listens, `file://` and `ext::` are git's own
//! doors to this machine.

use super::FetchError;

/// Where a repository is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum GitUrl {
    Https { host: String, url: String },
    Ssh { user: String, host: String, port: u16, path: String },
}

const MAX_URL: usize = 2048;

impl GitUrl {
    pub(crate) fn parse(text: &str) -> Result<Self, FetchError> {
        let wrong = |what: &str| Err(FetchError::Url(format!("the URL of the repository {what}")));
        if text.len() > MAX_URL || text.chars().any(|c| c.is_control() || c == ' ') {
            return wrong("is longer than 2 KiB, or has a blank in it");
        }
        match text.split_once("://") {
            Some(("https", rest)) => https(text, rest),
            Some(("ssh", rest)) => ssh(rest),
            Some(_) => wrong("is neither https:// nor ssh://"),
            None => match text.split_once(':') {
                Some((login, path)) if !login.contains('/') => {
                    let path = path.strip_prefix('/').unwrap_or(path);
                    scp(login, path)
                }
                _ => wrong("is neither https:// nor ssh://"),
            },
        }
    }

    /// Whose server it is, for messages.
    pub(crate) fn host(&self) -> &str {
        match self {
            Self::Https { host, .. } | Self::Ssh { host, .. } => host,
        }
    }
}

fn https(text: &str, rest: &str) -> Result<GitUrl, FetchError> {
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    if authority.contains('@') {
        return Err(FetchError::Url("the URL of the repository has a login in it".to_owned()));
    }
    if path.contains(['?', '#']) {
        return Err(FetchError::Url("the URL of the repository has a query in it".to_owned()));
    }
    let host = host_of(authority)?;
    if path.trim_matches('/').is_empty() {
        return Err(FetchError::Url("the URL of the repository has no path".to_owned()));
    }
    Ok(GitUrl::Https { host, url: text.trim_end_matches('/').to_owned() })
}

fn ssh(rest: &str) -> Result<GitUrl, FetchError> {
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (user, host) = authority.rsplit_once('@').unwrap_or(("git", authority));
    let (host, port) = match host.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => {
            let port = port.parse().map_err(|_| {
                FetchError::Url("the URL of the repository has a port that is none".to_owned())
            })?;
            (host, port)
        }
        _ => (host, 22),
    };
    // `~user/x` as git has it; all else from the root.
    let path = if path.starts_with('~') { path.to_owned() } else { format!("/{path}") };
    login(user, host, port, path)
}

/// `git@host:path`: the path is relative to the login's folder.
fn scp(authority: &str, path: &str) -> Result<GitUrl, FetchError> {
    let (user, host) = authority.rsplit_once('@').unwrap_or(("git", authority));
    login(user, host, 22, path.to_owned())
}

fn login(user: &str, host: &str, port: u16, path: String) -> Result<GitUrl, FetchError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if user.is_empty() || !user.chars().all(plain) {
        return Err(FetchError::Url(
            "the URL of the repository has a password or a strange user in it".to_owned(),
        ));
    }
    // git takes `NAME::` for the name of a program.
    if path.trim_matches('/').is_empty() || path.starts_with(['-', ':']) {
        return Err(FetchError::Url("the URL of the repository has no path".to_owned()));
    }
    Ok(GitUrl::Ssh { user: user.to_owned(), host: host_of(host)?, port, path })
}

/// A host's name or address, with its port where there is one.
fn host_of(authority: &str) -> Result<String, FetchError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-_:[]".contains(c);
    if authority.is_empty() || authority.starts_with('-') || !authority.chars().all(plain) {
        return Err(FetchError::Url("the URL of the repository has no host".to_owned()));
    }
    Ok(authority.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ssh_url(user: &str, host: &str, port: u16, path: &str) -> GitUrl {
        let [user, host, path] = [user, host, path].map(str::to_owned);
        GitUrl::Ssh { user, host, port, path }
    }

    #[test]
    fn a_repository_is_found_as_git_finds_it() {
        for (text, url) in [
            ("ssh://git@example.com/o/r.git", ssh_url("git", "example.com", 22, "/o/r.git")),
            ("ssh://me@Example.com:2222/o/r", ssh_url("me", "example.com", 2222, "/o/r")),
            ("ssh://example.com/~me/r", ssh_url("git", "example.com", 22, "~me/r")),
            ("git@example.com:o/r.git", ssh_url("git", "example.com", 22, "o/r.git")),
            ("ssh://git@[::1]:22/r", ssh_url("git", "[::1]", 22, "/r")),
        ] {
            assert_eq!(GitUrl::parse(text), Ok(url), "{text}");
        }
        let Ok(GitUrl::Https { host, url }) = GitUrl::parse("https://example.com:8443/o/r/") else {
            panic!("https");
        };
        assert_eq!(
            (host.as_str(), url.as_str()),
            ("example.com:8443", "https://example.com:8443/o/r")
        );
    }

    #[test]
    fn other_schemes_and_passwords_are_refused_without_being_repeated() {
        for wrong in [
            "http://example.com/r",
            "git://example.com/r",
            "file:///etc",
            "ext::sh -c x",
            "/srv/r",
            "https://me:hunter2@example.com/r",
            "https://example.com/r?token=hunter2",
            "https://example.com",
            "ssh://me:hunter2@example.com/r",
            "ssh://-oProxyCommand=x/r",
            "git@example.com:-x",
            "https://exa mple.com/r",
            "",
        ] {
            let error = GitUrl::parse(wrong).unwrap_err();
            assert!(matches!(error, FetchError::Url(_)), "{wrong}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}
