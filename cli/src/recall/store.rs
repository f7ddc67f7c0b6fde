//! Where the memory lies: a folder of this user's caches, closed to others, with a key and one file of pairs.
//!
//! A pair is a digest of ciphertext and a keyed digest of its value, 64 bytes. The file is bounded; the older half goes
//! first. Where it cannot be had nothing is remembered, and nothing fails.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use seal_core::recall::{RECALL_BYTES, RecallKey};
use seal_disk::system;
use zeroize::Zeroizing;

/// Where it lies; what is no whole path, such as `off`, switches it off.
const VARIABLE: &str = "SEAL_CACHE";
/// Bytes of a pair.
const PAIR: usize = 2 * RECALL_BYTES;
/// Most pairs that are kept: 16 MiB.
const MOST: usize = 262_144;

type Half = [u8; RECALL_BYTES];

/// The pairs, and the file that has them.
pub(super) struct Store {
    path: PathBuf,
    /// What the file has, once somebody has asked: it may be large, and most runs only add to it.
    known: OnceCell<HashMap<Half, Half>>,
}

impl Store {
    /// Opens it, and makes it where there is none yet.
    pub(super) fn open() -> Option<(RecallKey, Self)> {
        let folder = folder()?;
        make_private(&folder).ok()?;
        let key = key(&folder.join("key")).ok()?;
        Some((key, Self { path: folder.join("sealed"), known: OnceCell::new() }))
    }

    pub(super) fn get(&self, digest: &Half) -> Option<Half> {
        let known =
            self.known.get_or_init(|| read(&self.path).map(|it| pairs(&it)).unwrap_or_default());
        known.get(digest).copied()
    }

    /// The same where somebody has asked already.
    pub(super) fn given(&self, digest: &Half) -> Option<Half> {
        self.known.get()?.get(digest).copied()
    }

    /// Adds pairs. What cannot be written is not remembered: it costs a larger diff, once.
    pub(super) fn add(&self, new: &[(Half, Half)]) {
        if new.is_empty() {
            return;
        }
        let mut bytes = Vec::with_capacity(new.len() * PAIR);
        for (digest, tag) in new {
            bytes.extend_from_slice(digest);
            bytes.extend_from_slice(tag);
        }
        let _ = self.append(&bytes);
    }

    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        let mut file = open_private(&self.path)?;
        file.lock()?;
        let length = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
        if length.saturating_add(bytes.len()) > MOST * PAIR {
            return self.halve(bytes);
        }
        // A pair that another run was writing when it ended is cut off.
        file.set_len((length - length % PAIR) as u64)?;
        file.write_all(bytes)
    }

    /// Writes the newer half and the new pairs into another file, which takes the name.
    fn halve(&self, bytes: &[u8]) -> io::Result<()> {
        let old = read(&self.path)?;
        let pairs = old.len() / PAIR;
        let newer = pairs.saturating_sub(MOST / 2) * PAIR;
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(&old[newer..pairs * PAIR])?;
        file.write_all(bytes)?;
        file.persist(&self.path).map(drop).map_err(|error| error.error)
    }
}

/// The folder that the system has for what may be lost.
fn folder() -> Option<PathBuf> {
    let named = std::env::var_os(VARIABLE).filter(|it| !it.is_empty());
    if let Some(named) = named {
        // `off`, `0` and whatever else is no whole path: nothing is made in the folder that happens to be the working one.
        return Some(PathBuf::from(named)).filter(|path| path.is_absolute());
    }
    let of = |name: &str| std::env::var_os(name).filter(|it| !it.is_empty()).map(PathBuf::from);
    let caches = if cfg!(windows) {
        of("LOCALAPPDATA")
    } else {
        of("XDG_CACHE_HOME").or_else(|| Some(of("HOME")?.join(".cache")))
    };
    Some(caches.filter(|it| it.is_absolute())?.join("seal"))
}

fn make_private(folder: &Path) -> io::Result<()> {
    if let Ok(metadata) = folder.symlink_metadata() {
        let is_ours = system::owner(&metadata) == system::current_user();
        let is_closed = metadata.is_dir() && system::is_private(folder, &metadata);
        return if is_ours && is_closed {
            Ok(())
        } else {
            Err(io::ErrorKind::PermissionDenied.into())
        };
    }
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)
}

/// The machine's key, made where there is none. One that others can read is not used.
fn key(path: &Path) -> io::Result<RecallKey> {
    let other = || io::Error::from(io::ErrorKind::InvalidData);
    match File::open(path) {
        Ok(file) => {
            let metadata = file.metadata()?;
            if !system::is_private(path, &metadata)
                || system::owner(&metadata) != system::current_user()
            {
                return Err(other());
            }
            let mut bytes = Zeroizing::new(Vec::with_capacity(RECALL_BYTES + 1));
            file.take(RECALL_BYTES as u64 + 1).read_to_end(&mut bytes)?;
            match RecallKey::from_bytes(&bytes) {
                Some(key) => Ok(key),
                // Cut when it was written: what was remembered under it is nobody's any more.
                None => fs::remove_file(path).and_then(|()| new_key(path)),
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => new_key(path),
        Err(error) => Err(error),
    }
}

fn new_key(path: &Path) -> io::Result<RecallKey> {
    let key = RecallKey::generate();
    system::create_private(path)?.write_all(key.expose())?;
    Ok(key)
}

/// All of the file; nothing where there is none yet.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        file => file?,
    };
    let mut bytes = Vec::new();
    file.take((MOST * PAIR) as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn pairs(bytes: &[u8]) -> HashMap<Half, Half> {
    let half = |bytes: &[u8]| <Half>::try_from(bytes).expect("a half of a pair");
    let pairs = bytes.chunks_exact(PAIR);
    pairs.map(|pair| (half(&pair[..RECALL_BYTES]), half(&pair[RECALL_BYTES..]))).collect()
}

fn open_private(path: &Path) -> io::Result<File> {
    match OpenOptions::new().append(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            drop(system::create_private(path)?);
            OpenOptions::new().append(true).open(path)
        }
        file => file,
    }
}
