//! Why no image was made. Each names the file or the word that is in the way.

use std::io;
use std::path::PathBuf;

/// One variant, one thing to do about it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("--program {0:?} is not PLATFORM=FILE, with linux/amd64 or linux/arm64")]
    NoProgram(String),
    #[error("{path}: it is no program for {platform}")]
    OtherPlatform { path: PathBuf, platform: String },
    #[error("{0}: it asks for a loader, and there is none in the image: link it statically")]
    NotStatic(PathBuf),
    #[error("there are two programs for {0}")]
    Twice(String),
    #[error("--created {0}: there is no such time")]
    NoTime(i64),
    #[error("--tag {0:?} is no tag: letters, digits, `_`, `.` and `-`, at most 128")]
    NoTag(String),
    #[error("{0}: it exists and was not written by this command; it is left alone")]
    NotOurs(PathBuf),
    #[error("{path}: {source}")]
    File { path: PathBuf, source: io::Error },
    #[error("a document of the image cannot be made: {0}")]
    Document(#[from] oci_spec::OciSpecError),
    #[error("a document of the image cannot be written: {0}")]
    Json(#[from] serde_json::Error),
    #[error("a layer cannot be made: {0}")]
    Layer(#[from] io::Error),
}

impl Error {
    /// An error of the disk, with the path.
    pub(crate) fn at(path: &std::path::Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::File { path, source }
    }
}
