//! Fetches the sealed files of a Git repository over HTTPS or SSH: in process, without `git`, `ssh` or a shell.
//!
//! [`child`] runs each fetch in a process of its own, this same binary: what a server sends can then neither take more
//! memory than that process may have, nor hold up the other sources, and a fetch that takes too long is ended. Inside
//! it, [`fetch`]: first the reference, which is cheap; then the commit with its folders; then only the contents of
//! manifests that are not here yet. A server that cannot leave anything out sends the whole commit.
//!
//! Deliberately absent: submodules, LFS, hooks, filters, credential helpers, and any configuration of git.

pub(crate) mod child;
mod error;
mod exchange;
mod http;
pub(crate) mod job;
mod known_hosts;
mod session;
mod ssh;
mod store;
pub(crate) mod url;

use std::time::Duration;

use gix::ObjectId;
use gix::objs::Kind;

use crate::texts::git::Repository;
use crate::texts::{Asked, SourceError};
pub(crate) use error::FetchError;
use job::{Fetched, Job, Reference};
use session::{Session, Wants};
use store::{History, Store};
use url::GitUrl;

/// How long a server may say nothing. One that computes a pack says so every five seconds.
const SILENT_FOR: Duration = Duration::from_secs(20);
/// Commits that are looked through for [`Job::ancestor`].
pub(crate) const MAX_HISTORY: usize = 10_000;
/// Contents that are asked for at once.
const CONTENTS: usize = 10_000;
/// The folder of commits alone, in a store.
const HISTORY: &str = "history";
/// No contents; or none that is larger than what is read of one file.
const NO_CONTENTS: &str = "blob:none";
const SMALL_CONTENTS: &str = "blob:limit=2097153";

/// Fetches what the job names into its store.
fn fetch(job: &Job) -> Result<Fetched, FetchError> {
    let url = GitUrl::parse(&job.url)?;
    let mut store = Store::open(&job.store)?;
    match into(&mut store, job, &url) {
        // Objects that were there are not: what was fetched before is of no use.
        Err(Stop::Incomplete) => {
            store.clear()?;
            into(&mut store, job, &url).map_err(|stop| stop.told(&url))
        }
        fetched => fetched.map_err(|stop| stop.told(&url)),
    }
}

/// Why a fetch ended before its end.
enum Stop {
    Failed(FetchError),
    /// The store does not hold what the server takes for known.
    Incomplete,
}

impl From<FetchError> for Stop {
    fn from(error: FetchError) -> Self {
        Self::Failed(error)
    }
}

impl Stop {
    fn told(self, url: &GitUrl) -> FetchError {
        match self {
            Self::Failed(error) => error,
            Self::Incomplete => FetchError::Protocol(
                url.host().to_owned(),
                "a commit of which objects are missing".to_owned(),
            ),
        }
    }
}

fn into(store: &mut Store, job: &Job, url: &GitUrl) -> Result<Fetched, Stop> {
    let id = |hash: &Option<String>| ObjectId::from_hex(hash.as_deref()?.as_bytes()).ok();
    let ancestor = id(&job.ancestor);
    let mut session = Session::open(url, &job.credentials, job.timeout)?;
    let (commit, named) = session.tip(&job.reference)?;
    // Nothing is known of it: what lies there is of another process, or was found to be damaged.
    if job.known.is_none() {
        store.mend()?;
        Store::open(&job.store.join(HISTORY))?.mend()?;
    }
    let fetching = Fetching { store, job, url, known: id(&job.known) };
    if !fetching.store.has(commit) {
        fetching.commit(&mut session, commit, named)?;
    }
    if !session.goes_on() {
        session = Session::open(url, &job.credentials, job.timeout)?;
    }
    fetching.contents(&mut session, commit)?;
    let descends = match ancestor {
        Some(ancestor) => fetching.descends(&mut session, commit, ancestor)?,
        None => true,
    };
    Ok(Fetched { commit: commit.to_string(), descends })
}

/// One fetch under way.
struct Fetching<'a> {
    store: &'a Store,
    job: &'a Job,
    url: &'a GitUrl,
    known: Option<ObjectId>,
}

