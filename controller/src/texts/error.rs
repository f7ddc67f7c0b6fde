//! Why a source cannot be used, or could not be read.

use seal_core::reason::Reason;
use seal_disk::words::words;

/// Why a source cannot be used as it was named.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SetupError {
    #[error("{0}")]
    NotARepository(SourceError),
    #[error("{0} has a work tree, and its HEAD moves with every checkout")]
    NoRef(String),
    #[error("there is no folder {0}")]
    NoFolder(String),
    #[error("--path leads out of the source")]
    LeadsOut,
    #[error("the output folder {out} lies inside {root}, where the sealed files are")]
    OutInside { out: String, root: String },
}

impl SetupError {
    pub(crate) fn reason(&self) -> Reason {
        match self {
            Self::NotARepository(error) => match error.reason() {
                // Nothing of it was read yet, so there is nothing to wait for.
                Reason::Retrying => Reason::Malformed,
                reason => reason,
            },
            _ => Reason::NotAllowed,
        }
    }

    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::NotARepository(error) => error.hint(),
            Self::NoRef(_) => "name the branch that is to be applied, such as --ref main",
            Self::NoFolder(_) => "name the folder of the sealed files",
            Self::LeadsOut => "name a folder inside it",
            Self::OutInside { .. } => {
                "choose a folder outside of it: one `git add` there would commit the values"
            }
        }
    }
}

/// Why a source could not be read. The last good files stay.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SourceError {
    #[error("{0} is not a Git repository that can be read: {1}")]
    NotARepository(String, &'static str),
    #[error("{0} is a work tree of a repository elsewhere")]
    Linked(String),
    #[error("{0} borrows objects of another repository (objects/info/alternates)")]
    Borrows(String),
    #[error("{0} is not a regular file or folder of the repository")]
    NotRegular(String),
    #[error("{0} names no commit in {1}")]
    NoCommit(String, String),
    #[error("{0} is the name of a branch and of something else")]
    Ambiguous(String),
    #[error("commit {0} cannot be read: an object is missing or damaged")]
    DamagedCommit(String),
    #[error("there is no folder {0} in the source")]
    NoFolder(String),
    #[error("cannot read {0}: {words}", words = words(*.1))]
    Unreadable(String, std::io::ErrorKind),
    #[error("the source is beyond a limit: {0}")]
    TooMuch(&'static str),
    #[error("a signal came before all of it was read")]
    Stopped,
}

impl SourceError {
    /// The one word for it, which also says the exit code of `--once`.
    pub(crate) fn reason(&self) -> Reason {
        match self {
            Self::NotARepository(..) | Self::Linked(_) | Self::NotRegular(_) => Reason::Malformed,
            Self::Borrows(_) | Self::Ambiguous(_) => Reason::NotAllowed,
            Self::DamagedCommit(_) => Reason::Damaged,
            Self::NoCommit(..)
            | Self::NoFolder(_)
            | Self::Unreadable(..)
            | Self::TooMuch(_)
            | Self::Stopped => Reason::Retrying,
        }
    }

    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::NotARepository(..) => "name a repository, bare or not, by its own folder",
            Self::Linked(_) => {
                "name that repository: the folder that `git rev-parse --git-common-dir` prints"
            }
            Self::Borrows(_) => "`git repack -a -d` copies them; then delete that file",
            Self::NotRegular(_) => "put the file back: pipes, devices and links are not followed",
            Self::NoCommit(..) => {
                "commit something, or name a branch, a tag, a whole commit hash or refs/… with --ref"
            }
            Self::Ambiguous(_) => "say which: --ref refs/heads/NAME or refs/tags/NAME",
            Self::DamagedCommit(_) => "`git fsck` names it; a partial clone lacks objects",
            Self::NoFolder(_) => {
                "put right --path, or spec.path of the GitSource, or the folder's name"
            }
            Self::Unreadable(..) => "put right what the system names; it is tried again",
            Self::TooMuch(_) => {
                "name the folder of the sealed files with --path, or spec.path of the GitSource"
            }
            Self::Stopped => "start it again",
        }
    }
}
