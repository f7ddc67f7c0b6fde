//! `seal key recipient`: the public half of an identity.

use std::path::PathBuf;

use crate::console::Console;
use crate::error::Failure;
use crate::identities;

/// Print the recipient of an identity
///
/// Reads the identities of FILE and prints the recipient of each, one a line: what others seal to, and what
/// `.seal.yaml` and -R take. It is public. FILE may also be the backup of a cluster's keys as kubectl writes it.
///
/// Example: seal key recipient ~/offline.key
#[derive(Debug, clap::Args)]
pub(crate) struct RecipientArgs {
    /// A file of age identities that only its owner can read; - is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub(super) fn run(args: &RecipientArgs, console: &mut Console) -> Result<(), Failure> {
    for identity in identities::read_all(&args.file)? {
        console.write(format!("{}\n", identity.recipient()).as_bytes())?;
    }
    Ok(())
}
