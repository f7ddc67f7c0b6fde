//! Which object comes next, when one comes again, and how much of them is in hand.

pub(crate) mod bytes;
pub(crate) mod due;
pub(crate) mod pace;
pub(crate) mod queue;
