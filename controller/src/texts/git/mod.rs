//! A commit of a local Git repository: objects and references only.
//!
//! The repository may be written by others. Its configuration is read for three words about its layout and for nothing
//! else, so there is no filter, hook, attribute, include or replacement to run or follow, and no other repository to borrow
//! objects from. The index and the working tree are never looked at.

mod inside;
mod refs;
mod walk;

use std::path::{Path, PathBuf};

use gix::ObjectId;
use gix::config::file::Metadata;
use gix::config::{File, Source as ConfigSource};
use seal_core::tree::collect::{Content, Text};

use super::{Asked, SetupError, SourceError};
use inside::Inside;
pub(crate) use walk::Visit;
use walk::{Objects, Walk};

/// Bytes of a configuration that is read.
const MAX_CONFIG_BYTES: u64 = 1024 * 1024;

#[derive(Debug)]
pub(crate) struct Repository {
    path: PathBuf,
    reference: String,
    subdir: PathBuf,
    /// Whether contents that are larger than what is read were never fetched.
    is_partial: bool,
}

/// What is to be known of a repository before a commit of it is read.
struct Opened {
    inside: Inside,
    folder: PathBuf,
    is_bare: bool,
}

impl Repository {
    /// Says at once what cannot be used, rather than wait for it to become right.
    pub(super) fn new(
        path: PathBuf,
        reference: Option<String>,
        subdir: PathBuf,
    ) -> Result<Self, SetupError> {
        let mut repository = Self { path, reference: "HEAD".to_owned(), subdir, is_partial: false };
        let opened = repository.open().map_err(SetupError::NotARepository)?;
        match reference {
            Some(reference) => repository.reference = reference,
            None if opened.is_bare => {}
            None => return Err(SetupError::NoRef(repository.path.display().to_string())),
        }
        Ok(repository)
    }

    /// One that we fetched: its contents are whole but for what is too large, and it has no references.
    pub(crate) fn fetched(path: PathBuf, subdir: PathBuf) -> Self {
        Self { path, reference: "HEAD".to_owned(), subdir, is_partial: true }
    }

    /// From now on its commit is this one.
    pub(crate) fn set_commit(&mut self, commit: ObjectId) {
        self.reference = commit.to_string();
    }

    /// A commit as Git signs it; none where it is missing.
    pub(crate) fn commit_object(&self, commit: ObjectId) -> Result<Option<Vec<u8>>, SourceError> {
        let Opened { inside, folder, .. } = self.open()?;
        Objects::open(inside, &folder)?.commit(commit)
    }

    /// The contents of manifests of a commit that are not here.
    pub(crate) fn missing(
        &self,
        commit: ObjectId,
        asked: Asked<'_>,
    ) -> Result<Vec<ObjectId>, SourceError> {
        self.walk(commit, asked)?.missing(&self.subdir)
    }

    /// The folder that has the repository's files checked out, when there is one; else its own.
    pub(super) fn root(&self) -> PathBuf {
        let Ok(real) = self.path.canonicalize() else { return self.path.clone() };
        match real.parent() {
            Some(parent) if real.file_name().is_some_and(|name| name == ".git") => {
                parent.to_owned()
            }
            _ => real,
        }
    }

    /// Opened anew each time: it takes less than a millisecond, and a repository may be replaced by another one.
    fn open(&self) -> Result<Opened, SourceError> {
        let folder = self.folder()?;
        let wrong = |what| SourceError::NotARepository(self.path.display().to_string(), what);
        let inside = Inside::open(&folder).ok_or_else(|| wrong("there is no such folder"))?;
        if !inside.has_folder("objects") || !inside.has_folder("refs") {
            return Err(wrong("it has no folders objects and refs of its own"));
        }
        if inside.read(Path::new("HEAD"), MAX_CONFIG_BYTES)?.is_none() {
            return Err(wrong("it has no HEAD"));
        }
        let config = inside.read(Path::new("config"), MAX_CONFIG_BYTES)?.unwrap_or_default();
        let config = File::from_bytes_no_includes(
            &config,
            Metadata::from(ConfigSource::Local),
            Default::default(),
        )
        .map_err(|_| wrong("its config does not parse"))?;
        let differs = |key, usual: &str| {
            config.string(key).is_some_and(|is| !is.eq_ignore_ascii_case(usual.as_bytes()))
        };
        if differs("extensions.objectFormat", "sha1") {
            return Err(wrong("its objects are named by another hash than SHA-1"));
        }
        if differs("extensions.refStorage", "files") {
            return Err(wrong("it keeps its references in another format than files"));
        }
        let named_git = self.root() != folder.canonicalize().unwrap_or_default();
        let is_bare = config.boolean("core.bare").ok().flatten().unwrap_or(!named_git);
        Ok(Opened { inside, folder, is_bare })
    }

    /// The folder of objects and references: beneath the one that was named, or itself.
    fn folder(&self) -> Result<PathBuf, SourceError> {
        let inner = self.path.join(".git");
        match inner.symlink_metadata() {
            Ok(found) if found.is_dir() => Ok(inner),
            Ok(found) if found.is_file() => {
                Err(SourceError::Linked(self.path.display().to_string()))
            }
            Ok(_) => Err(SourceError::NotRegular(inner.display().to_string())),
            Err(_) => Ok(self.path.clone()),
        }
    }

    /// The commit that the reference names now.
    pub(super) fn commit(&self) -> Result<ObjectId, SourceError> {
        let Opened { inside, folder, .. } = self.open()?;
        let no_commit =
            || SourceError::NoCommit(self.reference.clone(), self.path.display().to_string());
        let named = refs::resolve(&inside, &self.reference)?.ok_or_else(no_commit)?;
        let objects = Objects::open(inside, &folder)?;
        objects.peel(named)?.ok_or_else(no_commit)
    }

    pub(super) fn read(
        &self,
        commit: ObjectId,
        asked: Asked<'_>,
        take: &mut dyn FnMut(Text) -> Result<(), SourceError>,
    ) -> Result<(), SourceError> {
        self.visit(commit, asked, &mut |_, paths, read| take(Text { paths, content: read()? }))
    }

    /// Shows each content of a commit, which is read only where somebody wants it.
    pub(crate) fn visit(
        &self,
        commit: ObjectId,
        asked: Asked<'_>,
        visit: &mut Visit<'_>,
    ) -> Result<(), SourceError> {
        self.walk(commit, asked)?.visit(&self.subdir, visit)
    }

    /// Gives the content of each of these objects, before the next one is read.
    pub(crate) fn contents(
        &self,
        commit: ObjectId,
        ids: &[ObjectId],
        take: &mut dyn FnMut(Content) -> Result<(), SourceError>,
    ) -> Result<(), SourceError> {
        self.walk(commit, Asked(&|| true))?.contents(ids, take)
    }

    fn walk<'a>(&self, commit: ObjectId, asked: Asked<'a>) -> Result<Walk<'a>, SourceError> {
        let Opened { inside, folder, .. } = self.open()?;
        let mut walk = Walk::new(Objects::open(inside, &folder)?, commit, asked);
        walk.is_partial = self.is_partial;
        Ok(walk)
    }
}
