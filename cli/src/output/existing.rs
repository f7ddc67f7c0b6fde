//! What stands at a path before it is written: only a sealed file or an empty one is replaced, and what it says for
//! itself goes over into the new one.

use std::path::Path;

use seal_core::kind::file::{self, Document};
use seal_core::kind::sealed::SealedSecret;
use zeroize::Zeroizing;

use crate::error::Failure;
use crate::files::{self, Kind};

/// What a path holds.
pub(super) enum Existing {
    /// Nothing has this name.
    Absent,
    /// A file without content.
    Empty,
    /// Sealed objects and nothing else.
    Sealed(Vec<SealedSecret>, Zeroizing<String>),
    /// Anything else, and what it is.
    Other(String),
    /// A pipe or device, which is written to and replaced by nothing. A folder, of which the writer says so.
    NoFile,
}

impl Existing {
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        match files::kind(path) {
            Kind::Absent if files::exists(path) => {
                return Ok(Self::Other("is a link that leads nowhere".to_owned()));
            }
            Kind::Absent => return Ok(Self::Absent),
            Kind::Other => return Ok(Self::NoFile),
            Kind::File => {}
        }
        let bytes = files::read(path)?;
        let Ok(text) = std::str::from_utf8(&bytes) else {
            return Ok(Self::Other("is no sealed file".to_owned()));
        };
        if text.trim().is_empty() {
            return Ok(Self::Empty);
        }
        Ok(Self::of(text))
    }

    fn of(text: &str) -> Self {
        let documents = match file::read(text) {
            Ok(documents) => documents,
            Err(error) => return Self::Other(format!("does not read as a sealed file: {error}")),
        };
        if !documents.iter().any(|document| matches!(document, Document::Sealed(_))) {
            return Self::Other("is no sealed file".to_owned());
        }
        let mut objects = Vec::new();
        for document in documents {
            match document {
                Document::Sealed(object) => objects.push(*object),
                other => return Self::Other(format!("also holds {other}, which would be gone")),
            }
        }
        Self::Sealed(objects, Zeroizing::new(text.to_owned()))
    }

    /// Refuses what is not to be replaced by `objects`.
    pub(super) fn refuse(&self, path: &Path, objects: &[&SealedSecret]) -> Result<(), Failure> {
        let refuse = |what: &str| {
            Err(Failure::input(format!("{} {what}", path.display()))
                .hint("write to another file; --force replaces this one whatever it holds"))
        };
        match self {
            Self::Absent | Self::Empty | Self::NoFile => Ok(()),
            Self::Other(what) => refuse(what),
            Self::Sealed(old, _) => {
                let gone = old.iter().find(|old| !objects.iter().any(|new| is_same(old, new)));
                match gone {
                    Some(old) => refuse(&format!(
                        "holds {}, which is not sealed in this run and would be gone",
                        old.full_name()
                    )),
                    None => Ok(()),
                }
            }
        }
    }

    /// Its sealed objects.
    pub(super) fn objects(self) -> Vec<SealedSecret> {
        if let Self::Sealed(objects, _) = self { objects } else { Vec::new() }
    }

    /// The object of the same namespace and name, when it is there.
    pub(super) fn before(&self, new: &SealedSecret) -> Option<&SealedSecret> {
        let Self::Sealed(old, _) = self else { return None };
        old.iter().find(|old| is_same(old, new))
    }

    /// Lines with comments that are written nowhere else in the file.
    pub(super) fn comments(&self) -> Vec<usize> {
        let Self::Sealed(old, text) = self else { return Vec::new() };
        let ours: String = old.iter().map(file::write).collect();
        let is_comment = |line: &str| line.trim_start().starts_with('#') || line.contains(" #");
        let lines = text.lines().zip(1..);
        let lines =
            lines.filter(|(line, _)| is_comment(line) && !ours.lines().any(|it| it == *line));
        lines.map(|(_, number)| number).collect()
    }
}

fn is_same(a: &SealedSecret, b: &SealedSecret) -> bool {
    (a.spec.kind, &a.metadata.namespace, &a.metadata.name)
        == (b.spec.kind, &b.metadata.namespace, &b.metadata.name)
}
