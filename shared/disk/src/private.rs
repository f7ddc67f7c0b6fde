//! Files of private keys: the one place that reads them, for both binaries.
//!
//! A key that others can read is no secret, and one that others can write is theirs: such a file is refused. What is
//! read is wiped on drop, and nothing of it is in an error.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::Path;

use seal_core::identity_file::{self, IdentityFileError};
use seal_core::reason::Reason;
use seal_core::text::{self, NotText};
use zeroize::Zeroizing;

use crate::system;
use crate::words::words;

/// The backup of some hundred keys as kubectl writes it.
pub const MAX_PRIVATE_BYTES: u64 = 2 * 1024 * 1024;

/// Whether a pipe that a shell hands over is read as well as a file, such as `<(pass show key)`. One with a name of its
/// own is not: it may have no writer, and would hold up whoever reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pipes {
    /// It is read to its end, once.
    Taken,
    /// It is refused without waiting for a writer: the file is read again later.
    Refused,
}

/// Why a file of private keys was not read. The caller names the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrivateError {
    /// Its mode gives others a right.
    #[error("can be read or written by others")]
    OpenToOthers,
    /// A folder, a device, a pipe where none is taken.
    #[error("is not a file")]
    NotAFile,
    /// Longer than [`MAX_PRIVATE_BYTES`].
    #[error("is larger than 2 MiB, and no file of keys is")]
    TooLarge,
    /// Neither UTF-8 nor UTF-16 behind its mark.
    #[error("is {0}")]
    NotText(NotText),
    /// Encrypted by age as bytes; its text form is told by [`identity_file`].
    #[error("is encrypted, under a passphrase or for another key")]
    Encrypted,
    /// There is none of that name.
    #[error("is not there")]
    Absent,
    /// The system refused.
    #[error("cannot be read: {}", words(*.0))]
    System(io::ErrorKind),
}

impl PrivateError {
    /// The one word for it.
    pub fn reason(&self) -> Reason {
        match self {
            Self::OpenToOthers => Reason::NotAllowed,
            Self::NotAFile | Self::TooLarge | Self::NotText(_) | Self::Encrypted => {
                Reason::Malformed
            }
            Self::Absent | Self::System(_) => Reason::NoMatchingKey,
        }
    }

    /// What a person can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::OpenToOthers => system::CLOSE_TO_OTHERS,
            Self::NotAFile => {
                "name the file that holds the AGE-SECRET-KEY-… line; what a pipe has goes with `-i - < PIPE`"
            }
            Self::TooLarge | Self::NotText(_) => {
                "name the file that holds the AGE-SECRET-KEY-… line"
            }
            Self::Encrypted => IdentityFileError::Encrypted.hint(),
            Self::Absent => {
                "name the file that `seal init` or `seal key new` made; a new key opens nothing that is sealed already"
            }
            Self::System(_) => "put right what the system names",
        }
    }
}

impl From<io::Error> for PrivateError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::Absent,
            kind => Self::System(kind),
        }
    }
}

/// Reads a file of private keys that only its owner can read or write.
///
/// At most [`MAX_PRIVATE_BYTES`] of text. Looks at the file that was opened, so that another one put in its place is
/// not read. Does not say whether a key is in it.
pub fn read(path: &Path, pipes: Pipes) -> Result<Zeroizing<String>, PrivateError> {
    let file = system::open_at_once(path)?;
    let metadata = file.metadata()?;
    let open_to_others = match check(path, &metadata, pipes) {
        Ok(()) => false,
        Err(PrivateError::OpenToOthers) => true,
        Err(error) => return Err(error),
    };
    system::wait_from_now(&file)?;
    let text = read_text(file, metadata.len())?;
    if open_to_others && !is_no_key(&text) {
        return Err(PrivateError::OpenToOthers);
    }
    Ok(text)
}

/// Whether it is a public key or an encrypted file: others may read that, and whoever reads on says what it is.
fn is_no_key(text: &str) -> bool {
    use IdentityFileError::{Encrypted, Recipient};
    matches!(identity_file::read(text), Err(Recipient(_) | Encrypted))
}

fn check(path: &Path, metadata: &Metadata, pipes: Pipes) -> Result<(), PrivateError> {
    if system::is_pipe(metadata) && pipes == Pipes::Taken && system::is_handed_over(path) {
        return Ok(());
    }
    if !metadata.is_file() {
        return Err(PrivateError::NotAFile);
    }
    if !system::is_private(path, metadata) {
        return Err(PrivateError::OpenToOthers);
    }
    Ok(())
}

fn read_text(file: File, size: u64) -> Result<Zeroizing<String>, PrivateError> {
    // Room for all of it at once where the size is known: a buffer that grows leaves unwiped copies behind.
    let room = size.clamp(4096, MAX_PRIVATE_BYTES) + 1;
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(room).unwrap_or_default()));
    file.take(MAX_PRIVATE_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_PRIVATE_BYTES {
        return Err(PrivateError::TooLarge);
    }
    let encrypted = identity_file::is_encrypted(&bytes);
    text::decode(bytes).map_err(|error| match encrypted {
        true => PrivateError::Encrypted,
        false => PrivateError::NotText(error),
    })
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::fs::{Permissions, set_permissions, write};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn only_a_file_that_is_closed_to_others_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.txt");
        write(&path, "AGE-SECRET-KEY-1").unwrap();
        for (mode, read_as) in [
            (0o600, Ok("AGE-SECRET-KEY-1")),
            (0o400, Ok("AGE-SECRET-KEY-1")),
            (0o640, Err(PrivateError::OpenToOthers)),
            (0o602, Err(PrivateError::OpenToOthers)),
        ] {
            set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let text = read(&path, Pipes::Refused);
            assert_eq!(text.as_ref().map(|text| text.as_str()).map_err(|error| *error), read_as);
        }
        assert_eq!(read(folder.path(), Pipes::Taken).unwrap_err(), PrivateError::NotAFile);
    }

    #[test]
    fn a_file_of_any_size_and_a_pipe_nobody_writes_to_end_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.txt");
        write(&path, vec![b'x'; 3 * 1024 * 1024]).unwrap();
        set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        assert_eq!(read(&path, Pipes::Refused).unwrap_err(), PrivateError::TooLarge);
        for (bytes, error) in [
            (&b"\xff"[..], PrivateError::NotText(NotText::Utf8)),
            (b"age-encryption.org/v1\n-> scrypt\n\xff", PrivateError::Encrypted),
        ] {
            write(&path, bytes).unwrap();
            assert_eq!(read(&path, Pipes::Refused).unwrap_err(), error);
        }
        let pipe = folder.path().join("pipe");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &pipe,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::from_raw_mode(0o600),
            0,
        )
        .unwrap();
        for pipes in [Pipes::Refused, Pipes::Taken] {
            assert_eq!(read(&pipe, pipes).unwrap_err(), PrivateError::NotAFile);
        }
    }
}
