//! What is staged: the files of Git's index that differ from HEAD, as the index has them.

use std::path::{Path, PathBuf};

use seal_core::tree::survey::MOST_BYTES;

use super::super::tree::{Held, Source};
use crate::error::Failure;
use crate::files;
use crate::git::Git;

/// Each staged file that a commit would add or change.
pub(super) fn sources() -> Result<Vec<Source>, Failure> {
    let git = Git::of(Path::new("."))?;
    let root = PathBuf::from(git.text(["rev-parse", "--show-toplevel"])?);
    let raw = git.answer([
        "diff",
        "--cached",
        "--raw",
        "-z",
        "--no-renames",
        "--no-abbrev",
        "--no-ext-diff",
        "--diff-filter=ACMT",
    ])?;
    let staged = entries(&raw);
    let names: Vec<String> = staged.iter().map(|(name, _)| name.clone()).collect();
    let sizes =
        git.answer_to(["cat-file", "--batch-check=%(objectsize)"], names.join("\n") + "\n", 0)?;
    let sizes = String::from_utf8_lossy(&sizes).into_owned();
    let is_small = |size: &str| size.parse::<usize>().is_ok_and(|size| size <= MOST_BYTES);
    let is_small: Vec<bool> = sizes.lines().map(is_small).collect();
    let mut sources: Vec<Source> = Vec::new();
    let mut small = Vec::new();
    for ((name, path), is_small) in staged.into_iter().zip(is_small) {
        let path = PathBuf::from(files::relative(&root.join(path)));
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
fn entries(raw: &[u8]) -> Vec<(String, String)> {
    let mut fields =
        raw.split(|byte| *byte == 0).map(|field| String::from_utf8_lossy(field).into_owned());
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
