//! The identity files: read once, and again when they change, so that a key that arrives later heals at once.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use seal_core::key::{Identity, Keyring};
use zeroize::Zeroizing;

use super::refusal::Failure;

/// A thousand identities with comments.
const MAX_BYTES: u64 = 256 * 1024;

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
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    let meta = file.metadata().map_err(|error| unreadable(path, &error))?;
    if !meta.is_file() || meta.len() > MAX_BYTES {
        let message = format!("{name} is not an identity file");
        return Err(Failure::usage(message, "name the file that holds the AGE-SECRET-KEY-… line"));
    }
    if meta.mode() & 0o077 != 0 {
        let message = format!("others can read or write the identity file {name}");
        return Err(Failure::usage(message, "take that from them with `chmod 600`"));
    }
    // Room for all of it at once: a text that grows leaves unwiped copies behind.
    let room = usize::try_from(meta.len()).unwrap_or_default() + 1;
    let mut text = Zeroizing::new(String::with_capacity(room));
    file.take(meta.len()).read_to_string(&mut text).map_err(|error| unreadable(path, &error))?;
    Identity::parse_file(&text).map_err(|error| {
        let message = format!("the identity file {name}: {error}");
        Failure::usage(message, "`seal key new -o FILE` makes one")
    })
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure {
        reason: "NoMatchingKey",
        message: format!("cannot read the identity file {}: {}", path.display(), error.kind()),
        hint: "`seal key new -o FILE` makes one",
        code: 4,
    }
}
