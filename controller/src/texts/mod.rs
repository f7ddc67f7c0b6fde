//! Where sealed files come from without an API server: a Git commit or a folder. Reads, and writes nothing.
//!
//! A source first says which [`Revision`] is there, which is cheap, and then reads exactly that one. Whatever
//! goes beyond a limit fails as a whole: a part of a source would look like a source that lost objects. What a
//! text means is decided elsewhere.

mod folder;
mod repository;

use std::fmt;
use std::path::{Component, Path, PathBuf};

use seal_core::tree::collect::Text;

/// Files read and kept as text.
pub(crate) const MAX_FILES: usize = 20_000;
/// Files and folders looked at.
pub(crate) const MAX_ENTRIES: usize = 500_000;
/// Folders read. A tree of a few kilobytes can name itself in more ways than there is time for.
pub(crate) const MAX_FOLDERS: usize = 20_000;
/// Bytes of one file.
pub(crate) const MAX_FILE_BYTES: u64 = 2 * 1024 * 1024;
/// Bytes of all files together.
pub(crate) const MAX_TOTAL_BYTES: u64 = 256 * 1024 * 1024;
/// Folders within folders.
pub(crate) const MAX_DEPTH: usize = 64;

/// A place to read sealed files from.
#[derive(Debug)]
pub(crate) enum Source {
    Git(repository::Repository),
    Folder(folder::Folder),
}

/// One state of a source, cheap to compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Revision {
    Commit(gix::ObjectId),
    Listing(folder::Listing),
}

/// Why a source cannot be used as it was named.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SetupError {
    #[error("{0} is a URL, and local mode reads a repository on this machine")]
    Url(String),
    #[error("{0}")]
    NotARepository(SourceError),
    #[error("there is no folder {0}")]
    NoFolder(String),
    #[error("--path leads out of the source")]
    LeadsOut,
    #[error("the output folder {0} lies inside the source")]
    OutInside(String),
}

impl SetupError {
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::Url(_) => "`git clone --mirror` it, and give that folder",
            Self::NotARepository(error) => error.hint(),
            Self::NoFolder(_) => "name the folder of the sealed files",
            Self::LeadsOut => "name a folder inside it",
            Self::OutInside(_) => "choose a folder outside of it",
        }
    }
}

/// Why a source could not be read. The last good files stay.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SourceError {
    #[error("{0} is not a Git repository that can be read")]
    NotARepository(String),
    #[error("{0} names no commit in {1}")]
    NoCommit(String, String),
    #[error("commit {0} cannot be read: an object is missing or damaged")]
    DamagedCommit(String),
    #[error("there is no folder {0} in the source")]
    NoFolder(String),
    #[error("cannot read {0}: {1}")]
    Unreadable(String, std::io::ErrorKind),
    #[error("the source is beyond a limit: {0}")]
    TooMuch(&'static str),
}

impl SourceError {
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::NotARepository(_) => "name a repository, bare or not, by its own folder",
            Self::NoCommit(..) => "commit something, or name a branch, tag or commit with --ref",
            Self::DamagedCommit(_) => "`git fsck` names it; a partial clone lacks objects",
            Self::NoFolder(_) => "put right --path, or the folder's name",
            Self::Unreadable(..) => "put right what the system names; it is tried again",
            Self::TooMuch(_) => "name the folder of the sealed files with --path",
        }
    }
}

impl Source {
    pub(crate) fn git(
        repository: PathBuf,
        reference: String,
        subdir: Option<PathBuf>,
    ) -> Result<Self, SetupError> {
        if is_url(&repository) {
            return Err(SetupError::Url(repository.display().to_string()));
        }
        let repository = repository::Repository::new(repository, reference, plain(subdir)?);
        repository.check().map_err(SetupError::NotARepository)?;
        Ok(Self::Git(repository))
    }

    pub(crate) fn folder(folder: PathBuf, subdir: Option<PathBuf>) -> Result<Self, SetupError> {
        let root = folder.join(plain(subdir)?);
        if !root.is_dir() {
            return Err(SetupError::NoFolder(root.display().to_string()));
        }
        Ok(Self::Folder(folder::Folder::new(root)))
    }

    /// Which revision is there now.
    pub(crate) fn revision(&self) -> Result<Revision, SourceError> {
        match self {
            Self::Git(repository) => repository.commit().map(Revision::Commit),
            Self::Folder(folder) => folder.listing().map(Revision::Listing),
        }
    }

