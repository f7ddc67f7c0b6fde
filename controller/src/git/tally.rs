//! How a pass over the objects of a source ended.

use seal_core::reason::Reason;
use seal_core::tree::collect::Refused;

/// How a pass ended.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) applied: usize,
    pub(super) unchanged: usize,
    pub(super) pruned: usize,
    pub(super) refused: Vec<Refused>,
    /// Whether the API server did not allow something, which it may later: a role comes, or a policy goes.
    pub(super) is_denied: bool,
    pub(super) in_clear: Vec<String>,
    /// How many objects would have gone, and of how many.
    pub(super) prune_blocked: Option<(usize, usize)>,
}

impl Tally {
    /// What the API server did not take.
    pub(super) fn refuse(&mut self, refused: Refused) {
        self.is_denied |= refused.reason == Reason::NotAllowed;
        self.refused.push(refused);
    }
}
