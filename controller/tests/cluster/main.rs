//! The controller against a real API server: sealed objects in, live Secrets out.
//!
//! It runs as its ServiceAccount with exactly the rights of `controller/deploy/chart/files`, so every promise here is kept
//! with those.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test reports by panicking")]

mod applies;
mod attaching;
mod bounds;
mod clocks;
mod cluster_owners;
mod cluster_sealed;
mod command_line;
mod contested;
mod faults;
mod git;
mod git_access;
mod git_faults;
mod git_pod;
mod git_repairs;
mod git_rights;
mod git_several;
mod hostile;
mod hostile_maker;
mod hostile_objects;
mod keeping;
mod key_faults;
mod key_verbs;
mod keys;
mod leading;
mod leaving;
mod live_secrets;
mod merging;
mod monitoring;
mod moving_in;
mod narrowed;
mod networks;
mod opening;
mod permissions;
mod platforms;
mod policies;
mod published;
mod rejected_files;
mod review;
mod serving;
mod starting;
mod support;
mod taking_over;
mod telling;
mod tenants;
mod unchanged;
mod uninstalling;
mod verdicts;
mod waiting;
