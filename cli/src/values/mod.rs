//! Values that come without a manifest: from files, env files, standard input or the keyboard.
//!
//! Never from the command line itself, which the shell's history and the list of processes show.

mod entering;
mod password;
mod terminal;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use seal_core::manifest::dotenv::{self, EnvError};
use seal_core::place::is_key;
use seal_core::secret::SecretValue;
use zeroize::Zeroizing;

use crate::console;
use crate::error::Failure;
use crate::files;

pub(crate) use entering::{LineFeeds, end_lines, is_encrypted, look_over};
pub(crate) use password::PasswordArgs;

/// Values by key, as they go into one Secret.
pub(crate) type Values = BTreeMap<String, SecretValue>;

/// The values of the flags.
#[derive(Default)]
pub(crate) struct Given {
    pub(crate) named: Values,
    /// Of standard input, which has no key yet.
    unnamed: Option<Zeroizing<Vec<u8>>>,
}

impl Given {
    pub(crate) fn is_empty(&self) -> bool {
        self.named.is_empty() && self.unnamed.is_none()
    }
}

/// The flags that name values.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Values without a manifest")]
pub(crate) struct ValueArgs {
    /// A file's bytes under KEY, or under its own name (can be repeated)
    ///
    /// A folder stands for its files, - for standard input.
    #[arg(long, value_name = "[KEY=]PATH")]
    pub(crate) from_file: Vec<OsString>,
    /// A file of KEY=VALUE lines as kubectl reads it: no quotes; KEY alone takes the environment's value
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub(crate) from_env_file: Vec<PathBuf>,
    /// A .env file: quotes, comments and `export`; nothing is expanded
    #[arg(long, value_name = "FILE")]
    pub(crate) dotenv: Vec<PathBuf>,
    /// Take standard input that holds nothing for an empty value, which is refused otherwise
    #[arg(long, hide_short_help = true)]
    pub(crate) allow_empty: bool,
    /// Take the line feed off the end of a value of one line
    #[arg(long, hide_short_help = true, conflicts_with = "keep_newline")]
    trim: bool,
    /// Seal the line feed at the end of a value of one line, where a platform's preset stops at it
    #[arg(long, hide_short_help = true)]
    keep_newline: bool,
    /// Not offered: a value on the command line is no secret any more
    #[arg(long, value_name = "KEY=VALUE", hide = true, allow_hyphen_values = true)]
    pub(crate) from_literal: Vec<OsString>,
}

impl ValueArgs {
    pub(crate) fn given(&self) -> bool {
        !self.from_file.is_empty() || !self.from_env_file.is_empty() || !self.dotenv.is_empty()
    }

