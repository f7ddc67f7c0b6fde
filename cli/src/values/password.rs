//! The password of a registry: from standard input, a file or the keyboard, never from the command line.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use seal_core::secret::SecretValue;
use zeroize::Zeroizing;

use super::terminal;
use crate::error::Failure;
use crate::files;

/// The flags that say where the password comes from.
#[derive(Debug, clap::Args)]
pub(crate) struct PasswordArgs {
    /// Read the password from FILE; - is standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    /// Ask for the password without showing it
    #[arg(long, conflicts_with = "password_file")]
    prompt: bool,
    /// Take the line feed off the end of the password
    #[arg(long)]
    trim: bool,
    /// As docker has it: what a pipe is read for anyway
    #[arg(long, hide = true, conflicts_with_all = ["password_file", "prompt"])]
    password_stdin: bool,
    /// Not offered: a password on the command line is no secret any more
    #[arg(short = 'p', long, hide = true, allow_hyphen_values = true)]
    password: Option<OsString>,
}

impl PasswordArgs {
    /// Refuses what cannot be taken, before anything is read.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        if self.password.is_none() {
            return Ok(());
        }
        Err(Failure::input(
            "--password: a password on the command line is seen in the shell's history and by other users",
        )
        .hint("leave it out and type it, or use standard input: printf %s \"$PASSWORD\" | seal registry …"))
    }

    /// Whether one of the flags was given.
    pub(crate) fn given(&self) -> bool {
        self.password_file.is_some() || self.prompt || self.password_stdin
    }

    /// Reads it. `whose` is the question's end.
    pub(crate) fn read(&self, whose: &str) -> Result<SecretValue, Failure> {
        let stdin = Path::new("-");
        let password = match &self.password_file {
            Some(file) => files::read(file)?,
            None if self.prompt || (!self.password_stdin && files::stdin_is_terminal()) => {
                asked(whose)?
            }
            None => files::read(stdin)?,
        };
        let end = match password.as_slice() {
            [.., b'\r', b'\n'] if self.trim => 2,
            [.., b'\n'] if self.trim => 1,
            _ => 0,
        };
        Ok(SecretValue::from(&password[..password.len() - end]))
    }
}

fn asked(whose: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let typed = terminal::line(&format!("Password of {whose} (not shown): "));
    typed.map_err(|error| {
        let no_terminal = Failure::input("--prompt: there is no terminal to ask at").hint(
            "use standard input: printf %s \"$PASSWORD\" | seal registry HOST --username USER",
        );
        error.failure(no_terminal, "one of several lines comes by --password-file FILE")
    })
}
