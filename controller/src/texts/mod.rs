//! Where sealed files come from without an API server: a Git commit or a folder. Reads, and writes nothing.
//!
//! A source first says which [`Revision`] is there, which is cheap, and then reads exactly that one. Whatever
//! goes beyond a limit fails as a whole: a part of a source would look like a source that lost objects. What a
//! text means is decided elsewhere.

mod budget;
mod error;
mod folder;
pub(crate) mod git;

use std::fmt;
use std::path::{Component, Path, PathBuf};

use seal_core::tree::collect::Text;

use budget::{Budget, MAX_DEPTH, MAX_FILE_BYTES};
pub(crate) use error::{SetupError, SourceError};

/// A place to read sealed files from.
#[derive(Debug)]
pub(crate) enum Source {
    Git(git::Repository),
    Folder(folder::Folder),
}

/// One state of a source, cheap to compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Revision {
    Commit(gix::ObjectId),
    Listing(folder::Listing),
}

/// Whether to go on, which is asked before each file.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a>(pub(crate) &'a dyn Fn() -> bool);

impl Asked<'_> {
    fn go_on(self) -> Result<(), SourceError> {
        if (self.0)() { Ok(()) } else { Err(SourceError::Stopped) }
    }
}

impl Source {
    /// `reference` may be absent for a bare repository alone: elsewhere its HEAD is whatever somebody works on.
    pub(crate) fn git(
        repository: PathBuf,
        reference: Option<String>,
        subdir: Option<PathBuf>,
    ) -> Result<Self, SetupError> {
        git::Repository::new(repository, reference, plain(subdir)?).map(Self::Git)
    }

    /// A repository that we fetch ourselves, as it was last fetched.
    pub(crate) fn fetched(store: PathBuf, subdir: Option<PathBuf>) -> Result<Self, SetupError> {
        Ok(Self::Git(git::Repository::fetched(store, plain(subdir)?)))
    }

    /// The commit that is there from now on, of one that was [fetched](Self::fetched).
    pub(crate) fn set_commit(&mut self, commit: gix::ObjectId) {
        if let Self::Git(repository) = self {
            repository.set_commit(commit);
        }
    }

    pub(crate) fn folder(folder: PathBuf, subdir: Option<PathBuf>) -> Result<Self, SetupError> {
        let root = folder.join(plain(subdir)?);
        if !root.is_dir() {
            return Err(SetupError::NoFolder(root.display().to_string()));
        }
        Ok(Self::Folder(folder::Folder::new(root)))
    }

    /// Which revision is there now.
    pub(crate) fn revision(&self, asked: Asked<'_>) -> Result<Revision, SourceError> {
        match self {
            Self::Git(repository) => repository.commit().map(Revision::Commit),
            Self::Folder(folder) => folder.listing(asked).map(Revision::Listing),
        }
    }

    /// Gives each content of that revision to `take`, one after another. An error may come after some of them.
    pub(crate) fn read(
        &self,
        revision: &Revision,
        asked: Asked<'_>,
        take: &mut dyn FnMut(Text) -> Result<(), SourceError>,
    ) -> Result<(), SourceError> {
        match (self, revision) {
            (Self::Git(repository), Revision::Commit(commit)) => {
                repository.read(*commit, asked, take)
            }
            (Self::Folder(folder), Revision::Listing(listing)) => folder.read(listing, asked, take),
            _ => Err(SourceError::TooMuch("a revision of another source")),
        }
    }

    /// Opened values beside their sealed files would be one `git add` from being committed.
    pub(crate) fn refuse_inside(&self, out: &Path) -> Result<(), SetupError> {
        let root = match self {
            Self::Git(repository) => repository.root(),
            Self::Folder(folder) => folder.root().to_owned(),
        };
        let Ok(real_root) = root.canonicalize() else { return Ok(()) };
        let work_tree = work_tree_of(&real_root).unwrap_or(&real_root);
        match real(out) {
            Some(real_out) if real_out.starts_with(work_tree) => Err(SetupError::OutInside {
                out: real_out.display().to_string(),
                root: work_tree.display().to_string(),
            }),
            _ => Ok(()),
        }
    }
}

