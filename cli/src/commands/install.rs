//! `seal install`: the manifests of the controller, on standard output. Touches no cluster.
//!
//! The text is that of `controller/deploy/chart/files`, embedded, so that the command and what it installs are one version.

pub(super) mod git;

use std::collections::BTreeSet;

use seal_core::place::is_label;

use crate::console::{Console, note};
use crate::error::Failure;

const NAMESPACE: &str = include_str!("../../../controller/deploy/chart/files/namespace.yaml");
const CRD: &str = include_str!("../../../controller/deploy/chart/files/crd.yaml");
const CONTROLLER: &str = include_str!("../../../controller/deploy/chart/files/controller.yaml");
const DEPLOYMENT: &str = include_str!("../../../controller/deploy/chart/files/deployment.yaml");
const RBAC_CLUSTER: &str = include_str!("../../../controller/deploy/chart/files/rbac-cluster.yaml");
const RBAC_NAMESPACE: &str =
    include_str!("../../../controller/deploy/chart/files/rbac-namespace.yaml");
const PULL_SECRETS_CLUSTER: &str =
    include_str!("../../../controller/deploy/chart/files/pull-secrets-cluster.yaml");
const PULL_SECRETS_NAMESPACE: &str =
    include_str!("../../../controller/deploy/chart/files/pull-secrets-namespace.yaml");
const READERS: &str =
    include_str!("../../../controller/deploy/chart/files/recipients-readers.yaml");
const NETWORK: &str = include_str!("../../../controller/deploy/chart/files/network-policy.yaml");
const GUARD: &str = include_str!("../../../controller/deploy/chart/files/deletion-guard.yaml");

/// What the files of `controller/deploy/chart/files` say where the flags may say something else.
const HOME: &str = seal_core::names::CONTROLLER_NAMESPACE;
const IMAGE: &str = concat!("seal-controller:", env!("CARGO_PKG_VERSION"));
const ARGS: &str = "args: [] # --namespaces and the like";
const REPLICAS: &str = "replicas: 2 ";
const READER_SUBJECT: &str = "\
- apiGroup: rbac.authorization.k8s.io
  kind: Group
  name: \"READER\"
";

/// Print the manifests of the controller
///
/// Standard output takes them, kubectl applies them. The last one is a guard: the API server then refuses to delete
/// the kind, which would take every live Secret along, the keys and their namespace. `seal uninstall` prints what may
/// go.
///
/// Example: seal install | kubectl apply --server-side -f -
#[derive(Debug, clap::Args)]
pub(crate) struct InstallArgs {
    /// Namespace of the controller and its keys
    #[arg(long, value_name = "NS", default_value = HOME)]
    namespace: String,
    /// Serve these namespaces only: a Role in each, nothing cluster-wide
    #[arg(long, value_name = "NS,…", value_delimiter = ',')]
    namespaces: Vec<String>,
    /// Let ClusterSealedSecrets choose namespaces by their labels, which are then a right to read
    #[arg(long, conflicts_with = "namespaces")]
    allow_cluster_wide: bool,
    /// Groups that may read the public recipient, for `seal fetch`; `none` leaves the document out
    #[arg(
        long,
        value_name = "GROUP,…|none",
        value_delimiter = ',',
        default_value = "system:authenticated"
    )]
    recipients_readers: Vec<String>,
    /// Image of the controller
    #[arg(long, value_name = "IMAGE", default_value = IMAGE)]
    image: String,
    /// Replicas of the controller: one leads, the others take over
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=9))]
    replicas: u8,
    /// How the controller's log lines look: text, or one JSON object a line
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = ["text", "json"])]
    log_format: String,
    /// Never make a key: the controller waits for one to be restored
    #[arg(long)]
    require_existing_key: bool,
    /// Let sealed files name ServiceAccounts whose pods pull images with them: gives the right to change those
    #[arg(long)]
    attach_pull_secrets: bool,
    /// Leave the guard out, as where ValidatingAdmissionPolicies cannot be made
    #[arg(long)]
    without_deletion_guard: bool,
    #[command(flatten)]
    git: git::GitArgs,
}

