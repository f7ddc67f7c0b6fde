//! SSH for git's transport: one session, one `git-upload-pack`, over russh. Deliberately absent: a program `ssh`, its
//! configuration, agents, passwords, and trust at first sight.

use std::borrow::Cow;
use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gix_transport::Protocol;
use gix_transport::client::git::ConnectMode;
use gix_transport::client::git::blocking_io::Connection;
use russh::client::{self, Handle, Msg};
use russh::keys::{Algorithm, HashAlg, PrivateKey, PrivateKeyWithHashAlg, PublicKeyOrCertificate};
use russh::{ChannelStream, Preferred};
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::runtime::Runtime;

use super::FetchError;
use super::job::Credentials;
use super::known_hosts::Pinned;

const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// What a git server's login is.
pub(super) struct Login<'a> {
    pub(super) user: &'a str,
    pub(super) host: &'a str,
    pub(super) port: u16,
    pub(super) path: &'a str,
}

/// What gix reads from and writes to.
pub(super) type Ssh = Connection<Incoming, Outgoing>;

/// The session behind both halves, and what drives it.
pub(super) struct Session {
    runtime: Runtime,
    _handle: Handle<Watcher>,
}

/// One half of the stream. It ends within the runtime, which tells the server.
pub(super) struct Half<T> {
    session: Arc<Session>,
    half: Option<T>,
}

type Incoming = Half<ReadHalf<ChannelStream<Msg>>>;
type Outgoing = Half<WriteHalf<ChannelStream<Msg>>>;

impl<T> Half<T> {
    fn of(session: &Arc<Session>, half: T) -> Self {
        Self { session: session.clone(), half: Some(half) }
    }
}

impl<T> Drop for Half<T> {
    fn drop(&mut self) {
        let _entered = self.session.runtime.enter();
        self.half = None;
    }
}

impl Read for Incoming {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let half = self.half.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        self.session.runtime.block_on(half.read(buffer))
    }
}

impl Write for Outgoing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let half = self.half.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        self.session.runtime.block_on(half.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        let half = self.half.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        self.session.runtime.block_on(half.flush())
    }
}

/// Looks at the key that the server shows.
struct Watcher {
    host: String,
    pinned: Pinned,
    refused: Arc<Mutex<Option<FetchError>>>,
}

impl client::Handler for Watcher {
    type Error = russh::Error;

    async fn check_server_key(
        &mut self,
        shown: &PublicKeyOrCertificate,
    ) -> Result<bool, russh::Error> {
        let offered = match shown {
            PublicKeyOrCertificate::PublicKey { key, .. } if self.pinned.holds(key) => {
                return Ok(true);
            }
            PublicKeyOrCertificate::PublicKey { key, .. } => {
                key.fingerprint(HashAlg::Sha256).to_string()
            }
            PublicKeyOrCertificate::Certificate(_) => "a certificate".to_owned(),
        };
        let error = FetchError::HostKey { host: self.host.clone(), offered };
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        Ok(false)
    }
}

/// Opens the session and starts `git-upload-pack` there.
pub(super) fn connect(
    login: &Login<'_>,
    credentials: &Credentials,
    within: Duration,
) -> Result<Ssh, FetchError> {
    let key = key(credentials)?;
    let known = credentials.known_hosts.as_deref().unwrap_or_default();
    let pinned = Pinned::of(known, login.host.trim_matches(['[', ']']), login.port)?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.map_err(|error| unreachable(login, &error))?;
    let opened =
        runtime.block_on(async { tokio::time::timeout(within, open(login, key, pinned)).await });
    let (handle, stream) = opened.map_err(|_| FetchError::Timeout(login.host.to_owned()))??;
    let session = Arc::new(Session { runtime, _handle: handle });
    let (incoming, outgoing) = tokio::io::split(stream);
    Ok(Connection::new(
        Half::of(&session, incoming),
        Half::of(&session, outgoing),
        Protocol::V2,
        login.path,
        None::<(String, _)>,
        ConnectMode::Process,
        false,
    ))
}

