//! The identity files: read once, and again when they change, so that a key that arrives later heals at once.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use seal_core::identity_file;
use seal_core::key::{Identity, Keyring};
use seal_core::reason::Reason;
use seal_disk::private::{self, Pipes};

use super::refusal::Failure;

/// The keyring of a run, and the files it came from.
#[derive(Debug)]
pub(crate) struct Identities {
    paths: Vec<PathBuf>,
    keyring: Keyring,
    seen: Vec<Option<Stamp>>,
}

type Stamp = (u64, i64, i64);

impl Identities {
    pub(crate) fn read(paths: Vec<PathBuf>) -> Result<Self, Failure> {
        if paths.is_empty() {
            // The same code as where the key is not there: a missing key is one thing to whoever runs this.
            return Err(Failure {
                reason: Reason::NoMatchingKey,
                message: "no identity to open with".to_owned(),
                hint: "name its file with --identity",
            });
        }
        // Stamped before they are read: a change in between is then seen as one.
        let seen = stamps(&paths);
        let keyring = keyring(&paths)?;
        Ok(Self { paths, keyring, seen })
    }

    pub(crate) fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    /// Reads the files again when one of them changed. An error leaves the keyring as it is.
    pub(crate) fn refresh(&mut self) -> Result<bool, Failure> {
        let now = stamps(&self.paths);
        if now == self.seen {
            return Ok(false);
        }
        self.seen = now;
        self.keyring = keyring(&self.paths)?;
        Ok(true)
    }
}

fn stamps(paths: &[PathBuf]) -> Vec<Option<Stamp>> {
    paths.iter().map(|path| stamp(path)).collect()
}

fn stamp(path: &Path) -> Option<Stamp> {
    let meta = std::fs::metadata(path).ok()?;
    Some((meta.ino(), meta.ctime(), meta.ctime_nsec()))
}

fn keyring(paths: &[PathBuf]) -> Result<Keyring, Failure> {
    let mut keyring = Keyring::default();
    for path in paths {
        read_file(path)?.into_iter().for_each(|identity| keyring.insert(identity));
    }
    Ok(keyring)
}

fn read_file(path: &Path) -> Result<Vec<Identity>, Failure> {
    let name = path.display();
    // A pipe would be empty when the file is read again.
    let text = private::read(path, Pipes::Refused).map_err(|error| Failure {
        reason: error.reason(),
        message: format!("the identity file {name} {error}"),
        hint: error.hint(),
    })?;
    identity_file::read(&text).map_err(|error| Failure {
        reason: error.reason(),
        message: format!("the identity file {name}: {error}"),
        hint: error.hint(),
    })
}
