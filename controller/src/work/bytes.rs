//! How many bytes of foreign objects the workers have in hand together. Pure but for waiting.
//!
//! An object may have 1.5 MB, its live Secret as much, and each is there several times while it is worked on: as JSON,
//! decoded, opened, planned. So what is in hand is bounded in bytes, not by the number of workers.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes of JSON of sealed objects in hand together.
const SEALED: usize = 4 << 20;
/// Bytes of JSON of live Secrets in hand together.
const LIVE: usize = 2 << 20;
/// What is counted in.
const UNIT: usize = 1024;

/// The room that the workers share.
///
/// A worker takes room for its sealed object first and for its live Secret second, never the other way round: so each
/// one that waits, waits for workers that go on.
pub(crate) struct Bytes {
    sealed: Arc<Semaphore>,
    live: Arc<Semaphore>,
}

/// Room that is given back when this is dropped.
pub(crate) type Taken = Option<OwnedSemaphorePermit>;

impl Default for Bytes {
    fn default() -> Self {
        Self {
            sealed: Arc::new(Semaphore::new(SEALED / UNIT)),
            live: Arc::new(Semaphore::new(LIVE / UNIT)),
        }
    }
}

impl Bytes {
    /// Room for a sealed object of this many bytes; one that is larger than all of it takes all of it.
    pub(crate) async fn of_sealed(&self, bytes: usize) -> Taken {
        take(&self.sealed, bytes, SEALED).await
    }

    /// Room for a live Secret of this many bytes.
    pub(crate) async fn of_live(&self, bytes: usize) -> Taken {
        take(&self.live, bytes, LIVE).await
    }
}

async fn take(room: &Arc<Semaphore>, bytes: usize, most: usize) -> Taken {
    let units = u32::try_from(bytes.min(most).div_ceil(UNIT)).unwrap_or(u32::MAX);
    room.clone().acquire_many_owned(units).await.ok() // fails only when closed, which nobody does
}
