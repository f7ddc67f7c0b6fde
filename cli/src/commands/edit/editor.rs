//! The editor: started as Git starts it, and waited for.

use std::process::{Command, ExitStatus};

use super::failed;
use super::folder::Folder;
use crate::error::{Failure, words};

/// What names the editor, in this order.
const NAMES: [&str; 2] = ["VISUAL", "EDITOR"];
/// Where nothing does.
const DEFAULT: &str = if cfg!(windows) { "notepad" } else { "vi" };

/// Runs the editor on the folder's text until it ends. On a signal the text goes, unless an earlier run has kept it.
pub(super) fn run(folder: &Folder, is_kept: bool) -> Result<(), Failure> {
    let named =
        NAMES.iter().find_map(|name| std::env::var(name).ok().filter(|it| !it.trim().is_empty()));
    let editor = named.unwrap_or_else(|| DEFAULT.to_owned());
    let guard = folder.gone_on_signals(is_kept)?;
    let status = command(&editor, folder).status();
    drop(guard);
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(failed(format!("the editor ended with {}", in_words(status)))
            .hint("the file was not changed")),
        Err(error) => Err(failed(format!("the editor cannot be started: {}", words(&error)))
            .hint("$VISUAL or $EDITOR names one")),
    }
}

/// A shell reads what is named, for it may have arguments: `code --wait`.
#[cfg(unix)]
fn command(editor: &str, folder: &Folder) -> Command {
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("{editor} \"$@\"")).arg(editor).arg(folder.text_path());
    command
}

#[cfg(not(unix))]
fn command(editor: &str, folder: &Folder) -> Command {
    let mut words = editor.split_whitespace();
    let mut command = Command::new(words.next().unwrap_or(DEFAULT));
    command.args(words).arg(folder.text_path());
    command
}

fn in_words(status: ExitStatus) -> String {
    match status.code() {
        Some(127) => "127: there is no program of that name".to_owned(),
        Some(code) => code.to_string(),
        None => "a signal".to_owned(),
    }
}
