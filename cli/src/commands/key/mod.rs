//! `seal key …`: the commands about keys.

mod backup;
mod list;
mod new;
mod recipient;
mod restore;
mod retire;
mod rotate;
mod verify_backup;

use crate::console::Console;
use crate::error::Failure;

/// Make keys, show their public half, and look after those of a cluster
#[derive(Debug, clap::Subcommand)]
pub(crate) enum KeyCommand {
    New(new::NewArgs),
    Recipient(recipient::RecipientArgs),
    List(list::ListArgs),
    Rotate(rotate::RotateArgs),
    Retire(retire::RetireArgs),
    Backup(backup::BackupArgs),
    VerifyBackup(verify_backup::VerifyArgs),
    Restore(restore::RestoreArgs),
}

/// Runs one of them.
pub(crate) fn run(command: &KeyCommand, console: &mut Console) -> Result<(), Failure> {
    match command {
        KeyCommand::New(args) => new::run(args, console),
        KeyCommand::Recipient(args) => recipient::run(args, console),
        KeyCommand::List(args) => list::run(args, console),
        KeyCommand::Rotate(args) => rotate::run(args),
        KeyCommand::Retire(args) => retire::run(args),
        KeyCommand::Backup(args) => backup::run(args),
        KeyCommand::VerifyBackup(args) => verify_backup::run(args, console),
        KeyCommand::Restore(args) => restore::run(args),
    }
}
