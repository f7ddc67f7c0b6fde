//! What is said when the words of the command line make no sense.
//!
//! clap's own messages repeat what was typed, and somebody may have typed a value where none belongs: so they are
//! written anew here, from the names of flags, arguments and commands alone.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, CommandFactory};

use super::Cli;
use crate::console::Console;
use crate::error::Failure;
use crate::suggest;

/// Writes the help that was asked for, or says what is wrong and where the help of that command is.
pub(super) fn explain(error: &clap::Error, console: &mut Console) -> Result<(), Failure> {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        return console.write(error.render().to_string().as_bytes());
    }
    let (path, mut command) = typed_command();
    Err(Failure::input(message(error, &path)).hint(hint(error, &path, &mut command)))
}

fn message(error: &clap::Error, path: &str) -> String {
    let flag = flag(error);
    match error.kind() {
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => "a command is missing".to_owned(),
        ErrorKind::InvalidSubcommand => format!("`{path}` has no such command"),
        ErrorKind::UnknownArgument if flag.is_empty() => "there is an argument too many".to_owned(),
        ErrorKind::UnknownArgument => format!("there is no flag {flag}"),
        ErrorKind::MissingRequiredArgument => format!("{flag} is missing"),
        ErrorKind::ArgumentConflict => match text_of(error, ContextKind::PriorArg) {
            Some(prior) => format!("{flag} and {} exclude each other", bare(&prior)),
            None => format!("{flag} cannot stand beside what else is named"),
        },
        ErrorKind::InvalidValue | ErrorKind::NoEquals | ErrorKind::ValueValidation => {
            match text_of(error, ContextKind::InvalidValue) {
                Some(value) if !value.is_empty() => {
                    format!("{flag} has a value that it cannot take")
                }
                _ => format!("{flag} has no value"),
            }
        }
        ErrorKind::InvalidUtf8 => "an argument is not UTF-8 text".to_owned(),
        _ if flag.is_empty() => "the arguments make no sense".to_owned(),
        _ => format!("the arguments make no sense: {flag}"),
    }
}

/// What was meant, or what can stand there; and always where it is explained.
fn hint(error: &clap::Error, path: &str, command: &mut Command) -> String {
    let help = format!("`{path} --help`");
    if let Some(ours) = suggest::of_peers(&flag(error)) {
        return format!("{ours}; {help}");
    }
    if let Some(suggested) = text_of(error, ContextKind::SuggestedArg) {
        return format!("did you mean {suggested}? {help} lists all");
    }
    if error.kind() == ErrorKind::InvalidSubcommand {
        let typed = text_of(error, ContextKind::InvalidSubcommand).unwrap_or_default();
        return suggest::hint(&typed, command.get_subcommands().map(Command::get_name));
    }
    if error.kind() == ErrorKind::InvalidValue
        && let Some(values) = text_of(error, ContextKind::ValidValue).filter(|it| !it.is_empty())
    {
        return format!("it takes {values}; {help}");
    }
    let usage = command.render_usage().to_string();
    let usage: Vec<&str> = usage.split_whitespace().skip(1).collect();
    match error.kind() {
        ErrorKind::MissingRequiredArgument | ErrorKind::UnknownArgument if path != "seal" => {
            format!("{}; {help}", usage.join(" "))
        }
        _ => help,
    }
}

/// The command that was typed, with the words that lead to it.
fn typed_command() -> (String, Command) {
    let mut command = Cli::command();
    command.build();
    let mut path = command.get_name().to_owned();
    for word in std::env::args_os().skip(1) {
        let Some(found) = word.to_str().and_then(|word| command.find_subcommand(word)) else {
            break;
        };
        let found = found.clone();
        path = format!("{path} {}", found.get_name());
        command = found;
    }
    (path, command)
}

/// The flag or argument that the error is about, without a value behind it.
fn flag(error: &clap::Error) -> String {
    match text_of(error, ContextKind::InvalidArg) {
        Some(name) if error.kind() == ErrorKind::UnknownArgument => flag_name(&name),
        Some(name) => bare(&name),
        None => String::new(),
    }
}

fn text_of(error: &clap::Error, kind: ContextKind) -> Option<String> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text.clone()),
        ContextValue::Strings(texts) => Some(texts.join(", ")),
        _ => None,
    }
}

/// `<FILE>...` is FILE to people.
fn bare(name: &str) -> String {
    name.replace(['<', '>', '[', ']'], "").replace("...", "")
}

/// A flag's name without a value behind it; nothing when what was typed may be a value itself.
fn flag_name(typed: &str) -> String {
    let flag = typed.split('=').next().unwrap_or_default();
    let is_name =
        flag.starts_with('-') && flag.bytes().all(|byte| byte == b'-' || byte.is_ascii_lowercase());
    if is_name { flag.to_owned() } else { String::new() }
}
