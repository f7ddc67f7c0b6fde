//! The watches of a cluster: sealed objects, namespaces, the metadata of Secrets, the key Secrets, the published recipient.
//!
//! A watch remembers and asks for work; it never writes. Order at the start: keys, then Secrets, then namespaces, then the
//! workers, then sealed objects, so that an object finds everything that the check for unchanged ones needs, and can be
//! taken from the list as soon as it has arrived.

pub(crate) mod accounts;
mod events;
pub(crate) mod keys;
pub(crate) mod namespaces;
pub(crate) mod recipients;
pub(crate) mod sealed;
pub(crate) mod secrets;

use std::fmt::Debug;
use std::sync::Arc;

use kube::runtime::watcher::Event;
use kube::{Client, Resource};
use serde::de::DeserializeOwned;
use tokio::sync::{Semaphore, watch};

use crate::memory::{Memory, Watched};
use crate::work::queue::Queue;
pub(crate) use events::Events;

/// Told when a watch's first list is complete.
pub(crate) type Listed = watch::Sender<bool>;

/// What a watch fills and wakes.
#[derive(Clone)]
pub(crate) struct Watching {
    pub client: Client,
    pub memory: Arc<Memory>,
    pub queue: Arc<Queue>,
    /// Had by the one watch that lists: two lists would have two pages in memory.
    pub listing: Arc<Semaphore>,
}

/// Has every event remembered, for ever, and says when the first list is complete, or that the start goes on without it: after
/// an error of a code that `goes_on`. The watch begins again all the same.
async fn follow<K>(
    mut events: Events<K>,
    listed: Listed,
    goes_on: impl Fn(u16) -> bool,
    remember: impl Fn(Event<K>),
) where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    loop {
        match events.next().await {
            Ok(event) => {
                let is_listed = matches!(event, Event::InitDone);
                remember(event);
                if is_listed {
                    listed.send_replace(true);
                }
            }
            Err(code) if goes_on(code) => drop(listed.send_replace(true)),
            Err(_) => {}
        }
    }
}

/// One of several namespaces that is gone, or whose owner took our role away, does not hold up the others. Without the list
/// nothing is unsafe: what is there refuses a `POST`.
fn is_of_one_of_several(watched: &Watched, code: u16) -> bool {
    watched.0.is_some() && code == 403
}
