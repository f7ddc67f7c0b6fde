//! Every regular file beneath a folder, in a stable order. No link is followed, and Git's own folder is left out.

use std::fs;
use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};
use zeroize::Zeroizing;

use super::read::read;
use crate::error::{Failure, words};

/// What a repository has in the root of its work tree.
const GIT: &str = ".git";
/// Folders above the deepest file that is looked at: deeper is nobody's repository, and is said.
const DEEPEST: usize = 128;

/// What lies beneath a folder.
#[derive(Default)]
pub(crate) struct Walked {
    /// Its regular files.
    pub(crate) files: Vec<PathBuf>,
    /// Folders that cannot be looked into or lie too deep, each with why.
    pub(crate) closed: Vec<(PathBuf, String)>,
    /// Repositories of their own, such as submodules, which are not looked into.
    pub(crate) repositories: Vec<PathBuf>,
}

/// Everything beneath `folder`.
pub(crate) fn files_in(folder: &Path) -> Walked {
    let Walked { mut files, mut closed, mut repositories } = Walked::default();
    let walk = WalkDir::new(folder).max_depth(DEEPEST).sort_by_file_name();
    let mut is_looked_at = |entry: &DirEntry| {
        let is_repository = entry.depth() > 0
            && entry.file_type().is_dir()
            && entry.path().join(GIT).symlink_metadata().is_ok();
        if is_repository {
            repositories.push(plain(entry.path()));
        }
        !is_repository && entry.file_name() != GIT
    };
    for entry in walk.into_iter().filter_entry(|entry| is_looked_at(entry)) {
        match entry {
            Ok(entry) if entry.file_type().is_file() => {
                files.push(plain(entry.path()));
            }
            Ok(entry) if entry.file_type().is_dir() && entry.depth() == DEEPEST => {
                let why = format!("it lies {DEEPEST} folders deep, and what is in it is not read");
                closed.push((entry.into_path(), why));
            }
            Ok(_) => {}
            Err(error) => {
                let path = error.path().unwrap_or(folder).to_path_buf();
                let why = error.io_error().map_or("it cannot be read".to_owned(), words);
                closed.push((path, why));
            }
        }
    }
    Walked { files, closed, repositories }
}

/// A path without the dot that it may begin with.
fn plain(path: &Path) -> PathBuf {
    path.strip_prefix(".").unwrap_or(path).to_path_buf()
}

/// The bytes of a file, or nothing where it has more than `most`.
pub(crate) fn read_small(path: &Path, most: usize) -> Result<Option<Zeroizing<Vec<u8>>>, Failure> {
    let is_large = |bytes: u64| usize::try_from(bytes).map_or(true, |bytes| bytes > most);
    if fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && is_large(metadata.len())) {
        return Ok(None);
    }
    let bytes = read(path)?;
    Ok(Some(bytes).filter(|bytes| bytes.len() <= most))
}
