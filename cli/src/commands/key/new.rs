//! `seal key new`: a new identity in a file, its recipient on standard output.

use std::path::PathBuf;

use seal_core::exit_code::ExitCode;
use seal_core::key::Identity;

use crate::console::{self, Console};
use crate::error::Failure;
use crate::files;
use crate::identities;

/// Make an identity and print its recipient
///
/// Writes a new age identity to FILE, which only you can read; never over an existing file, and never inside a
/// Git work tree. Prints the recipient, which is public, on standard output.
///
/// Example: seal key new -o ~/offline.key >> recipients.txt
#[derive(Debug, clap::Args)]
pub(crate) struct NewArgs {
    /// The identity file to make
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Make an X25519 identity, for readers that know no other; quantum computers will open what is sealed to it
    #[arg(long)]
    classic: bool,
}

pub(super) fn run(args: &NewArgs, console: &mut Console) -> Result<(), Failure> {
    let Some(path) = &args.output else {
        return Err(Failure::input("an identity is never printed: name its file")
            .hint("seal key new -o ~/.config/seal/offline.key"));
    };
    let identity = if args.classic { Identity::generate_classic() } else { Identity::generate() };
    identities::write(&identity, path)?;
    print(&identity, console).inspect_err(|failure| {
        // Whoever closes the pipe has read what they want.
        if failure.code != ExitCode::Done {
            files::remove_own(path);
        }
    })?;
    console::say(&format!("made the identity {} in {}", identity.fingerprint(), path.display()));
    Ok(())
}

/// Without its recipient nobody seals to an identity.
fn print(identity: &Identity, console: &mut Console) -> Result<(), Failure> {
    console.write(format!("{}\n", identity.recipient()).as_bytes())?;
    console.finish()
}
