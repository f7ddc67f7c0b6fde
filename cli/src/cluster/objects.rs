//! Sealed objects of a cluster as commands name them, and what is told of them.

#![cfg_attr(not(feature = "cluster"), allow(dead_code, reason = "the network fills and reads it"))]

use std::collections::BTreeMap;

use seal_core::kind::Kind;
use seal_core::kind::sealed::SealedSecretSpec;
use seal_core::secret::SecretValue;

/// A sealed object of the cluster.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    pub(crate) kind: Kind,
    /// Its namespace; the context's where there is none. A ClusterSealedSecret is in no namespace.
    pub(crate) namespace: Option<String>,
    pub(crate) name: String,
}

/// A sealed object that is waited for.
#[derive(Debug)]
pub(crate) struct Awaited {
    pub(crate) object: Named,
    /// What the cluster's object is to be, where a file says it.
    pub(crate) spec: Option<SealedSecretSpec>,
    /// The request that its controller is to have handled, as `reconcile` made it.
    pub(crate) asked: Option<String>,
}

impl From<Named> for Awaited {
    fn from(object: Named) -> Self {
        Self { object, spec: None, asked: None }
    }
}

/// The sealed values of one object, as its live Secret has them.
pub(crate) type LiveValues = BTreeMap<String, SecretValue>;

/// Which sealed objects of a cluster are meant.
#[derive(Clone, Debug)]
pub(crate) enum Which {
    /// Those of every namespace, and those in none.
    All,
    /// Those of a namespace; of the context's where it is not said.
    Namespace(Option<String>),
    /// These.
    Named(Vec<Named>),
}

/// One sealed object as a table shows it. All of it was written by whoever may write it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Row {
    pub(crate) kind: Kind,
    /// Empty where it is in none.
    pub(crate) namespace: String,
    pub(crate) name: String,
    /// `True`, `False` or `Unknown`, and why.
    pub(crate) ready: String,
    pub(crate) reason: String,
    pub(crate) message: String,
    /// Values of its live Secret, where the controller says how many.
    pub(crate) keys: Option<i64>,
    /// Fingerprints of the identities that opened it.
    pub(crate) opened_with: Vec<String>,
}
