//! The words of the command line: what clap makes of them, and which command they mean.

mod usage;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{CommandFactory, FromArgMatches, Parser};

use crate::commands::{Command, CommandLine, seal::SealArgs};
use crate::console::{self, Console};
use crate::error::Failure;
use crate::files;
use crate::suggest;

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  failed (Damaged too)
  2  wrong use or bad input (Malformed, NotAllowed)
  3  --check: a file would change
  4  no key, no recipient, no cluster
  5  WrongPlace, NotSealedForThis
  6  already sealed
  7  `seal check` found something
  8  a recipient is not the one that is pinned
";

/// In the order in which a newcomer needs them.
const EXAMPLES: &str = "\
Examples:
  seal init && seal fetch              # once for a repository
  seal secret.json -o sealed.yaml      # or: seal secret.json > sealed.yaml
  kubectl create secret generic db -n prod --from-file=password --dry-run=client -o json |
    seal -o db.sealed.yaml
  printf %s \"$TOKEN\" | seal --name api -n prod --from-file token=- -o api.sealed.yaml
  printf %s \"$NEW\" | seal set db.sealed.yaml password
  seal inspect db.sealed.yaml          # who can open it, and where
";

#[derive(Debug, Parser)]
#[command(
    name = "seal",
    version,
    args_conflicts_with_subcommands = true,
    subcommand_value_name = "COMMAND",
    override_usage = "seal [OPTIONS] [FILE]...\n       seal COMMAND",
    term_width = 100, // the same on every screen, so that a test can hold it
    after_help = "`seal --help` has every flag, examples and the exit codes",
    after_long_help = format!("{EXAMPLES}\n{EXIT_CODES}"),
)]
struct Cli {
    /// Say nothing but warnings and errors
    #[arg(long, global = true, hide_short_help = true)]
    quiet: bool,
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    seal: SealArgs,
}

/// Reads the command line and runs what it asks for.
pub(crate) fn run(console: &mut Console) -> Result<(), Failure> {
    match parsed() {
        Ok(cli) => run_one(cli, console),
        Err(error) => usage::explain(&error, console),
    }
}

fn run_one(cli: Cli, console: &mut Console) -> Result<(), Failure> {
    let line = CommandLine { words: Cli::command, run: run_words };
    if cli.quiet {
        console::be_quiet();
    }
    match cli {
        Cli { command: Some(command), .. } => command.run(&line, console),
        Cli { command: None, seal, .. } => {
            not_a_command(seal.first_file())?;
            crate::commands::seal::run(&seal, console)
        }
    }
}

/// Runs words as if they had been typed.
fn run_words(words: &[&str], console: &mut Console) -> Result<(), Failure> {
    match Cli::try_parse_from(["seal"].iter().chain(words)) {
        Ok(cli) => run_one(cli, console),
        Err(error) => usage::explain(&error, console),
    }
}

/// What clap makes of the words, with the name that the command was called by.
fn parsed() -> Result<Cli, clap::Error> {
    let name = called();
    let usage = format!("{name} [OPTIONS] [FILE]...\n       {name} COMMAND");
    let command = Cli::command().bin_name(name).override_usage(usage);
    let matches = command.try_get_matches_from(words())?;
    Cli::from_arg_matches(&matches)
}

/// What was typed, `--quiet` behind the command where it stands before one: every command has it.
fn words() -> Vec<OsString> {
    let mut words: Vec<OsString> = std::env::args_os().collect();
    let is_command = |word: &OsString| {
        word.to_str().is_some_and(|word| Cli::command().find_subcommand(word).is_some())
    };
    if words.get(1).is_some_and(|word| word == "--quiet") && words.get(2).is_some_and(is_command) {
        words.swap(1, 2);
    }
    words
}

/// `kubectl seal` where kubectl runs it as a plugin, by the name of the file: `kubectl-seal`, or krew's
/// `kubectl-seal_secret`, whose word has a dash.
fn called() -> String {
    let file = std::env::args_os().next().map(PathBuf::from);
    let stem = file.as_deref().and_then(|file| file.file_stem()).and_then(|stem| stem.to_str());
    match stem.and_then(|stem| stem.strip_prefix("kubectl-")) {
        Some(word) => format!("kubectl {}", word.replace('_', "-")),
        None => "seal".to_owned(),
    }
}

/// A first word that names no file, and looks like none, was most likely meant as a command.
fn not_a_command(first: Option<&PathBuf>) -> Result<(), Failure> {
    let word = first.and_then(|path| path.to_str()).unwrap_or_default();
    let is_word = word.bytes().all(|byte| byte == b'-' || byte.is_ascii_lowercase());
    if !is_word || word.is_empty() || word == "-" || first.is_some_and(|path| files::exists(path)) {
        return Ok(());
    }
    let commands = Cli::command();
    let names = commands.get_subcommands().map(clap::Command::get_name);
    if commands.find_subcommand(word).is_some() {
        return Err(Failure::input(format!("there is no file {word}"))
            .hint(format!("flags of the command stand behind it: seal {word} …")));
    }
    let hint = match (suggest::of_peers(word), suggest::nearest(word, names)) {
        (Some(ours), _) => format!("{ours}; `seal --help` lists the commands"),
        (None, Some(name)) => {
            format!("did you mean `seal {name}`? `seal --help` lists the commands")
        }
        (None, None) => {
            "`seal --help` lists the commands; anything else is the name of a file".to_owned()
        }
    };
    Err(Failure::input(format!("there is no command and no file {word}")).hint(hint))
}

#[cfg(test)]
mod tests {
    use seal_core::exit_code::ExitCode;

    use clap::CommandFactory;

    use super::{Cli, EXIT_CODES};

    #[test]
    fn short_help_is_one_page() {
        let help = Cli::command().render_help().to_string();
        assert!(help.lines().count() <= 60, "{help}");
        assert!(help.lines().all(|line| line.chars().count() <= 100), "{help}");
    }

    #[test]
    fn help_lists_every_exit_code_once() {
        let listed = EXIT_CODES.lines().skip(1).map(|line| line.trim_start().split(' ').next());
        let codes = ExitCode::ALL.map(|code| Some((code as u8).to_string()));
        assert!(listed.eq(codes.iter().map(|code| code.as_deref())));
    }
}
