//! What cap-std does not hold because each system has its own: whose a file is and who may use it, mounts, locks, a
//! rename that replaces nothing, and folders on disk for certain.
//!
//! `unix` and `windows` have the same items. What a system cannot tell is refused by them, never passed over:
//!
//! | | Linux | macOS | Windows |
//! |---|---|---|---|
//! | owner and mode | seen | seen | not seen: only what lies in the user's profile folder, which Windows closes to others, counts as private |
//! | mounts | by number, bind mounts too | by device | by volume, and a junction is a link |
//! | rename that replaces nothing | `renameat2` | `renameatx_np` | a second name is made, then the first removed |
//! | a folder on disk | `fsync` | `fsync` | the file alone: Windows has no sync of folders |

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub use unix::*;
#[cfg(windows)]
pub use windows::*;

/// Whose a folder is and who may write to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(windows, allow(dead_code))] // all that is told there is that a folder lies in the profile
pub(crate) enum Whose {
    Ours,
    AnotherUsers,
    WritableByOthers,
}

/// A name beneath the output folder that leads somewhere else.
pub(crate) const OUTSIDE: &str = "a mount point, or a way out of the output folder";
