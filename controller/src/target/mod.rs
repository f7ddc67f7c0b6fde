//! The only writers to the API server: live Secrets, the published recipient, statuses and Events.

pub(crate) mod events;
pub(crate) mod recipients;
pub(crate) mod secret;
pub(crate) mod status;
