//! The watches of what sources apply: SealedSecrets of the namespaces that any of them names, and ClusterSealedSecrets.
//!
//! A watch is of metadata alone. It tells whose an object is, what its labels and annotations say, and by its generation that
//! somebody has written another spec; what the specs say is read once, at the end of a list. So the API server sends the
//! ciphertext of what is applied to nobody but the controller.
//!
//! A watch begins when the first source names a namespace, and then stays: it costs a connection, and namespaces rarely
//! leave a GitSource.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kube::api::ListParams;
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
use crate::thin::digested::{ClusterSealedMeta, SealedMeta, Whole, WholeInCluster};
use crate::watch::Events;

/// Objects of a page: of their metadata, and whole.
const META_PAGE: u32 = 500;
const WHOLE_PAGE: u32 = 100;
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

impl Debug for Shared {
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
                    let api: Api<SealedMeta> = Api::namespaced(shared.client.clone(), &namespace);
                    let whole: Api<Whole> = Api::namespaced(shared.client.clone(), &namespace);
                    let of = Of { kind: Kind::SealedSecret, namespace: Some(namespace), whole };
                    let events =
                        Events::of_foreign("SealedSecrets", api, META_PAGE, listing.clone());
                    tokio::spawn(follow(events, of, shared, listing, told));
                }
                None => {
                    let api: Api<ClusterSealedMeta> = Api::all(shared.client.clone());
                    let whole: Api<WholeInCluster> = Api::all(shared.client.clone());
                    let of = Of { kind: Kind::ClusterSealedSecret, namespace: None, whole };
                    let events =
                        Events::of_foreign("ClusterSealedSecrets", api, META_PAGE, listing.clone());
                    tokio::spawn(follow(events, of, shared, listing, told));
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

/// What one watch is of.
struct Of<W> {
    kind: Kind,
    namespace: Option<String>,
    whole: Api<W>,
}

async fn follow<M, W>(
    mut events: Events<M>,
    of: Of<W>,
    shared: Arc<Shared>,
    listing: Arc<Semaphore>,
    told: watch::Sender<State>,
) where
    M: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
    W: Clone + DeserializeOwned + Debug + Into<Whole>,
{
    // Whose objects a list found changed.
    let mut changed = BTreeSet::new();
    loop {
        let refused = match events.next().await {
            Ok(Event::InitDone) => match read_specs(&of, &shared, &listing).await {
                Ok(()) => {
                    listed(&shared, &of, std::mem::take(&mut changed), &told);
                    continue;
                }
                Err(error) => events.fails_at_list(&error),
            },
            Ok(event) => {
                remember(&shared, &of, &event, &mut changed);
                continue;
            }
            Err(code) => code,
        };
        // A watch that may go on again says nothing until something changes; a list says that it may.
        if let 403 | 404 = refused {
            told.send_replace(State::Refused(refused));
            events.begin_anew();
        }
    }
}

fn remember<M: Resource, W>(
    shared: &Shared,
    of: &Of<W>,
    event: &Event<M>,
    changed: &mut BTreeSet<String>,
) {
    match event {
        Event::Init => shared.live.list_begins(of.kind, of.namespace.as_deref()),
        Event::InitApply(object) => changed.extend(shared.live.seen(of.kind, object.meta())),
        Event::Apply(object) => {
            let whose = shared.live.seen(of.kind, object.meta());
            whose.iter().for_each(|uid| shared.repair(uid));
        }
        // Its source makes it anew; and it may have been in the way of another one.
        Event::Delete(object) => {
            shared.live.gone(of.kind, object.meta());
            shared.released();
        }
        Event::InitDone => {}
    }
}

/// All that is there is known: whose objects are `changed`, or gone, are put right.
fn listed<W>(
    shared: &Shared,
    of: &Of<W>,
    mut changed: BTreeSet<String>,
    told: &watch::Sender<State>,
) {
    changed.extend(shared.live.list_ends(of.kind, of.namespace.as_deref()));
    changed.iter().for_each(|uid| shared.repair(uid));
    // What was refused for want of it may be applied now.
    if let State::Refused(_) = told.send_replace(State::Listed) {
        shared.released();
    }
}

/// Reads what the specs say of objects with a mark of which it is not known: all of them when a process begins, else what
/// somebody has written while the watch was interrupted.
async fn read_specs<W>(of: &Of<W>, shared: &Shared, listing: &Semaphore) -> Result<(), kube::Error>
where
    W: Clone + DeserializeOwned + Debug + Into<Whole>,
{
    if !shared.live.has_unread(of.kind, of.namespace.as_deref()) {
        return Ok(());
    }
    let _turn = listing.acquire().await;
    let mut page = ListParams::default().limit(WHOLE_PAGE);
    loop {
        let list = of.whole.list(&page).await?;
        let next = list.metadata.continue_.clone().filter(|token| !token.is_empty());
        list.into_iter().for_each(|object| shared.live.read(of.kind, object.into().0));
        let Some(next) = next else { return Ok(()) };
        page = page.continue_token(&next);
    }
}
