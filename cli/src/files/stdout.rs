//! Which file standard output is, where it was redirected into one. The system is asked in one function, because each
//! answers in its own way.

use std::path::PathBuf;

/// The regular file that standard output goes into; `None` for a pipe, a terminal, a device, and for a file that has no
/// name any more.
#[cfg(unix)]
pub(crate) fn stdout_file() -> Option<PathBuf> {
    use std::fs::{self, File, Metadata};
    use std::os::fd::AsFd;
    use std::os::unix::fs::MetadataExt;

    let file = File::from(std::io::stdout().as_fd().try_clone_to_owned().ok()?);
    let opened = file.metadata().ok().filter(Metadata::is_file)?;
    let path = path_of(&file)?;
    // A name is believed when the file is still there under it.
    let named = fs::metadata(&path).ok()?;
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