    /// The manifests of that revision, sorted by path.
    pub(crate) fn read(&self, revision: &Revision) -> Result<Vec<Text>, SourceError> {
        match (self, revision) {
            (Self::Git(repository), Revision::Commit(commit)) => repository.read(*commit),
            (Self::Folder(folder), Revision::Listing(listing)) => folder.read(listing),
            _ => Err(SourceError::TooMuch("a revision of another source")),
        }
    }

    /// Opened values inside the source would be sealed files' neighbours, one `git add` from being committed.
    pub(crate) fn refuse_inside(&self, out: &Path) -> Result<(), SetupError> {
        let root = match self {
            Self::Git(repository) => repository.work_tree(),
            Self::Folder(folder) => Some(folder.root().to_owned()),
        };
        let real_root = root.and_then(|root| root.canonicalize().ok());
        match (real_root, real(out)) {
            (Some(root), Some(real_out)) if real_out.starts_with(&root) => {
                Err(SetupError::OutInside(real_out.display().to_string()))
            }
            _ => Ok(()),
        }
    }
}

/// The path without links, also of a folder that is still to be made.
fn real(path: &Path) -> Option<PathBuf> {
    path.canonicalize().ok().or_else(|| {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        Some(parent.unwrap_or(Path::new(".")).canonicalize().ok()?.join(path.file_name()?))
    })
}

impl Revision {
    /// Whether a change right after it was taken would show in the next one.
    pub(crate) fn is_settled(&self) -> bool {
        match self {
            Self::Commit(_) => true,
            Self::Listing(listing) => listing.is_settled(),
        }
    }
}

/// For a log line.
impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Commit(id) => write!(f, "commit {}", short(*id)),
            Self::Listing(_) => f.write_str("source"),
        }
    }
}

fn short(id: gix::ObjectId) -> String {
    id.to_hex_with_len(7).to_string()
}

/// `--path` as a way down only.
fn plain(subdir: Option<PathBuf>) -> Result<PathBuf, SetupError> {
    let mut down = PathBuf::new();
    for part in subdir.unwrap_or_default().components() {
        match part {
            Component::Normal(name) => down.push(name),
            Component::CurDir => {}
            _ => return Err(SetupError::LeadsOut),
        }
    }
    Ok(down)
}

/// `https://…`, `ssh://…` and `git@host:path`, unless a folder has that name.
fn is_url(path: &Path) -> bool {
    let text = path.to_string_lossy();
    let host_first = text.find(':').is_some_and(|colon| !text[..colon].contains('/'));
    (text.contains("://") || host_first) && !path.exists()
}

/// What `kubectl apply -f DIR` reads, too.
fn may_hold_manifests(name: &[u8]) -> bool {
    [".yaml", ".yml", ".json"].iter().any(|ending| name.ends_with(ending.as_bytes()))
}

/// A path as text for messages and the inventory: one line, whatever its bytes are.
fn printable(path: &[u8]) -> String {
    String::from_utf8_lossy(path)
        .chars()
        .map(|c| if c.is_control() { c.escape_default().to_string() } else { c.into() })
        .collect()
}

/// Counts what was read against the limits.
#[derive(Debug, Default)]
struct Budget {
    entries: usize,
    folders: usize,
    files: usize,
    bytes: u64,
}

impl Budget {
    fn folder(&mut self) -> Result<(), SourceError> {
        self.folders += 1;
        if self.folders > MAX_FOLDERS { Err(SourceError::TooMuch("folders")) } else { Ok(()) }
    }

    fn entry(&mut self, depth: usize) -> Result<(), SourceError> {
        self.entries += 1;
        if depth > MAX_DEPTH {
            return Err(SourceError::TooMuch("folders within folders"));
        }
        if self.entries > MAX_ENTRIES {
            return Err(SourceError::TooMuch("files and folders"));
        }
        Ok(())
    }

    fn file(&mut self, bytes: u64) -> Result<(), SourceError> {
        self.files += 1;
        self.bytes += bytes;
        if self.files > MAX_FILES {
            return Err(SourceError::TooMuch("manifests"));
        }
        if self.bytes > MAX_TOTAL_BYTES {
            return Err(SourceError::TooMuch("bytes of all manifests together"));
        }
        Ok(())
    }
}
