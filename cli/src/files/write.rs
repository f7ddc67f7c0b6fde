//! Writes whole files: each beside its target, and all are renamed when the last is complete on disk. Makes private
//! files and folders.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use zeroize::Zeroizing;

use super::paths::{folder_of, leads_out};
use crate::error::Failure;

/// The rights of everybody but the owner.
const OTHERS: u32 = 0o077;

/// A file to be written: where, what, and the mode of a new one.
pub(crate) struct Output {
    pub(crate) path: PathBuf,
    pub(crate) bytes: Zeroizing<Vec<u8>>,
    pub(crate) mode: u32,
}

/// Writes all of `outputs`; a failure before the first rename leaves every file as it was.
///
/// A file that has these bytes already is not touched. Returns what was written.
pub(crate) fn write_all(outputs: Vec<Output>) -> Result<Vec<PathBuf>, Failure> {
    let mut complete = Vec::new();
    for output in outputs {
        if let Some(staged) = stage(&output)? {
            complete.push((output.path, staged));
        }
    }
    // A device may be full, a rename hardly fails: what can go wrong goes first.
    complete.sort_by_key(|(_, staged)| matches!(staged, Staged::Beside(..)));
    let mut written = Vec::new();
    for (path, staged) in complete {
        let result = match staged {
            Staged::Beside(file, target) => {
                let persisted = file.persist(&target).map(drop).map_err(|error| error.error);
                // The rename cannot be undone, so the run does not fail when the folder is not synced.
                persisted.inspect(|()| drop(sync_folder(&target)))
            }
            Staged::Device(bytes) => write_device(&path, &bytes),
        };
        result.map_err(|error| half_done(Failure::io("write", &path, &error), &written))?;
        written.push(path);
    }
    Ok(written)
}

/// A failure after some files took their names says which.
fn half_done(failure: Failure, written: &[PathBuf]) -> Failure {
    if written.is_empty() {
        return failure;
    }
    let names: Vec<_> = written.iter().map(|path| path.display().to_string()).collect();
    failure.hint(format!("put it right and run it again; these were written: {}", names.join(", ")))
}

enum Staged {
    Beside(NamedTempFile, PathBuf),
    /// A device or pipe is written to as it is: renaming a file over it would replace it.
    Device(Zeroizing<Vec<u8>>),
}

fn stage(output: &Output) -> Result<Option<Staged>, Failure> {
    // A link stays a link: what it points to is replaced.
    let target = fs::canonicalize(&output.path).unwrap_or_else(|_| output.path.clone());
    if leads_out(&output.path) {
        let message = format!("{} leads out of its Git work tree", output.path.display());
        return Err(Failure::input(message).hint(
            "a link in a repository may be somebody else's trap: name the file itself that is meant",
        ));
    }
    let staged = match fs::metadata(&target) {
        Ok(metadata) if metadata.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(metadata) if !metadata.is_file() => Ok(Some(Staged::Device(output.bytes.clone()))),
        Ok(metadata) => stage_over(output, target, metadata.mode()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            stage_beside(output, target, output.mode).map(Some)
        }
        Err(error) => Err(error),
    };
    staged.map_err(|error| Failure::io("write", &output.path, &error))
}

/// Over a file that is there: nothing where it is the same already. Its mode is kept, except
/// that a private output makes the file private.
fn stage_over(output: &Output, target: PathBuf, old_mode: u32) -> io::Result<Option<Staged>> {
    let is_private = output.mode & OTHERS == 0;
    let same = fs::read(&target).is_ok_and(|old| Zeroizing::new(old) == output.bytes);
    if same && !(is_private && old_mode & OTHERS != 0) {
        return Ok(None);
    }
    let mode = if is_private { output.mode } else { old_mode & 0o7777 };
    stage_beside(output, target, mode).map(Some)
}

/// A complete file beside its target, on disk before it takes that name.
fn stage_beside(output: &Output, target: PathBuf, mode: u32) -> io::Result<Staged> {
    let mut file = tempfile::Builder::new().prefix(".seal-").tempfile_in(folder_of(&target))?;
    file.write_all(&output.bytes)?;
    file.as_file().set_permissions(Permissions::from_mode(mode))?;
    file.as_file().sync_all()?;
    Ok(Staged::Beside(file, target))
}

fn write_device(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).open(path)?;
    file.write_all(bytes)?;
    file.flush()
}

fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(folder_of(path))?.sync_all()
}

/// Keeps other runs that ask for the same from writing into the folder of `path` until it is dropped; `None` where the
/// file system has no locks.
pub(crate) fn lock_folder(path: &Path) -> Option<File> {
    let folder = File::open(folder_of(path)).ok()?;
    folder.lock().ok()?;
    Some(folder)
}

/// Makes a file that only its owner reads; never over an existing one.
pub(crate) fn create_private(path: &Path, text: &str) -> Result<(), Failure> {
    let options = OpenOptions::new().write(true).create_new(true).mode(0o600).clone();
    let mut file = options.open(path).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            Failure::input(format!("{} exists and is not overwritten", path.display()))
                .hint("it may be the only copy of a key: choose another name")
        }
        _ => Failure::io("make", path, &error),
    })?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    written.map_err(|error| {
        // A part of a key is of no use, and this run made the file: nothing else is lost.
        let _ = fs::remove_file(path);
        Failure::io("write", path, &error)
    })
}

/// Makes a folder and those above it.
pub(crate) fn create_folder(path: &Path) -> Result<(), Failure> {
    fs::create_dir_all(path).map_err(|error| Failure::io("make", path, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_private_is_so_over_a_file_that_others_could_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.yaml");
        for (before, mode, after) in
            [("x", 0o600, 0o600), ("plain", 0o600, 0o600), ("x", 0o644, 0o640)]
        {
            fs::write(&path, before).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
            let bytes = Zeroizing::new(b"plain".to_vec());
            write_all(vec![Output { path: path.clone(), bytes, mode }]).unwrap();
            assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, after);
        }
    }
}
