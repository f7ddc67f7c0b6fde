//! Why an object was not applied, and the word and sentence that say it. Pure.

use seal_core::names::ACCEPTS;
use seal_core::open::OpenError;
use seal_core::place::Place;
use seal_core::reason::Reason;

use crate::api_error::ApiError;
use crate::memory::There;
use crate::outcome::Outcome;
use crate::plan::{Problem, Refusal, Waiting};
use crate::target::secret::Undone;

/// Why an object was not applied.
pub(super) enum Failed {
    /// This version's type cannot hold it.
    Unreadable,
    Open(OpenError),
    Refused(Refusal),
    /// Something has to be gone first; the watch tells when it is.
    Waiting(Waiting),
    /// The API server judges the Secret itself to be wrong, for these fields.
    Invalid(Vec<String>),
    /// The namespace is not there, or is going; the watch tells when it is made.
    NoNamespace(There),
    /// Which namespaces there are is not known yet; the watch tells.
    NoNamespaces,
    /// A Secret of others takes no change any more, and holds what is to be taken out of it.
    Held,
    /// Worth another try.
    Api(ApiError),
}

impl From<Undone> for Failed {
    fn from(undone: Undone) -> Self {
        match undone {
            Undone::Refused(refusal) => Self::Refused(refusal),
            Undone::Waiting(waiting) => Self::Waiting(waiting),
            Undone::Api(error) => error.into(),
        }
    }
}

impl From<ApiError> for Failed {
    fn from(error: ApiError) -> Self {
        if error.is_invalid() { Self::Invalid(error.fields()) } else { Self::Api(error) }
    }
}

impl Failed {
    /// The word and the sentence, for an object whose live Secret goes to `target`.
    pub(super) fn outcome(&self, target: &Place) -> Outcome {
        match self {
            Self::Unreadable => Outcome::new(
                Reason::Malformed,
                "the object does not have the shape this version of the controller knows",
            ),
            Self::Open(error) => Outcome::new(error.reason(), format!("{error}; {}", error.hint())),
            Self::Refused(refusal) => refused(refusal, target),
            Self::Waiting(waiting) => {
                Outcome::new(Reason::Retrying, format!("the Secret {target} {}", waits(waiting)))
            }
            Self::Invalid(fields) => {
                let fields = fields.join(", ");
                let message = format!(
                    "the API server refuses the Secret {target} as invalid at {fields}: its type may require a key or a form of value, its metadata another form; nothing was changed"
                );
                Outcome::new(Reason::Malformed, message)
            }
            Self::NoNamespace(There::Going) => {
                let message = format!("the namespace {} is being deleted", target.namespace);
                Outcome::new(Reason::Retrying, message)
            }
            Self::NoNamespace(_) => {
                let message = format!(
                    "there is no namespace {}; it is served when it is made",
                    target.namespace
                );
                Outcome::new(Reason::Retrying, message)
            }
            Self::NoNamespaces => Outcome::new(
                Reason::Retrying,
                "which namespaces there are is not known yet; if it stays so, the controller's role is of an earlier version: `seal install` prints the present one",
            ),
            Self::Held => held(target),
            Self::Api(error) => Outcome::new(Reason::Retrying, error.to_string()),
        }
    }
}

fn held(target: &Place) -> Outcome {
    let message = format!(
        "the Secret {target} is of others, and immutable or invalid by now, so that the keys of this object cannot be taken out of it; delete it, or take the finalizer seal.dev/detach off this object"
    );
    Outcome::new(Reason::NotOurs, message)
}

fn refused(refusal: &Refusal, target: &Place) -> Outcome {
    let why = match refusal {
        Refusal::Reserved(problem) => {
            let message = format!("the Secret {target} is left alone: {problem}");
            return Outcome::new(Reason::NotAllowed, message);
        }
        Refusal::NotOurs(None) => "exists and was not made from this sealed file; it is left alone; delete it, or give the sealed file another name".to_owned(),
        Refusal::NotOurs(Some(owner)) => format!(
            "exists, owned by {owner}, and was not made from this sealed file; it is left alone; delete it, or give the sealed file another name"
        ),
        Refusal::WrittenBy(writer) => format!(
            "has lost its owner, and {writer} has written it since; it is left alone; {}",
            consent(target)
        ),
        Refusal::Orphaned => format!(
            "was left behind by an earlier sealed file of this name; it is left alone; {}",
            consent(target)
        ),
        Refusal::NeedsConsent(owner) => {
            let owner = owner.as_ref().map(|owner| format!(", owned by {owner},")).unwrap_or_default();
            format!("exists{owner} and was not made from this sealed file; it is left alone; {}", consent(target))
        }
        // All of the rule, whichever part is not met: a part would say more of the Secret of others.
        Refusal::NoPlaceholder => "exists and was not made from this sealed file; it is left alone: AdoptEmpty takes over a Secret whose keys are all empty, of the same type, with each label that the sealed file gives it, and one at least".to_owned(),
        Refusal::Merge(problem @ Problem::NoConsent(_)) => {
            let Place { namespace, name } = target;
            format!("{problem}; it is left alone; to let the sealed file write its keys into it: kubectl annotate secret -n {namespace} {name} {ACCEPTS}=merge")
        }
        Refusal::Merge(problem) => format!("{problem}; it is left alone"),
        Refusal::Frozen => "may be taken over, and would have to be deleted and made again for it, since it is immutable or of another type; it is left alone; delete it".to_owned(),
    };
    Outcome::new(Reason::NotOurs, format!("the Secret {target} {why}"))
}

/// How whoever may write a Secret lets it be taken over.
fn consent(target: &Place) -> String {
    let Place { namespace, name } = target;
    format!(
        "to give it up to the sealed file: kubectl annotate secret -n {namespace} {name} {ACCEPTS}=adopt"
    )
}

fn waits(waiting: &Waiting) -> String {
    match waiting {
        Waiting::Deleted { finalizers } if finalizers.is_empty() => {
            "is being deleted, and is made again when it is gone".to_owned()
        }
        Waiting::Deleted { finalizers } => format!(
            "is being deleted and is held by the finalizers {}; it is made again when it is gone",
            finalizers.join(", ")
        ),
        Waiting::Missing => format!("does not exist, and spec.onConflict Merge makes none; it is written into when it is there with the annotation {ACCEPTS}=merge"),
        Waiting::Collected => "is of an earlier sealed object of this name, and is made again when Kubernetes has collected it".to_owned(),
    }
}
