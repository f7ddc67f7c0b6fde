//! The words that both binaries and the cluster use: group, kinds, annotations, names of objects and namespaces.
//!
//! Each stands here once, so that what one side writes is what the other looks for.

/// The API group of every kind here.
pub const GROUP: &str = "seal.dev";
/// What every label, annotation, type and `apiVersion` of ours begins with.
pub const GROUP_PREFIX: &str = "seal.dev/";
/// `apiVersion` of a sealed file. What opened once opens always.
pub const API_VERSION: &str = "seal.dev/v1";
/// `kind` of a sealed file.
pub const SEALED_SECRET: &str = "SealedSecret";
/// `kind` of a sealed file whose live Secrets are in several namespaces.
pub const CLUSTER_SEALED_SECRET: &str = "ClusterSealedSecret";

/// The controller's Deployment, and its ServiceAccount.
pub const CONTROLLER: &str = "seal-controller";

/// Type of a key Secret, and its label, whose value is `active` or `retired`.
pub const KEY: &str = "seal.dev/key";
/// Under which name of a key Secret's data its age identity file stands.
pub const KEY_IDENTITY: &str = "identity";
/// The ConfigMap in the controller's namespace that publishes the recipient to seal to.
pub const RECIPIENTS: &str = "seal-recipients";
/// Under which name the recipient stands in that ConfigMap, and in a key Secret's data.
pub const RECIPIENT: &str = "recipient";
/// Under which name the recipient's fingerprint stands in that ConfigMap.
pub const FINGERPRINT: &str = "fingerprint";
/// Under which name stands when the recipient's key was made (RFC 3339).
pub const MADE: &str = "created";

/// Under which name, after that of a key for some namespaces, these stand in that ConfigMap, with commas between.
pub const NAMESPACES: &str = "namespaces";

/// Under which name something of a key for some namespaces stands in that ConfigMap.
pub fn of_name(key: &str, part: &str) -> String {
    format!("{key}.{part}")
}

/// Annotation of a live Secret: the sealed object that made it, at which generation, and what else was set.
pub const APPLIED: &str = "seal.dev/applied";
/// Annotation of a live Secret by which whoever may write it lets a sealed object take it over.
pub const ACCEPTS: &str = "seal.dev/accepts";
/// What the annotation of a live Secret begins with by which a sealed object that merged into it says so; its uid follows.
pub const MERGED: &str = "seal.dev/merged-";
/// Finalizer of a sealed object that has written into objects of others: those entries go before it does.
pub const DETACH: &str = "seal.dev/detach";
/// Annotation of a ServiceAccount: which of its imagePullSecrets were put there from sealed objects, and their uids.
pub const ATTACHED: &str = "seal.dev/attached";
/// Annotation of a sealed object: `keep` leaves the live Secret when the object is deleted.
pub const ON_DELETE: &str = "seal.dev/on-delete";
/// Annotation of a key Secret: when the key was made. A restore does not change it.
pub const CREATED: &str = "seal.dev/created";
/// Annotation of a key Secret: the namespaces in which alone the key opens, with commas between.
pub const KEY_NAMESPACES: &str = "seal.dev/namespaces";
/// Annotation of a key Secret for some namespaces: under which name its recipient is published, where that is not the Secret's.
pub const KEY_NAME: &str = "seal.dev/key-name";
/// Annotation of a key Secret: the fingerprint of its recipient, for whoever may not or will not read the Secret.
pub const KEY_FINGERPRINT: &str = "seal.dev/fingerprint";
/// Annotation of an active key Secret by which somebody asks for a new key in its place; says when.
pub const KEY_ROTATE: &str = "seal.dev/rotate";
/// Annotation of a key Secret: the Secret of the key in whose place it was made.
pub const KEY_FOLLOWS: &str = "seal.dev/follows";
/// Annotation of a sealed object: the platform that it was shaped for.
pub const PRESET: &str = "seal.dev/for";
/// Annotation of a sealed object: the day after which its credentials are no longer valid, `2027-01-31`.
pub const EXPIRES: &str = "seal.dev/expires";
/// Annotation of a sealed object that a GitSource applied: the source's name and uid, and the path in its repository.
pub const GIT_SOURCE: &str = "seal.dev/git-source";
/// Annotation of a GitSource: the commit that may be applied although it does not descend from the one before.
pub const ACCEPT_REVISION: &str = "seal.dev/accept-revision";
/// Annotation of a GitSource: the commit by which objects may go, however many.
pub const ALLOW_PRUNE: &str = "seal.dev/allow-prune";
/// Under which name the writes of Git sources stand in `managedFields`.
pub const GIT_FIELD_MANAGER: &str = "seal-git";
/// Annotation by which the deletion guard lets something go.
pub const ALLOW_DELETE: &str = "seal.dev/allow-delete";
/// Under which name the controller's writes stand in `managedFields`.
pub const FIELD_MANAGER: &str = "seal-controller";
/// Annotation of a sealed object that asks for a reconcile.
pub const RECONCILE_AT: &str = "seal.dev/reconcile-at";
/// The same, as Flux writes it.
pub const FLUX_RECONCILE_AT: &str = "reconcile.fluxcd.io/requestedAt";

/// Namespace of the controller and its keys, unless it is installed elsewhere.
pub const CONTROLLER_NAMESPACE: &str = "seal-system";
/// Namespace of Git sources and their credentials, unless they are installed elsewhere.
pub const GIT_NAMESPACE: &str = "seal-git";

/// Label of a Secret of Direktiv: the Direktiv namespace it is for, which is none of Kubernetes.
pub const DIREKTIV_NAMESPACE: &str = "direktiv.io/namespace";
/// Label of a Secret of Direktiv: what flows call it.
pub const DIREKTIV_NAME: &str = "direktiv.io/name";
/// The one key of a Secret of Direktiv.
pub const DIREKTIV_KEY: &str = "secret";
