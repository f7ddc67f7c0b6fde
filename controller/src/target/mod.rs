//! The only writers to the API server: live Secrets, the published recipient, statuses, our finalizer and
//! Events.

pub(crate) mod events;
pub(crate) mod finalizer;
pub(crate) mod lease;
pub(crate) mod merging;
pub(crate) mod pull_secrets;
pub(crate) mod recipients;
pub(crate) mod secret;
pub(crate) mod sources;
pub(crate) mod status;
