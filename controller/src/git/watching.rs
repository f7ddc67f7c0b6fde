//! The watches of what sources apply: SealedSecrets of the namespaces that any of them names, and ClusterSealedSecrets.
//!
//! A watch begins when the first source names a namespace, and then stays: it costs a connection, and namespaces rarely
//! leave a GitSource.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kube::runtime::watcher::Event;
use kube::{Api, Resource};
use seal_core::kind::Kind;
use seal_core::kind::git_source::GitSource;
use seal_core::reason::Reason;
use serde::de::DeserializeOwned;
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;

use super::Shared;
use crate::outcome::Outcome;
use crate::thin::digested::{Whole, WholeInCluster};
use crate::watch::Events;

/// Objects of a page.
const PAGE: u32 = 100;
/// How long a source waits for the first lists.
const LISTED_WITHIN: Duration = Duration::from_secs(30);

/// How far a watch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Listing,
    Listed,
    /// The role does not allow it, or the kind is not there.
    Refused(u16),
}

/// All of them, by namespace; none is of ClusterSealedSecrets.
#[derive(Debug, Default)]
pub(super) struct Watches {
    states: Mutex<BTreeMap<Option<String>, watch::Receiver<State>>>,
    listing: std::sync::OnceLock<Arc<Semaphore>>,
    shared: std::sync::OnceLock<std::sync::Weak<Shared>>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shared")
    }
}

impl Watches {
    pub(super) fn start(&self, shared: &Arc<Shared>, listing: Arc<Semaphore>) {
        let _ = self.shared.set(Arc::downgrade(shared));
        let _ = self.listing.set(listing);
    }

    /// How far the watch of this namespace is; begins it if there is none.
    fn state(&self, namespace: Option<String>) -> Option<watch::Receiver<State>> {
        let shared = self.shared.get()?.upgrade()?;
        let listing = self.listing.get()?.clone();
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = states.entry(namespace.clone());
        let state = entry.or_insert_with(|| {
            let (told, state) = watch::channel(State::Listing);
            match namespace {
                Some(namespace) => {
                    let api: Api<Whole> = Api::namespaced(shared.client.clone(), &namespace);
                    let events = Events::of_foreign("SealedSecrets", api, PAGE, listing);
                    tokio::spawn(follow(events, Kind::SealedSecret, Some(namespace), shared, told));
                }
                None => {
                    let api: Api<WholeInCluster> = Api::all(shared.client.clone());
                    let events = Events::of_foreign("ClusterSealedSecrets", api, PAGE, listing);
                    tokio::spawn(follow(events, Kind::ClusterSealedSecret, None, shared, told));
                }
            }
            state
        });
        Some(state.clone())
    }
}

/// The namespaces of which it is not known what stands there, and why; none is that of ClusterSealedSecrets.
pub(super) type Unwatched = BTreeMap<Option<String>, Outcome>;

impl Shared {
    /// Waits until it is known what stands where the source may apply something; says where it is not.
    pub(super) async fn unwatched(&self, source: &GitSource) -> Unwatched {
        let namespaces = source.spec.namespaces.iter().cloned().map(Some);
        let cluster = self.limits.cluster_sealed_secrets.then_some(None);
        // All of them begin before the first is waited for.
        let states: Vec<_> = namespaces
            .chain(cluster)
            .filter_map(|namespace| Some((namespace.clone(), self.watches.state(namespace)?)))
            .collect();
        let within = Instant::now() + LISTED_WITHIN;
        let mut unwatched = Unwatched::new();
        for (namespace, mut state) in states {
            let known = state.wait_for(|state| *state != State::Listing);
            let state = match tokio::time::timeout_at(within, known).await {
                Ok(Ok(state)) => *state,
                _ => State::Listing,
            };
            if let Err(outcome) = refused(state, namespace.as_deref()) {
                unwatched.insert(namespace, outcome);
            }
        }
        unwatched
    }
}

fn refused(state: State, namespace: Option<&str>) -> Result<(), Outcome> {
    let what = match namespace {
        Some(namespace) => format!("the SealedSecrets of namespace {namespace}"),
        None => "the ClusterSealedSecrets".to_owned(),
    };
    match state {
        State::Listed => Ok(()),
        State::Refused(403) => Err(Outcome::new(
            Reason::NotAllowed,
            format!(
                "its role does not let seal-git write {what}: name it in `seal install --git --git-namespaces`"
            ),
        )),
        State::Refused(_) => Err(Outcome::new(
            Reason::Retrying,
            format!("{what} cannot be listed: is the kind installed?"),
        )),
        State::Listing => Err(Outcome::new(Reason::Retrying, format!("{what} are not listed yet"))),
    }
}

async fn follow<K>(
    mut events: Events<K>,
    kind: Kind,
    namespace: Option<String>,
    shared: Arc<Shared>,
    told: watch::Sender<State>,
) where
    K: Resource + Clone + DeserializeOwned + std::fmt::Debug + Send + Into<Whole> + 'static,
{
    let namespace = namespace.as_deref();
    loop {
        match events.next().await {
            Ok(Event::Init) => shared.live.list_begins(kind, namespace),
            Ok(Event::InitApply(object) | Event::Apply(object)) => {
                let whose = shared.live.seen(kind, object.into().0);
                whose.iter().for_each(|uid| shared.repair(uid));
            }
            // Its source makes it anew; and it may have been in the way of another one.
            Ok(Event::Delete(object)) => {
                shared.live.gone(kind, &object.into().0.metadata);
                shared.released();
            }
            Ok(Event::InitDone) => {
                let whose = shared.live.list_ends(kind, namespace);
                whose.iter().for_each(|uid| shared.repair(uid));
                // What was refused for want of it may be applied now.
                if let State::Refused(_) = told.send_replace(State::Listed) {
                    shared.released();
                }
            }
            // A watch that may go on again says nothing until something changes; a list says that it may.
            Err(code @ (403 | 404)) => {
                told.send_replace(State::Refused(code));
                events.begin_anew();
            }
            Err(_) => {}
        }
    }
}
