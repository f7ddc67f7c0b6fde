//! What every worker shares. Only this room and [`crate::process`], which makes it, know of it.

use std::sync::Arc;

use kube::Client;
use seal_core::open::allowed::Grants;

use crate::keyring::SharedKeys;
use crate::memory::Memory;
use crate::metrics::Metrics;
use crate::work::bytes::Bytes;
use tokio::sync::Semaphore;

pub(crate) struct Context {
    /// Talks to the API server.
    pub client: Client,
    /// What is remembered of the cluster.
    pub memory: Arc<Memory>,
    /// The identities.
    pub keys: Arc<SharedKeys>,
    /// What this installation gives.
    pub grants: Grants,
    /// What is counted.
    pub metrics: Metrics,
    /// How much of objects the workers may have in hand.
    pub bytes: Bytes,
    /// Turns of live Secrets of ClusterSealedSecrets, which are written side by side; a large one takes several.
    pub copies: Semaphore,
}

impl Context {
    /// How many turns there are.
    pub(crate) const COPIES: u32 = 16;
}
