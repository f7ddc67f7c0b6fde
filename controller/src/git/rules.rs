//! What of a repository may be applied: pure. Whoever writes to a repository is not whoever wrote the GitSource.

use std::collections::BTreeSet;

use seal_core::escape::escaped;
use seal_core::kind::Kind;
use seal_core::kind::git_source::GitSource;
use seal_core::kind::sealed::SealedSecret;
use seal_core::open::allowed::Grants;
use seal_core::open::check::check_at;
use seal_core::reason::Reason;

/// What this installation gives to every source.
#[derive(Clone, Debug)]
pub(super) struct Limits {
    /// The namespaces of the controller and of the sources.
    pub(super) closed_namespaces: BTreeSet<String>,
    pub(super) cluster_sealed_secrets: bool,
}

/// What one source may apply.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) source: GitSource,
    pub(super) namespaces: BTreeSet<String>,
    grants: Grants,
    cluster_sealed_secrets: bool,
}

impl Rules {
    pub(super) fn of(source: &GitSource, limits: &Limits) -> Self {
        let namespaces: BTreeSet<String> = source.spec.namespaces.iter().cloned().collect();
        let grants = Grants {
            closed_namespaces: limits.closed_namespaces.clone(),
            only_namespaces: Some(namespaces.clone()),
            ..Grants::default()
        };
        let cluster_sealed_secrets = limits.cluster_sealed_secrets;
        Self { source: source.clone(), namespaces, grants, cluster_sealed_secrets }
    }

    /// Why the object is not applied, if it is not.
    pub(super) fn problem(&self, sealed: &SealedSecret) -> Option<(Reason, String)> {
        match self.of_itself(sealed) {
            Some(what) => Some((Reason::NotAllowed, format!("{}: {what}", sealed.full_name()))),
            None => self.of_its_places(sealed),
        }
    }

    /// The same rules as in the controller, which holds them again, and the namespaces of the source.
    fn of_its_places(&self, sealed: &SealedSecret) -> Option<(Reason, String)> {
        sealed.places().into_iter().find_map(|place| {
            let allowed =
                check_at(sealed, place).and_then(|checked| checked.allowed(&self.grants).map(drop));
            allowed.err().map(|error| (error.reason(), error.to_string()))
        })
    }

    fn of_itself(&self, sealed: &SealedSecret) -> Option<String> {
        let spec = &sealed.spec;
        if spec.kind == Kind::ClusterSealedSecret && !self.cluster_sealed_secrets {
            return Some(
                "a ClusterSealedSecret, and seal is installed without --git-cluster-sealed-secrets"
                    .to_owned(),
            );
        }
        if spec.values.is_empty() {
            return Some("it has no sealed value, so anybody could have written it".to_owned());
        }
        if !spec.service_accounts.is_empty() {
            return Some("spec.serviceAccounts is not for a repository to say".to_owned());
        }
        if !matches!(spec.on_conflict.as_deref(), None | Some("Refuse" | "AdoptEmpty")) {
            return Some("spec.onConflict is neither Refuse nor AdoptEmpty".to_owned());
        }
        let metadata = spec.template.iter().flat_map(|template| {
            template.metadata.labels.keys().chain(template.metadata.annotations.keys())
        });
        let other = metadata.into_iter().find(|key| !self.source.allows_metadata(key))?;
        Some(format!(
            "its template sets {}, which spec.templateMetadata of the GitSource does not name",
            escaped(other)
        ))
    }
}
