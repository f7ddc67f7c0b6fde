//! Reading what the user named: a file, standard input, the names in a folder.
//!
//! What is read may be a secret and is wiped on drop.

use std::fs::{self, File};
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use seal_core::text;
use seal_disk::system;
use zeroize::Zeroizing;

use super::paths::{is_stdin, name_of};
use crate::error::Failure;

/// Larger than any Secret in base64 by far; a mistyped path must not fill the memory.
const MAX_INPUT_BYTES: u64 = 64 * 1024 * 1024;

/// Whether standard input has been read: the second time there would be nothing in it, silently.
static STDIN_TAKEN: AtomicBool = AtomicBool::new(false);

pub(crate) fn stdin_is_terminal() -> bool {
    io::stdin().is_terminal()
}

/// Reads a file, or standard input for `-`.
pub(crate) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    if is_stdin(path) {
        if STDIN_TAKEN.swap(true, Ordering::Relaxed) {
            return Err(Failure::input("standard input is named twice, and can be read once")
                .hint("put one of the two into a file"));
        }
        return read_from(io::stdin().lock(), 0, Path::new("standard input"));
    }
    let opened = open(path).map_err(|error| Failure::io("read", path, &error))?;
    let Some((file, size)) = opened else {
        let message = format!("{} is a pipe or a device, not a file", path.display());
        return Err(Failure::input(message).hint("what it has goes to standard input: - < PIPE"));
    };
    read_from(file, size, path)
}

/// Opens what ends: a file, or what a shell hands over such as `<(…)`. A pipe with a name of its own may have no writer,
/// and a terminal no end.
fn open(path: &Path) -> io::Result<Option<(File, u64)>> {
    let file = system::open_at_once(path)?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    if !metadata.is_file() && !system::is_handed_over(path) && path != Path::new("/dev/null") {
        return Ok(None);
    }
    system::wait_from_now(&file)?;
    Ok(Some((file, metadata.len())))
}

fn read_from(input: impl Read, size: u64, path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    // The capacity is right from the start where the size is known, so that growing leaves no copy behind.
    let capacity = usize::try_from(size.min(MAX_INPUT_BYTES)).unwrap_or_default() + 1;
    let mut bytes = Zeroizing::new(Vec::with_capacity(capacity));
    input
        .take(MAX_INPUT_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::io("read", path, &error))?;
    if bytes.len() as u64 > MAX_INPUT_BYTES {
        let message = format!("{} is larger than 64 MiB, and no Secret is", path.display());
        return Err(
            Failure::input(message).hint("the API server takes 1 MiB of values in one Secret")
        );
    }
    Ok(bytes)
}

/// Reads text as kubectl does, UTF-8 or UTF-16 behind its mark: anything else is refused, and not shown.
pub(crate) fn read_text(path: &Path) -> Result<Zeroizing<String>, Failure> {
    text::decode(read(path)?).map_err(|error| {
        let name = name_of(path);
        Failure::input(format!("{name} is {error}"))
            .hint("a manifest is text; bytes of a value go with --from-file KEY=PATH")
    })
}

/// Reads text that is edited in place, or that no other program takes as anything but UTF-8.
pub(crate) fn read_utf8(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let bytes = read(path)?;
    if matches!(bytes[..], [0xff, 0xfe, ..] | [0xfe, 0xff, ..]) {
        let name = name_of(path);
        return Err(Failure::input(format!("{name} is UTF-16, and is to be UTF-8"))
            .hint("`iconv -f UTF-16 -t UTF-8 FILE` makes that of it"));
    }
    text::decode(bytes).map_err(|error| {
        Failure::input(format!("{} is {error}", name_of(path)))
            .hint("bytes of a value go with --from-file KEY=PATH")
    })
}

/// What is in a folder, by name.
#[derive(Default)]
pub(crate) struct Listing {
    /// Its regular files.
    pub(crate) files: Vec<PathBuf>,
    /// Names of everything else: links, folders, pipes.
    pub(crate) others: Vec<String>,
}

/// Lists a folder, as `kubectl create secret --from-file=DIR` looks into it.
pub(crate) fn list(folder: &Path) -> Result<Listing, Failure> {
    listing(folder).map_err(|error| Failure::io("read", folder, &error))
}

fn listing(folder: &Path) -> io::Result<Listing> {
    let mut listing = Listing::default();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            listing.files.push(entry.path());
        } else {
            listing.others.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    listing.files.sort();
    listing.others.sort();
    Ok(listing)
}
