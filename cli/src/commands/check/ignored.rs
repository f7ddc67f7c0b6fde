//! What Git ignores of the files that were looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::files;
use crate::git::Git;

/// Which files are ignored by the repository that each lies in, wherever the command was started.
pub(super) fn among(paths: &[PathBuf]) -> BTreeSet<PathBuf> {
    let mut trees: BTreeMap<PathBuf, Vec<(PathBuf, &PathBuf)>> = BTreeMap::new();
    for path in paths {
        if let Ok(real) = files::real_path(path)
            && let Some(root) = files::work_tree_root(files::folder_of(&real))
        {
            trees.entry(root).or_default().push((real, path));
        }
    }
    let mut all = BTreeSet::new();
    for (root, files) in trees {
        let real: Vec<PathBuf> = files.iter().map(|(real, _)| real.clone()).collect();
        let ignored = Git::of(&root).and_then(|git| git.ignored(&real)).unwrap_or_default();
        all.extend(
            files.iter().filter(|(it, _)| ignored.contains(it)).map(|(_, it)| (*it).clone()),
        );
    }
    all
}