/// Prints the manifests, with what the flags say in place of the defaults.
pub(crate) fn run(args: &InstallArgs, console: &mut Console) -> Result<(), Failure> {
    check(args)?;
    console.write(manifests(args).as_bytes())?;
    if !args.namespaces.is_empty() {
        say_what_is_narrower(args);
    }
    git::say_what_must_be_there(args);
    Ok(())
}

/// What no manifest can say: what an earlier, wider install has left, and what must be there before.
fn say_what_is_narrower(args: &InstallArgs) {
    let (served, home) = (args.namespaces.join(", "), &args.namespace);
    note(&format!("the namespaces {served} must exist before this is applied"));
    note(
        "rights that were given before stay until they are taken back. If the controller was installed for every namespace:",
    );
    note(&format!("  kubectl delete clusterrolebinding {home}-controller --ignore-not-found"));
    note(&format!("  kubectl delete clusterrole {home}-controller --ignore-not-found"));
    note("in each namespace NS that was named before and is not any more:");
    note(&format!("  kubectl delete rolebinding,role -n NS {home}-controller"));
}

fn check(args: &InstallArgs) -> Result<(), Failure> {
    check_namespaces(std::iter::once(&args.namespace).chain(&args.namespaces))?;
    check_named_once("--namespaces", &args.namespaces)?;
    let closed = [&args.namespace, &args.git.git_namespace];
    if let Some(wrong) = args.namespaces.iter().find(|it| closed.contains(it)) {
        return Err(Failure::input(format!(
            "{wrong} holds the keys or the Git sources: nothing is ever opened there"
        ))
        .hint("name other namespaces with --namespaces"));
    }
    let groups = args.recipients_readers.iter().map(|group| ("--recipients-readers", group));
    let mut texts = std::iter::once(("--image", &args.image)).chain(groups);
    if let Some((flag, wrong)) = texts.find(|(_, text)| !is_plain(text)) {
        return Err(Failure::input(format!(
            "{flag} {wrong:?} has a character that it cannot have"
        ))
        .hint("`seal install --help`"));
    }
    git::check(args)
}

/// Refuses what cannot name a namespace.
pub(super) fn check_namespaces<'a>(
    mut names: impl Iterator<Item = &'a String>,
) -> Result<(), Failure> {
    match names.find(|name| !is_label(name)) {
        Some(wrong) => Err(Failure::input(format!("{wrong:?} cannot name a namespace"))
            .hint("lower case letters, digits and dashes, at most 63")),
        None => Ok(()),
    }
}

/// Each would get its Role twice.
fn check_named_once(flag: &str, namespaces: &[String]) -> Result<(), Failure> {
    let mut named = BTreeSet::new();
    match namespaces.iter().find(|it| !named.insert(*it)) {
        Some(twice) => {
            Err(Failure::input(format!("{flag} names {twice} twice"))
                .hint("name each namespace once"))
        }
        None => Ok(()),
    }
}

/// Whether a text stands for itself between quotes in YAML.
fn is_plain(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|b| b.is_ascii_graphic() && !b"'\"\\#{}[],&*!|>%`".contains(&b))
}

fn manifests(args: &InstallArgs) -> String {
    let namespace = &args.namespace;
    let mut documents = vec![at(namespace, NAMESPACE), CRD.to_owned(), at(namespace, CONTROLLER)];
    documents.extend([deployment(args), at(namespace, NETWORK)]);
    documents.extend(roles(namespace, &args.namespaces, RBAC_CLUSTER, RBAC_NAMESPACE));
    if args.attach_pull_secrets {
        documents.extend(pull_secret_roles(namespace, &args.namespaces));
    }
    if args.recipients_readers != ["none"] {
        let groups = args.recipients_readers.iter();
        let subjects: String =
            groups.map(|group| READER_SUBJECT.replace("READER", group)).collect();
        documents.push(at(namespace, READERS).replace(READER_SUBJECT, &subjects));
    }
    documents.extend(git::documents(args));
    if !args.without_deletion_guard {
        documents.push(at(namespace, GUARD)); // last: deleted as they were applied, all others are refused before
    }
    documents.join("---\n")
}

