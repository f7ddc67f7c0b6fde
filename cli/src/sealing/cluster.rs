//! `--cluster`: one sealed object in no namespace, with a live Secret in each of several.

use std::collections::BTreeMap;
use std::path::PathBuf;

use seal_core::kind::Kind;
use seal_core::kind::cluster_sealed::{NamespaceSelector, Requirement};
use seal_core::kind::sealed::{SealedSecret, TemplateMetadata};
use seal_core::metadata::is_tracking;
use seal_core::place::Place;

use crate::console;
use crate::error::Failure;
use crate::scope::ScopeArgs;

/// The flags of a ClusterSealedSecret.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Where it may be opened")]
pub(crate) struct ClusterArgs {
    /// Make a ClusterSealedSecret: one file, a live Secret in each namespace of --scope-namespaces
    #[arg(long, hide_short_help = true)]
    pub(crate) cluster: bool,
    /// With --cluster and '*': in the namespaces that have this label, or this value of it (can be repeated)
    #[arg(long, value_name = "K[=V]", requires = "cluster", hide_short_help = true)]
    namespace_selector: Vec<String>,
}

impl ClusterArgs {
    /// Refuses what makes no sense, before anything is read.
    pub(crate) fn check(&self, scope: &ScopeArgs, for_platform: bool) -> Result<(), Failure> {
        if !self.cluster || (for_platform && !scope.given()) {
            return Ok(());
        }
        if scope.scope_namespaces.is_empty() {
            return Err(Failure::input("--cluster does not say which namespaces get the Secret")
                .hint("--scope-namespaces a,b; or --scope-namespaces '*' --namespace-selector LABEL=VALUE"));
        }
        let is_any = scope.scope_namespaces == ["*"];
        if is_any == self.namespace_selector.is_empty() {
            return Err(Failure::input("--namespace-selector chooses among every namespace, and goes with --scope-namespaces '*' alone")
                .hint("list the namespaces, or say '*' and which labels they have"));
        }
        match self.selector().and_then(|selector| selector.problem()) {
            Some(problem) => Err(Failure::input(problem).hint("--namespace-selector LABEL=VALUE")),
            None => Ok(()),
        }
    }

    /// The namespace that stands for all of them while the object is made: a manifest need not name one.
    pub(crate) fn home(&self, scope: &ScopeArgs) -> Option<String> {
        let first = scope.scope_namespaces.first().filter(|it| *it != "*");
        self.cluster.then(|| first.cloned().unwrap_or_else(|| "default".to_owned()))
    }

    /// Makes a sealed object one of the cluster.
    pub(crate) fn make(&self, object: &mut SealedSecret) {
        object.spec.kind = Kind::ClusterSealedSecret;
        object.metadata.namespace = None;
        object.spec.namespace_selector = self.selector();
    }

    fn selector(&self) -> Option<NamespaceSelector> {
        if self.namespace_selector.is_empty() {
            return None;
        }
        let mut selector = NamespaceSelector::default();
        for text in &self.namespace_selector {
            match text.split_once('=') {
                Some((key, value)) => {
                    selector.match_labels.insert(key.to_owned(), value.to_owned());
                }
                None => selector.match_expressions.push(Requirement {
                    key: text.clone(),
                    operator: "Exists".to_owned(),
                    values: Vec::new(),
                }),
            }
        }
        Some(selector)
    }
}

/// Where `--out` puts an object, beneath its folder.
pub(crate) fn file_of(place: &Place, is_cluster: bool) -> PathBuf {
    let Place { namespace, name } = place;
    let file = PathBuf::from(format!("{name}.sealed.yaml"));
    if is_cluster { file } else { PathBuf::from(namespace).join(file) }
}

/// A GitOps tool takes a live Secret with its marks for one of its own objects and deletes it: they are left out, and named.
pub(crate) fn leave_tracking_out(place: &Place, metadata: &mut TemplateMetadata) {
    let mut names = marks(&metadata.labels);
    names.extend(marks(&metadata.annotations));
    metadata.labels.retain(|name, _| !names.contains(name));
    metadata.annotations.retain(|name, _| !names.contains(name));
    if !names.is_empty() {
        console::note(&format!(
            "{}: left out {}, by which a GitOps tool would take it for its own and delete it",
            place.name,
            names.join(", ")
        ));
    }
}

fn marks(map: &BTreeMap<String, String>) -> Vec<String> {
    map.iter()
        .filter(|(name, value)| is_tracking(name, value))
        .map(|(name, _)| name.clone())
        .collect()
}
