//! Beside real Go age, kubectl and the kubelet's keyring: age opens what we seal and we open what it encrypts; kubectl reads
//! what we write and we read what it reads; the kubelet finds the credentials of registries that we say it finds.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test reports by panicking")]

mod go_age;
mod keyring;
mod kubectl;
mod process;
mod readme;
