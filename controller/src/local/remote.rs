//! A repository elsewhere: fetched when its time has come, and read from the last fetch in between.
//!
//! While the server is away the last good commit stays, and its files are still put right. Credentials are read from
//! their files for each fetch, so that new ones count at once.

use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use gix::ObjectId;
use seal_core::reason::Reason;
use seal_disk::private::{self, Pipes, PrivateError};

use super::refusal::Failure;
use crate::fetch::job::{Credentials, Fetched, Job, Reference};
use crate::fetch::url::GitUrl;
use crate::fetch::{FetchError, child};
use crate::mac;
use crate::texts::{Asked, short};
use crate::work::due::Due;

/// How long a fetch may take where nothing is said.
const FETCH_WITHIN: Duration = Duration::from_secs(60);
const MAX_PUBLIC_FILE: u64 = 1024 * 1024;

/// Who asks a git server, and whom is believed.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct RemoteArgs {
    /// For an https:// URL: file with a token or password, which nobody else can read
    #[arg(long, value_name = "FILE")]
    git_token_file: Option<PathBuf>,
    /// For an https:// URL: user beside the password, where the server asks for a certain one
    #[arg(long, value_name = "NAME", requires = "git_token_file")]
    git_username: Option<String>,
    /// For an https:// URL: file of the only authorities whose certificates count, PEM
    #[arg(long, value_name = "FILE")]
    git_ca_file: Option<PathBuf>,
    /// For an ssh:// URL: OpenSSH private key without a passphrase, which nobody else can read
    #[arg(long, value_name = "FILE")]
    git_ssh_key: Option<PathBuf>,
    /// For an ssh:// URL: the server's host keys, as OpenSSH's known_hosts has them
    #[arg(long, value_name = "FILE")]
    git_known_hosts: Option<PathBuf>,
    /// For a URL: folder for what is fetched, which is not secret [default: $CACHE_DIRECTORY, else a folder of the user's cache]
    #[arg(long, value_name = "DIR")]
    git_cache: Option<PathBuf>,
    /// For a URL: how long a fetch may take [default: 60s]
    #[arg(long, value_name = "TIME", value_parser = super::interval)]
    git_timeout: Option<Duration>,
}

/// A repository elsewhere.
#[derive(Debug)]
pub(crate) struct Remote {
    args: RemoteArgs,
    job: Job,
    interval: Duration,
    due: Due,
    commit: Option<ObjectId>,
    /// What the log has said already.
    told: Option<FetchError>,
}

impl RemoteArgs {
    /// Whether anything of it was said that only a URL has a use for.
    pub(crate) fn are_there(&self) -> bool {
        let Self { git_token_file, git_ca_file, git_ssh_key, git_known_hosts, git_cache, .. } =
            self;
        let files = [git_token_file, git_ca_file, git_ssh_key, git_known_hosts, git_cache];
        self.git_timeout.is_some() || files.iter().any(|it| it.is_some())
    }

    pub(crate) fn remote(
        self,
        url: &str,
        reference: Option<&str>,
        path: PathBuf,
        interval: Duration,
    ) -> Result<Remote, Failure> {
        let is_ssh = matches!(GitUrl::parse(url).map_err(failure)?, GitUrl::Ssh { .. });
        if is_ssh && (self.git_ssh_key.is_none() || self.git_known_hosts.is_none()) {
            return Err(Failure::usage(
                "an ssh:// URL needs --git-ssh-key and --git-known-hosts",
                "ssh-keygen -t ed25519 makes a key; the host's operator publishes its host keys",
            ));
        }
        self.of_kind(is_ssh)?;
        let store = self.cache()?.join(name_of(url, reference));
        let job = Job {
            url: url.to_owned(),
            reference: reference.map_or(Reference::Head, Reference::of),
            paths: vec![path],
            credentials: Credentials::default(),
            store,
            known: None,
            ancestor: None,
            timeout: self.git_timeout.unwrap_or(FETCH_WITHIN),
        };
        self.credentials()?;
        Ok(Remote {
            args: self,
            job,
            interval,
            due: Due::now(Instant::now()),
            commit: None,
            told: None,
        })
    }

    /// What is for the other kind of URL is not passed over in silence.
    fn of_kind(&self, is_ssh: bool) -> Result<(), Failure> {
        let https = [&self.git_token_file, &self.git_ca_file];
        let ssh = [&self.git_ssh_key, &self.git_known_hosts];
        let (others, message) = if is_ssh {
            (https, "--git-token-file and --git-ca-file are for an https:// URL")
        } else {
            (ssh, "--git-ssh-key and --git-known-hosts are for an ssh:// URL")
        };
        match others.iter().any(|it| it.is_some()) {
            true => Err(Failure::usage(message, "leave them out")),
            false => Ok(()),
        }
    }

    fn cache(&self) -> Result<PathBuf, Failure> {
        let variable =
            |name| std::env::var_os(name).map(PathBuf::from).filter(|it| it.is_absolute());
        let of_user = || {
            let cache =
                variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")));
            cache.map(|cache| cache.join("seal"))
        };
        let named = self.git_cache.clone().or_else(|| variable("CACHE_DIRECTORY")).or_else(of_user);
        let cache = named.ok_or_else(|| {
            Failure::usage("there is no folder for what is fetched", "name one with --git-cache")
        })?;
        std::path::absolute(cache).map_err(|_| {
            Failure::usage(
                "the folder for what is fetched has no path",
                "name one with --git-cache",
            )
        })
    }

