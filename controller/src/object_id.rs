//! Which sealed object something is about.
//!
//! [`ObjectName`] is what a queue, a map or a message goes by; several objects can have it one after the other.
//! [`ObjectId`] is one of them. Where a live Secret goes is neither: that is a [`Place`].

use std::fmt;
use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
pub(crate) use seal_core::kind::Kind;
use seal_core::place::{Place, is_subdomain};

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

    /// The ClusterSealedSecret one of whose live Secrets stands at `place`, where there is one.
    pub(crate) fn cluster_sealed_secret(place: &Place) -> Self {
        Self { kind: Kind::ClusterSealedSecret, namespace: None, name: place.name.clone() }
    }

    /// The object of this kind with this metadata, if its names can be those of live Secrets.
    pub(crate) fn of(kind: Kind, metadata: &ObjectMeta) -> Option<Self> {
        let name = metadata.name.as_deref()?;
        match kind {
            Kind::SealedSecret => {
                let place = Place::new(metadata.namespace.as_deref()?, name).ok()?;
                Some(Self::sealed_secret(&place))
            }
            Kind::ClusterSealedSecret => {
                is_subdomain(name).then(|| Self { kind, namespace: None, name: name.to_owned() })
            }
        }
    }

    /// Where its live Secret goes; of a ClusterSealedSecret there are several, and this is none of them.
    pub(crate) fn target(&self) -> Place {
        self.target_in(self.namespace.as_deref().unwrap_or_default())
    }

    /// Where its live Secret goes in `namespace`.
    pub(crate) fn target_in(&self, namespace: &str) -> Place {
        Place { namespace: namespace.to_owned(), name: self.name.clone() }
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
