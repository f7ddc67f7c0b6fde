//! `seal-controller`: opens sealed files, as live Secrets in a cluster or as files without one.
//!
//! Parses, runs, reports. In a cluster [`process`] starts everything: `watch` fills `memory` and wakes `work`;
//! `reconcile` takes it from there, `plan` decides, `target` writes. Without a cluster [`local`] brings what `texts`
//! reads to disk.

mod api_error;
mod client;
mod conditions;
mod connections;
mod fetch;
mod git;
mod keyring;
mod local;
mod mac;
mod memory;
mod metrics;
mod object_id;
mod outcome;
mod plan;
mod process;
mod reconcile;
mod target;
mod telemetry;
mod texts;
mod thin;
mod watch;
mod webhook;
mod work;

use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use seal_core::kind::crd;

/// Open sealed files into live Secrets
#[derive(Debug, Parser)]
#[command(name = "seal-controller", version, args_conflicts_with_subcommands = true)]
struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    cluster: process::ClusterArgs,
    /// How log lines look
    #[arg(long, global = true, value_enum, default_value_t = telemetry::LogFormat::Text)]
    log_format: telemetry::LogFormat,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Local(Box<local::LocalArgs>),
    Git(Box<git::GitArgs>),
    /// Print the CustomResourceDefinitions as they are installed
    Crd {
        /// That of GitSources instead
        #[arg(long)]
        git: bool,
    },
    /// Fetch a repository for the process that started this one
    #[command(hide = true, name = fetch::child::ARGUMENT)]
    Fetch,
}

fn main() -> ExitCode {
    let args = match parsed() {
        Ok(args) => args,
        Err(error) => return not_started(&error),
    };
    telemetry::init(args.log_format);
    no_core_files();
    let result = match args.command {
        None => process::main(args.cluster),
        Some(Command::Local(args)) => local::main(*args),
        Some(Command::Git(args)) => git::main(*args),
        Some(Command::Crd { git }) => print_crd(git),
        Some(Command::Fetch) => fetch::child::main(),
    };
    result.unwrap_or_else(|error| {
        tracing::error!("{error}");
        ExitCode::FAILURE
    })
}

/// The command line, if it makes sense.
fn parsed() -> Result<Args, clap::Error> {
    let args = Args::try_parse()?;
    match args.cluster.problem().filter(|_| args.command.is_none()) {
        Some(problem) => Err(Args::command().error(ErrorKind::ArgumentConflict, problem)),
        None => Ok(args),
    }
}

/// The help that was asked for, or what is wrong with the command line: in a log of JSON, a line without the usage.
fn not_started(error: &clap::Error) -> ExitCode {
    if error.use_stderr() && telemetry::asks_for_json(std::env::args_os()) {
        telemetry::init(telemetry::LogFormat::Json);
        let said = error.render().to_string();
        let lines: Vec<&str> =
            said.lines().map(str::trim).take_while(|line| !line.is_empty()).collect();
        tracing::error!("{}", lines.join(" ").trim_start_matches("error: "));
    } else {
        let _ = error.print(); // with both streams closed there is nobody to tell
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

fn print_crd(git: bool) -> Result<ExitCode, Box<dyn std::error::Error>> {
    use std::io::Write;
    let text = if git { crd::git_crd() } else { crd::crd() };
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// Opened values and identities must not end in a core file, nor be read by a debugger of the same user.
fn no_core_files() {
    use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let limited = setrlimit(Resource::Core, none).is_ok();
    if set_dumpable_behavior(DumpableBehavior::NotDumpable).is_err() || !limited {
        tracing::warn!("this system does not let core files be turned off");
    }
}
