//! `seal-controller local` as its user sees it: the built binary, real Git repositories, a real disk.
//!
//! Every value that is sealed here holds a canary, and every run's output is searched for it.

#![allow(clippy::unwrap_used, clippy::panic)] // clippy.toml's exception for tests does not reach their helpers

mod apply;
mod bounds;
mod direktiv;
mod folders;
mod hostile_disk;
mod hostile_git;
mod one_file;
mod prune;
mod refuse;
mod remote;
mod replaced;
mod rig;
mod watch;