    fn credentials(&self) -> Result<Credentials, Failure> {
        let public = |path: &Option<PathBuf>| path.as_deref().map(public).transpose();
        let secret = |path: &Option<PathBuf>| path.as_deref().map(secret).transpose();
        Ok(Credentials {
            username: self.git_username.clone(),
            password: self.git_token_file.as_deref().map(token).transpose()?,
            bearer_token: None,
            ssh_key: secret(&self.git_ssh_key)?,
            known_hosts: public(&self.git_known_hosts)?,
            ca_bundle: public(&self.git_ca_file)?,
        })
    }
}

impl Remote {
    /// Where its objects are.
    pub(crate) fn store(&self) -> &Path {
        &self.job.store
    }

    /// What was fetched is damaged: it is looked at, and fetched anew.
    pub(crate) fn distrust(&mut self) {
        self.commit = None;
        self.due.changed(Instant::now());
    }

    /// A delivery has come.
    pub(crate) fn woken(&mut self) {
        self.due.woken(Instant::now());
    }

    /// The commit that is to be read now: of a fetch if its time has come, else of the last one.
    pub(crate) fn commit(&mut self, asked: Asked<'_>, once: bool) -> Result<ObjectId, FetchError> {
        if Instant::now() >= self.due.next() {
            self.due.begins(Instant::now());
            let fetched = self.fetch(asked);
            self.reschedule(fetched.as_ref().err());
            match (fetched, self.commit) {
                (Ok(commit), _) => self.commit = Some(commit),
                (Err(error), Some(_)) if !once => self.tell(Some(error)),
                (Err(error), _) => return Err(error),
            }
        }
        self.commit.ok_or_else(|| {
            self.told.clone().unwrap_or_else(|| FetchError::Timeout("the git server".to_owned()))
        })
    }

    fn fetch(&mut self, asked: Asked<'_>) -> Result<ObjectId, FetchError> {
        let wrong =
            |failure: Failure| FetchError::Credentials("credentials".to_owned(), failure.message);
        self.job.credentials = self.args.credentials().map_err(wrong)?;
        self.job.known = self.commit.map(|commit| commit.to_string());
        self.job.ancestor.clone_from(&self.job.known);
        let fetched = child::run(&self.job, asked);
        self.job.credentials = Credentials::default();
        let Fetched { commit, descends } = fetched?;
        let host = || GitUrl::parse(&self.job.url).map(|url| url.host().to_owned());
        let id = ObjectId::from_hex(commit.as_bytes());
        let id = id.map_err(|_| {
            FetchError::Protocol(host().unwrap_or_default(), "no commit".to_owned())
        })?;
        self.tell(None);
        if let Some(before) = self.commit.filter(|_| !descends) {
            let (now, before) = (short(id), short(before));
            tracing::warn!(
                "commit {now} does not descend from {before}, the last one: history was rewritten, and is followed"
            );
        }
        Ok(id)
    }

    fn reschedule(&mut self, error: Option<&FetchError>) {
        let (now, random) = (Instant::now(), RandomState::new().hash_one(()));
        match error {
            None => self.due.succeeded(now, self.interval, random),
            Some(error) => {
                let retry_after = error.retry_after().unwrap_or_default();
                self.due.failed(now, self.interval, retry_after, random);
            }
        }
    }

    fn tell(&mut self, error: Option<FetchError>) {
        match &error {
            Some(error) if self.told.as_ref() != Some(error) => {
                tracing::warn!(reason = %error.reason(), hint = error.hint(), "{error}; the last commit stays");
            }
            None if self.told.is_some() => tracing::info!("the repository can be fetched again"),
            _ => {}
        }
        self.told = error;
    }
}

fn failure(error: FetchError) -> Failure {
    Failure { reason: error.reason(), message: error.to_string(), hint: error.hint() }
}

/// One folder for each repository and reference, whatever is in their names.
fn name_of(url: &str, reference: Option<&str>) -> String {
    let digest = mac::sha256(format!("{url} {}", reference.unwrap_or_default()).as_bytes());
    hex::encode(&digest[..12])
}

/// What a private file holds.
pub(super) fn secret(path: &Path) -> Result<String, Failure> {
    let text = private::read(path, Pipes::Refused).map_err(|error| Failure {
        reason: match error.reason() {
            Reason::NoMatchingKey => Reason::Malformed,
            reason => reason,
        },
        message: format!("the file {} {error}", path.display()),
        hint: match error {
            PrivateError::OpenToOthers => error.hint(),
            _ => "name the file that holds it",
        },
    })?;
    Ok((*text).clone())
}

/// The token in a private file.
fn token(path: &Path) -> Result<String, Failure> {
    let token = secret(path)?.trim_end().to_owned();
    if token.is_empty() {
        return Err(Failure {
            reason: Reason::Malformed,
            message: format!("the file {} is empty", path.display()),
            hint: "name the file that holds the token",
        });
    }
    Ok(token)
}

fn public(path: &Path) -> Result<String, Failure> {
    use std::io::Read;
    let mut text = String::new();
    let file = std::fs::File::open(path).map(|file| file.take(MAX_PUBLIC_FILE));
    let read = file.and_then(|mut file| file.read_to_string(&mut text));
    read.map_err(|error| Failure {
        reason: Reason::Malformed,
        message: format!(
            "the file {} cannot be read: {}",
            path.display(),
            seal_disk::words::words(error.kind())
        ),
        hint: "name the file that holds it; it is read for each fetch",
    })?;
    Ok(text)
}
