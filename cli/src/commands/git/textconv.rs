//! `seal git-textconv`: the text that `git diff` compares, a sealed file without its ciphertext.

use std::path::PathBuf;

use seal_core::kind::brief::brief;

use crate::console::Console;
use crate::error::Failure;
use crate::files;

/// Print a sealed file without its ciphertext, for `git diff`
///
/// Each header and payload is a few digits of a digest; everything else is as it stands. A file without a sealed object, or
/// with one behind an alias, is printed as it is. `seal git-setup` has Git run this.
///
/// Example: seal git-textconv db.sealed.yaml
#[derive(Debug, clap::Args)]
pub(crate) struct TextconvArgs {
    /// The file
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Prints it.
pub(crate) fn run(args: &TextconvArgs, console: &mut Console) -> Result<(), Failure> {
    let bytes = files::read(&args.file)?;
    match std::str::from_utf8(&bytes).ok().and_then(brief) {
        Some(text) => console.write(text.as_bytes()),
        None => console.write(&bytes),
    }
}