impl Fetching<'_> {
    /// The commit and its folders; with all contents where the server cannot leave them out.
    fn commit(&self, session: &mut Session, commit: ObjectId, named: ObjectId) -> Result<(), Stop> {
        let filter = if self.store.wants_small() { SMALL_CONTENTS } else { NO_CONTENTS };
        let wants = Wants {
            objects: &[named],
            known: self.known.filter(|known| self.store.has(*known)),
            depth: Some(1),
            filter: session.can_choose().then_some(filter),
        };
        let by_hash = matches!(self.job.reference, Reference::Commit(_));
        match session.fetch(wants, self.store) {
            // A server that does not have it, or does not give it by its hash, says so in words of its own.
            Err(FetchError::Protocol(..)) if by_hash => {
                Err(FetchError::NoRef(self.job.reference.to_string()))
            }
            fetched => fetched,
        }?;
        match self.store.history()?.kind(commit) {
            Some(Kind::Commit) => Ok(()),
            Some(_) => Err(Stop::Failed(FetchError::NoCommit(self.job.reference.to_string()))),
            None => Err(Stop::Incomplete),
        }
    }

    /// The contents of manifests that are not here yet.
    fn contents(&self, session: &mut Session, commit: ObjectId) -> Result<(), Stop> {
        let missing = self.missing(commit)?;
        if missing.is_empty() || (self.store.wants_small() && session.can_choose()) {
            return Ok(());
        }
        if !session.can_choose() {
            return Err(Stop::Incomplete);
        }
        for some in missing.chunks(CONTENTS) {
            let wants = Wants { objects: some, ..Wants::default() };
            match session.fetch(wants, self.store) {
                // One of the manifests is no sealed file. All contents that may be one, then, from now on.
                Err(FetchError::TooMuch(..)) => return self.small_contents(commit),
                fetched => fetched?,
            }
        }
        let history = self.store.history()?;
        if missing.iter().all(|id| history.has(*id)) { Ok(()) } else { Err(Stop::Incomplete) }
    }

    fn small_contents(&self, commit: ObjectId) -> Result<(), Stop> {
        self.store.want_small()?;
        self.store.clear()?;
        let mut session = Session::open(self.url, &self.job.credentials, self.job.timeout)?;
        self.commit(&mut session, commit, commit)
    }

    fn missing(&self, commit: ObjectId) -> Result<Vec<ObjectId>, Stop> {
        let mut missing = Vec::new();
        for path in &self.job.paths {
            let repository = Repository::fetched(self.store.path().to_owned(), path.clone());
            match repository.missing(commit, Asked(&|| true)) {
                Ok(some) => missing.extend(some),
                // Whoever reads that folder says so.
                Err(SourceError::NoFolder(_)) => {}
                Err(SourceError::TooMuch(what)) => {
                    let error = FetchError::TooMuch(self.url.host().to_owned(), what.to_owned());
                    return Err(Stop::Failed(error));
                }
                Err(SourceError::Unreadable(_, kind)) => {
                    return Err(Stop::Failed(self.store.unreadable(kind)));
                }
                Err(_) => return Err(Stop::Incomplete),
            }
        }
        missing.sort();
        missing.dedup();
        Ok(missing)
    }

    /// Whether `ancestor` is in the history of `commit`, as far back as is looked.
    fn descends(
        &self,
        session: &mut Session,
        commit: ObjectId,
        ancestor: ObjectId,
    ) -> Result<bool, FetchError> {
        // As after every ordinary merge: then nothing more is asked.
        if commit == ancestor || self.store.history()?.parents(commit).contains(&ancestor) {
            return Ok(true);
        }
        let history = Store::open(&self.store.path().join(HISTORY))?;
        for depth in [50, 1000, MAX_HISTORY] {
            let seen = seen_from(&history.history()?, commit, ancestor);
            if let Seen::Ancestor | Seen::WholeHistory = seen {
                return Ok(matches!(seen, Seen::Ancestor));
            }
            if !session.goes_on() {
                *session = Session::open(self.url, &self.job.credentials, self.job.timeout)?;
            }
            let filter = session.can_choose().then_some("tree:0");
            let wants = Wants { objects: &[commit], depth: Some(depth), filter, known: None };
            session.fetch(wants, &history)?;
        }
        Ok(matches!(seen_from(&history.history()?, commit, ancestor), Seen::Ancestor))
    }
}

/// What of a history is there.
enum Seen {
    Ancestor,
    /// All of it, and the ancestor is not among it.
    WholeHistory,
    /// Some of it, and the ancestor was not met yet.
    Part,
}

fn seen_from(history: &History, commit: ObjectId, ancestor: ObjectId) -> Seen {
    let (mut waiting, mut seen) = (vec![commit], std::collections::HashSet::from([commit]));
    let mut is_whole = true;
    while let Some(id) = waiting.pop() {
        if id == ancestor {
            return Seen::Ancestor;
        }
        is_whole &= history.has(id);
        let parents = history.parents(id).into_iter();
        waiting.extend(parents.filter(|parent| seen.insert(*parent)));
        if seen.len() > 2 * MAX_HISTORY {
            return Seen::Part;
        }
    }
    if is_whole { Seen::WholeHistory } else { Seen::Part }
}
