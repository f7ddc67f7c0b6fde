//! Where the controller learns of things: watches that fill the index and the queue.

pub(crate) mod cluster;
