//! `seal key …`: the commands that make keys.

mod new;

use crate::console::Console;
use crate::error::Failure;

/// Make keys
#[derive(Debug, clap::Subcommand)]
pub(crate) enum KeyCommand {
    New(new::NewArgs),
}

/// Runs one of them.
pub(crate) fn run(command: &KeyCommand, console: &mut Console) -> Result<(), Failure> {
    match command {
        KeyCommand::New(args) => new::run(args, console),
    }
}
