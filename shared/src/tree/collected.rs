//! What goes into a [`Collector`](super::collect::Collector) and what comes out of it.

use std::collections::BTreeSet;
use std::rc::Rc;

use crate::kind::sealed::SealedSecret;
use crate::place::Place;
use crate::reason::Reason;

/// One content of a source that may hold sealed objects, and every file that has it.
#[derive(Debug)]
pub struct Text {
    /// Relative to the source, for messages and the inventory; never opened by. At least one.
    pub paths: Vec<String>,
    /// What stands in it.
    pub content: Content,
}

/// What was read of a file.
#[derive(Debug)]
pub enum Content {
    /// All of it.
    Bytes(Vec<u8>),
    /// More than is read of one file.
    TooLarge,
    /// A link, or a repository within the repository: neither is followed.
    Link,
}

/// What a source holds.
#[derive(Debug, Default)]
pub struct Collected {
    /// One for each place, sorted. [Checked](check_at) already.
    pub objects: Vec<Object>,
    /// Every place that stands in the source, refused and skipped ones too: what was made of it stays. A ClusterSealedSecret
    /// stands here once more as `/NAME`.
    pub present: BTreeSet<String>,
    /// Files that may hold objects nobody could read: what was last seen there stays.
    pub unread: BTreeSet<String>,
    /// What is not opened, and why.
    pub refused: Vec<Refused>,
    /// What belongs in no source, and stops nothing.
    pub warnings: BTreeSet<Warning>,
    /// How many objects are of other namespaces than those that are opened here.
    pub skipped: usize,
}

/// One sealed object at one of its places, and the file it stands in.
#[derive(Debug)]
pub struct Object {
    /// Relative to the source.
    pub path: String,
    /// Where it goes: a ClusterSealedSecret stands here once for each of its namespaces that are opened.
    pub place: Place,
    /// Its document.
    pub sealed: Rc<SealedSecret>,
}

/// A file or an object in it that is not opened. Never quotes the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The one word for it.
    pub reason: Reason,
    /// Relative to the source.
    pub path: String,
    /// What is wrong with it.
    pub message: String,
}

/// Something that belongs in no source, and stops nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Warning {
    /// Relative to the source.
    pub path: String,
    /// What it is.
    pub message: String,
    /// Whether it is a Secret in clear.
    pub in_clear: bool,
}
