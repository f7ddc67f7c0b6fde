//! Which object comes next, and when one comes again.

pub(crate) mod pace;
pub(crate) mod queue;
