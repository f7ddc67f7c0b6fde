//! Beside real Go age and kubectl: age opens what we seal and we open what it encrypts; kubectl reads what we write and
//! we read what it reads.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test reports by panicking")]

mod go_age;
mod kubectl;
mod process;
mod readme;
