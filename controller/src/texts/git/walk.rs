//! The manifests of a commit: names first, then each content once, however many names it has.

use std::collections::HashMap;
use std::path::Path;

use gix::ObjectId;
use gix::bstr::BString;
use gix::objs::tree::EntryKind;
use gix::objs::{CommitRefIter, Find, Kind, TagRefIter, TreeRefIter};
use gix::odb::{Header, store};
use seal_core::tree::collect::Content;

use super::super::{
    Asked, Budget, MAX_FILE_BYTES, SourceError, may_hold_manifests, printable, short,
};
use super::inside::Inside;

/// Tags that point to tags.
const MAX_TAGS: usize = 16;
/// Bytes of one object. No header, tree or delta of a sane repository needs more.
const MAX_OBJECT_BYTES: usize = 32 * 1024 * 1024;
const HASH: gix::hash::Kind = gix::hash::Kind::Sha1;

/// The objects of one repository, its own alone.
pub(super) struct Objects {
    inside: Inside,
    store: gix::odb::Handle,
}

impl Objects {
    pub(super) fn open(inside: Inside, folder: &Path) -> Result<Self, SourceError> {
        let borrowed = inside.read(Path::new("objects/info/alternates"), 4096);
        // Longer than that is some, too.
        if !matches!(&borrowed, Ok(None)) && !matches!(&borrowed, Ok(Some(text)) if text.is_empty())
        {
            return Err(match borrowed {
                Err(error @ SourceError::NotRegular(_)) => error,
                _ => SourceError::Borrows(folder.display().to_string()),
            });
        }
        inside.check_packs()?;
        let options = store::init::Options {
            alloc_limit_bytes: Some(MAX_OBJECT_BYTES),
            ..store::init::Options::default()
        };
        let unreadable = |error: std::io::Error| {
            SourceError::Unreadable(folder.display().to_string(), error.kind())
        };
        let mut store =
            gix::odb::at_opts(folder.join("objects"), HASH, [], options).map_err(unreadable)?;
        // An object that is missing is not looked for twice.
        store.refresh_never();
        Ok(Self { inside, store })
    }

    /// An object and its kind; none where it is missing or damaged.
    fn find(&self, id: ObjectId) -> Result<Option<(Kind, Vec<u8>)>, SourceError> {
        self.inside.check_loose(&id)?;
        let mut data = Vec::new();
        let found = self.store.try_find(&id, &mut data).ok().flatten().map(|object| object.kind);
        Ok(found.map(|kind| (kind, data)))
    }

    /// Whether the object is here, whatever it is.
    fn has(&self, id: ObjectId) -> Result<bool, SourceError> {
        use gix::objs::Exists;
        Ok(self.store.exists(&id))
    }

    pub(super) fn commit(&self, id: ObjectId) -> Result<Option<Vec<u8>>, SourceError> {
        Ok(self.find(id)?.filter(|(kind, _)| *kind == Kind::Commit).map(|(_, data)| data))
    }

    /// The size of a content, without reading it; none where it is missing, damaged or something else.
    fn size(&self, id: ObjectId) -> Result<Option<u64>, SourceError> {
        self.inside.check_loose(&id)?;
        let header = self.store.try_header(&id).ok().flatten();
        Ok(header.filter(|header| header.kind() == Kind::Blob).map(|header| header.size()))
    }

    /// The commit that a tag, or a tag of a tag, is of.
    pub(super) fn peel(&self, named: ObjectId) -> Result<Option<ObjectId>, SourceError> {
        let mut id = named;
        for _ in 0..MAX_TAGS {
            match self.find(id)? {
                Some((Kind::Commit, _)) => return Ok(Some(id)),
                Some((Kind::Tag, data)) => match TagRefIter::from_bytes(&data, HASH).target_id() {
                    Ok(target) => id = target,
                    Err(_) => return Ok(None),
                },
                _ => return Ok(None),
            }
        }
        Ok(None)
    }
}

/// Is shown a content by its object and all its names, and may read it.
pub(crate) type Visit<'a> = dyn FnMut(
        ObjectId,
        Vec<String>,
        &mut dyn FnMut() -> Result<Content, SourceError>,
    ) -> Result<(), SourceError>
    + 'a;

/// Is shown a link or a repository within the repository, and its name.
type Links<'a> = dyn FnMut(ObjectId, String) -> Result<(), SourceError> + 'a;

/// One commit being read.
pub(super) struct Walk<'a> {
    objects: Objects,
    commit: ObjectId,
    budget: Budget,
    asked: Asked<'a>,
    /// Contents that may be manifests, in the order of their first names, and all names of each.
    contents: Vec<(ObjectId, Vec<String>)>,
    known: HashMap<ObjectId, usize>,
    /// Whether a content that is missing is one that was too large to fetch.
    pub(super) is_partial: bool,
}

impl<'a> Walk<'a> {
    pub(super) fn new(objects: Objects, commit: ObjectId, asked: Asked<'a>) -> Self {
        let budget = Budget::default();
        let (contents, known) = (Vec::new(), HashMap::new());
        Self { objects, commit, budget, asked, contents, known, is_partial: false }
    }

    /// Shows each content beneath `subdir` to `visit`, with a way to read it, before the next one.
    pub(super) fn visit(mut self, subdir: &Path, visit: &mut Visit<'_>) -> Result<(), SourceError> {
        self.names(subdir, &mut |id, path| visit(id, vec![path], &mut || Ok(Content::Link)))?;
        for (id, mut paths) in std::mem::take(&mut self.contents) {
            paths.sort();
            visit(id, paths, &mut || self.content(id))?;
        }
        Ok(())
    }

