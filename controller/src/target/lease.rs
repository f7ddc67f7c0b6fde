//! Writes the Lease by which one of several replicas leads: the only file that does.

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use k8s_openapi::jiff::Timestamp;
use kube::api::PostParams;
use kube::{Api, Client};
use seal_core::names::CONTROLLER;

use crate::api_error::ApiError;
use crate::work::election::{LASTS, Record};

/// No Lease lasts longer, whatever it says.
const MOST: std::time::Duration = std::time::Duration::from_secs(300);
/// Annotation of the Lease: which process of a pod holds it, a container that was started again being another one.
const PROCESS: &str = "seal.dev/process";

/// Who holds a Lease, or asks for it.
#[derive(Clone, Debug)]
pub(crate) struct Holder {
    /// The pod.
    pub(crate) name: String,
    /// A number of this process.
    pub(crate) process: String,
}

/// The Leases of the controller's namespace.
#[derive(Clone)]
pub(crate) struct Leases {
    api: Api<Lease>,
    namespace: String,
}

impl Leases {
    pub(crate) fn of(client: Client, namespace: &str) -> Self {
        Self { api: Api::namespaced(client, namespace), namespace: namespace.to_owned() }
    }

    pub(crate) async fn read(&self) -> Result<Option<Lease>, ApiError> {
        let read = self.api.get_opt(CONTROLLER).await;
        read.map_err(|error| self.failed("get the Lease", error))
    }

    /// Makes it, held by `holder`; a race where it is there.
    pub(crate) async fn create(&self, holder: &Holder) -> Result<Lease, ApiError> {
        let metadata = ObjectMeta { name: Some(CONTROLLER.to_owned()), ..ObjectMeta::default() };
        let lease = held(Lease { metadata, spec: None }, holder);
        let made = self.api.create(&PostParams::default(), &lease).await;
        made.map_err(|error| self.failed("create the Lease", error))
    }

    /// Writes it over the version that was read, held by `holder` from now on; a race where it is another one by now.
    pub(crate) async fn hold(&self, read: Lease, holder: &Holder) -> Result<Lease, ApiError> {
        self.replace(held(read, holder)).await
    }

    /// Gives it back, so that nobody waits for its end.
    pub(crate) async fn release(&self, mut lease: Lease) -> Result<(), ApiError> {
        let spec = lease.spec.get_or_insert_default();
        spec.holder_identity = Some(String::new());
        spec.lease_duration_seconds = Some(1);
        spec.renew_time = Some(MicroTime(Timestamp::now()));
        self.replace(lease).await.map(drop)
    }

    async fn replace(&self, mut lease: Lease) -> Result<Lease, ApiError> {
        lease.metadata.managed_fields = None;
        let put = self.api.replace(CONTROLLER, &PostParams::default(), &lease).await;
        put.map_err(|error| self.failed("update the Lease", error))
    }

    fn failed(&self, asked: &'static str, error: kube::Error) -> ApiError {
        ApiError::new(asked, format!("{}/{CONTROLLER}", self.namespace), error)
    }
}

/// The Lease as `holder` writes it. Its times are for people: no replica decides by another's clock.
fn held(mut lease: Lease, holder: &Holder) -> Lease {
    let is_mine = is_of(&lease, holder);
    let now = MicroTime(Timestamp::now());
    let spec = lease.spec.take().unwrap_or_default();
    let transitions = spec.lease_transitions.unwrap_or_default();
    lease.spec = Some(LeaseSpec {
        holder_identity: Some(holder.name.clone()),
        lease_duration_seconds: i32::try_from(LASTS.as_secs()).ok(),
        acquire_time: if is_mine { spec.acquire_time } else { Some(now.clone()) },
        renew_time: Some(now),
        lease_transitions: Some(if is_mine { transitions } else { transitions.saturating_add(1) }),
        ..spec
    });
    let annotations = lease.metadata.annotations.get_or_insert_default();
    annotations.insert(PROCESS.to_owned(), holder.process.clone());
    lease
}

/// What it says, as far as that decides.
pub(crate) fn record(lease: &Lease) -> Record {
    let spec = lease.spec.clone().unwrap_or_default();
    let seconds = spec.lease_duration_seconds.and_then(|seconds| u64::try_from(seconds).ok());
    Record {
        holder: spec.holder_identity.unwrap_or_default(),
        // Whoever writes a longer one keeps nobody from leading for ever.
        lasts: seconds.map_or(LASTS, std::time::Duration::from_secs).min(MOST),
        version: lease.metadata.resource_version.clone().unwrap_or_default(),
    }
}

/// Whether it is held by this very process.
pub(crate) fn is_of(lease: &Lease, holder: &Holder) -> bool {
    let annotations = lease.metadata.annotations.as_ref();
    let process = annotations.and_then(|annotations| annotations.get(PROCESS));
    record(lease).holder == holder.name && process == Some(&holder.process)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_lease_lasts_for_ever_whatever_it_says() {
        for (seconds, lasts) in
            [(None, LASTS.as_secs()), (Some(1), 1), (Some(i32::MAX), 300), (Some(-1), 15)]
        {
            let spec = LeaseSpec { lease_duration_seconds: seconds, ..LeaseSpec::default() };
            let lease = Lease { spec: Some(spec), ..Lease::default() };
            assert_eq!(record(&lease).lasts.as_secs(), lasts, "{seconds:?}");
        }
    }
}
