//! A folder of sealed files: walked in a stable order, never through a symbolic link.

use std::fs::OpenOptions;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::fs::OFlags;
use seal_core::tree::collect::{Content, Text};
use walkdir::{DirEntry, WalkDir};

use super::{Asked, Budget, MAX_DEPTH, MAX_FILE_BYTES, SourceError, may_hold_manifests, printable};

/// Clocks of file systems are coarse: a file changed this recently may change again without showing it.
const SETTLED_AFTER_SECONDS: u64 = 2;

#[derive(Debug)]
pub(crate) struct Folder {
    root: PathBuf,
}

/// Every manifest of the folder, with what tells that it changed.
#[derive(Clone, Debug)]
pub(crate) struct Listing {
    files: Vec<Listed>,
    /// A digest of the paths of all links.
    links: u64,
    settled: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Listed {
    path: PathBuf,
    /// Inode, size, time of the last change. The last one cannot be set back as a modification time can.
    stamp: (u64, u64, i64, i64),
}

impl PartialEq for Listing {
    fn eq(&self, other: &Self) -> bool {
        self.files == other.files && self.links == other.links
    }
}

impl Eq for Listing {}

impl Listing {
    pub(super) fn is_settled(&self) -> bool {
        self.settled
    }
}

impl Folder {
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn listing(&self, asked: Asked<'_>) -> Result<Listing, SourceError> {
        let mut budget = Budget::default();
        let (mut files, mut links) = (Vec::new(), DefaultHasher::new());
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let mut settled = true;
        for found in self.walk() {
            let entry = found.map_err(|error| self.unreadable(&error))?;
            asked.go_on()?;
            budget.entry(entry.depth().saturating_sub(1))?;
            if entry.file_type().is_dir() {
                budget.folder()?;
            }
            if is_link(&entry) {
                entry.path().hash(&mut links);
                continue;
            }
            if !entry.file_type().is_file() || !may_hold_manifests(entry.file_name().as_bytes()) {
                continue;
            }
            budget.file()?;
            Budget::path(entry.path().as_os_str().len())?;
            let meta = entry.metadata().map_err(|error| self.unreadable(&error))?;
            let changed = u64::try_from(meta.ctime()).unwrap_or_default();
            settled &= changed.saturating_add(SETTLED_AFTER_SECONDS) <= now;
            let stamp = (meta.ino(), meta.len(), meta.ctime(), meta.ctime_nsec());
            files.push(Listed { path: entry.into_path(), stamp });
        }
        Ok(Listing { files, links: links.finish(), settled })
    }

    pub(super) fn read(
        &self,
        listing: &Listing,
        asked: Asked<'_>,
        take: &mut dyn FnMut(Text) -> Result<(), SourceError>,
    ) -> Result<(), SourceError> {
        let mut budget = Budget::default();
        for Listed { path, .. } in &listing.files {
            asked.go_on()?;
            let content = read_file(path, &mut budget)?;
            take(Text { paths: vec![self.below(path)], content })?;
        }
        for found in self.walk() {
            asked.go_on()?;
            let entry = found.map_err(|error| self.unreadable(&error))?;
            if is_link(&entry) {
                take(Text { paths: vec![self.below(entry.path())], content: Content::Link })?;
            }
        }
        Ok(())
    }

    fn walk(&self) -> impl Iterator<Item = walkdir::Result<DirEntry>> {
        let walk = WalkDir::new(&self.root).follow_links(false).max_depth(MAX_DEPTH + 2);
        walk.sort_by_file_name().into_iter().filter_entry(is_not_git)
    }

    /// Its path within the folder.
    fn below(&self, path: &Path) -> String {
        printable(path.strip_prefix(&self.root).unwrap_or(path).as_os_str().as_bytes())
    }

    fn unreadable(&self, error: &walkdir::Error) -> SourceError {
        let path = error.path().unwrap_or(&self.root);
        let kind = error.io_error().map_or(std::io::ErrorKind::Other, std::io::Error::kind);
        SourceError::Unreadable(printable(path.as_os_str().as_bytes()), kind)
    }
}

/// The folder itself may be named by one.
fn is_link(entry: &DirEntry) -> bool {
    entry.path_is_symlink() && entry.depth() > 0
}

fn is_not_git(entry: &DirEntry) -> bool {
    entry.file_name() != ".git"
}

fn read_file(path: &Path, budget: &mut Budget) -> Result<Content, SourceError> {
    let bytes = read_regular(path).map_err(|error| {
        SourceError::Unreadable(printable(path.as_os_str().as_bytes()), error.kind())
    })?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Ok(Content::TooLarge);
    }
    budget.bytes(bytes.len() as u64)?;
    Ok(Content::Bytes(bytes))
}

/// One byte more than a file may have, at most.
fn read_regular(path: &Path) -> io::Result<Vec<u8>> {
    // What was a file a moment ago may be a link or a pipe now.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let custom = i32::try_from(flags.bits()).unwrap_or_default();
    let file = OpenOptions::new().read(true).custom_flags(custom).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
