//! Where the values of a run go: a folder of files, one file, or an API.

use std::path::Path;

use seal_core::layout::Layout;
use seal_disk::{DiskError, Inventory, OneFile, Out};

use super::direktiv::Direktiv;
use super::refusal::Failure;
use crate::texts::Source;

/// The output of a run, locked while this lives.
#[derive(Debug)]
pub(crate) enum Target {
    Folder(Out),
    File(OneFile),
    Direktiv(Direktiv),
}

impl Target {
    pub(crate) fn open(path: &Path, layout: Layout) -> Result<Self, DiskError> {
        Ok(match layout {
            Layout::Folder(layout) => Self::Folder(Out::open(path, layout)?),
            Layout::File(layout) => Self::File(OneFile::open(path, layout)?),
        })
    }

    /// What is ours there.
    pub(crate) fn inventory(&self) -> &Inventory {
        match self {
            Self::Folder(out) => out.inventory(),
            Self::File(file) => file.inventory(),
            Self::Direktiv(direktiv) => direktiv.inventory(),
        }
    }

    /// Goes on where its path leads to now; says whether that is elsewhere than before.
    pub(crate) fn follow(&mut self, source: &Source) -> Result<bool, Failure> {
        let path = match self {
            Self::Folder(out) => out.path(),
            Self::File(file) => file.path(),
            Self::Direktiv(_) => return Ok(false),
        };
        source.refuse_inside(path)?;
        self.follow_path().map_err(|error| Failure::disk(&error))
    }

    fn follow_path(&mut self) -> Result<bool, DiskError> {
        let moved = match self {
            Self::Folder(out) => out.moved()?.map(Self::Folder),
            Self::File(file) => file.moved()?.map(Self::File),
            Self::Direktiv(_) => None,
        };
        let is_elsewhere = moved.is_some();
        if let Some(moved) = moved {
            *self = moved;
        }
        Ok(is_elsewhere)
    }

    /// Whether somebody changed, removed or planted something where the last pass looked or wrote.
    pub(crate) fn has_drifted(&self) -> bool {
        match self {
            Self::Folder(out) => out.has_drifted(),
            Self::File(file) => file.has_drifted(),
            Self::Direktiv(_) => false, // it is looked at when a run starts
        }
    }
}
