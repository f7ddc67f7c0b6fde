//! How a command of either program ends: the closed list of exit codes, and the one of each reason.
//!
//! `seal --help` prints the list. A code means the same in both programs and keeps its meaning; a signal's
//! 128 + n is the shell's and not listed.

use crate::reason::Reason;

/// How a command ended.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitCode {
    /// As asked; also when whoever reads the output stops reading.
    Done = 0,
    /// Something did not work.
    Failed = 1,
    /// Wrong use or bad input.
    Input = 2,
    /// `--check`: a file would change.
    WouldChange = 3,
    /// No key that is held opens it; or no key, no recipient, no cluster at all.
    Missing = 4,
    /// Sealed for another place, or that value for another name.
    WrongPlace = 5,
    /// What was to be sealed is sealed already.
    AlreadySealed = 6,
    /// `seal check` found something.
    Found = 7,
    /// A recipient is not the one that is pinned.
    PinMismatch = 8,
}

impl ExitCode {
    /// Every code, in order.
    pub const ALL: [Self; 9] = [
        Self::Done,
        Self::Failed,
        Self::Input,
        Self::WouldChange,
        Self::Missing,
        Self::WrongPlace,
        Self::AlreadySealed,
        Self::Found,
        Self::PinMismatch,
    ];
}

impl From<Reason> for ExitCode {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::Applied
            | Reason::Repaired
            | Reason::Replaced
            | Reason::Adopted
            | Reason::Released => Self::Done,
            Reason::NotOurs
            | Reason::Damaged
            | Reason::Retrying
            | Reason::Contested
            | Reason::Partial
            | Reason::Suspended
            | Reason::PruneBlocked
            | Reason::NotFastForward => Self::Failed,
            Reason::Malformed
            | Reason::NotAllowed
            | Reason::NotVerified
            | Reason::Duplicate
            | Reason::KeyRejected => Self::Input,
            Reason::NoMatchingKey => Self::Missing,
            Reason::WrongPlace | Reason::NotSealedForThis => Self::WrongPlace,
        }
    }
}

impl From<ExitCode> for u8 {
    fn from(code: ExitCode) -> Self {
        code as u8
    }
}

#[cfg(test)]
mod tests {
    use super::ExitCode;
    use crate::reason::Reason;

    #[test]
    fn a_reason_that_ends_a_command_has_a_next_step() {
        for reason in Reason::ALL {
            let done = ExitCode::from(reason) == ExitCode::Done;
            assert_eq!(done, reason.hint().is_empty(), "{reason}");
        }
    }
}
