//! Of several replicas one leads: it holds the Lease, and it alone writes.
//!
//! As client-go has it, with one difference: a leader that cannot renew does not end. It writes nothing from then on
//! ([`Fence`]), and goes on where the Lease is still its own when the API server answers again; where another process has
//! taken it, it ends, and begins anew as a replica that waits.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use k8s_openapi::api::coordination::v1::Lease;
use seal_core::escape::{cut, escaped};
use tokio::time::{sleep, timeout};

use crate::api_error::ApiError;
use crate::client::Fence;
use crate::mac::random_id;
use crate::target::lease::{Holder, Leases, is_of, record};
use crate::work::election::{EVERY, Observed, WRITES_FOR};

/// Bytes of a holder's name in the log.
const MOST_OF_A_NAME: usize = 128;
const LEASE: &str = "the Lease";
/// How long one request may take: a renewal has several tries before the leader has to stop writing.
const ANSWERS_WITHIN: Duration = Duration::from_secs(3);
/// How long a stop waits for the Lease to be given back.
const RELEASED_WITHIN: Duration = Duration::from_millis(500);

/// This replica, as one that leads or would.
#[derive(Clone)]
pub(super) struct Replica {
    leases: Leases,
    me: Holder,
    fence: Fence,
    /// The Lease as this process wrote it last.
    held: Arc<Mutex<Option<Lease>>>,
}

/// Why a replica ends of which nothing else is wrong: its watches would stay deaf until versions are as high again, and what
/// changed until then would never be seen.
pub(super) const WENT_BACK: &str =
    "the API server's versions went back, as after a restore of etcd";

/// How a try ended that met no error.
enum Tried {
    Held,
    /// It is another's: whose.
    Taken(String),
    /// It is older than it was.
    WentBack,
}

/// Whether the Lease is older than one that was seen before. Versions are numbers of one history wherever a watch can be
/// resumed by them; where they are none, nothing is known.
fn is_older(lease: &Lease, than: Option<u64>) -> bool {
    version(lease).zip(than).is_some_and(|(now, before)| now < before)
}

fn version(lease: &Lease) -> Option<u64> {
    lease.metadata.resource_version.as_deref()?.parse().ok()
}

impl Replica {
    pub(super) fn new(leases: Leases, name: Option<String>, fence: Fence) -> Self {
        let process = random_id();
        // Outside of a pod nothing says that a process of the same name has ended.
        let name = name.unwrap_or_else(|| format!("process-{process}"));
        Self { leases, me: Holder { name, process }, fence, held: Arc::default() }
    }

    /// Whether it leads, and may write.
    pub(super) fn leads(&self) -> bool {
        self.fence.is_open()
    }

    /// Waits until this replica leads; false where the history of the API server went back meanwhile.
    pub(super) async fn lead(&self) -> bool {
        let (mut observed, mut told, mut newest) = (None, String::new(), None);
        loop {
            let said = match self.try_to_lead(&mut observed, &mut newest).await {
                Ok(Tried::Held) => break,
                Ok(Tried::WentBack) => return false,
                Ok(Tried::Taken(holder)) => {
                    let holder = cut(&escaped(&holder), MOST_OF_A_NAME);
                    format!("{holder} leads; this replica waits, and serves what is only read")
                }
                Err(error) => format!("no replica leads as far as this one knows: {error}"),
            };
            if told != said {
                tracing::info!("{said}");
                told = said;
            }
            sleep(EVERY).await;
        }
        tracing::info!(name = self.me.name, "this replica leads");
        true
    }

    async fn try_to_lead(
        &self,
        observed: &mut Option<Observed>,
        newest: &mut Option<u64>,
    ) -> Result<Tried, ApiError> {
        let Some(lease) = self.read().await? else {
            return self.write(|| self.leases.create(&self.me)).await;
        };
        if is_older(&lease, *newest) {
            return Ok(Tried::WentBack);
        }
        *newest = version(&lease);
        let seen = Observed::after(observed.take(), record(&lease), Instant::now());
        let (may, holder) =
            (seen.may_be_taken(&self.me.name, Instant::now()), seen.holder().to_owned());
        *observed = Some(seen);
        if !may {
            return Ok(Tried::Taken(holder));
        }
        self.write(|| self.leases.hold(lease.clone(), &self.me)).await
    }

    /// Renews the Lease for as long as it is this process's. Returns who has it then; nobody where the history of the API
    /// server went back.
    pub(super) async fn keep(self) -> Option<String> {
        let mut is_told = false;
        loop {
            sleep(EVERY).await;
            match self.renew().await {
                Ok(Tried::Held) if is_told => {
                    tracing::info!("the lease is renewed: this replica writes again");
                    is_told = false;
                }
                Ok(Tried::Held) => {}
                Ok(Tried::WentBack) => {
                    self.fence.close();
                    return None;
                }
                Ok(Tried::Taken(holder)) => {
                    self.fence.close();
                    return Some(cut(&escaped(&holder), MOST_OF_A_NAME));
                }
                Err(error) if !is_told && !self.fence.is_open() => {
                    is_told = true;
                    tracing::warn!(
                        "the lease was not renewed for {} s, and nothing is written until it is: {error}",
                        WRITES_FOR.as_secs()
                    );
                }
                Err(_) => {}
            }
        }
    }

    async fn renew(&self) -> Result<Tried, ApiError> {
        let held = self.held().clone();
        let newest = held.as_ref().and_then(version);
        if let Some(held) = held {
            match self.write(|| self.leases.hold(held.clone(), &self.me)).await {
                Ok(Tried::Taken(_)) => {} // or somebody has put a label on it
                other => return other,
            }
        }
        match self.read().await? {
            Some(lease) if is_older(&lease, newest) => Ok(Tried::WentBack),
            Some(lease) if is_of(&lease, &self.me) => {
                self.write(|| self.leases.hold(lease.clone(), &self.me)).await
            }
            Some(lease) => Ok(Tried::Taken(record(&lease).holder)),
            // Somebody has deleted it.
            None => self.write(|| self.leases.create(&self.me)).await,
        }
    }

    /// Gives the Lease back, when nothing more is written.
    pub(super) async fn release(&self) {
        self.fence.close();
        let held = self.held().take();
        if let Some(lease) = held {
            let _ = timeout(RELEASED_WITHIN, self.leases.release(lease)).await;
        }
    }

    async fn read(&self) -> Result<Option<Lease>, ApiError> {
        timeout(ANSWERS_WITHIN, self.leases.read())
            .await
            .unwrap_or_else(|_| Err(ApiError::silence("get", LEASE)))
    }

    /// Writes it; what is written counts from when it was begun.
    async fn write<F>(&self, write: impl Fn() -> F) -> Result<Tried, ApiError>
    where
        F: Future<Output = Result<Lease, ApiError>>,
    {
        let began = Instant::now();
        let written = timeout(ANSWERS_WITHIN, write()).await;
        match written.unwrap_or_else(|_| Err(ApiError::silence("update", LEASE))) {
            Ok(lease) => {
                *self.held() = Some(lease);
                self.fence.open_until(began + WRITES_FOR);
                Ok(Tried::Held)
            }
            Err(error) if error.is_race() || error.code() == 404 => {
                Ok(Tried::Taken("another replica".to_owned()))
            }
            Err(error) => Err(error),
        }
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Option<Lease>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
