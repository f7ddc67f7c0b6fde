//! Where the inventory of an output lies, and how it is read and written.

use std::io::Read;

use seal_core::layout::FolderLayout;

use crate::beneath::{Access, Folder, Root};
use crate::error::{Blocked, DiskError};
use crate::inventory::Inventory;
use crate::staging::Staging;
use crate::system;

/// A hundred times what 10,000 objects take.
const MAX_INVENTORY: u64 = 256 * 1024 * 1024;
/// A folder of ours at the top, where what reads the output looks at the files there.
const STATE: &str = ".seal-state";

/// The inventory as the disk has it, and where.
#[derive(Debug)]
pub(crate) struct Records {
    folder: Option<&'static str>,
    name: String,
    saved: Inventory,
}

impl Records {
    /// That of a folder: at its top, or where that is read by others, in a folder of its own.
    pub(crate) fn of_folder(root: &Root, layout: FolderLayout) -> Result<Self, DiskError> {
        if !layout.top_is_read() {
            return Self::of_top(root, layout.as_str());
        }
        Self::read(root, Some(STATE), "inventory.json".to_owned(), layout.as_str())
    }

    /// At the top of a folder.
    pub(crate) fn of_top(root: &Root, layout: &str) -> Result<Self, DiskError> {
        Self::read(root, None, ".seal-inventory.json".to_owned(), layout)
    }

    /// That of one file, beside it and named for it: the folder is not ours alone, and may hold several.
    pub(crate) fn of_file(root: &Root, file: &str, layout: &str) -> Result<Self, DiskError> {
        Self::read(root, None, format!(".seal-inventory.{file}.json"), layout)
    }

    fn read(
        root: &Root,
        folder: Option<&'static str>,
        name: String,
        layout: &str,
    ) -> Result<Self, DiskError> {
        let mut records = Self { folder, name, saved: Inventory::new(layout) };
        let text = records.text(root).map_err(|why| match why {
            Blocked::Odd(what) => records.bad(format!("is {what}")),
            why => why.at("read", &records.path()),
        })?;
        if let Some(text) = text {
            records.saved =
                Inventory::read(&text, layout).map_err(|what| records.bad(what.into()))?;
        }
        Ok(records)
    }

    fn text(&self, root: &Root) -> Result<Option<Vec<u8>>, Blocked> {
        let folder = match self.folder.map(|name| root.subfolder(&root.folder, name)) {
            None => root.folder.try_clone()?,
            Some(Ok(folder)) => folder,
            Some(Err(blocked)) if blocked.is_absence() => return Ok(None),
            Some(Err(blocked)) => return Err(blocked),
        };
        read_private(root, &folder, &self.name, MAX_INVENTORY)
    }

    fn bad(&self, what: String) -> DiskError {
        DiskError::BadInventory { path: self.path(), what }
    }

    fn path(&self) -> String {
        self.folder.map(|folder| format!("{folder}/")).unwrap_or_default() + &self.name
    }

    /// What the disk has.
    pub(crate) fn saved(&self) -> &Inventory {
        &self.saved
    }

    /// Writes an inventory where it is another than the one on disk; `number` is free in the staging folder.
    pub(crate) fn save(
        &mut self,
        root: &Root,
        staging: &Staging<'_>,
        number: usize,
        inventory: &Inventory,
    ) -> Result<(), DiskError> {
        if *inventory == self.saved {
            return Ok(());
        }
        self.write(root, staging, number, inventory)
            .map_err(|why| why.at("write", &self.path()))?;
        self.saved.clone_from(inventory);
        Ok(())
    }

    fn write(
        &self,
        root: &Root,
        staging: &Staging<'_>,
        number: usize,
        inventory: &Inventory,
    ) -> Result<(), Blocked> {
        staging.put(number, 0o600, &inventory.to_json())?;
        let folder = match self.folder {
            None => root.folder.try_clone()?,
            Some(name) => root.make_folder(&root.folder, name, 0o700)?,
        };
        staging.rename(number, &folder, &self.name, false)?;
        Ok(system::sync_folder(&folder)?)
    }
}

/// Reads a file of ours that nobody else may read or write.
pub(crate) fn read_private(
    root: &Root,
    folder: &Folder,
    name: &str,
    limit: u64,
) -> Result<Option<Vec<u8>>, Blocked> {
    let Some((file, metadata)) = root.open_ours_in(folder, name, Access::Read)? else {
        return Ok(None);
    };
    if system::rights(&metadata).is_some_and(|rights| rights & 0o077 != 0) {
        return Err(Blocked::Odd("a file that others may read or write"));
    }
    if metadata.len() > limit {
        return Err(Blocked::Odd("a file larger than we write"));
    }
    let mut content = Vec::new();
    file.take(limit).read_to_end(&mut content)?;
    Ok(Some(content))
}