fn key(credentials: &Credentials) -> Result<PrivateKey, FetchError> {
    let wrong = |what: &str| FetchError::Credentials("SSH key".to_owned(), what.to_owned());
    let text = credentials.ssh_key.as_deref().ok_or_else(|| wrong("there is none"))?;
    let key = PrivateKey::from_openssh(text.trim())
        .map_err(|_| wrong("it is no private key in OpenSSH's format"))?;
    match key.algorithm() {
        _ if key.is_encrypted() => Err(wrong("it has a passphrase")),
        Algorithm::Ed25519 | Algorithm::Ecdsa { .. } => Ok(key),
        _ => Err(wrong("it is neither Ed25519 nor ECDSA: ssh-keygen -t ed25519 makes one")),
    }
}

async fn open(
    login: &Login<'_>,
    key: PrivateKey,
    pinned: Pinned,
) -> Result<(Handle<Watcher>, ChannelStream<Msg>), FetchError> {
    let preferred = Preferred { key: Cow::Owned(pinned.algorithms()), ..Preferred::default() };
    let inactivity_timeout = Some(super::SILENT_FOR);
    let config = client::Config {
        preferred,
        nodelay: true,
        inactivity_timeout,
        ..client::Config::default()
    };
    let refused = Arc::new(Mutex::new(None));
    let watcher = Watcher { host: login.host.to_owned(), pinned, refused: refused.clone() };
    let host = login.host.trim_matches(['[', ']']);
    let connecting =
        tokio::time::timeout(CONNECT_WITHIN, tokio::net::TcpStream::connect((host, login.port)));
    let stream = connecting.await.map_err(|_| FetchError::Timeout(login.host.to_owned()))?;
    let stream = stream.map_err(|error| unreachable(login, &error))?;
    let connected = client::connect_stream(Arc::new(config), stream, watcher).await;
    let mut handle = connected.map_err(|error| {
        let refused = refused.lock().unwrap_or_else(PoisonError::into_inner).take();
        refused.unwrap_or_else(|| cause(login, &error))
    })?;
    let key = PrivateKeyWithHashAlg::new(Arc::new(key), None);
    let authenticated = handle.authenticate_publickey(login.user, key).await;
    if !authenticated.map_err(|error| cause(login, &error))?.success() {
        return Err(FetchError::Unauthorized(login.host.to_owned()));
    }
    let channel = handle.channel_open_session().await.map_err(|error| cause(login, &error))?;
    // A server that does not take the variable answers in an older version of the protocol.
    let asked = channel.set_env(false, "GIT_PROTOCOL", "version=2").await;
    asked.map_err(|error| cause(login, &error))?;
    let command = format!("git-upload-pack {}", quoted(login.path));
    channel.exec(false, command).await.map_err(|error| cause(login, &error))?;
    Ok((handle, channel.into_stream()))
}

/// For a shell, as git quotes it.
fn quoted(path: &str) -> String {
    format!("'{}'", path.replace('\'', r"'\''").replace('!', r"'\!'"))
}

fn unreachable(login: &Login<'_>, error: &io::Error) -> FetchError {
    let words = super::http::words(error.kind());
    FetchError::Unreachable(login.host.to_owned(), words)
}

fn cause(login: &Login<'_>, error: &russh::Error) -> FetchError {
    let host = login.host.to_owned();
    match error {
        russh::Error::IO(error) => unreachable(login, error),
        russh::Error::NoCommonAlgo { .. } => FetchError::HostKey {
            host,
            offered: "no key of a kind that is pinned, or no algorithm known here".to_owned(),
        },
        russh::Error::ConnectionTimeout => FetchError::Timeout(host),
        _ => FetchError::Unreachable(host, "the SSH session failed".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_word_of_a_shell() {
        assert_eq!(quoted("/o/r.git"), "'/o/r.git'");
        assert_eq!(quoted("/a'; rm -rf ~ #"), r"'/a'\''; rm -rf ~ #'");
        assert_eq!(quoted("/a!b"), r"'/a'\!'b'");
    }
}
