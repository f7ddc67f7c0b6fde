//! Writes whole files: each beside its target, and all are renamed when the last is complete on disk. Makes private
//! files and folders.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use seal_disk::system;
use tempfile::TempPath;
use zeroize::Zeroizing;

use super::paths::{exists, folder_of, is_stdout, leads_out};
use crate::error::Failure;

/// The rights of everybody but the owner.
const OTHERS: u32 = 0o077;
/// What the name of a file begins with until it is complete; one that a killed run left is nobody's.
const UNFINISHED: &str = ".seal-";

/// A file to be written: where, what, the mode of a new one, and what may be lost by it.
pub(crate) struct Output {
    pub(crate) path: PathBuf,
    pub(crate) bytes: Zeroizing<Vec<u8>>,
    pub(crate) mode: u32,
    pub(crate) over: Over,
}

/// What a file is written over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    /// Whatever is there: the caller has looked at it, or somebody said so.
    Anything,
    /// Nothing but an empty file, or one with the same bytes.
    Nothing,
}

/// Writes all of `outputs`; a failure before the first rename leaves every file as it was.
///
/// A file that has these bytes already is not touched. Returns what was written.
pub(crate) fn write_all(outputs: Vec<Output>) -> Result<Vec<PathBuf>, Failure> {
    let mut complete = Vec::new();
    for output in outputs {
        complete.extend(complete_beside(output)?);
    }
    name_all(complete)
}

/// A complete file on disk that has not got its name yet; gone when this is dropped.
pub(crate) struct Complete {
    path: PathBuf,
    staged: Staged,
}

/// The first half of [`write_all`], for one of many: `None` where the file has these bytes already.
pub(crate) fn complete_beside(output: Output) -> Result<Option<Complete>, Failure> {
    let staged = stage(&output)?;
    Ok(staged.map(|staged| Complete { path: output.path, staged }))
}

/// The second half: each takes its name.
pub(crate) fn name_all(mut complete: Vec<Complete>) -> Result<Vec<PathBuf>, Failure> {
    // A device may be full, a rename hardly fails: what can go wrong goes first.
    complete.sort_by_key(|it| matches!(it.staged, Staged::Beside(..)));
    let mut folders = BTreeSet::new();
    let result = finish(complete, &mut folders);
    // A rename cannot be undone, so the run does not fail when a folder is not synced.
    folders.iter().for_each(|folder| drop(sync_folder(folder)));
    result
}

