//! `seal`: Kubernetes Secrets in Git. Anyone can seal; only your cluster can open.

mod args;
mod cluster;
mod commands;
mod console;
mod editing;
mod error;
mod files;
mod identities;
mod output;
mod plugin;
mod policy;
mod scope;
mod sealed;
mod sealing;
mod values;

use std::process::ExitCode;

use console::Console;

fn main() -> ExitCode {
    let mut console = Console::new();
    let result = args::run(&mut console);
    // What was written before a failure belongs to the reader all the same.
    let flushed = console.finish();
    console.report(result.and(flushed))
}
