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

use std::sync::Arc;

use kube::Client;
use tokio::sync::{Semaphore, watch};

use crate::memory::{Memory, Watched};
use crate::work::queue::Queue;

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

/// One of several namespaces that is gone, or whose owner took our role away, does not hold up the others; its
/// watch begins again until it is let. Without the list nothing is unsafe: what is there refuses a `POST`.
fn go_on_without(watched: &Watched, code: u16, listed: &Listed) {
    if watched.0.is_some() && code == 403 {
        listed.send_replace(true);
    }
}
