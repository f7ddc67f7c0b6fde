//! `seal`, the command line: runs what the arguments ask for, and turns the result into messages and an exit code.

mod args;
mod calendar;
mod cluster;
mod commands;
mod console;
mod editing;
mod error;
mod files;
mod git;
mod identities;
mod output;
mod parallel;
mod plugin;
mod policy;
mod preset;
mod recall;
mod scope;
mod sealed;
mod sealing;
mod suggest;
mod values;

use std::process::ExitCode;

use console::Console;

fn main() -> ExitCode {
    let mut console = Console::new();
    let result = args::run(&mut console);
    // Output written before a failure is flushed too.
    let flushed = console.finish();
    console.report(result.and(flushed))
}
