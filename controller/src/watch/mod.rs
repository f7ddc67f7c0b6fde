//! The watches of a cluster: sealed objects, the metadata of Secrets, the key Secrets, the published recipient.
//!
//! A watch remembers and asks for work; it never writes. Order at the start: keys, then Secrets, then the workers,
//! then sealed objects, so that an object finds everything that the check for unchanged ones needs, and can be
//! taken from the list as soon as it has arrived.

pub(crate) mod keys;
pub(crate) mod recipients;
pub(crate) mod sealed;
pub(crate) mod secrets;

use std::sync::Arc;

use kube::Client;
use kube::runtime::watcher;
use tokio::sync::watch;

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
}

/// One of several namespaces that is gone, or whose owner took our role away, does not hold up the others; its
/// watch begins again until it is let. Without the list nothing is unsafe: what is there refuses a `POST`.
fn go_on_without(watched: &Watched, error: &watcher::Error, listed: &Listed) {
    if watched.0.is_some() && code(error) == 403 {
        listed.send_replace(true);
    }
}

fn code(error: &watcher::Error) -> u16 {
    use watcher::Error;
    match error {
        Error::InitialListFailed(error)
        | Error::WatchStartFailed(error)
        | Error::WatchFailed(error) => crate::api_error::code(error),
        Error::WatchError(status) => status.code,
        _ => 0,
    }
}

fn watch_failed(what: &str, error: &watcher::Error) {
    let code = code(error);
    let hint = match code {
        404 => "; is the kind installed? seal install | kubectl apply --server-side -f -",
        403 => "; the controller's role does not allow it",
        _ => "",
    };
    tracing::warn!(code, "the watch of {what} was interrupted and begins again{hint}");
}
