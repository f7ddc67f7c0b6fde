//! What Git runs for sealed files, set up by `seal git-setup`: a text for `git diff`, and a merge.

mod conflicts;
mod meaning;
pub(crate) mod merge;
pub(crate) mod setup;
pub(crate) mod textconv;