/// Gives each file its name; says into which folders.
fn finish(
    complete: Vec<Complete>,
    folders: &mut BTreeSet<PathBuf>,
) -> Result<Vec<PathBuf>, Failure> {
    let mut written = Vec::new();
    for Complete { path, staged } in complete {
        let result = match staged {
            Staged::Beside(file, target, is_new) => {
                folders.insert(folder_of(&target).to_owned());
                take_name(file, &target, is_new)
            }
            Staged::Device(bytes) => write_device(&path, &bytes),
        };
        result.map_err(|error| half_done(not_written(&path, &error), &written))?;
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

/// Refuses a path that a link leads out of its Git work tree.
pub(crate) fn stays_inside(path: &Path) -> Result<(), Failure> {
    if !leads_out(path) {
        return Ok(());
    }
    Err(Failure::input(format!("{} leads out of its Git work tree", path.display())).hint(
        "a link in a repository may be somebody else's trap: name the file itself that is meant",
    ))
}

fn not_written(path: &Path, error: &io::Error) -> Failure {
    if error.kind() == io::ErrorKind::AlreadyExists {
        is_there(path)
    } else {
        Failure::io("write", path, error)
    }
}

fn is_there(path: &Path) -> Failure {
    Failure::input(format!("{} exists and is not overwritten", path.display()))
        .hint("write to another file; --force replaces this one whatever it holds")
}

enum Staged {
    /// A complete file, closed because there may be many; the name it takes, and whether nothing had that name.
    Beside(TempPath, PathBuf, bool),
    /// A device or pipe is written to as it is: renaming a file over it would replace it.
    Device(Zeroizing<Vec<u8>>),
}

fn stage(output: &Output) -> Result<Option<Staged>, Failure> {
    // A link stays a link: what it points to is replaced.
    let target = fs::canonicalize(&output.path).unwrap_or_else(|_| output.path.clone());
    stays_inside(&output.path)?;
    if output.mode & OTHERS == 0 {
        closable(&target)?;
    }
    let staged = match fs::metadata(&target) {
        Ok(metadata) if metadata.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(metadata) if !metadata.is_file() => Ok(Some(Staged::Device(output.bytes.clone()))),
        Ok(metadata) => stage_over(output, target, system::mode(&metadata)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => match exists(&target) {
            // A link that leads nowhere is somebody's all the same.
            true if output.over == Over::Nothing => Err(io::ErrorKind::AlreadyExists.into()),
            is_link => stage_beside(output, target, output.mode, !is_link).map(Some),
        },
        Err(error) => Err(error),
    };
    staged.map_err(|error| not_written(&output.path, &error))
}

/// Over a file that is there: nothing where it is the same already. Its mode is kept, except
/// that a private output makes the file private.
fn stage_over(
    output: &Output,
    target: PathBuf,
    old_mode: Option<u32>,
) -> io::Result<Option<Staged>> {
    let is_private = output.mode & OTHERS == 0;
    let is_open = old_mode.is_some_and(|mode| mode & OTHERS != 0);
    let same = fs::read(&target).is_ok_and(|old| Zeroizing::new(old) == output.bytes);
    if same && !(is_private && is_open) {
        return Ok(None);
    }
    if output.over == Over::Nothing && !same && fs::metadata(&target)?.len() > 0 {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    // A rename would go over it all the same: whoever made it read-only did not want that.
    if !same && fs::metadata(&target)?.permissions().readonly() {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    let mode = old_mode.filter(|_| !is_private).unwrap_or(output.mode);
    let owned_by = fs::metadata(&target).ok();
    let staged = stage_beside(output, target, mode, false)?;
    if let (Staged::Beside(file, ..), Some(owned_by)) = (&staged, owned_by) {
        owner::keep(file, &owned_by);
    }
    Ok(Some(staged))
}

#[cfg(unix)]
mod owner {
    use std::fs::Metadata;
    use std::os::unix::fs::{MetadataExt, chown};
    use std::path::Path;

    /// A file stays whose it was, where root writes it: nobody else may give one away.
    pub(super) fn keep(file: &Path, before: &Metadata) {
        let is_other = file.metadata().is_ok_and(|now| now.uid() != before.uid());
        if is_other {
            let _ = chown(file, Some(before.uid()), Some(before.gid()));
        }
    }
}

#[cfg(not(unix))]
mod owner {
    pub(super) fn keep(_: &std::path::Path, _: &std::fs::Metadata) {}
}

/// A complete file beside its target, on disk before it takes that name.
fn stage_beside(output: &Output, target: PathBuf, mode: u32, is_new: bool) -> io::Result<Staged> {
    let mut file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(folder_of(&target))?;
    file.write_all(&output.bytes)?;
    system::set_mode(file.as_file(), mode)?;
    file.as_file().sync_all()?;
    Ok(Staged::Beside(file.into_temp_path(), target, is_new))
}

/// Gives a complete file its name; a name that was free is not taken from whoever took it in the meantime.
fn take_name(file: TempPath, target: &Path, is_new: bool) -> io::Result<()> {
    if !is_new {
        return file.persist(target).map_err(|error| error.error);
    }
    match file.persist_noclobber(target) {
        Ok(()) => Ok(()),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Err(error.error),
        // Some file systems can only rename.
        Err(error) => error.path.persist(target).map_err(|error| error.error),
    }
}

fn write_device(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).open(path)?;
    file.write_all(bytes)?;
    file.flush()
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Keeps other runs that ask for the same from writing into the folder of `path` until it is dropped; `None` where the
/// file system has no locks.
pub(crate) fn lock_folder(path: &Path) -> Option<File> {
    let folder = File::open(folder_of(path)).ok()?;
    folder.lock().ok()?;
    Some(folder)
}

/// Makes a file that only its owner reads; never over an existing one.
pub(crate) fn create_private(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    if is_stdout(path) {
        return Err(Failure::input("a private key is never printed: name its file")
            .hint("such as ~/.config/seal/offline.key"));
    }
    closable(path)?;
    let mut file = system::create_private(path).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            Failure::input(format!("{} exists and is not overwritten", path.display()))
                .hint("it may be the only copy of a key: choose another name")
        }
        _ => Failure::io("make", path, &error),
    })?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    written.map_err(|error| {
        // A part of a key is of no use, and this run made the file: nothing else is lost.
        let _ = fs::remove_file(path);
        Failure::io("write", path, &error)
    })
}

/// Takes back a file that this run made; what it has become since is not looked at.
pub(crate) fn remove_own(path: &Path) {
    let _ = fs::remove_file(path);
}

/// Whether a file at this path can be closed to others; where that is not known it is not written.
fn closable(path: &Path) -> Result<(), Failure> {
    if system::can_be_private(path) {
        return Ok(());
    }
    let message = format!("{} cannot be closed to others", path.display());
    Err(Failure::input(message).hint(
        "this system is only known to close your profile folder to others: name a file in it",
    ))
}

/// Makes a folder and those above it.
pub(crate) fn create_folder(path: &Path) -> Result<(), Failure> {
    fs::create_dir_all(path).map_err(|error| Failure::io("make", path, &error))
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

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
            let output = Output { path: path.clone(), bytes, mode, over: Over::Anything };
            write_all(vec![output]).unwrap();
            assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, after);
        }
    }

    #[test]
    fn a_name_that_somebody_took_in_the_meantime_is_theirs() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.yaml");
        let output = |over| Output {
            path: path.clone(),
            bytes: Zeroizing::new(b"ours".to_vec()),
            mode: 0o600,
            over,
        };
        let Some(Staged::Beside(file, target, true)) = stage(&output(Over::Anything)).unwrap()
        else {
            panic!("a new file is made beside its place");
        };
        fs::write(&path, "theirs").unwrap();
        let kind = take_name(file, &target, true).map_err(|error| error.kind());
        assert_eq!(kind, Err(io::ErrorKind::AlreadyExists));
        assert!(write_all(vec![output(Over::Nothing)]).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"theirs");
        fs::write(&path, "").unwrap();
        write_all(vec![output(Over::Nothing)]).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"ours");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
