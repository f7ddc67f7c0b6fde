//! `seal key …`: the commands about keys.

mod new;
mod recipient;

use crate::console::Console;
use crate::error::Failure;

/// Make keys, and show their public half
#[derive(Debug, clap::Subcommand)]
pub(crate) enum KeyCommand {
    New(new::NewArgs),
    Recipient(recipient::RecipientArgs),
}

/// Runs one of them.
pub(crate) fn run(command: &KeyCommand, console: &mut Console) -> Result<(), Failure> {
    match command {
        KeyCommand::New(args) => new::run(args, console),
        KeyCommand::Recipient(args) => recipient::run(args, console),
    }
}
