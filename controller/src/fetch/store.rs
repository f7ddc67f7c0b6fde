//! The objects that were fetched: a bare repository of packs alone, in a folder of ours.
//!
//! Nothing in it is secret, and nothing in it is believed: every object is named by its hash. It is made anew when it
//! has become many packs, or when it does not hold what it should.

use std::fs;
use std::io::{self, BufRead, Read};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use gix::ObjectId;
use gix::objs::Kind;
use gix::progress::Discard;
use gix_pack::Bundle;
use gix_pack::bundle::write::Options;

use super::FetchError;

/// Bytes of one pack.
pub(crate) const MAX_PACK_BYTES: u64 = 1024 * 1024 * 1024;
/// Bytes of one object in a pack.
pub(crate) const MAX_OBJECT_BYTES: usize = 32 * 1024 * 1024;
/// Packs after which the store is made anew. A fetch makes at most two.
const MAX_PACKS: usize = 64;
const HASH: gix::hash::Kind = gix::hash::Kind::Sha1;
/// A sealed file is smaller than this; what is not is left out where it was once met.
const SMALL: &str = "small";

/// A folder of objects.
#[derive(Debug)]
pub(super) struct Store {
    folder: PathBuf,
}

impl Store {
    /// The store in `folder`, made where it is missing.
    pub(super) fn open(folder: &Path) -> Result<Self, FetchError> {
        let store = Self { folder: folder.to_owned() };
        if store.packs()? > MAX_PACKS {
            store.clear()?;
        }
        let make = |below: &str| {
            let folder = folder.join(below);
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder)
                .map_err(|error| store.unusable(&error))
        };
        make("objects/pack")?;
        make("refs")?;
        for (name, text) in
            [("HEAD", "ref: refs/heads/none\n"), ("config", "[core]\n\tbare = true\n")]
        {
            fs::write(folder.join(name), text).map_err(|error| store.unusable(&error))?;
        }
        Ok(store)
    }

    pub(super) fn path(&self) -> &Path {
        &self.folder
    }

    /// Removes all that was fetched.
    pub(super) fn clear(&self) -> Result<(), FetchError> {
        match fs::remove_dir_all(self.pack_folder()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(self.unusable(&error)),
            _ => {
                let made =
                    fs::DirBuilder::new().recursive(true).mode(0o700).create(self.pack_folder());
                made.map_err(|error| self.unusable(&error))
            }
        }
    }

    /// Removes what was fetched where a pack is not as it was written, as after a crash or on a full disk.
    pub(super) fn mend(&self) -> Result<(), FetchError> {
        if self.is_whole() { Ok(()) } else { self.clear() }
    }

    fn is_whole(&self) -> bool {
        let Ok(entries) = fs::read_dir(self.pack_folder()) else { return false };
        let mut indices = entries
            .filter_map(Result::ok)
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|it| it == "idx"));
        let goes_on = AtomicBool::new(false);
        indices.all(|path| {
            Bundle::at(path, HASH).is_ok_and(|bundle| {
                bundle.index.verify_checksum(&mut Discard, &goes_on).is_ok()
                    && bundle.pack.verify_checksum(&mut Discard, &goes_on).is_ok()
            })
        })
    }

    /// Whether contents that are too large are to be left out by the server.
    pub(super) fn wants_small(&self) -> bool {
        self.folder.join(SMALL).exists()
    }

    pub(super) fn want_small(&self) -> Result<(), FetchError> {
        fs::write(self.folder.join(SMALL), "").map_err(|error| self.unusable(&error))
    }

    fn pack_folder(&self) -> PathBuf {
        self.folder.join("objects/pack")
    }

    fn packs(&self) -> Result<usize, FetchError> {
        match fs::read_dir(self.pack_folder()) {
            Ok(entries) => Ok(entries
                .filter_map(Result::ok)
                .filter(|entry| entry.path().extension().is_some_and(|it| it == "pack"))
                .count()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
            Err(error) => Err(self.unusable(&error)),
        }
    }

    /// Takes a pack as it arrives. `host` is for messages.
    pub(super) fn receive(&self, pack: &mut dyn BufRead, host: &str) -> Result<(), FetchError> {
        let mut pack = Limited { inner: pack, left: MAX_PACK_BYTES, is_over: false };
        let options = Options {
            thread_limit: Some(1),
            alloc_limit_bytes: Some(MAX_OBJECT_BYTES),
            ..Options::default()
        };
        let objects = gix::odb::at(self.folder.join("objects"), HASH);
        let objects = objects.map_err(|error| self.unusable(&error))?;
        let written = Bundle::write_to_directory(
            &mut pack,
            Some(&self.pack_folder()),
            &mut Discard,
            &AtomicBool::new(false),
            Some(objects),
            HASH,
            options,
        );
        let too_much = |what: &str| FetchError::TooMuch(host.to_owned(), what.to_owned());
        match written {
            Ok(written) => {
                if let Some(keep) = written.keep_path {
                    fs::remove_file(keep).map_err(|error| self.unusable(&error))?;
                }
                Ok(())
            }
            Err(_) if pack.is_over => Err(too_much("a pack of more than 1 GiB")),
            Err(error) if error.classify().is_resource_exhausted() => {
                Err(too_much("an object of more than 32 MiB, or more of them than fit in memory"))
            }
            Err(error) => Err(match of_files(&error) {
                Some(kind) => self.unreadable(kind),
                None => FetchError::Protocol(
                    host.to_owned(),
                    "a pack that is not whole or damaged".to_owned(),
                ),
            }),
        }
    }

    /// Whether the object is here.
    pub(super) fn has(&self, id: ObjectId) -> bool {
        self.history().is_ok_and(|history| history.has(id))
    }

    /// Its commits, to be gone through.
    pub(super) fn history(&self) -> Result<History, FetchError> {
        let objects = gix::odb::at(self.folder.join("objects"), HASH);
        objects.map(History).map_err(|error| self.unusable(&error))
    }

    fn unusable(&self, error: &io::Error) -> FetchError {
        self.unreadable(error.kind())
    }

    /// What is said when a file of it cannot be read or written.
    pub(super) fn unreadable(&self, kind: io::ErrorKind) -> FetchError {
        FetchError::Store(
            seal_core::escape::escaped(&self.folder.to_string_lossy()).to_string(),
            seal_disk::words::words(kind),
        )
    }
}

