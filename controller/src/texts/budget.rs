//! How much is read of a source. Whatever goes beyond fails as a whole: a part of a source would look like a source that
//! lost objects.

use super::SourceError;

/// Names of manifests; a content may have several.
pub(crate) const MAX_FILES: usize = 20_000;
/// Files and folders looked at.
pub(crate) const MAX_ENTRIES: usize = 500_000;
/// Folders read. A tree of a few kilobytes can name itself in more ways than there is time for.
pub(crate) const MAX_FOLDERS: usize = 20_000;
/// Bytes of one file.
pub(crate) const MAX_FILE_BYTES: u64 = 2 * 1024 * 1024;
/// Bytes of all files together, each content once.
pub(crate) const MAX_TOTAL_BYTES: u64 = 256 * 1024 * 1024;
/// Bytes of a path: names in a tree may be as long as they like.
pub(crate) const MAX_PATH_BYTES: usize = 1024;
/// Folders within folders.
pub(crate) const MAX_DEPTH: usize = 64;

/// Counts what was read against the limits.
#[derive(Debug, Default)]
pub(super) struct Budget {
    entries: usize,
    folders: usize,
    files: usize,
    bytes: u64,
}

impl Budget {
    pub(super) fn folder(&mut self) -> Result<(), SourceError> {
        self.folders += 1;
        if self.folders > MAX_FOLDERS { Err(SourceError::TooMuch("folders")) } else { Ok(()) }
    }

    pub(super) fn entry(&mut self, depth: usize) -> Result<(), SourceError> {
        self.entries += 1;
        if depth > MAX_DEPTH {
            return Err(SourceError::TooMuch("folders within folders"));
        }
        if self.entries > MAX_ENTRIES {
            return Err(SourceError::TooMuch("files and folders"));
        }
        Ok(())
    }

    pub(super) fn file(&mut self) -> Result<(), SourceError> {
        self.files += 1;
        if self.files > MAX_FILES { Err(SourceError::TooMuch("manifests")) } else { Ok(()) }
    }

    pub(super) fn bytes(&mut self, bytes: u64) -> Result<(), SourceError> {
        self.bytes += bytes;
        if self.bytes > MAX_TOTAL_BYTES {
            return Err(SourceError::TooMuch("bytes of all manifests together"));
        }
        Ok(())
    }

    pub(super) fn path(bytes: usize) -> Result<(), SourceError> {
        if bytes > MAX_PATH_BYTES { Err(SourceError::TooMuch("bytes of a path")) } else { Ok(()) }
    }
}
