//! Two effects on a disk and nothing else: opened values are written to files, and files of private keys are read.
//!
//! Content and paths may both come from a Git repository that others write. Therefore every name is checked
//! again, every path is opened beneath one directory handle, and [`plan`] decides over what [`Out`] saw
//! before [`Out`] does anything. An [inventory](Inventory) says which files are ours; all others are left alone.
//!
//! ```text
//! LaidOut     ─ Out::begin ─ Out::plan (look, then plan::object) ─ Out::write ─ Out::prune ─ Out::finish
//! LaidEntries ─ OneFile::apply (read, then Held::change) ─ OneFile::finish
//! an API      ─ Ledger::note ─ Ledger::save
//! ```
//!
//! [`private`] reads identity files. Deliberately absent: reading sealed files, what a key is, logging, and any decision
//! about what should be opened.

mod beneath;
mod error;
mod folders;
mod in_place;
mod inventory;
mod ledger;
mod moving;
mod one_file;
mod out;
pub mod plan;
pub mod private;
mod records;
mod rel_path;
mod staging;
pub mod system;
pub mod words;

pub use error::DiskError;
pub use inventory::{Entry, Inventory};
pub use ledger::Ledger;
pub use one_file::{Applied, Laid, OneFile};
pub use out::{Out, Results};
pub use rel_path::RelPath;