/// The commits of a store.
pub(super) struct History(gix::odb::Handle);

impl History {
    pub(super) fn has(&self, id: ObjectId) -> bool {
        self.kind(id).is_some()
    }

    /// What the object is, if it is here.
    pub(super) fn kind(&self, id: ObjectId) -> Option<Kind> {
        use gix::odb::HeaderExt;
        self.0.header(id).ok().map(|header| header.kind())
    }

    /// The parents of a commit; none of one that is not here.
    pub(super) fn parents(&self, id: ObjectId) -> Vec<ObjectId> {
        use gix::objs::FindExt;
        let mut data = Vec::new();
        match self.0.find_commit(&id, &mut data) {
            Ok(commit) => commit.parents().collect(),
            Err(_) => Vec::new(),
        }
    }
}

/// The kind of an error with our own files, rather than with what a server sends.
fn of_files(error: &gix::Error) -> Option<io::ErrorKind> {
    use io::ErrorKind::{
        FileTooLarge, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull,
    };
    let kinds = error.iter_errors().filter_map(|it| it.downcast_ref::<io::Error>());
    kinds.map(io::Error::kind).find(|kind| {
        matches!(
            kind,
            FileTooLarge | PermissionDenied | QuotaExceeded | ReadOnlyFilesystem | StorageFull
        )
    })
}

/// So many bytes and no more.
struct Limited<'a> {
    inner: &'a mut dyn BufRead,
    left: u64,
    is_over: bool,
}

impl Read for Limited<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let filled = self.fill_buf()?;
        let amount = filled.len().min(buffer.len());
        buffer[..amount].copy_from_slice(&filled[..amount]);
        self.consume(amount);
        Ok(amount)
    }
}

impl BufRead for Limited<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left == 0 {
            self.is_over = true;
            return Err(io::Error::other("too much"));
        }
        let filled = self.inner.fill_buf()?;
        let most = usize::try_from(self.left).unwrap_or(usize::MAX);
        Ok(&filled[..filled.len().min(most)])
    }

    fn consume(&mut self, amount: usize) {
        self.left = self.left.saturating_sub(amount as u64);
        self.inner.consume(amount);
    }
}