/// The Git work tree that `path` lies in, or the path itself when it is one.
fn work_tree_of(path: &Path) -> Option<&Path> {
    path.ancestors().find(|folder| folder.join(".git").symlink_metadata().is_ok())
}

/// The path without links, also of folders that are still to be made.
fn real(path: &Path) -> Option<PathBuf> {
    let absolute = std::path::absolute(path).ok()?;
    let there = absolute.ancestors().find(|folder| folder.symlink_metadata().is_ok())?;
    Some(there.canonicalize().ok()?.join(absolute.strip_prefix(there).ok()?))
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

pub(crate) fn short(id: gix::ObjectId) -> String {
    id.to_hex_with_len(7).to_string()
}

/// `--path` as a way down only.
pub(crate) fn plain(subdir: Option<PathBuf>) -> Result<PathBuf, SetupError> {
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
pub(crate) fn is_url(path: &Path) -> bool {
    let text = path.to_string_lossy();
    let host_first = text.find(':').is_some_and(|colon| !text[..colon].contains('/'));
    (text.contains("://") || host_first) && !path.exists()
}

/// What `kubectl apply -f DIR` reads, too; in capitals as well, as `seal check` has it.
fn may_hold_manifests(name: &[u8]) -> bool {
    [".yaml", ".yml", ".json"].iter().any(|ending| {
        let at = name.len().checked_sub(ending.len());
        at.is_some_and(|at| name[at..].eq_ignore_ascii_case(ending.as_bytes()))
    })
}

/// A path as text for messages and the inventory: one line, in the order it is read, whatever its bytes are.
fn printable(path: &[u8]) -> String {
    let is_plain = |c: &char| matches!(c, '"' | '\'' | '\\');
    let mut text = String::with_capacity(path.len());
    for c in String::from_utf8_lossy(path).chars() {
        if is_plain(&c) { text.push(c) } else { text.extend(c.escape_debug()) }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn a_signal_is_asked_for_before_each_file_and_ends_the_reading() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.yaml", "b.yaml", "c.yaml"] {
            std::fs::write(folder.path().join(name), "a: b").unwrap();
        }
        let source = Source::folder(folder.path().to_owned(), None).unwrap();
        let revision = source.revision(Asked(&|| true)).unwrap();
        let read = Cell::new(0);
        let result = source.read(&revision, Asked(&|| read.get() < 2), &mut |_| {
            read.set(read.get() + 1);
            Ok(())
        });
        assert_eq!((result, read.get()), (Err(SourceError::Stopped), 2));
        assert_eq!(source.revision(Asked(&|| false)).err(), Some(SourceError::Stopped));
    }

    #[test]
    fn each_reason_of_a_source_ends_with_the_code_of_the_one_table() {
        use seal_core::exit_code::ExitCode;
        let text = || "x".to_owned();
        for (error, code) in [
            (SourceError::NotARepository(text(), "x"), ExitCode::Input),
            (SourceError::Linked(text()), ExitCode::Input),
            (SourceError::Borrows(text()), ExitCode::Input),
            (SourceError::NotRegular(text()), ExitCode::Input),
            (SourceError::Ambiguous(text()), ExitCode::Input),
            (SourceError::NoCommit(text(), text()), ExitCode::Failed),
            (SourceError::DamagedCommit(text()), ExitCode::Failed),
            (SourceError::TooMuch("x"), ExitCode::Failed),
            (SourceError::Stopped, ExitCode::Failed),
        ] {
            assert_eq!(ExitCode::from(error.reason()), code, "{error}");
            assert!(!error.hint().is_empty() && !error.to_string().ends_with('.'), "{error}");
        }
    }
}
