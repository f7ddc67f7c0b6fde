//! [`OneFile`]: a file in which all objects have entries, and maybe other people too.
//!
//! It is read, changed and put back whole: finished beside it and renamed over it, so that a crash leaves the old file or the
//! new one. The folder that it lies in need not be ours alone; nothing in it is touched but the file and what begins with
//! `.seal-`. An inventory beside it says which entries are ours.

mod names;

use std::io::Read;
use std::path::Path;

use seal_core::layout::{Change, FileLayout, Held, LaidEntries};
use seal_core::secret::SecretValue;
use zeroize::Zeroizing;

use crate::beneath::{Access, Root, Stamp};
use crate::error::{Blocked, DiskError};
use crate::inventory::Inventory;
use crate::records::Records;
use crate::rel_path::RelPath;
use crate::staging::STAGING;
use crate::system;
use names::Names;

/// Mode of the folder where it has to be made.
const FOLDER_MODE: u32 = 0o700;

/// The file, its folder locked while this lives.
#[derive(Debug)]
pub struct OneFile {
    root: Root,
    given: String,
    path: RelPath,
    layout: FileLayout,
    inventory: Inventory,
    records: Records,
    /// What stood there when it was looked at, before it was, or after it was written.
    seen: Option<Stamp>,
}

/// The entries of an object, and where in the source its sealed file lies.
#[derive(Debug)]
pub struct Laid {
    /// What goes into the file.
    pub object: LaidEntries,
    /// Relative to the source.
    pub from: String,
}

/// How it went with each object: whether an entry of it changed.
pub type Applied = Vec<(String, Result<bool, DiskError>)>;

/// What stands on the disk.
struct There {
    text: Option<Zeroizing<Vec<u8>>>,
    has_mode: bool,
    stamp: Stamp,
}

impl OneFile {
    /// Opens the file at `path`, which need not be there, in a folder that is ours and that nobody else may write to.
    pub fn open(path: &Path, layout: FileLayout) -> Result<Self, DiskError> {
        let given = path.display().to_string();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let rel_path = RelPath::of(&[name.to_owned()])
            .filter(|_| name.len() <= 200)
            .ok_or_else(|| DiskError::BadName { place: given.clone() })?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let root = Root::open(folder.unwrap_or(Path::new(".")), FOLDER_MODE)?;
        root.clear_staging().map_err(|blocked| blocked.at("clear", STAGING))?;
        let records = Records::of_file(&root, name, layout.as_str())?;
        let inventory = records.saved().clone();
        Ok(Self { root, given, path: rel_path, layout, inventory, records, seen: None })
    }

    /// The file at its path now, where its folder is another one or none: see [`Out::moved`](crate::Out::moved).
    pub fn moved(&self) -> Result<Option<Self>, DiskError> {
        match self.root.is_moved() {
            true => Self::open(&self.root.path().join(self.path.as_str()), self.layout)
                .map(|file| Some(Self { given: self.given.clone(), ..file })),
            false => self.root.is_safe().map(|()| None),
        }
    }

    /// Where its folder was opened.
    pub fn path(&self) -> &Path {
        self.root.path()
    }

    /// What the file is.
    pub fn layout(&self) -> FileLayout {
        self.layout
    }

    /// What is ours.
    pub fn inventory(&self) -> &Inventory {
        &self.inventory
    }

    /// The file as it was given, for messages.
    pub fn given(&self) -> &str {
        &self.given
    }

    /// Whether somebody changed, removed or planted something since the last pass.
    pub fn has_drifted(&self) -> bool {
        self.seen.is_some_and(|stamp| self.root.stamp(&self.path) != stamp)
    }

    /// Brings the file to what was laid out, all of it at once. Objects that are in the inventory and neither laid out nor
    /// `gone` keep the entries that the file has of them.
    ///
    /// An error is about the file as a whole, which is then as it was.
    pub fn apply(&mut self, laid: &[Laid], gone: &[String]) -> Result<Applied, DiskError> {
        self.apply_if(laid, gone, |_| true)
    }

    /// The same, where one object that cannot be in the file keeps all of them out of it.
    pub fn apply_all(&mut self, laid: &[Laid]) -> Result<(), DiskError> {
        let applied = self.apply_if(laid, &[], |refused| refused == 0)?;
        applied.into_iter().try_for_each(|(_, result)| result.map(drop))
    }

