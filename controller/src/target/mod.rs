//! Where opened values go in a cluster. Each effect has one file.

pub(crate) mod secret;
pub(crate) mod status;
