//! `seal fmt`: a sealed file in the layout that `seal set` changes line by line.

use std::path::{Path, PathBuf};

use seal_core::exit_code::ExitCode;
use seal_core::kind::edit;
use seal_core::kind::format::{FormatError, Formatted, format};

use crate::console::{self, Console};
use crate::editing;
use crate::error::Failure;
use crate::files;
use crate::sealed;

/// Write a sealed file in the layout that `seal set` can edit
///
/// Takes JSON, flow style or a List of SealedSecrets, and writes one document for each, a line for each field. Needs
/// no key and no plaintext; what is sealed stays as it is. A file that can be edited already is left alone, and one
/// named *.json never becomes YAML.
///
/// Example: seal fmt list.yaml
#[derive(Debug, clap::Args)]
pub(crate) struct FmtArgs {
    /// The sealed file, replaced in place; - is standard input, and then standard output is written
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Write nothing, and exit with 3 if the file would change
    #[arg(long)]
    check: bool,
}

/// Reads the file, and replaces it when its layout is another.
pub(crate) fn run(args: &FmtArgs, console: &mut Console) -> Result<(), Failure> {
    let path = sealed::input(args.file.as_ref())?;
    let text = files::read_utf8(&path)?;
    sealed::read(&path, &text)?;
    if is_named_json(&path) && edit::is_json(&text) {
        return leave_json(&path, &text);
    }
    let formatted = format(&text).map_err(|error| refused(error).about_file(&path))?;
    let Some(Formatted { text: written, dropped }) = formatted else {
        return if files::is_stdin(&path) { console.write(text.as_bytes()) } else { Ok(()) };
    };
    if args.check {
        let message = format!("{} would change: its layout", files::name_of(&path));
        return Err(Failure::new(ExitCode::WouldChange, message)
            .hint("run it again without --check, and commit"));
    }
    for field in dropped {
        console::note(&format!("left out {field}, which is the cluster's"));
    }
    if files::is_stdin(&path) {
        return console.write(written.as_bytes());
    }
    editing::replace_read(&path, &text, written)?;
    console::say(&format!("wrote {}", path.display()));
    Ok(())
}

fn is_named_json(path: &Path) -> bool {
    path.extension().is_some_and(|it| it.eq_ignore_ascii_case("json"))
}

/// What reads a file of that name takes JSON and nothing else.
fn leave_json(path: &Path, text: &str) -> Result<(), Failure> {
    if edit::is_editable_json(text) {
        return Ok(());
    }
    let (yaml, path) = (path.with_extension("yaml"), path.display());
    Err(Failure::input(format!("{path} cannot be edited as it is, and what can be is YAML"))
        .hint(format!("`seal fmt < {path} > {}` writes it to a file of that name", yaml.display())))
}

fn refused(error: FormatError) -> Failure {
    match error {
        FormatError::File(error) => error.into(),
        FormatError::Beside(_) => Failure::input(error.to_string())
            .hint("put it into a file of its own: only the layout of sealed objects is known here"),
        other => Failure::input(other.to_string()).hint("nothing was written"),
    }
}