    /// Refuses what cannot be taken, before anything is read.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        if self.from_literal.is_empty() {
            return Ok(());
        }
        Err(Failure::input("--from-literal: a value on the command line is seen in the shell's history and by other users")
            .hint("use --prompt KEY, or standard input: printf %s \"$VALUE\" | seal --from-file KEY=- …"))
    }

    /// What becomes of a line feed at the end of a line.
    pub(crate) fn line_feeds(&self) -> LineFeeds {
        match (self.trim, self.keep_newline) {
            (true, _) => LineFeeds::Trim,
            (_, true) => LineFeeds::Keep,
            _ => LineFeeds::Unsaid,
        }
    }

    /// Reads all of them; a key twice is an error.
    pub(crate) fn read(&self) -> Result<Given, Failure> {
        let mut given = Given::default();
        for argument in &self.from_file {
            self.read_file(argument, &mut given)?;
        }
        for path in &self.from_env_file {
            let text = files::read_utf8(path)?;
            let entries =
                dotenv::env_file(&text, &environment).map_err(|error| bad_env(path, error))?;
            entering::tell_of_quotes(&entries, path);
            insert_all(entries, path, &mut given.named)?;
        }
        for path in &self.dotenv {
            let text = files::read_utf8(path)?;
            let entries = dotenv::dotenv(&text).map_err(|error| bad_env(path, error))?;
            insert_all(entries, path, &mut given.named)?;
        }
        Ok(given)
    }

    /// All that was given, the one without a key under `key`.
    pub(crate) fn under(&self, key: Option<&str>, given: Given) -> Result<Values, Failure> {
        let mut values = given.named;
        match (given.unnamed, key) {
            (None, _) => {}
            (Some(bytes), Some(key)) => {
                insert(key.to_owned(), self.filled(key, Path::new("-"), bytes)?, &mut values)?;
            }
            (Some(_), None) => {
                return Err(Failure::input(
                    "--from-file -: standard input has no name to be a key",
                )
                .hint("--from-file KEY=-"));
            }
        }
        Ok(values)
    }

    fn read_file(&self, argument: &OsString, given: &mut Given) -> Result<(), Failure> {
        let (key, path) = match argument.to_str().and_then(|text| text.split_once('=')) {
            Some((key, path)) => (Some(key.to_owned()), PathBuf::from(path)),
            None => (None, PathBuf::from(argument)),
        };
        if key.is_none() && files::is_folder(&path) {
            return self.read_folder(&path, &mut given.named);
        }
        if key.is_none() && files::is_stdin(&path) {
            given.unnamed = Some(files::read(&path)?); // a second time is refused there
            return Ok(());
        }
        let named =
            || path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        let key = key.unwrap_or_else(named);
        if !is_key(&key) {
            return Err(Failure::input(
                "--from-file: what stands before = or the file's name cannot be a key",
            )
            .hint("--from-file KEY=PATH, KEY of letters, digits, - . _"));
        }
        let value = self.value_of(&key, &path)?;
        insert(key, value, &mut given.named)
    }

    /// The regular files of a folder, as kubectl takes them; what it passes over is said here.
    fn read_folder(&self, folder: &Path, values: &mut Values) -> Result<(), Failure> {
        let listing = files::list(folder)?;
        if listing.files.is_empty() {
            let message = format!("--from-file {}: there is no file in it", folder.display());
            return Err(Failure::input(match listing.others.as_slice() {
                [] => message,
                others => format!("{message}, only links and folders: {}", others.join(", ")),
            })
            .hint("a link is followed when it is named itself: --from-file KEY=PATH"));
        }
        if !listing.others.is_empty() {
            console::note(&format!(
                "--from-file {}: left out what is a link or a folder: {}",
                folder.display(),
                listing.others.join(", ")
            ));
        }
        for file in listing.files {
            let name = file.file_name().and_then(|name| name.to_str()).filter(|name| is_key(name));
            let Some(name) = name else {
                let message =
                    format!("--from-file: the name of {} cannot be a key", file.display());
                return Err(Failure::input(message)
                    .hint("name the files one by one: --from-file KEY=PATH gives each its key"));
            };
            let value = self.value_of(name, &file)?;
            insert(name.to_owned(), value, values)?;
        }
        Ok(())
    }

    /// The bytes of a file. A pipe that holds nothing is what a command leaves that has failed.
    pub(crate) fn value_of(&self, key: &str, path: &Path) -> Result<SecretValue, Failure> {
        self.filled(key, path, files::read(path)?)
    }

    fn filled(
        &self,
        key: &str,
        path: &Path,
        mut bytes: Zeroizing<Vec<u8>>,
    ) -> Result<SecretValue, Failure> {
        if bytes.is_empty() && !self.allow_empty {
            let name = files::name_of(path);
            if files::is_stdin(path) || files::kind(path) != files::Kind::File {
                return Err(empty(key, &format!("{name} holds nothing")));
            }
            console::note(&format!("{name} is empty, and so is the value of {key}"));
        }
        Ok(SecretValue::from(std::mem::take(&mut *bytes)))
    }

    /// Asks for a value at the terminal without showing it.
    pub(crate) fn prompt(&self, key: &str) -> Result<SecretValue, Failure> {
        if !is_key(key) {
            return Err(Failure::input("--prompt: what was named cannot be a key of a Secret")
                .hint("a key is made of letters, digits, - . _"));
        }
        let question = format!("Value of {key} (not shown): ");
        let typed = terminal::line(&question).map_err(|error| {
            let no_terminal = Failure::input(format!(
                "--prompt {key}: there is no terminal to ask at"
            ))
            .hint(format!("use standard input: printf %s \"$VALUE\" | seal set FILE {key}; without a file --name NAME -n NS --from-file {key}=-"));
            error.failure(
                no_terminal,
                &format!(
                    "a value of several lines comes by --from-file {key}=PATH or standard input"
                ),
            )
        });
        let mut typed = typed?;
        if typed.is_empty() && !self.allow_empty {
            return Err(empty(key, "nothing was typed"));
        }
        Ok(SecretValue::from(std::mem::take(&mut *typed)))
    }
}

fn empty(key: &str, why: &str) -> Failure {
    Failure::input(format!("{why}, and the value of {key} would be empty"))
        .hint("did the command before the pipe fail? --allow-empty seals an empty value")
}

fn bad_env(path: &Path, error: EnvError) -> Failure {
    Failure::input(format!("{}: {error}", files::name_of(path))).hint(
        "--from-env-file reads KEY=VALUE lines without quotes, --dotenv reads quotes and comments",
    )
}

fn environment(key: &str) -> Option<SecretValue> {
    std::env::var_os(key).map(|value| SecretValue::from(value.into_encoded_bytes()))
}

fn insert_all(entries: dotenv::Entries, path: &Path, values: &mut Values) -> Result<(), Failure> {
    if entries.is_empty() {
        return Err(Failure::input(format!("{} has no values", files::name_of(path))));
    }
    entries.into_iter().try_for_each(|(key, value)| insert(key, value, values))
}

/// Adds one value; values are never silently replaced.
pub(crate) fn insert(key: String, value: SecretValue, values: &mut Values) -> Result<(), Failure> {
    if values.contains_key(&key) {
        return Err(
            Failure::input(format!("key {key} is given twice")).hint("leave one of them out")
        );
    }
    values.insert(key, value);
    Ok(())
}
