//! The words of the command line, and what is said when they make no sense.
//!
//! clap only sorts the words. Its own messages repeat what was typed, and somebody may have typed a value where
//! none belongs: so they are written anew here, from the names of flags alone.

use clap::Parser;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::commands::{Command, seal::SealArgs};
use crate::console::Console;
use crate::error::Failure;

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  failed (Damaged too)
  2  wrong use or bad input (Malformed, NotAllowed)
  3  --check: a file would change
  4  no key, no recipient, no cluster
  5  WrongPlace, NotSealedForThis
  6  already sealed
  8  a recipient is not the one that is pinned
";

#[derive(Debug, Parser)]
#[command(
    name = "seal",
    version,
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true,
    subcommand_value_name = "COMMAND",
    override_usage = "seal [OPTIONS] [FILE]...\n       seal COMMAND",
    term_width = 100, // the same on every screen, so that a test can hold it
    after_help = EXIT_CODES,
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    seal: SealArgs,
}

/// Reads the command line and runs what it asks for.
pub(crate) fn run(console: &mut Console) -> Result<(), Failure> {
    match Cli::try_parse() {
        Ok(Cli { command: Some(command), .. }) => command.run(console),
        Ok(Cli { command: None, seal }) => crate::commands::seal::run(&seal, console),
        Err(error) => explain(&error, console),
    }
}

fn explain(error: &clap::Error, console: &mut Console) -> Result<(), Failure> {
    let flag = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(name)) if error.kind() == ErrorKind::UnknownArgument => {
            flag_name(name)
        }
        Some(ContextValue::String(name)) => name.clone(),
        Some(ContextValue::Strings(names)) => names.join(", "),
        _ => String::new(),
    };
    let message = match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            return console.write(error.render().to_string().as_bytes());
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => "a command is missing".to_owned(),
        ErrorKind::UnknownArgument if flag.is_empty() => "there is an argument too many".to_owned(),
        ErrorKind::UnknownArgument => format!("there is no flag {flag}"),
        ErrorKind::MissingRequiredArgument => format!("{flag} is missing"),
        ErrorKind::ArgumentConflict => match error.get(ContextKind::PriorArg) {
            Some(ContextValue::String(prior)) => format!("{flag} and {prior} exclude each other"),
            _ => format!("{flag} cannot stand beside what else is named"),
        },
        ErrorKind::InvalidValue | ErrorKind::NoEquals => {
            format!("{flag} has no value, or one that it cannot take")
        }
        ErrorKind::InvalidUtf8 => "an argument is not UTF-8 text".to_owned(),
        _ => format!(
            "the arguments make no sense{}",
            if flag.is_empty() { flag } else { format!(": {flag}") }
        ),
    };
    let hint = match error.get(ContextKind::SuggestedArg) {
        Some(ContextValue::String(suggested)) => format!("did you mean {suggested}?"),
        _ => "`seal --help`, or `seal COMMAND --help`".to_owned(),
    };
    Err(Failure::input(message).hint(hint))
}

/// A flag's name without a value behind it; nothing when what was typed may be a value itself.
fn flag_name(typed: &str) -> String {
    let flag = typed.split('=').next().unwrap_or_default();
    let is_name =
        flag.starts_with('-') && flag.bytes().all(|byte| byte == b'-' || byte.is_ascii_lowercase());
    if is_name { flag.to_owned() } else { String::new() }
}

#[cfg(test)]
mod tests {
    use seal_core::exit_code::ExitCode;

    use super::EXIT_CODES;

    #[test]
    fn help_lists_every_exit_code_once() {
        let listed = EXIT_CODES.lines().skip(1).map(|line| line.trim_start().split(' ').next());
        let codes = ExitCode::ALL.map(|code| Some((code as u8).to_string()));
        assert!(listed.eq(codes.iter().map(|code| code.as_deref())));
    }
}
