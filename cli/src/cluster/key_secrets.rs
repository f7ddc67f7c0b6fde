//! What is said of a key Secret without reading it.

#![cfg_attr(not(feature = "cluster"), allow(dead_code, reason = "the network fills and reads it"))]

/// One key Secret, by its metadata. All of it was written by whoever may write Secrets beside the controller.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeySecret {
    pub(crate) name: String,
    pub(crate) uid: String,
    /// `active`, `retired`, or what somebody wrote.
    pub(crate) state: String,
    /// As its Secret notes it.
    pub(crate) fingerprint: Option<String>,
    pub(crate) created: Option<String>,
    /// Where it opens alone.
    pub(crate) namespaces: Option<String>,
    /// What it is called, where that is not its Secret's name.
    pub(crate) called: Option<String>,
    /// The Secret in whose place it was made.
    pub(crate) follows: Option<String>,
    /// When another one was asked for in its place.
    pub(crate) rotate: Option<String>,
    /// Sealed objects that were opened with it; none where that was not asked or not told.
    pub(crate) objects: Option<usize>,
}

impl KeySecret {
    /// Whether it is sealed to: one of which nobody knows whose key it is does not count.
    pub(crate) fn is_active(&self) -> bool {
        self.state == "active" && self.fingerprint.is_some()
    }

    /// The fingerprint of each of its identities.
    pub(crate) fn fingerprints(&self) -> impl Iterator<Item = &str> {
        self.fingerprint.iter().flat_map(|all| all.split(','))
    }

    /// Under which name it is published, if it is for some namespaces.
    pub(crate) fn called(&self) -> &str {
        self.called.as_deref().unwrap_or(&self.name)
    }
}

/// A key Secret that is to be made.
#[derive(Debug)]
pub(crate) struct NewKey {
    pub(crate) name: String,
    pub(crate) fingerprint: String,
    pub(crate) recipient: String,
    pub(crate) state: String,
    pub(crate) annotations: std::collections::BTreeMap<String, String>,
    /// The age identity file.
    pub(crate) identity: seal_core::secret::SecretValue,
}

/// What became of one.
#[derive(Debug)]
pub(crate) enum Made {
    /// It is there now, under this name.
    As(String),
    /// It was there, and stays as it is.
    Before(Box<KeySecret>),
}

/// How a rotation ended.
#[derive(Debug)]
pub(crate) struct Rotated {
    pub(crate) old: String,
    pub(crate) new: String,
    pub(crate) fingerprint: String,
}

/// Enough of a fingerprint to tell two keys apart in a name.
pub(crate) fn short(fingerprint: &str) -> &str {
    let digits = fingerprint.strip_prefix("sha256:").unwrap_or(fingerprint);
    digits.get(..12).unwrap_or(digits)
}
