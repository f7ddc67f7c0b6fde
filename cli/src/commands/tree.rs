//! The files that a command over a tree looks at.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use seal_core::tree::survey::MOST_BYTES;
use zeroize::Zeroizing;

use crate::error::Failure;
use crate::files::{self, Walked};

/// A file to look at.
pub(super) struct Source {
    pub(super) path: PathBuf,
    /// Whether it was named itself, and not found in a folder.
    pub(super) is_named: bool,
    /// What it holds, where that was read already.
    pub(super) held: Option<Held>,
}

/// What a file holds.
pub(super) enum Held {
    Bytes(Vec<u8>),
    /// More than is read.
    TooMuch,
}

/// What lies beneath the paths that were named.
pub(super) struct Tree {
    pub(super) sources: Vec<Source>,
    /// Folders that could not be looked into, each with why.
    pub(super) closed: Vec<(PathBuf, String)>,
    /// Repositories of their own, which were not looked into.
    pub(super) repositories: Vec<PathBuf>,
}

impl Tree {
    /// Each file once, however often it was named; without any path, those of the working directory.
    pub(super) fn of(paths: &[PathBuf]) -> Result<Self, Failure> {
        let here = [PathBuf::from(".")];
        let paths = if paths.is_empty() { &here } else { paths };
        let none = Self { sources: Vec::new(), closed: Vec::new(), repositories: Vec::new() };
        let (mut tree, mut seen) = (none, BTreeSet::new());
        for path in paths {
            let is_folder = !files::is_stdin(path) && files::is_folder(path);
            if is_folder && files::is_bare(path) {
                let message =
                    format!("{} is a bare repository: no files lie in it", path.display());
                return Err(Failure::input(message).hint("run it in a clone with a work tree"));
            }
            let found = if is_folder {
                files::files_in(path)
            } else {
                Walked { files: vec![path.clone()], ..Walked::default() }
            };
            tree.closed.extend(found.closed);
            tree.repositories.extend(found.repositories);
            for path in found.files {
                if paths.len() == 1 || seen.insert(files::real_path(&path)?) {
                    tree.sources.push(Source { path, is_named: !is_folder, held: None });
                }
            }
        }
        Ok(tree)
    }
}

impl Source {
    /// What it holds; `None` where that is more than is read.
    pub(super) fn bytes(&self) -> Result<Option<Zeroizing<Vec<u8>>>, Failure> {
        match &self.held {
            None => files::read_small(&self.path, MOST_BYTES),
            Some(Held::Bytes(bytes)) => Ok(Some(Zeroizing::new(bytes.clone()))),
            Some(Held::TooMuch) => Ok(None),
        }
    }

    /// Whether it was meant: named itself, or named as manifests are; any other may be prose that shows one.
    pub(super) fn is_meant(&self) -> bool {
        self.is_named || is_manifest(&self.path)
    }
}

fn is_manifest(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    matches!(extension, Some("yaml" | "yml" | "json"))
}