/// A text of `controller/deploy/chart/files` for another namespace of the controller. Before any flag's text is in it: a namespace,
/// group or image may contain our name too.
fn at(namespace: &str, text: &str) -> String {
    text.replace(HOME, namespace)
}

/// The rights: cluster-wide, or in each of these namespaces.
fn roles(namespace: &str, served: &[String], in_cluster: &str, in_one: &str) -> Vec<String> {
    if served.is_empty() {
        return vec![at(namespace, in_cluster)];
    }
    served.iter().map(|one| at(namespace, in_one).replace("SERVED", one)).collect()
}

fn pull_secret_roles(namespace: &str, served: &[String]) -> Vec<String> {
    roles(namespace, served, PULL_SECRETS_CLUSTER, PULL_SECRETS_NAMESPACE)
}

/// What may go without a live Secret or a key: all but the namespace, the kind and the guard.
pub(super) fn without_data(namespace: &str, served: &[String]) -> String {
    let process = [CONTROLLER, DEPLOYMENT, NETWORK];
    let mut documents: Vec<String> = process.iter().map(|text| at(namespace, text)).collect();
    documents.extend(roles(namespace, served, RBAC_CLUSTER, RBAC_NAMESPACE));
    documents.extend(pull_secret_roles(namespace, served));
    documents.push(at(namespace, READERS));
    documents.join("---\n")
}

fn deployment(args: &InstallArgs) -> String {
    let image = at(&args.namespace, DEPLOYMENT).replace(IMAGE, &args.image);
    let image = image.replace(REPLICAS, &format!("replicas: {} ", args.replicas));
    let mut flags = Vec::new();
    if !args.namespaces.is_empty() {
        flags.push(format!("\"--namespaces={}\"", args.namespaces.join(",")));
    }
    if args.allow_cluster_wide {
        flags.push("--allow-cluster-wide".to_owned());
    }
    if args.require_existing_key {
        flags.push("--require-existing-key".to_owned());
    }
    if args.attach_pull_secrets {
        flags.push("--attach-pull-secrets".to_owned());
    }
    flags.extend(git::flag_of_the_controller(args));
    if args.log_format != "text" {
        flags.push(format!("--log-format={}", args.log_format));
    }
    if flags.is_empty() {
        return image;
    }
    image.replace(ARGS, &format!("args: [{}]", flags.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_namespace_is_renamed() {
        let args = InstallArgs {
            namespace: "sealing".into(),
            namespaces: vec!["seal-system-test".into()],
            recipients_readers: vec!["system:serviceaccounts:seal-system".into()],
            image: "registry.example/seal-system/controller:1".into(),
            allow_cluster_wide: false,
            replicas: 2,
            log_format: "text".into(),
            require_existing_key: true,
            attach_pull_secrets: false,
            without_deletion_guard: false,
            git: git::GitArgs::default(),
        };
        let text = manifests(&args);
        assert!(text.contains("args: [\"--namespaces=seal-system-test\", --require-existing-key]"));
        assert!(text.contains("oldObject.metadata.name == 'sealing'"));
        assert!(text.contains("  namespace: \"seal-system-test\"\n"));
        assert!(text.contains("name: \"system:serviceaccounts:seal-system\"\n"));
        assert!(text.contains("image: \"registry.example/seal-system/controller:1\"\n"));
        assert!(!text.contains("namespace: \"seal-system\"\n"));
        assert!(!text.contains("[serviceaccounts]"), "{text}");
        let attaching = manifests(&InstallArgs { attach_pull_secrets: true, ..args });
        assert!(attaching.contains("resources: [serviceaccounts]"));
        assert!(attaching.contains("--require-existing-key, --attach-pull-secrets]"));
        assert!(
            attaching.contains("  name: sealing-pull-secrets\n  namespace: \"seal-system-test\"\n")
        );
    }
}
