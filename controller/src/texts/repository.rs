//! A commit of a local Git repository: objects and references only.
//!
//! The repository may be written by others. gix is opened isolated from the environment and from every
//! configuration file, that of the repository included, so there is no filter, hook, attribute, include or
//! replacement to run or follow. The index and the working tree are never looked at.

use std::path::{Path, PathBuf};

use gix::bstr::{BStr, BString};
use gix::object::tree::EntryKind;
use gix::objs::Kind;

use super::{
    Budget, Content, MAX_FILE_BYTES, SourceError, SourceFile, label, may_hold_manifests, short,
};

/// Tags that point to tags.
const MAX_TAGS: usize = 16;
/// No header, tree or delta of a sane repository needs more.
const MAX_OBJECT: &str = "gitoxide.objects.allocLimit=67108864";

#[derive(Debug)]
pub(crate) struct Repository {
    path: PathBuf,
    reference: String,
    subdir: PathBuf,
}

impl Repository {
    pub(super) fn new(path: PathBuf, reference: String, subdir: PathBuf) -> Self {
        Self { path, reference, subdir }
    }

    /// Says at once that this is no repository, rather than wait for it to become one.
    pub(super) fn check(&self) -> Result<(), SourceError> {
        self.open().map(drop)
    }

    /// The folder that has the repository's files checked out, when it is not bare.
    pub(super) fn work_tree(&self) -> Option<PathBuf> {
        self.path.join(".git").exists().then(|| self.path.clone())
    }

    /// Opened anew each time: it takes a millisecond, and a repository may be replaced by another one.
    fn open(&self) -> Result<gix::Repository, SourceError> {
        let options = gix::open::Options::isolated()
            .with(gix::sec::Trust::Reduced)
            .filter_config_section(|section| section.source == gix::config::Source::Api)
            .config_overrides(["core.useReplaceRefs=false", MAX_OBJECT]);
        let opened = options.open(&self.path);
        let opened =
            opened.map_err(|_| SourceError::NotARepository(self.path.display().to_string()))?;
        Ok(opened.to_thread_local())
    }

    /// The commit that the reference names now.
    pub(super) fn commit(&self) -> Result<gix::ObjectId, SourceError> {
        let none =
            || SourceError::NoCommit(self.reference.clone(), self.path.display().to_string());
        let repository = self.open()?;
        let id = repository.rev_parse_single(BStr::new(&self.reference)).map_err(|_| none())?;
        let mut id = id.detach();
        // By hand: gix's own peeling panics over a tag that is damaged.
        for _ in 0..MAX_TAGS {
            let object = repository.find_object(id).map_err(|_| none())?;
            match object.kind {
                Kind::Commit => return Ok(id),
                Kind::Tag => {
                    let tag = object.try_into_tag().map_err(|_| none())?;
                    id = tag.target_id().map_err(|_| none())?.detach();
                }
                Kind::Tree | Kind::Blob => return Err(none()),
            }
        }
        Err(none())
    }

    pub(super) fn read(&self, commit: gix::ObjectId) -> Result<Vec<SourceFile>, SourceError> {
        let repository = self.open()?;
        let damaged = || SourceError::DamagedCommit(short(commit));
        let mut walk =
            Walk { repository: &repository, damaged: &damaged, budget: Budget::default() };
        let object = repository.find_object(commit).map_err(|_| damaged())?;
        let tree = object
            .try_into_commit()
            .ok()
            .and_then(|commit| commit.tree_id().ok().map(gix::Id::detach));
        let tree = walk.descend(tree.ok_or_else(damaged)?, &self.subdir)?;
        let prefix = BString::from(self.subdir.as_os_str().as_encoded_bytes());
        let mut files = Vec::new();
        walk.tree(tree, &prefix, 0, &mut files)?;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }
}

struct Walk<'a> {
    repository: &'a gix::Repository,
    damaged: &'a dyn Fn() -> SourceError,
    budget: Budget,
}

impl<'a> Walk<'a> {
    fn find_tree(&self, id: gix::ObjectId) -> Result<gix::Tree<'a>, SourceError> {
        let object = self.repository.find_object(id).map_err(|_| (self.damaged)())?;
        object.try_into_tree().map_err(|_| (self.damaged)())
    }

    /// The tree of a folder within `tree`, by names alone: a link is not followed.
    fn descend(
        &self,
        mut tree: gix::ObjectId,
        subdir: &Path,
    ) -> Result<gix::ObjectId, SourceError> {
        for part in subdir {
            let found = self.find_tree(tree)?;
            let named = |entry: &gix::object::tree::EntryRef<'_, '_>| {
                entry.filename() == part.as_encoded_bytes()
                    && entry.mode().kind() == EntryKind::Tree
            };
            let entry = found.iter().filter_map(Result::ok).find(named);
            let missing = || SourceError::NoFolder(subdir.display().to_string());
            tree = entry.ok_or_else(missing)?.object_id();
        }
        Ok(tree)
    }

    fn tree(
        &mut self,
        id: gix::ObjectId,
        prefix: &BString,
        depth: usize,
        files: &mut Vec<SourceFile>,
    ) -> Result<(), SourceError> {
        self.budget.folder()?;
        let tree = self.find_tree(id)?;
        for entry in tree.iter() {
            let entry = entry.map_err(|_| (self.damaged)())?;
            self.budget.entry(depth)?;
            let mut path = prefix.clone();
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(entry.filename());
            match entry.mode().kind() {
                EntryKind::Tree => self.tree(entry.object_id(), &path, depth + 1, files)?,
                EntryKind::Blob | EntryKind::BlobExecutable => {
                    if may_hold_manifests(entry.filename()) {
                        files.push(self.file(entry.object_id(), &path)?);
                    }
                }
                // A link's or a submodule's content is elsewhere.
                EntryKind::Link | EntryKind::Commit => {}
            }
        }
        Ok(())
    }

    fn file(&mut self, id: gix::ObjectId, path: &BString) -> Result<SourceFile, SourceError> {
        let header = self.repository.find_header(id).map_err(|_| (self.damaged)())?;
        if header.kind() != Kind::Blob {
            return Err((self.damaged)());
        }
        let path = label(path);
        if header.size() > MAX_FILE_BYTES {
            return Ok(SourceFile { path, content: Content::TooLarge });
        }
        self.budget.file(header.size())?;
        let mut blob = self.repository.find_object(id).map_err(|_| (self.damaged)())?;
        Ok(SourceFile { path, content: Content::Bytes(std::mem::take(&mut blob.data)) })
    }
}
