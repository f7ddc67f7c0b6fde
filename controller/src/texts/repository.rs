//! A commit of a local Git repository: objects and references only.
//!
//! The repository may be written by others. gix is opened isolated from the environment and from every
//! configuration file, that of the repository included, so there is no filter, hook, attribute, include or
//! replacement to run or follow. The index and the working tree are never looked at.

use std::path::{Path, PathBuf};

use gix::bstr::{BStr, BString};
use gix::object::tree::EntryKind;
use gix::objs::Kind;
use seal_core::tree::collect::{Content, Text};

use super::{Budget, MAX_FILE_BYTES, SourceError, may_hold_manifests, printable, short};

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
        match options.open(&self.path) {
            Ok(opened) => Ok(opened.to_thread_local()),
            Err(_) => Err(SourceError::NotARepository(self.path.display().to_string())),
        }
    }

    /// The commit that the reference names now.
    pub(super) fn commit(&self) -> Result<gix::ObjectId, SourceError> {
        let repository = self.open()?;
        let named = repository.rev_parse_single(BStr::new(&self.reference)).ok();
        let commit = named.and_then(|id| peel(&repository, id.detach()));
        commit.ok_or_else(|| {
            SourceError::NoCommit(self.reference.clone(), self.path.display().to_string())
        })
    }

    pub(super) fn read(&self, commit: gix::ObjectId) -> Result<Vec<Text>, SourceError> {
        let repository = self.open()?;
        let mut walk = Walk { repository: &repository, commit, budget: Budget::default() };
        let root = walk.root()?;
        let tree = walk.descend(root, &self.subdir)?;
        let prefix = BString::from(self.subdir.as_os_str().as_encoded_bytes());
        let mut files = Vec::new();
        walk.tree(tree, &prefix, 0, &mut files)?;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }
}

/// By hand: gix's own peeling panics over a tag that is damaged.
fn peel(repository: &gix::Repository, named: gix::ObjectId) -> Option<gix::ObjectId> {
    let mut id = named;
    for _ in 0..MAX_TAGS {
        let object = repository.find_object(id).ok()?;
        match object.kind {
            Kind::Commit => return Some(id),
            Kind::Tag => id = object.try_into_tag().ok()?.target_id().ok()?.detach(),
            Kind::Tree | Kind::Blob => return None,
        }
    }
    None
}

struct Walk<'a> {
    repository: &'a gix::Repository,
    commit: gix::ObjectId,
    budget: Budget,
}

impl<'a> Walk<'a> {
    fn damaged(&self) -> SourceError {
        SourceError::DamagedCommit(short(self.commit))
    }

    fn root(&self) -> Result<gix::ObjectId, SourceError> {
        let object = self.repository.find_object(self.commit).map_err(|_| self.damaged())?;
        let commit = object.try_into_commit().map_err(|_| self.damaged())?;
        commit.tree_id().map(gix::Id::detach).map_err(|_| self.damaged())
    }

    fn find_tree(&self, id: gix::ObjectId) -> Result<gix::Tree<'a>, SourceError> {
        let object = self.repository.find_object(id).map_err(|_| self.damaged())?;
        object.try_into_tree().map_err(|_| self.damaged())
    }

    /// The tree of a folder within `root`, by names alone: a link is not followed.
    fn descend(&self, root: gix::ObjectId, subdir: &Path) -> Result<gix::ObjectId, SourceError> {
        let mut tree = root;
        for part in subdir {
            let below = folder_in(&self.find_tree(tree)?, part.as_encoded_bytes());
            tree = below.ok_or_else(|| SourceError::NoFolder(subdir.display().to_string()))?;
        }
        Ok(tree)
    }

    fn tree(
        &mut self,
        id: gix::ObjectId,
        prefix: &BString,
        depth: usize,
        files: &mut Vec<Text>,
    ) -> Result<(), SourceError> {
        self.budget.folder()?;
        let tree = self.find_tree(id)?;
        for read in tree.iter() {
            let entry = read.map_err(|_| self.damaged())?;
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

    fn file(&mut self, id: gix::ObjectId, name: &BString) -> Result<Text, SourceError> {
        let header = self.repository.find_header(id).map_err(|_| self.damaged())?;
        if header.kind() != Kind::Blob {
            return Err(self.damaged());
        }
        let path = printable(name);
        if header.size() > MAX_FILE_BYTES {
            return Ok(Text { path, content: Content::TooLarge });
        }
        self.budget.file(header.size())?;
        let mut blob = self.repository.find_object(id).map_err(|_| self.damaged())?;
        Ok(Text { path, content: Content::Bytes(std::mem::take(&mut blob.data)) })
    }
}

fn folder_in(tree: &gix::Tree<'_>, name: &[u8]) -> Option<gix::ObjectId> {
    let mut entries = tree.iter().filter_map(Result::ok);
    let found =
        entries.find(|entry| entry.filename() == name && entry.mode().kind() == EntryKind::Tree)?;
    Some(found.object_id())
}
