//! The only disk: reading what was named, writing whole files or nothing, finding the Git work tree.
//!
//! A file is written beside its target and takes its name when it is complete, so that a full disk or an
//! interrupted run leaves the old one. What is read may be a secret and is wiped on drop.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, IsTerminal, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use tempfile::NamedTempFile;
use zeroize::Zeroizing;

use crate::error::{Failure, Kind};

/// Larger than any Secret in base64 by far; a mistyped path must not fill the memory.
const MAX_INPUT_BYTES: u64 = 64 * 1024 * 1024;

/// Whether standard input has been read: the second time there would be nothing in it, silently.
static STDIN_TAKEN: AtomicBool = AtomicBool::new(false);

/// Whether a path means standard input.
pub(crate) fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

pub(crate) fn stdin_is_terminal() -> bool {
    io::stdin().is_terminal()
}

/// Reads a file, or standard input for `-`.
pub(crate) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    if is_stdin(path) {
        if STDIN_TAKEN.swap(true, Ordering::Relaxed) {
            return Err(Failure::input("standard input is named twice, and can be read once")
                .hint("put one of the two into a file"));
        }
        return read_from(io::stdin().lock(), 0, Path::new("standard input"));
    }
    let failed = |error: io::Error| Failure::io("read", path, &error);
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if metadata.is_dir() {
        return Err(failed(io::ErrorKind::IsADirectory.into()));
    }
    read_from(file, metadata.len(), path)
}

fn read_from(input: impl Read, size: u64, path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    // The capacity is right from the start where the size is known, so that growing leaves no copy behind.
    let capacity = usize::try_from(size.min(MAX_INPUT_BYTES)).unwrap_or_default() + 1;
    let mut bytes = Zeroizing::new(Vec::with_capacity(capacity));
    let read = input.take(MAX_INPUT_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(|error| Failure::io("read", path, &error))?;
    if bytes.len() as u64 > MAX_INPUT_BYTES {
        let message = format!("{} is larger than 64 MiB, and no Secret is", path.display());
        return Err(
            Failure::input(message).hint("the API server takes 1 MiB of values in one Secret")
        );
    }
    Ok(bytes)
}

/// Reads text: what is not UTF-8 is refused, and not shown.
pub(crate) fn read_text(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let mut bytes = read(path)?;
    if std::str::from_utf8(&bytes).is_err() {
        let name = name_of(path);
        return Err(Failure::input(format!("{name} is not UTF-8 text"))
            .hint("a manifest is text; bytes of a value go with --from-file KEY=PATH"));
    }
    let text = String::from_utf8(std::mem::take(&mut *bytes)).expect("it was looked at just now");
    Ok(Zeroizing::new(text))
}

/// How a message calls a path.
pub(crate) fn name_of(path: &Path) -> String {
    if is_stdin(path) { "standard input".to_owned() } else { path.display().to_string() }
}

/// Reads a file of private keys; one that others can read is refused.
pub(crate) fn read_private(path: &Path) -> Result<Zeroizing<String>, Failure> {
    if !is_stdin(path) {
        let metadata = fs::metadata(path).map_err(|error| Failure::io("read", path, &error))?;
        if metadata.is_file() && metadata.mode() & 0o077 != 0 {
            let message = format!("{} can be read by others", path.display());
            return Err(Failure::input(message).hint(format!("chmod 600 {}", path.display())));
        }
    }
    read_text(path)
}

/// The regular files of a folder by name, as `kubectl create secret --from-file=DIR` takes them.
pub(crate) fn regular_files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let failed = |error: io::Error| Failure::io("read", folder, &error);
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry.file_type().map_err(failed)?.is_file() {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

/// A file to be written: where, what, and the mode of a new one.
pub(crate) struct Output {
    pub(crate) path: PathBuf,
    pub(crate) bytes: Zeroizing<Vec<u8>>,
    pub(crate) mode: u32,
}

/// Writes all of `outputs`, or none: every one is complete on disk before the first takes its name.
///
/// A file that has these bytes already is not touched. Returns what was written.
pub(crate) fn write_all(outputs: Vec<Output>) -> Result<Vec<PathBuf>, Failure> {
    let mut staged = Vec::new();
    for output in outputs {
        if let Some(file) = stage(&output)? {
            staged.push((output.path, file));
        }
    }
    let mut written = Vec::new();
    for (path, stage) in staged {
        let result = match stage {
            Stage::Beside(file, target) => {
                let persisted = file.persist(&target).map(drop).map_err(|error| error.error);
                // The file has its name; whether the folder's entry is on disk too is past undoing.
                persisted.inspect(|()| drop(sync_folder(&target)))
            }
            Stage::Device(bytes) => write_device(&path, &bytes),
        };
        result.map_err(|error| Failure::io("write", &path, &error))?;
        written.push(path);
    }
    Ok(written)
}

enum Stage {
    Beside(NamedTempFile, PathBuf),
    /// A device or pipe has no name to take over.
    Device(Zeroizing<Vec<u8>>),
}

fn stage(output: &Output) -> Result<Option<Stage>, Failure> {
    let failed = |error: io::Error| Failure::io("write", &output.path, &error);
    // A link stays a link: what it points to is replaced.
    let target = fs::canonicalize(&output.path).unwrap_or_else(|_| output.path.clone());
    if leads_out(&output.path) {
        let message = format!("{} leads out of its Git work tree", output.path.display());
        return Err(Failure::input(message).hint(
            "a link in a repository may be somebody else's trap: name the file itself that is meant",
        ));
    }
    let mut mode = output.mode;
    match fs::metadata(&target) {
        Ok(metadata) if metadata.is_dir() => {
            return Err(failed(io::ErrorKind::IsADirectory.into()));
        }
        Ok(metadata) if !metadata.is_file() => {
            return Ok(Some(Stage::Device(output.bytes.clone())));
        }
        Ok(metadata) => {
            let shown = mode & 0o077 == 0 && metadata.mode() & 0o077 != 0;
            let same = fs::read(&target).is_ok_and(|old| Zeroizing::new(old) == output.bytes);
            if same && !shown {
                return Ok(None);
            }
            // What is for its owner alone is that whatever lay there before.
            if mode & 0o077 != 0 {
                mode = metadata.mode() & 0o7777;
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    let write = || {
        let mut file = tempfile::Builder::new().prefix(".seal-").tempfile_in(folder_of(&target))?;
        file.write_all(&output.bytes)?;
        file.as_file().set_permissions(Permissions::from_mode(mode))?;
        file.as_file().sync_all()?;
        Ok(file)
    };
    let file = write().map_err(failed)?;
    Ok(Some(Stage::Beside(file, target)))
}

/// Whether a path that is written as one inside a Git work tree is, by a link on its way, a file outside.
fn leads_out(path: &Path) -> bool {
    let mut written = PathBuf::new();
    for part in std::path::absolute(path).unwrap_or_default().components() {
        match part {
            Component::ParentDir => drop(written.pop()),
            part => written.push(part),
        }
    }
    let Some(root) = work_tree_root(folder_of(&written)) else { return false };
    let inside = |real: PathBuf| fs::canonicalize(&root).is_ok_and(|root| real.starts_with(root));
    real_path(path).is_ok_and(|real| !inside(real))
}

fn write_device(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).open(path)?;
    file.write_all(bytes)?;
    file.flush()
}

fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(folder_of(path))?.sync_all()
}

/// Makes a file that only its owner reads; never over an existing one.
pub(crate) fn create_private(path: &Path, text: &str) -> Result<(), Failure> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let mut file = file.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            Failure::input(format!("{} exists and is not overwritten", path.display()))
                .hint("it may be the only copy of a key: choose another name")
        }
        _ => Failure::io("make", path, &error),
    })?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    written.map_err(|error| {
        // Half a key is none. It was made by this run, so nothing of the user's goes.
        let _ = fs::remove_file(path);
        Failure::io("write", path, &error)
    })
}

