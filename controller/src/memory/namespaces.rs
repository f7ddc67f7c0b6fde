//! The namespaces of the cluster, and which of them a sealed object wants a live Secret in.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use seal_core::kind::Kind;
use seal_core::kind::cluster_sealed::NamespaceSelector;
use seal_core::kind::sealed::SealedSecret;

/// Namespaces of Kubernetes itself: served only where they are listed by name.
const OF_KUBERNETES: &str = "kube-";

/// Where a sealed object wants its live Secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Wants {
    /// In its own namespace.
    #[default]
    Own,
    /// In the namespaces of its scope.
    Listed(BTreeSet<String>),
    /// In those whose labels match.
    Chosen(NamespaceSelector),
}

/// Whether a namespace is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum There {
    Yes,
    No,
    /// It is being deleted, and takes nothing new.
    Going,
}

impl Wants {
    pub(crate) fn of(sealed: &SealedSecret) -> Self {
        let spec = &sealed.spec;
        match (&spec.kind, &spec.namespace_selector) {
            (Kind::SealedSecret, _) => Self::Own,
            (Kind::ClusterSealedSecret, Some(selector)) => Self::Chosen(selector.clone()),
            (Kind::ClusterSealedSecret, None) => {
                Self::Listed(spec.scope.namespaces.iter().cloned().collect())
            }
        }
    }
}

/// All of them.
#[derive(Default)]
pub(super) struct Namespaces {
    by_name: BTreeMap<String, Namespace>,
    /// While a list is under way: what it has named so far.
    listing: Option<BTreeMap<String, Namespace>>,
    /// Whether a list has been complete.
    pub(super) are_known: bool,
    /// Those in which nothing is ever opened.
    closed: BTreeSet<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Namespace {
    labels: BTreeMap<String, String>,
    is_going: bool,
}

impl Namespaces {
    pub(super) fn new(closed: BTreeSet<String>) -> Self {
        Self { closed, ..Self::default() }
    }

    /// Whether a list is under way, which counts as a whole when it is complete.
    pub(super) fn is_listing(&self) -> bool {
        self.listing.is_some()
    }

    /// A namespace was seen. Says whether that is news outside of a list.
    pub(super) fn saw(&mut self, metadata: &ObjectMeta) -> bool {
        let name = metadata.name.clone().unwrap_or_default();
        let namespace = Namespace {
            labels: metadata.labels.clone().unwrap_or_default(),
            is_going: metadata.deletion_timestamp.is_some(),
        };
        if let Some(listing) = &mut self.listing {
            listing.insert(name, namespace);
            return false;
        }
        self.by_name.insert(name, namespace.clone()) != Some(namespace)
    }

    pub(super) fn gone(&mut self, metadata: &ObjectMeta) {
        self.by_name.remove(metadata.name.as_deref().unwrap_or_default());
    }

    pub(super) fn list_begins(&mut self) {
        self.listing = Some(BTreeMap::new());
    }

    pub(super) fn list_ends(&mut self) {
        self.by_name = self.listing.take().unwrap_or_default();
        self.are_known = true;
    }

    /// The namespaces that are wanted, and whether each is there. Empty for an object that wants its own.
    pub(super) fn wanted(&self, wants: &Wants) -> Vec<(String, There)> {
        match wants {
            Wants::Own => Vec::new(),
            Wants::Listed(names) => {
                names.iter().map(|name| (name.clone(), self.there(name))).collect()
            }
            Wants::Chosen(_) => {
                let chosen = self.by_name.keys().filter(|name| self.is_wanted(wants, name));
                chosen.map(|name| (name.clone(), There::Yes)).collect()
            }
        }
    }

    /// Whether a live Secret is wanted in the namespace of this name, whether it is there or not.
    pub(super) fn is_wanted(&self, wants: &Wants, name: &str) -> bool {
        match wants {
            Wants::Own => false,
            Wants::Listed(names) => names.contains(name),
            Wants::Chosen(selector) => self.by_name.get(name).is_some_and(|namespace| {
                !namespace.is_going
                    && !name.starts_with(OF_KUBERNETES)
                    && !self.closed.contains(name)
                    && selector.matches(&namespace.labels)
            }),
        }
    }

    fn there(&self, name: &str) -> There {
        match self.by_name.get(name) {
            Some(namespace) if namespace.is_going => There::Going,
            Some(_) => There::Yes,
            None => There::No,
        }
    }
}
