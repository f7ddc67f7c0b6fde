//! The image and the chart as an installer meets them: Helm renders and installs, a registry carries, a runtime runs.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test reports by panicking")]

mod chart;
mod helm;
mod image;
mod pod;
mod upgrade;