/// Makes a folder and those above it.
pub(crate) fn create_folder(path: &Path) -> Result<(), Failure> {
    fs::create_dir_all(path).map_err(|error| Failure::io("make", path, &error))
}

/// The folder a file lies in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// The real path of a file that may not exist yet: of the nearest folder that does, and the rest.
pub(crate) fn real_path(path: &Path) -> Result<PathBuf, Failure> {
    if let Ok(real) = fs::canonicalize(path) {
        return Ok(real);
    }
    let name = path.file_name().ok_or_else(|| {
        Failure::new(Kind::Input, format!("{} is not the name of a file", path.display()))
    })?;
    Ok(real_path(folder_of(path))?.join(name))
}

/// The root of the Git work tree that a folder lies in: where the nearest `.git` is, a folder or a file.
pub(crate) fn work_tree_root(folder: &Path) -> Option<PathBuf> {
    let root = folder.ancestors().find(|folder| exists(&folder.join(".git")));
    root.map(Path::to_path_buf)
}

/// Whether a file is there and whose it is.
pub(crate) fn owner(path: &Path) -> Option<u32> {
    fs::metadata(path).ok().filter(fs::Metadata::is_file).map(|metadata| metadata.uid())
}

/// The user that this process acts for.
pub(crate) fn current_user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Whether anything has this name, a link that leads nowhere included.
pub(crate) fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// A path as people write it: relative to the working directory where they have a folder in common.
pub(crate) fn shown(path: &Path) -> String {
    let here = std::env::current_dir().and_then(fs::canonicalize).unwrap_or_default();
    let common = here.components().zip(path.components()).take_while(|(a, b)| a == b).count();
    // The root alone is no common folder.
    if common < 2 {
        return path.display().to_string();
    }
    let up = std::iter::repeat_n(Component::ParentDir, here.components().count() - common);
    let relative: PathBuf = up.chain(path.components().skip(common)).collect();
    if relative.as_os_str().is_empty() { ".".to_owned() } else { relative.display().to_string() }
}

/// Whether a path is a folder.
pub(crate) fn is_folder(path: &Path) -> bool {
    path.is_dir()
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
