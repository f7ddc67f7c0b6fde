//! How a pass over the objects of a source ended.

use seal_core::reason::Reason;
use seal_core::tree::collect::Refused;

/// How a pass ended.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) applied: usize,
    pub(super) unchanged: usize,
    pub(super) pruned: usize,
    /// The first of those that were put right, and how many there were.
    pub(super) repaired: Vec<String>,
    pub(super) repairs: usize,
    pub(super) refused: Vec<Refused>,
    /// Whether the API server did not allow something, which it may later: a role comes, or a policy goes.
    pub(super) is_denied: bool,
    pub(super) in_clear: Vec<String>,
    /// Whether something waits for somebody to say that it may go, also where nothing is pruned now.
    pub(super) holds_prune: bool,
    /// How many objects would have gone, and of how many.
    pub(super) prune_blocked: Option<(usize, usize)>,
}

/// Objects that a sentence names.
const MOST_NAMED: usize = 5;

impl Tally {
    /// An object was written; by its name, where somebody had changed or deleted it.
    pub(super) fn applies(&mut self, repaired: Option<String>) {
        self.applied += 1;
        self.repairs += usize::from(repaired.is_some());
        let room = MOST_NAMED - self.repaired.len();
        self.repaired.extend(repaired.into_iter().take(room));
    }

    /// What was put right, in a sentence.
    pub(super) fn repair_sentence(&self) -> Option<String> {
        let more = match self.repairs - self.repaired.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let named = self.repaired.join(", ");
        let what = "changed or deleted in the cluster, and are again as the commit says";
        (self.repairs > 0).then(|| format!("{named}{more} were {what}"))
    }

    /// What the API server did not take.
    pub(super) fn refuse(&mut self, refused: Refused) {
        self.is_denied |= refused.reason == Reason::NotAllowed;
        self.refused.push(refused);
    }
}
