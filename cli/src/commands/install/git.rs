//! What `seal install --git` adds: the process of Git sources, its kind, and its rights.

use seal_core::names::GIT_NAMESPACE;

use super::{HOME, IMAGE, InstallArgs, check_named_once, check_namespaces};
use crate::console::note;
use crate::error::Failure;

const CRD: &str = include_str!("../../../../controller/deploy/chart/files/git-crd.yaml");
const NAMESPACE: &str =
    include_str!("../../../../controller/deploy/chart/files/git-namespace.yaml");
const GIT: &str = include_str!("../../../../controller/deploy/chart/files/git.yaml");
const DEPLOYMENT: &str =
    include_str!("../../../../controller/deploy/chart/files/git-deployment.yaml");
const RBAC_NAMESPACE: &str =
    include_str!("../../../../controller/deploy/chart/files/git-rbac-namespace.yaml");
const RBAC_CLUSTER: &str =
    include_str!("../../../../controller/deploy/chart/files/git-rbac-cluster.yaml");
const ARGS: &str = "args: [git]";

/// Where Git sources are installed, and what they may write.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct GitArgs {
    /// Apply sealed files from Git repositories, too: a process and a kind, GitSource, of their own
    #[arg(long, requires = "git_namespaces")]
    git: bool,
    /// Namespace of the GitSources and their credentials
    #[arg(long, value_name = "NS", default_value = GIT_NAMESPACE, requires = "git")]
    pub(super) git_namespace: String,
    /// Namespaces whose SealedSecrets repositories may write
    #[arg(long, value_name = "NS,…", value_delimiter = ',', requires = "git")]
    git_namespaces: Vec<String>,
    /// Let repositories hold ClusterSealedSecrets, too, for namespaces that their GitSource names
    #[arg(long, requires = "git")]
    git_cluster_sealed_secrets: bool,
}

pub(super) fn check(args: &InstallArgs) -> Result<(), Failure> {
    let git = &args.git;
    if !git.git {
        return Ok(());
    }
    check_namespaces(std::iter::once(&git.git_namespace).chain(&git.git_namespaces))?;
    check_named_once("--git-namespaces", &git.git_namespaces)?;
    if git.git_namespace == args.namespace {
        return Err(Failure::input("the keys and the Git sources are in one namespace")
            .hint("name another one with --git-namespace: what fetches must not read keys"));
    }
    let closed = [&args.namespace, &git.git_namespace];
    if let Some(wrong) = git.git_namespaces.iter().find(|it| closed.contains(it)) {
        return Err(Failure::input(format!("nothing is ever applied in {wrong}"))
            .hint("name other namespaces with --git-namespaces"));
    }
    let opened = &args.namespaces;
    let unserved = git.git_namespaces.iter().find(|it| !opened.is_empty() && !opened.contains(it));
    if let Some(wrong) = unserved {
        return Err(Failure::input(format!("what Git brings to {wrong} would not be opened"))
            .hint("name the namespace with --namespaces, too"));
    }
    Ok(())
}

/// What the controller has to know where the sources are elsewhere: nothing is opened there.
pub(super) fn flag_of_the_controller(args: &InstallArgs) -> Option<String> {
    let git = &args.git;
    (git.git && git.git_namespace != GIT_NAMESPACE)
        .then(|| format!("\"--git-namespace={}\"", git.git_namespace))
}

/// What no manifest can say.
pub(super) fn say_what_must_be_there(args: &InstallArgs) {
    if args.git.git {
        let served = args.git.git_namespaces.join(", ");
        note(&format!("the namespaces {served} must exist before this is applied"));
    }
}

/// The documents; none without `--git`.
pub(super) fn documents(args: &InstallArgs) -> Vec<String> {
    let git = &args.git;
    if !git.git {
        return Vec::new();
    }
    let at = |text: &str| text.replace(GIT_NAMESPACE, &git.git_namespace);
    let mut flags = vec!["git".to_owned()];
    if args.log_format != "text" {
        flags.push(format!("--log-format={}", args.log_format));
    }
    if args.namespace != HOME {
        flags.push(format!("\"--controller-namespace={}\"", args.namespace));
    }
    if git.git_cluster_sealed_secrets {
        flags.push("--cluster-sealed-secrets".to_owned());
    }
    let process = at(DEPLOYMENT).replace(IMAGE, &args.image);
    let process = process.replace(ARGS, &format!("args: [{}]", flags.join(", ")));
    let mut documents = vec![CRD.to_owned(), at(NAMESPACE), at(GIT), process];
    let roles = git.git_namespaces.iter();
    documents.extend(roles.map(|one| at(RBAC_NAMESPACE).replace("SERVED", one)));
    if git.git_cluster_sealed_secrets {
        documents.push(at(RBAC_CLUSTER));
    }
    documents
}

/// What of it may go, wherever it was installed: all but the namespace and the kind.
pub(crate) fn without_data(git_namespace: &str, served: &[String]) -> Vec<String> {
    let at = |text: &str| text.replace(GIT_NAMESPACE, git_namespace);
    let mut documents = vec![at(GIT), at(DEPLOYMENT), at(RBAC_CLUSTER)];
    documents.extend(served.iter().map(|one| at(RBAC_NAMESPACE).replace("SERVED", one)));
    documents
}
