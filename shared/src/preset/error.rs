//! Why a platform would not read a Secret, and what a person can do about it.

/// A platform's rule that is not kept, and its remedy. Names keys and places, never a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PresetError {
    /// What is so, with the platform's rule.
    pub message: String,
    /// The next step.
    pub hint: String,
}

impl PresetError {
    pub(super) fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: hint.into() }
    }
}
