//! Which sealed object something is about.
//!
//! [`ObjectName`] is what a queue, a map or a message goes by; several objects can have it one after the other.
//! [`ObjectId`] is one of them. Where a live Secret goes is neither: that is a [`Place`].

use std::fmt;
use std::sync::Arc;

use seal_core::names::{API_VERSION, SEALED_SECRET};
use seal_core::place::Place;

/// The kinds of sealed objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    SealedSecret,
}

impl Kind {
    /// `kind`, as manifests have it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::SealedSecret => SEALED_SECRET,
        }
    }

    /// `apiVersion`, as manifests have it.
    pub(crate) fn api_version(self) -> &'static str {
        match self {
            Self::SealedSecret => API_VERSION,
        }
    }
}

/// Kind, namespace and name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ObjectName {
    pub kind: Kind,
    /// None where the kind is cluster-scoped.
    pub namespace: Option<String>,
    pub name: String,
}

impl ObjectName {
    /// The SealedSecret whose live Secret stands at `place`.
    pub(crate) fn sealed_secret(place: &Place) -> Self {
        Self {
            kind: Kind::SealedSecret,
            namespace: Some(place.namespace.clone()),
            name: place.name.clone(),
        }
    }

    /// Where its live Secret goes.
    pub(crate) fn target(&self) -> Place {
        match self.kind {
            Kind::SealedSecret => Place {
                namespace: self.namespace.clone().unwrap_or_default(),
                name: self.name.clone(),
            },
        }
    }
}

/// `namespace/name`, or the name alone where there is no namespace.
impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{namespace}/{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// One sealed object, from its creation to its deletion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ObjectId {
    pub at: Arc<ObjectName>,
    /// `metadata.uid`.
    pub uid: String,
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.at.fmt(f)
    }
}
