//! Which file standard output is, where it was redirected into one. The system is asked in one function, because each
//! answers in its own way.

use std::fs::{File, Metadata};
use std::path::PathBuf;

/// Whether standard output is a file that holds something already, as behind `>>`.
pub(crate) fn stdout_is_appended_to() -> bool {
    opened().is_some_and(|(_, metadata)| metadata.len() > 0)
}

/// The regular file that standard output is.
fn opened() -> Option<(File, Metadata)> {
    #[cfg(unix)]
    let owned = std::os::fd::AsFd::as_fd(&std::io::stdout()).try_clone_to_owned();
    #[cfg(windows)]
    let owned = std::os::windows::io::AsHandle::as_handle(&std::io::stdout()).try_clone_to_owned();
    let file = File::from(owned.ok()?);
    let metadata = file.metadata().ok().filter(Metadata::is_file)?;
    Some((file, metadata))
}

/// What became of a file that is read and stands behind `>`.
pub(crate) const EMPTIED: &str = "a shell empties the file behind > before anything reads it: write with -o FILE; `git checkout FILE` brings it back";

/// The regular file that standard output goes into; `None` for a pipe, a terminal, a device, and for a file that has no
/// name any more.
#[cfg(unix)]
pub(crate) fn stdout_file() -> Option<PathBuf> {
    use std::os::unix::fs::MetadataExt;

    let (file, opened) = opened()?;
    let path = path_of(&file)?;
    // A name is believed when the file is still there under it.
    let named = std::fs::metadata(&path).ok()?;
    ((opened.dev(), opened.ino()) == (named.dev(), named.ino())).then_some(path)
}

/// Not asked for here: whoever redirects into a file says which with `--path`.
#[cfg(not(unix))]
pub(crate) fn stdout_file() -> Option<PathBuf> {
    None
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn path_of(file: &std::fs::File) -> Option<PathBuf> {
    use std::os::fd::AsRawFd;
    std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())).ok()
}

#[cfg(target_vendor = "apple")]
fn path_of(file: &std::fs::File) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStringExt;
    let path = rustix::fs::getpath(file).ok()?;
    Some(PathBuf::from(std::ffi::OsString::from_vec(path.into_bytes())))
}

#[cfg(all(unix, not(any(target_os = "linux", target_os = "android", target_vendor = "apple"))))]
fn path_of(_: &std::fs::File) -> Option<PathBuf> {
    None
}
