//! Which object comes next, when one comes again, how much of them is in hand, and which replica leads.

pub(crate) mod bytes;
pub(crate) mod due;
pub(crate) mod election;
pub(crate) mod pace;
pub(crate) mod queue;
