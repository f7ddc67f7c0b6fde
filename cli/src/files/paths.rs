//! What a path says and what lies there: folder, real path, kind, Git work tree, and how messages write it. Reads no
//! content and changes nothing.

use std::fs;
use std::path::{Component, Path, PathBuf};

use seal_core::exit_code::ExitCode;

use crate::error::Failure;

/// Names that systems have for the streams of every process.
const STDIN_NAMES: [&str; 4] = ["-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"];
const STDOUT_NAMES: [&str; 4] = ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];

/// Whether a path means standard input.
pub(crate) fn is_stdin(path: &Path) -> bool {
    STDIN_NAMES.iter().any(|name| path.as_os_str() == *name)
}

/// Whether a path means standard output, where output is named.
pub(crate) fn is_stdout(path: &Path) -> bool {
    STDOUT_NAMES.iter().any(|name| path.as_os_str() == *name)
}

/// How a message calls a path.
pub(crate) fn name_of(path: &Path) -> String {
    if is_stdin(path) { "standard input".to_owned() } else { path.display().to_string() }
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
    if let Ok(real) = dunce::canonicalize(path) {
        return Ok(real);
    }
    let name = path.file_name().ok_or_else(|| {
        Failure::new(ExitCode::Input, format!("{} is not the name of a file", path.display()))
    })?;
    Ok(real_path(folder_of(path))?.join(name))
}

/// The root of the Git work tree that a folder lies in: where the nearest `.git` is, a folder or a file.
pub(crate) fn work_tree_root(folder: &Path) -> Option<PathBuf> {
    let root = folder.ancestors().find(|folder| exists(&folder.join(".git")));
    root.map(Path::to_path_buf)
}

/// The Git folder that a folder is or lies in, where no work tree is nearer: a bare repository, or the `.git` of one.
pub(crate) fn git_folder(folder: &Path) -> Option<PathBuf> {
    let mut nearest = folder.ancestors();
    let found = nearest.find(|folder| exists(&folder.join(".git")) || is_bare(folder))?;
    (!exists(&found.join(".git"))).then(|| found.to_path_buf())
}

/// Whether a path that is written as one inside a Git work tree is, by a link on its way, a file outside. What Git keeps for
/// itself in a folder `.git` is outside as well: its configuration names programs that it runs.
pub(super) fn leads_out(path: &Path) -> bool {
    let written = without_dots(&std::path::absolute(path).unwrap_or_default());
    // The folder that was written, as far as no link is on the way.
    let folder = folder_of(&written);
    let first_link = folder.ancestors().filter(|it| is_link(it)).last();
    let before = first_link.map_or(folder, folder_of);
    let Some(root) = work_tree_root(before).or_else(|| work_tree_root(folder)) else {
        return false;
    };
    match (real_path(path), dunce::canonicalize(&root)) {
        (Ok(real), Ok(root)) => {
            let is_below = real.strip_prefix(&root).is_ok_and(|below| !is_of_git(below));
            // Behind a link another work tree is outside, too.
            let is_another = first_link.is_some()
                && work_tree_root(folder_of(&real)).is_none_or(|nearest| nearest != root);
            !is_below || is_another
        }
        (Ok(_), Err(_)) => true,
        (Err(_), _) => false,
    }
}

/// The same path without `.` and `..`, as far as its text tells.
pub(crate) fn without_dots(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if plain.file_name().is_some() => drop(plain.pop()),
            part => plain.push(part),
        }
    }
    plain
}

/// Whether Git keeps a path for itself.
pub(crate) fn is_of_git(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str().eq_ignore_ascii_case(".git"))
}

/// Whether a path is itself a link.
pub(crate) fn is_link(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink())
}

/// A path as people write it: relative to the working directory where they have a folder in common.
pub(crate) fn relative(path: &Path) -> String {
    let here = std::env::current_dir().and_then(dunce::canonicalize).unwrap_or_default();
    let common = here.components().zip(path.components()).take_while(|(a, b)| a == b).count();
    // The root alone is no common folder.
    if common < 2 {
        return path.display().to_string();
    }
    let up = std::iter::repeat_n(Component::ParentDir, here.components().count() - common);
    let way: PathBuf = up.chain(path.components().skip(common)).collect();
    if way.as_os_str().is_empty() { ".".to_owned() } else { way.display().to_string() }
}

/// Whether a folder is a Git repository without a work tree, or the inside of one.
pub(crate) fn is_bare(folder: &Path) -> bool {
    folder.join("HEAD").is_file() && folder.join("objects").is_dir() && folder.join("refs").is_dir()
}

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nothing; also a link that leads nowhere.
    Absent,
    /// A regular file.
    File,
    /// A folder, a pipe, a device.
    Other,
}

/// What a path leads to, by whatever links.
pub(crate) fn kind(path: &Path) -> Kind {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => Kind::File,
        Ok(_) => Kind::Other,
        Err(_) => Kind::Absent,
    }
}

/// Whether a path leads to nothing, or to a file without content.
pub(crate) fn is_empty(path: &Path) -> bool {
    fs::metadata(path).map_or(true, |metadata| metadata.is_file() && metadata.len() == 0)
}

/// Whether two paths lead to one file that is there.
pub(crate) fn is_same_file(a: &Path, b: &Path) -> bool {
    match (fs::canonicalize(a), fs::canonicalize(b)) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }
}

/// Whether anything has this name, a link that leads nowhere included.
pub(crate) fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// Whether a path leads to a folder, or is written as one.
pub(crate) fn names_a_folder(path: &Path) -> bool {
    path.is_dir() || path.to_string_lossy().ends_with(std::path::is_separator)
}

/// Whether a path is a folder.
pub(crate) fn is_folder(path: &Path) -> bool {
    path.is_dir()
}
