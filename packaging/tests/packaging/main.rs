//! The image and the chart as an installer meets them: Helm renders and installs, a registry carries, a runtime runs.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test reports by panicking")]

mod build;
mod chart;
mod helm;
mod image;
mod pod;
mod registry;
mod release;
mod repository;
mod upgrade;

use std::process::Command;

/// What a command prints when it succeeds, which it must.
fn run(command: &mut Command) -> Vec<u8> {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}
