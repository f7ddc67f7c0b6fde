//! `seal uninstall`: the manifests of the controller that may go, on standard output. Touches no cluster.
//!
//! Never the kind, the keys or their namespace: with the kind goes every live Secret, with the keys what opens every
//! sealed file. What deletes those is said, and done by nobody but the person who runs it.

use super::install::{check_namespaces, git, without_data};
use crate::console::{Console, note};
use crate::error::Failure;

/// Print the manifests of the controller that may be deleted
///
/// Standard output takes them, kubectl deletes them. Every live Secret stays, and so do the sealed objects, the kind,
/// the keys and their namespace: what is installed again goes on where it was. How those are deleted for good is said
/// on standard error.
///
/// Example: seal uninstall | kubectl delete --ignore-not-found -f -
#[derive(Debug, clap::Args)]
pub(crate) struct UninstallArgs {
    /// Namespace of the controller and its keys
    #[arg(long, value_name = "NS", default_value = seal_core::names::CONTROLLER_NAMESPACE)]
    namespace: String,
    /// The namespaces that `seal install` named, if it named any
    #[arg(long, value_name = "NS,…", value_delimiter = ',')]
    namespaces: Vec<String>,
    /// Namespace of the GitSources
    #[arg(long, value_name = "NS", default_value = seal_core::names::GIT_NAMESPACE, requires = "git_namespaces")]
    git_namespace: String,
    /// The namespaces that `seal install --git-namespaces` named: the process of Git sources goes, too
    #[arg(long, value_name = "NS,…", value_delimiter = ',')]
    git_namespaces: Vec<String>,
}

/// Prints the manifests, and on standard error what stays and how it goes.
pub(crate) fn run(args: &UninstallArgs, console: &mut Console) -> Result<(), Failure> {
    let UninstallArgs { namespace, namespaces, git_namespace, git_namespaces } = args;
    let named = [namespace, git_namespace].into_iter().chain(namespaces).chain(git_namespaces);
    check_namespaces(named)?;
    let mut documents = vec![without_data(namespace, namespaces)];
    if !git_namespaces.is_empty() {
        documents.extend(git::without_data(git_namespace, git_namespaces));
    }
    console.write(documents.join("---\n").as_bytes())?;
    for line in [
        "every live Secret stays, and so do the sealed objects, their kinds, the keys and the deletion guard".to_owned(),
        "a sealed object that was merged or attached waits for the controller before it goes; without one:".to_owned(),
        "  kubectl patch sls NAME -n NS --type=merge -p '{\"metadata\":{\"finalizers\":null}}'".to_owned(),
        "to delete every sealed object and with it every live Secret:".to_owned(),
        "  kubectl annotate crd sealedsecrets.seal.dev clustersealedsecrets.seal.dev seal.dev/allow-delete=true".to_owned(),
        "  kubectl delete crd sealedsecrets.seal.dev clustersealedsecrets.seal.dev".to_owned(),
        format!("to delete the keys, without which no sealed file opens again (back them up: kubectl get secret -n {namespace} -l seal.dev/key -o yaml):"),
        format!("  kubectl annotate namespace {namespace} seal.dev/allow-delete=true"),
        format!("  kubectl delete namespace {namespace}"),
        "and then the guard itself:".to_owned(),
        format!("  kubectl delete validatingadmissionpolicybinding,validatingadmissionpolicy {namespace}-deletion-guard"),
    ] {
        note(&line);
    }
    Ok(())
}
