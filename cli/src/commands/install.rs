//! `seal install`: the manifests of the controller, on standard output. Touches no cluster.
//!
//! The text is that of `controller/deploy`, embedded, so that the command and what it installs are one version.

use seal_core::place::is_label;

use crate::console::Console;
use crate::error::Failure;

const NAMESPACE: &str = include_str!("../../../controller/deploy/namespace.yaml");
const CRD: &str = include_str!("../../../controller/deploy/crd.yaml");
const CONTROLLER: &str = include_str!("../../../controller/deploy/controller.yaml");
const RBAC_CLUSTER: &str = include_str!("../../../controller/deploy/rbac-cluster.yaml");
const RBAC_NAMESPACE: &str = include_str!("../../../controller/deploy/rbac-namespace.yaml");
const READERS: &str = include_str!("../../../controller/deploy/recipients-readers.yaml");

/// What the files of `controller/deploy` say where the flags may say something else.
const HOME: &str = seal_core::names::CONTROLLER_NAMESPACE;
const IMAGE: &str = concat!("seal-controller:", env!("CARGO_PKG_VERSION"));
const ARGS: &str = "args: [] # --namespaces and the like";
const READER_SUBJECT: &str = "\
- apiGroup: rbac.authorization.k8s.io
  kind: Group
  name: READER
";

/// Print the manifests of the controller
///
/// Standard output takes them, kubectl applies them. What is deleted later is never the kind itself: that would
/// take every live Secret along.
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
}

/// Prints the manifests, with what the flags say in place of the defaults.
pub(crate) fn run(args: &InstallArgs, console: &mut Console) -> Result<(), Failure> {
    check(args)?;
    console.write(manifests(args).as_bytes())
}

fn check(args: &InstallArgs) -> Result<(), Failure> {
    let mut namespaces = std::iter::once(&args.namespace).chain(&args.namespaces);
    if let Some(wrong) = namespaces.find(|name| !is_label(name)) {
        return Err(Failure::input(format!("{wrong:?} cannot name a namespace"))
            .hint("lower case letters, digits and dashes, at most 63"));
    }
    if args.namespaces.contains(&args.namespace) {
        return Err(Failure::input(format!(
            "{} holds the keys: nothing is ever opened there",
            args.namespace
        ))
        .hint("name other namespaces with --namespaces"));
    }
    if !std::iter::once(&args.image).chain(&args.recipients_readers).all(|text| is_plain(text)) {
        return Err(Failure::input("an image or group has a character that neither can have")
            .hint("`seal install --help`"));
    }
    Ok(())
}

/// Whether a text stands for itself in YAML, quoted or not.
fn is_plain(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|b| b.is_ascii_graphic() && !b"'\"#{}[],&*!|>%`".contains(&b))
}

fn manifests(args: &InstallArgs) -> String {
    // Replaced before any flag's text is in the document: a namespace, group or image may contain our name too.
    let at_home = |text: &str| text.replace(HOME, &args.namespace);
    let controller = controller(&at_home(CONTROLLER), args);
    let mut documents = vec![at_home(NAMESPACE), CRD.to_owned(), controller];
    if args.namespaces.is_empty() {
        documents.push(at_home(RBAC_CLUSTER));
    }
    for namespace in &args.namespaces {
        documents.push(at_home(RBAC_NAMESPACE).replace("SERVED", namespace));
    }
    if args.recipients_readers != ["none"] {
        let groups = args.recipients_readers.iter();
        let subjects: String =
            groups.map(|group| READER_SUBJECT.replace("READER", group)).collect();
        documents.push(at_home(READERS).replace(READER_SUBJECT, &subjects));
    }
    documents.join("---\n")
}

fn controller(text: &str, args: &InstallArgs) -> String {
    let image = text.replace(IMAGE, &args.image);
    if args.namespaces.is_empty() {
        return image;
    }
    image.replace(ARGS, &format!("args: [\"--namespaces={}\"]", args.namespaces.join(",")))
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
        };
        let text = manifests(&args);
        assert!(text.contains("\"--namespaces=seal-system-test\""));
        assert!(text.contains("  namespace: seal-system-test\n"));
        assert!(text.contains("name: system:serviceaccounts:seal-system\n"));
        assert!(text.contains("image: registry.example/seal-system/controller:1\n"));
        assert!(!text.contains("namespace: seal-system\n"));
    }
}
