//! `seal-bench [cli|many|trees|history|presets|layouts|cluster|beside|copies|git|idle]`: measures seal beside its peers in one run and prints
//! Markdown. `copies` and `idle` only by their names: `idle` takes an hour.
//!
//! What it compares with runs on the same machine at the same time, in turns, so that the ratios mean something
//! where the times do not. Starts the programs that lie beside it (`seal`, `seal-controller`); peers that are
//! not there are left out, and said so. Progress goes to standard error.

mod bare;
mod beside;
mod child;
mod cluster;
mod commands;
mod copies;
mod git;
mod history;
mod layouts;
mod many;
mod observer;
mod presets;
mod rounds;
mod table;
mod trees;

use std::error::Error;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::{env, fs};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match args.as_slice() {
        [child::MEASURE, stdin, stdout, program, rest @ ..] => {
            child::measure(stdin, stdout, program, rest)
        }
        [] => both(),
        ["cli"] => commands::run(),
        ["many"] => many::run(),
        ["trees"] => trees::run(),
        ["history"] => history::run(),
        ["presets"] => presets::run(),
        ["layouts"] => layouts::run(),
        ["cluster"] => cluster::run(),
        ["beside"] => beside::run(),
        ["copies"] => cluster::run_copies(),
        ["git"] => git::run(),
        ["idle"] => git::idle::run(),
        _ => {
            Err("usage: seal-bench [cli|many|trees|history|presets|layouts|cluster|beside|copies|git|idle]"
                .into())
        }
    };
    match done.and_then(|text| Ok(io::stdout().write_all(text.as_bytes())?)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn both() -> Result<String> {
    let (machine, one, many) = (machine(), commands::run()?, many::run()?);
    let (trees, history) = (trees::run()?, history::run()?);
    let (presets, layouts) = (presets::run()?, layouts::run()?);
    let (cluster, beside, git) = (cluster::run()?, beside::run()?, git::run()?);
    Ok(format!(
        "{machine}\n{one}\n{many}\n{trees}\n{history}\n{presets}\n{layouts}\n{cluster}\n{beside}\n{git}"
    ))
}

/// What the times were taken on.
fn machine() -> String {
    let cpus = std::thread::available_parallelism().map_or(0, usize::from);
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    format!("Measured on {cpus} × {}.\n", model.map_or("a CPU without a name", |(_, name)| name))
}

/// One line about what goes on.
fn say(line: &str) {
    let _ = writeln!(io::stderr(), "seal-bench: {line}"); // with stderr closed there is nobody to tell
}

/// The program of this workspace that was built beside this one.
fn ours(name: &str) -> Result<PathBuf> {
    let path = env::current_exe()?.with_file_name(name);
    if path.is_file() {
        return Ok(path);
    }
    Err(format!("there is no {}: make bench builds it", path.display()).into())
}
