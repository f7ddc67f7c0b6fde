//! Why credentials would be of no use to a kubelet, and what a person can do about it.

/// A rule of the kubelet that is not kept, and its remedy. Names registries, never a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RegistryError {
    /// What is so.
    pub message: String,
    /// The next step.
    pub hint: String,
}

impl RegistryError {
    pub(super) fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: hint.into() }
    }

    /// Puts in front what it is about.
    pub(super) fn about(self, what: &str) -> Self {
        Self { message: format!("{what}: {}", self.message), ..self }
    }
}
