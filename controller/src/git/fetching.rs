//! Fetches for all sources: one at a time for each repository, two in all, and one for those that ask for the same.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::Semaphore;

use crate::fetch::job::{Answer, Job, Reference};
use crate::fetch::{FetchError, child};
use crate::mac::sha256;
use crate::texts::Asked;

/// Children at the same time: each may take as much memory as [`child::MAX_MEMORY`].
const CHILDREN: usize = 2;
/// The folder in the cache that is ours alone.
const OURS: &str = "git-sources";

/// What is shared between sources that ask for the same with the same credentials and whose commits are verified alike.
type Key = [u8; 32];

/// The fetches of a process.
#[derive(Debug)]
pub(super) struct Fetches {
    cache: PathBuf,
    children: Semaphore,
    repositories: Mutex<BTreeMap<Key, Arc<Shared>>>,
    /// One child at a time writes to a store.
    stores: Mutex<BTreeMap<PathBuf, Arc<tokio::sync::Mutex<()>>>>,
    /// Stores that were found to be damaged.
    distrusted: Mutex<BTreeSet<PathBuf>>,
    /// Set when the process ends: children end then.
    stopped: Arc<AtomicBool>,
}

/// One repository at one reference.
#[derive(Debug)]
struct Shared {
    store: PathBuf,
    /// The folders that its sources read.
    paths: Mutex<BTreeSet<PathBuf>>,
    last: tokio::sync::Mutex<Option<Last>>,
}

#[derive(Debug)]
struct Last {
    began: Instant,
    paths: BTreeSet<PathBuf>,
    answer: Answer,
    /// The commit of the last one that went well: what the store has does not go with a server that fails.
    known: Option<String>,
    ancestor: Option<String>,
}

/// Whether somebody still waits for a fetch. One that nobody does is ended.
#[derive(Clone, Debug, Default)]
pub(super) struct Wanted(Arc<AtomicBool>);

impl Wanted {
    pub(super) fn no_more(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_so(&self) -> bool {
        !self.0.load(Ordering::Relaxed)
    }
}

/// What a fetch gave, and where.
pub(super) struct Found {
    pub(super) store: PathBuf,
    pub(super) answer: Answer,
}

impl Fetches {
    pub(super) fn new(cache: PathBuf) -> Self {
        Self {
            cache,
            children: Semaphore::new(CHILDREN),
            repositories: Mutex::default(),
            stores: Mutex::default(),
            distrusted: Mutex::default(),
            stopped: Arc::default(),
        }
    }

    /// Fetches, or takes a fetch that began after `asked`.
    pub(super) async fn fetch(
        &self,
        mut job: Job,
        verify: &str,
        asked: Instant,
        wanted: &Wanted,
    ) -> Found {
        let shared = self.shared(&job, verify);
        let paths = {
            let mut paths = shared.paths.lock().unwrap_or_else(PoisonError::into_inner);
            paths.extend(job.paths.iter().cloned());
            paths.clone()
        };
        let mut last = shared.last.lock().await;
        let store = shared.store.clone();
        if let Some(last) = last.as_ref()
            && last.began >= asked
            && last.ancestor == job.ancestor
            && job.paths.iter().all(|path| last.paths.contains(path))
        {
            return Found { store, answer: last.answer.clone() };
        }
        let is_trusted = !self.takes_distrust(&store);
        job.known = last.as_ref().and_then(|last| last.known.clone()).filter(|_| is_trusted);
        job.store.clone_from(&store);
        job.paths = paths.iter().cloned().collect();
        let began = Instant::now();
        let answer = self.in_child(job.clone(), wanted.clone()).await;
        // Of one that was cut off nobody learns anything: whoever waits for the same begins another.
        if answer.is_err() && !wanted.is_so() {
            return Found { store, answer };
        }
        let known = answer.as_ref().ok().map(|fetched| fetched.commit.clone()).or(job.known);
        *last = Some(Last { began, paths, answer: answer.clone(), known, ancestor: job.ancestor });
        Found { store, answer }
    }

    /// Where what is fetched of a repository lies. Whoever finds a commit there has been told of it by the server.
    pub(super) fn store(&self, url: &str, reference: &Reference) -> PathBuf {
        self.cache.join(OURS).join(digest_of(url, &reference.to_string()))
    }

    /// What lies there was found to be damaged: the next fetch looks, and makes it anew.
    pub(super) fn distrust(&self, store: &Path) {
        let mut distrusted = self.distrusted.lock().unwrap_or_else(PoisonError::into_inner);
        distrusted.insert(store.to_owned());
    }

    fn takes_distrust(&self, store: &Path) -> bool {
        self.distrusted.lock().unwrap_or_else(PoisonError::into_inner).remove(store)
    }

    /// A source that is gone reads nothing any more.
    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    async fn in_child(&self, job: Job, wanted: Wanted) -> Answer {
        let store = {
            let mut stores = self.stores.lock().unwrap_or_else(PoisonError::into_inner);
            stores.retain(|_, store| Arc::strong_count(store) > 1);
            stores.entry(job.store.clone()).or_default().clone()
        };
        let _writes = store.lock().await;
        let _child = self.children.acquire().await;
        let stopped = self.stopped.clone();
        let asked = move || !stopped.load(Ordering::Relaxed) && wanted.is_so();
        let run = tokio::task::spawn_blocking(move || child::run(&job, Asked(&asked))).await;
        run.unwrap_or_else(|_| Err(FetchError::NoProcess("it panicked".to_owned())))
    }

    fn shared(&self, job: &Job, verify: &str) -> Arc<Shared> {
        let key = (&job.url, &job.reference, &job.credentials, verify);
        let key = sha256(&zeroize::Zeroizing::new(serde_json::to_vec(&key).unwrap_or_default()));
        let mut repositories = self.repositories.lock().unwrap_or_else(PoisonError::into_inner);
        let made = || {
            Arc::new(Shared {
                store: self.store(&job.url, &job.reference),
                paths: Mutex::default(),
                last: tokio::sync::Mutex::default(),
            })
        };
        // Those that nobody waits for are of credentials or references that have changed.
        if repositories.len() > 1024 {
            repositories.retain(|_, shared| Arc::strong_count(shared) > 1);
        }
        repositories.entry(key).or_insert_with(made).clone()
    }

    /// Removes what was fetched for no source that is there; in our own folder alone, and nothing behind a link.
    pub(super) fn clean(&self, kept: &BTreeSet<PathBuf>) {
        let Ok(entries) = std::fs::read_dir(self.cache.join(OURS)) else { return };
        for entry in entries.filter_map(Result::ok) {
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if is_folder && !kept.contains(&entry.path()) {
                let _ = std::fs::remove_dir_all(entry.path());
            }
        }
    }
}

fn digest_of(url: &str, reference: &str) -> String {
    hex::encode(&sha256(format!("{url} {reference}").as_bytes())[..12])
}
