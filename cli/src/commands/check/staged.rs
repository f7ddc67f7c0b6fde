//! What is staged: the files of Git's index that differ from HEAD, as the index has them, and the sealed files that lie
//! beside them there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use seal_core::names::GROUP_PREFIX;
use seal_core::tree::survey::MOST_BYTES;

use super::super::tree::{Held, Source};
use crate::error::Failure;
use crate::files;
use crate::git::{Git, fields};

/// Each staged file that a commit would add or change.
pub(super) fn sources() -> Result<Vec<Source>, Failure> {
    let git = Git::of(Path::new("."))?;
    let raw = git.fields([
        "diff",
        "--cached",
        "--raw",
        "-z",
        "--no-renames",
        "--no-abbrev",
        "--no-ext-diff",
        "--no-relative",
        "--diff-filter=ACMT",
    ])?;
    read(&git, &git.root()?, entries(raw))
}

/// The other files of the index that may have sealed objects or be kustomizations: one that is staged must not be for the place of
/// theirs, nor be what a Secret is made of.
pub(super) fn others(staged: &[Source]) -> Result<Vec<Source>, Failure> {
    let git = Git::of(Path::new("."))?;
    let grep = [
        "grep",
        "--cached",
        "-l",
        "-z",
        "-a",
        "-F",
        "--full-name",
        "-e",
        GROUP_PREFIX,
        "-e",
        "secretGenerator",
        "-e",
        "SecretGenerator",
        "--",
        ":(top)",
    ];
    let listed = git.answer_to(grep, String::new(), 1)?;
    let root = git.root()?;
    let staged: BTreeSet<&Path> = staged.iter().map(|source| source.path.as_path()).collect();
    // An object is asked for by a line; no path that people write has a line feed.
    let names = fields(&listed).into_iter().filter(|name| !name.contains('\n'));
    let is_staged = |name: &String| staged.contains(here(&root, name).as_path());
    let others = names.filter(|name| !is_staged(name)).map(|name| (format!(":0:{name}"), name));
    read(&git, &root, others.collect())
}

/// Those of these paths that the index has, as it has them.
pub(super) fn at(paths: &[PathBuf]) -> Result<Vec<Source>, Failure> {
    if paths.is_empty() {
        return Ok(Vec::new());
    }
    let git = Git::of(Path::new("."))?;
    let root = git.root()?;
    let names: BTreeSet<String> =
        git.fields(["ls-files", "-z", "--full-name", ":(top)"])?.into_iter().collect();
    let within = |path: &PathBuf| {
        let real = files::real_path(path).ok()?;
        real.strip_prefix(&root).ok()?.to_str().map(str::to_owned)
    };
    let wanted =
        paths.iter().filter_map(within).filter(|name| names.contains(name) && !name.contains('\n'));
    read(&git, &root, wanted.map(|name| (format!(":0:{name}"), name)).collect())
}

/// The path of a file of the index from the working directory.
fn here(root: &Path, name: &str) -> PathBuf {
    PathBuf::from(files::relative(&root.join(name)))
}

/// Files with what these objects hold; larger ones are not read.
fn read(git: &Git, root: &Path, entries: Vec<(String, String)>) -> Result<Vec<Source>, Failure> {
    let names: Vec<String> = entries.iter().map(|(name, _)| name.clone()).collect();
    let sizes =
        git.answer_to(["cat-file", "--batch-check=%(objectsize)"], names.join("\n") + "\n", 0)?;
    let sizes = String::from_utf8_lossy(&sizes).into_owned();
    let is_small = |size: &str| size.parse::<usize>().is_ok_and(|size| size <= MOST_BYTES);
    let is_small: Vec<bool> = sizes.lines().map(is_small).collect();
    let mut sources: Vec<Source> = Vec::new();
    let mut small = Vec::new();
    for ((name, path), is_small) in entries.into_iter().zip(is_small) {
        let path = here(root, &path);
        if is_small {
            small.push((sources.len(), name));
        }
        sources.push(Source { path, is_named: false, held: Some(Held::TooMuch) });
    }
    let names: Vec<String> = small.iter().map(|(_, name)| name.clone()).collect();
    git.each_object(&names, |number, bytes| {
        sources[small[number].0].held = Some(Held::Bytes(bytes));
        Ok(())
    })?;
    Ok(sources)
}

/// The object and the path of each regular file in `git diff --raw -z`.
fn entries(raw: Vec<String>) -> Vec<(String, String)> {
    let mut fields = raw.into_iter();
    let mut entries = Vec::new();
    while let (Some(head), Some(path)) = (fields.next(), fields.next()) {
        let words: Vec<&str> = head.trim_start_matches(':').split(' ').collect();
        if let [_, mode, _, object, _] = words.as_slice()
            && mode.starts_with("100")
        {
            entries.push(((*object).to_owned(), path));
        }
    }
    entries
}