    /// The content of each of these objects, within what is read of one file.
    pub(super) fn contents(
        mut self,
        ids: &[ObjectId],
        take: &mut dyn FnMut(Content) -> Result<(), SourceError>,
    ) -> Result<(), SourceError> {
        ids.iter().try_for_each(|id| take(self.content(*id)?))
    }

    /// The contents that are not in the object store.
    pub(super) fn missing(mut self, subdir: &Path) -> Result<Vec<ObjectId>, SourceError> {
        self.names(subdir, &mut |_, _| Ok(()))?;
        let mut missing = Vec::new();
        for (id, _) in &self.contents {
            self.asked.go_on()?;
            if !self.objects.has(*id)? {
                missing.push(*id);
            }
        }
        Ok(missing)
    }

    /// Every name of a manifest beneath `subdir`, and what it is of. Links are shown at once.
    fn names(&mut self, subdir: &Path, link: &mut Links<'_>) -> Result<(), SourceError> {
        let root = self.root()?;
        let tree = self.descend(root, subdir)?;
        let prefix = BString::from(subdir.as_os_str().as_encoded_bytes());
        // One tree is in memory at a time; what is beneath it waits by name.
        let mut waiting = vec![(tree, prefix, 0)];
        while let Some((id, prefix, depth)) = waiting.pop() {
            self.tree(id, &prefix, depth, &mut waiting, link)?;
        }
        Ok(())
    }

    fn damaged(&self) -> SourceError {
        SourceError::DamagedCommit(short(self.commit))
    }

    fn root(&self) -> Result<ObjectId, SourceError> {
        match self.objects.find(self.commit)? {
            Some((Kind::Commit, data)) => {
                CommitRefIter::from_bytes(&data, HASH).tree_id().map_err(|_| self.damaged())
            }
            _ => Err(self.damaged()),
        }
    }

    fn find_tree(&self, id: ObjectId) -> Result<Vec<u8>, SourceError> {
        match self.objects.find(id)? {
            Some((Kind::Tree, data)) => Ok(data),
            _ => Err(self.damaged()),
        }
    }

    /// The tree of a folder within `root`, by names alone: a link is not followed.
    fn descend(&self, root: ObjectId, subdir: &Path) -> Result<ObjectId, SourceError> {
        let mut tree = root;
        for part in subdir {
            let below = folder_in(&self.find_tree(tree)?, part.as_encoded_bytes());
            tree = below.ok_or_else(|| SourceError::NoFolder(subdir.display().to_string()))?;
        }
        Ok(tree)
    }

    fn tree(
        &mut self,
        id: ObjectId,
        prefix: &BString,
        depth: usize,
        waiting: &mut Vec<(ObjectId, BString, usize)>,
        link: &mut Links<'_>,
    ) -> Result<(), SourceError> {
        self.asked.go_on()?;
        let data = self.find_tree(id)?;
        for read in TreeRefIter::from_bytes(&data, HASH) {
            let entry = read.map_err(|_| self.damaged())?;
            self.budget.entry(depth)?;
            let path = || below(prefix, entry.filename);
            match entry.mode.kind() {
                EntryKind::Tree => {
                    self.budget.folder()?;
                    waiting.push((entry.oid.to_owned(), path()?, depth + 1));
                }
                EntryKind::Blob | EntryKind::BlobExecutable => {
                    if may_hold_manifests(entry.filename) {
                        let path = printable(&path()?);
                        self.name(entry.oid.to_owned(), path)?;
                    }
                }
                // A link's or a submodule's content is elsewhere.
                EntryKind::Link | EntryKind::Commit => {
                    link(entry.oid.to_owned(), printable(&path()?))?;
                }
            }
        }
        Ok(())
    }

    fn name(&mut self, id: ObjectId, path: String) -> Result<(), SourceError> {
        self.budget.file()?;
        let next = self.contents.len();
        let index = *self.known.entry(id).or_insert(next);
        match self.contents.get_mut(index) {
            Some((_, paths)) => paths.push(path),
            None => self.contents.push((id, vec![path])),
        }
        Ok(())
    }

    fn content(&mut self, id: ObjectId) -> Result<Content, SourceError> {
        self.asked.go_on()?;
        let size = match self.objects.size(id)? {
            Some(size) => size,
            None if self.is_partial && !self.objects.has(id)? => return Ok(Content::TooLarge),
            None => return Err(self.damaged()),
        };
        if size > MAX_FILE_BYTES {
            return Ok(Content::TooLarge);
        }
        self.budget.bytes(size)?;
        match self.objects.find(id)? {
            Some((Kind::Blob, data)) => Ok(Content::Bytes(data)),
            _ => Err(self.damaged()),
        }
    }
}

fn below(prefix: &BString, name: &[u8]) -> Result<BString, SourceError> {
    let mut path = Vec::with_capacity(prefix.len() + 1 + name.len());
    path.extend_from_slice(prefix);
    if !path.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(name);
    Budget::path(path.len())?;
    Ok(path.into())
}

fn folder_in(tree: &[u8], name: &[u8]) -> Option<ObjectId> {
    let mut entries = TreeRefIter::from_bytes(tree, HASH).filter_map(Result::ok);
    let found =
        entries.find(|entry| entry.filename == name && entry.mode.kind() == EntryKind::Tree)?;
    Some(found.oid.to_owned())
}
