//! An OCI image layout: blobs by their digest, and an index that names the first one. In memory, then on disk.
//!
//! The shape is that of <https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md>.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use oci_spec::image::{Descriptor, MediaType, Sha256Digest};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use tar::{Builder, EntryType, Header};

use crate::error::Error;

/// What makes a folder a layout.
const MARK: &str = "oci-layout";

/// The files of a layout, by their paths, in the order in which they are written.
#[derive(Debug, Default)]
pub(crate) struct Layout {
    files: BTreeMap<String, Vec<u8>>,
}

impl Layout {
    /// Adds a blob, and says how it is referred to.
    pub(crate) fn blob(
        &mut self,
        media_type: MediaType,
        bytes: Vec<u8>,
    ) -> Result<Descriptor, Error> {
        let digest = hex::encode(Sha256::digest(&bytes));
        let descriptor =
            Descriptor::new(media_type, bytes.len() as u64, Sha256Digest::from_str(&digest)?);
        self.files.insert(format!("blobs/sha256/{digest}"), bytes);
        Ok(descriptor)
    }

    /// Adds a document as a blob.
    pub(crate) fn document<T: Serialize>(
        &mut self,
        kind: MediaType,
        document: &T,
    ) -> Result<Descriptor, Error> {
        self.blob(kind, json(document)?)
    }

    /// Adds the two files that every layout has, and with that it is one.
    pub(crate) fn close<T: Serialize>(mut self, index: &T) -> Result<Self, Error> {
        self.files.insert("index.json".into(), json(index)?);
        let version = serde_json::json!({"imageLayoutVersion": "1.0.0"});
        self.files.insert(MARK.into(), json(&version)?);
        Ok(self)
    }

    /// Writes the folder `out` and the archive `out`.tar, each whole or not at all. Replaces what it has written before, and
    /// nothing else.
    pub(crate) fn write(&self, out: &Path) -> Result<(), Error> {
        let out: PathBuf = out.components().collect(); // without the `/` at its end
        let mut tar = out.clone().into_os_string();
        tar.push(".tar");
        let tar = PathBuf::from(tar);
        refuse_what_is_not_ours(&out, &tar)?;
        let beside = out.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(beside).map_err(Error::at(beside))?;
        let temporary = tempfile::tempdir_in(beside).map_err(Error::at(beside))?;
        let (folder, archive) = (temporary.path().join("layout"), temporary.path().join("archive"));
        self.write_folder(&folder)?;
        self.write_archive(&archive)?;
        if out.exists() {
            fs::rename(&out, temporary.path().join("before")).map_err(Error::at(&out))?;
        }
        fs::rename(&folder, &out).map_err(Error::at(&out))?;
        fs::rename(&archive, &tar).map_err(Error::at(&tar))
    }

    fn write_folder(&self, folder: &Path) -> Result<(), Error> {
        let blobs = folder.join("blobs/sha256");
        fs::create_dir_all(&blobs).map_err(Error::at(&blobs))?;
        for (name, bytes) in &self.files {
            let path = folder.join(name);
            fs::write(&path, bytes).map_err(Error::at(&path))?;
        }
        Ok(())
    }

    fn write_archive(&self, path: &Path) -> Result<(), Error> {
        let mut archive = Builder::new(File::create(path).map_err(Error::at(path))?);
        for (name, bytes) in &self.files {
            append(&mut archive, name, 0o644, 0, bytes)?;
        }
        archive.into_inner()?.sync_all().map_err(Error::at(path))
    }
}

/// A layout has three entries. An archive is ours beside a layout.
fn refuse_what_is_not_ours(out: &Path, tar: &Path) -> Result<(), Error> {
    let is_there = |path: &Path| path.symlink_metadata().is_ok();
    if is_there(out) && !is_layout(out) {
        return Err(Error::NotOurs(out.into()));
    }
    let is_file = tar.symlink_metadata().is_ok_and(|found| found.is_file());
    if is_there(tar) && !(is_file && is_there(out)) {
        return Err(Error::NotOurs(tar.into()));
    }
    Ok(())
}

fn is_layout(folder: &Path) -> bool {
    let is_folder = folder.symlink_metadata().is_ok_and(|found| found.is_dir());
    let Ok(entries) = fs::read_dir(folder) else { return false };
    let known = [MARK, "index.json", "blobs"];
    let all_known = |entry: std::io::Result<fs::DirEntry>| {
        entry.is_ok_and(|entry| known.iter().any(|name| entry.file_name() == *name))
    };
    is_folder && folder.join(MARK).is_file() && entries.into_iter().all(all_known)
}

/// Adds a file of root's, whose header says nothing of the machine it was made on.
pub(crate) fn append<W: std::io::Write>(
    archive: &mut Builder<W>,
    name: &str,
    mode: u32,
    modified: u64,
    bytes: &[u8],
) -> Result<(), Error> {
    let mut header = Header::new_ustar();
    header.set_entry_type(EntryType::Regular);
    header.set_mode(mode);
    header.set_mtime(modified);
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(bytes.len() as u64);
    archive.append_data(&mut header, name, bytes)?;
    Ok(())
}

/// Keys in their order: the types keep some in hash maps, which have another order every time.
fn json<T: Serialize>(document: &T) -> Result<Vec<u8>, Error> {
    let mut value = serde_json::to_value(document)?;
    value.sort_all_objects();
    Ok(serde_json::to_vec(&value)?)
}