    fn apply_if(
        &mut self,
        laid: &[Laid],
        gone: &[String],
        may_write: fn(usize) -> bool,
    ) -> Result<Applied, DiskError> {
        self.seen = Some(self.root.stamp(&self.path));
        if self.inventory.objects.is_empty() && laid.iter().all(|it| it.object.entries.is_empty()) {
            return Ok(laid.iter().map(|it| (it.object.place.to_string(), Ok(false))).collect());
        }
        let there = self.read()?;
        let text = there.text.as_ref().map(|text| text.as_slice());
        let held = Held::read(self.layout, text)
            .map_err(|what| DiskError::BadFile { path: self.given.clone(), what })?;
        let names = Names::sort_out(self, &held, laid, gone);
        let wanted = names.wanted();
        let mut change = held.change(&wanted);
        let is_empty = wanted.set.is_empty() && wanted.kept.is_empty();
        if let (Change::Nothing, Some(text), false) = (&change, text, there.has_mode || is_empty) {
            change = Change::Write(SecretValue::from(text));
        }
        let (next, refused) = (names.next(&self.inventory, gone), names.refused.len());
        let applied = names.applied(&self.inventory, &held);
        if may_write(refused) {
            self.make(change, &there.stamp, next)?;
        }
        Ok(applied)
    }

    /// Notes whether objects that are gone from the source may not go until somebody says so.
    pub fn note_blocked(&mut self, is_blocked: bool) {
        self.inventory.prune_blocked = is_blocked;
    }

    /// Writes the inventory when it is another than the one on disk.
    pub fn finish(&mut self) -> Result<(), DiskError> {
        if self.inventory == *self.records.saved() {
            return Ok(());
        }
        let staging = self.root.staging().map_err(|why| why.at("make", STAGING))?;
        self.records.save(&self.root, &staging, 0, &self.inventory)
    }

    fn read(&self) -> Result<There, DiskError> {
        let there = self.there().map_err(|why| why.at("read", &self.given))?;
        let is_ours = self.layout.is_shared() || !self.inventory.objects.is_empty();
        if there.text.is_some() && !is_ours {
            let what = "a file that is not ours";
            return Err(DiskError::NotOurs { path: self.given.clone(), what });
        }
        Ok(there)
    }

    fn there(&self) -> Result<There, Blocked> {
        // Before it is read: what changes between the two shows before it is replaced.
        let stamp = self.root.stamp(&self.path);
        let Some((file, metadata)) = self.root.open_ours(&self.path, Access::Read)? else {
            return Ok(There { text: None, has_mode: true, stamp });
        };
        if metadata.len() > Held::MAX_BYTES as u64 {
            return Err(Blocked::Odd("larger than 8 MiB, and no file of its kind is"));
        }
        let size = usize::try_from(metadata.len()).unwrap_or_default();
        // As large as it is, so that growing leaves no copy behind.
        let mut text = Zeroizing::new(Vec::with_capacity(size + 1));
        file.take(Held::MAX_BYTES as u64).read_to_end(&mut text)?;
        let has_mode = system::rights(&metadata).is_none_or(|rights| rights == FileLayout::MODE);
        Ok(There { text: Some(text), has_mode, stamp })
    }

    fn make(
        &mut self,
        change: Change,
        looked_at: &Stamp,
        next: Inventory,
    ) -> Result<(), DiskError> {
        match change {
            Change::Nothing => {}
            Change::Write(content) => self.replace(&content, looked_at, &next)?,
            Change::Remove => {
                self.root.remove(&self.path).map_err(|why| why.at("remove", &self.given))?;
                self.seen = Some(Stamp::Nothing);
            }
        }
        self.inventory = next;
        Ok(())
    }

    /// The inventory first, with what was ours and what will be, so that no entry is ever taken for somebody else's.
    fn replace(
        &mut self,
        content: &SecretValue,
        looked_at: &Stamp,
        next: &Inventory,
    ) -> Result<(), DiskError> {
        let staging = self.root.staging().map_err(|why| why.at("make", STAGING))?;
        let stamp = staging
            .put(0, FileLayout::MODE, content.expose())
            .map_err(|error| Blocked::System(error).at("write", &self.given))?;
        self.records.save(&self.root, &staging, 1, &self.inventory.with(next))?;
        if self.root.stamp(&self.path) != *looked_at {
            let cause = "somebody else changed it meanwhile".to_owned();
            return Err(DiskError::System { doing: "replace", path: self.given.clone(), cause });
        }
        let is_new = *looked_at == Stamp::Nothing;
        staging
            .rename(0, &self.root.folder, self.path.name(), is_new)
            .map_err(|why| why.at("write", &self.given))?;
        self.seen = Some(stamp);
        system::sync_folder(&self.root.folder)
            .map_err(|error| Blocked::System(error).at("sync", &self.given))
    }
}
