//! `seal-controller git`: the sealed files of Git repositories, applied to the cluster when they change.
//!
//! Serves the GitSources of one namespace. Each has a loop of its own: it waits for its interval, a webhook, a change of
//! itself or of what it applied, and then takes a [`turn`]: fetch, verify, apply, status. No sealing key is ever here: what
//! is applied is ciphertext, and the controller opens it.

mod accepting;
mod applying;
mod args;
mod counting;
mod credentials;
mod end;
mod fetching;
mod keeping;
mod live;
mod object;
mod pacing;
mod plan;
mod pruning;
mod report;
mod rules;
mod sources;
mod summary;
mod tally;
mod tree;
mod turn;
mod undone;
mod verify;
mod watching;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use gix::ObjectId;
use kube::Client;
use seal_core::kind::git_source::{GitSource, GitSourceStatus};
use seal_core::reason::Reason;
use tokio::net::TcpListener;
use tokio::sync::{Notify, Semaphore};

use crate::client;
use crate::connections;
use crate::outcome::Outcome;
use crate::target::events;
use crate::webhook;
use crate::webhook::Hooks;
pub(crate) use args::GitArgs;
use counting::Counts;
use fetching::Fetches;
use live::LiveObjects;
use rules::Limits;
use watching::Watches;

/// Why the process did not start, or ended by itself.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GitError {
    /// No cluster to talk to.
    #[error("no cluster: {0}")]
    Connect(&'static str),
    /// The address is taken, or none of this machine.
    #[error("cannot listen on {0}: {1}")]
    Listen(std::net::SocketAddr, std::io::ErrorKind),
    /// A task that must not end has ended.
    #[error("{0} ended; that is a bug")]
    Ended(&'static str),
}

/// What all sources share.
pub(crate) struct Shared {
    client: Client,
    namespace: String,
    limits: Limits,
    live: LiveObjects,
    fetches: Fetches,
    hooks: Arc<Hooks>,
    watches: Watches,
    /// The uids of all sources that there are.
    uids: Mutex<BTreeSet<String>>,
    /// Woken by the uid of their source.
    wakes: Mutex<std::collections::BTreeMap<String, Arc<Wake>>>,
    ready: AtomicBool,
    counts: Counts,
}

/// What ends the wait of a source.
#[derive(Debug, Default)]
pub(crate) struct Wake {
    notify: Notify,
    fetch: AtomicBool,
    repair: AtomicBool,
    doubt: AtomicBool,
    /// What its last fetch gave, and where that is.
    fetched: Mutex<Option<(PathBuf, ObjectId)>>,
}

/// What a source was woken for.
struct News {
    fetch: bool,
    repair: bool,
    doubt: bool,
}

impl Wake {
    /// The repository may have changed.
    fn to_fetch(&self) {
        self.fetch.store(true, Ordering::Relaxed);
        self.notify.notify_one();
    }

    /// Something that was applied has changed.
    fn to_repair(&self) {
        self.repair.store(true, Ordering::Relaxed);
        self.notify.notify_one();
    }

    /// A delivery was not signed with its token, which may have been changed.
    fn to_doubt(&self) {
        self.doubt.store(true, Ordering::Relaxed);
        self.notify.notify_one();
    }

    /// Waits; says what has come since this was asked.
    async fn woken(&self) -> News {
        self.notify.notified().await;
        let take = |news: &AtomicBool| news.swap(false, Ordering::Relaxed);
        News { fetch: take(&self.fetch), repair: take(&self.repair), doubt: take(&self.doubt) }
    }
}

impl Shared {
    fn new(client: Client, args: &GitArgs) -> Self {
        Self {
            client,
            namespace: args.namespace.clone(),
            limits: Limits {
                closed_namespaces: [args.controller_namespace.clone(), args.namespace.clone()]
                    .into(),
                cluster_sealed_secrets: args.cluster_sealed_secrets,
            },
            live: LiveObjects::default(),
            // A fetch runs in another folder.
            fetches: Fetches::new(std::path::absolute(&args.cache).unwrap_or(args.cache.clone())),
            hooks: Arc::default(),
            watches: Watches::default(),
            uids: Mutex::default(),
            wakes: Mutex::default(),
            ready: AtomicBool::new(false),
            counts: Counts::new(),
        }
    }

    fn is_there(&self, uid: &str) -> bool {
        self.uids.lock().unwrap_or_else(PoisonError::into_inner).contains(uid)
    }

    /// Wakes the source whose object has changed.
    fn repair(&self, uid: &str) {
        let wakes = self.wakes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(wake) = wakes.get(uid) {
            wake.to_repair();
        }
    }

    /// A source has fetched this commit: others of the same repository and reference fetch it too, so that a file which goes
    /// over from one to another is missed by neither for long.
    fn fetched(&self, uid: &str, store: &Path, commit: ObjectId) {
        let wakes = self.wakes.lock().unwrap_or_else(PoisonError::into_inner);
        for (of, wake) in wakes.iter() {
            let mut fetched = wake.fetched.lock().unwrap_or_else(PoisonError::into_inner);
            match &*fetched {
                _ if of == uid => *fetched = Some((store.to_owned(), commit)),
                Some((of, before)) if of == store && *before != commit => wake.to_fetch(),
                _ => {}
            }
        }
    }

    /// Where what was fetched for the sources is.
    fn stores(&self) -> BTreeSet<PathBuf> {
        let wakes = self.wakes.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |wake: &Arc<Wake>| {
            let fetched = wake.fetched.lock().unwrap_or_else(PoisonError::into_inner);
            fetched.as_ref().map(|(store, _)| store.clone())
        };
        wakes.values().filter_map(of).collect()
    }

    /// Wakes all: an object that was in the way of one of them is gone.
    fn released(&self) {
        let wakes = self.wakes.lock().unwrap_or_else(PoisonError::into_inner);
        wakes.values().for_each(|wake| wake.to_repair());
    }

    /// Tells people what was put right, whose change it was that went.
    async fn tell_of_repair(&self, source: &GitSource, sentence: String) {
        tracing::info!(source = source.metadata.name.as_deref().unwrap_or_default(), "{sentence}");
        events::tell_of_source(&self.client, source, &Outcome::new(Reason::Repaired, sentence))
            .await;
    }

    /// Tells people where the verdict or the revision changed.
    async fn tell(&self, source: &GitSource, before: &GitSourceStatus, now: &GitSourceStatus) {
        let ready = |status: &GitSourceStatus| {
            let ready = status.conditions.iter().find(|it| it.type_ == "Ready");
            ready.map(|it| (it.reason.clone(), it.message.clone())).unwrap_or_default()
        };
        let ((was, _), (is, message)) = (ready(before), ready(now));
        let name = source.metadata.name.as_deref().unwrap_or_default();
        let is_new = before.last_applied_revision != now.last_applied_revision;
        if was == is && !is_new {
            return;
        }
        tracing::info!(source = name, reason = is, "{message}");
        let reason =
            Reason::ALL.into_iter().find(|it| it.as_str() == is).unwrap_or(Reason::Retrying);
        events::tell_of_source(&self.client, source, &Outcome::new(reason, message)).await;
    }
}

/// Runs until SIGTERM or SIGINT.
pub(crate) fn main(args: GitArgs) -> Result<ExitCode, Box<dyn std::error::Error>> {
    // One TLS provider for the whole process, named before the first connection.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(run(args))?;
    runtime.shutdown_timeout(std::time::Duration::from_secs(4));
    Ok(ExitCode::SUCCESS)
}

async fn run(args: GitArgs) -> Result<(), GitError> {
    let client = client::connect(&args.client).await.map_err(GitError::Connect)?;
    let shared = Arc::new(Shared::new(client, &args));
    let listener = TcpListener::bind(args.listen).await;
    let listener = listener.map_err(|error| GitError::Listen(args.listen, error.kind()))?;
    tracing::info!(address = %listener.local_addr().unwrap_or(args.listen), "serving");
    let listing = Arc::new(Semaphore::new(1));
    let result = tokio::select! {
        () = crate::process::stop_signal() => Ok(()),
        () = connections::serve(listener, router(shared.clone())) => Err(GitError::Ended("the endpoints")),
        () = sources::serve(shared.clone(), listing) => Err(GitError::Ended("the watch of GitSources")),
    };
    shared.fetches.stop();
    tracing::info!("stopped");
    result
}

fn router(shared: Arc<Shared>) -> Router {
    let (hooks, counts) = (shared.hooks.clone(), shared.counts.clone());
    let ready = move || {
        let is_ready = shared.ready.load(Ordering::Acquire);
        async move {
            if is_ready {
                (StatusCode::OK, "ok")
            } else {
                (StatusCode::SERVICE_UNAVAILABLE, "the first list of GitSources is not complete")
            }
        }
    };
    Router::new()
        .route("/livez", get(|| async { "ok" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(move || async move { counts.text() }))
        .merge(webhook::router(hooks))
}
