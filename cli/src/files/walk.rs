//! Every regular file beneath a folder, in a stable order. No link is followed, and Git's own folder is left out.

use std::fs;
use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};
use zeroize::Zeroizing;

use super::read::read;
use super::write::UNFINISHED;
use crate::error::{Failure, words};

/// Folders above the deepest file that is looked at: deeper is nobody's repository, and is said.
const DEEPEST: usize = 128;

/// The regular files beneath `folder`, and the folders that cannot be looked into or lie too deep, each with why.
pub(crate) fn files_in(folder: &Path) -> (Vec<PathBuf>, Vec<(PathBuf, String)>) {
    let (mut files, mut closed) = (Vec::new(), Vec::new());
    let walk = WalkDir::new(folder).max_depth(DEEPEST).sort_by_file_name();
    for entry in walk.into_iter().filter_entry(is_looked_at) {
        match entry {
            Ok(entry) if entry.file_type().is_file() => {
                let path = entry.into_path();
                files.push(path.strip_prefix(".").map(Path::to_path_buf).unwrap_or(path));
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
    (files, closed)
}

fn is_looked_at(entry: &DirEntry) -> bool {
    let name = entry.file_name();
    let is_unfinished = name.to_string_lossy().starts_with(UNFINISHED);
    name != ".git" && !(is_unfinished && entry.file_type().is_file())
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
