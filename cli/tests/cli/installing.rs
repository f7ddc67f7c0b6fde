//! `seal install`, as text.

use std::collections::BTreeSet;

use crate::world::World;

#[test]
fn an_install_for_some_namespaces_says_how_the_rights_of_a_wider_one_are_taken_back() {
    let world = World::new();
    let narrow = world
        .seal(&["install", "--namespaces", "prod,stage"])
        .exits(0)
        .says("prod, stage must exist")
        .says("kubectl delete clusterrolebinding seal-system-controller")
        .says("kubectl delete clusterrole seal-system-controller")
        .says("kubectl delete rolebinding,role -n NS seal-system-controller");
    let text = narrow.text();
    let bound: Vec<&str> = text.lines().filter(|line| line.contains("ClusterRole")).collect();
    assert!(bound.iter().all(|line| line.trim() == "kind: ClusterRole"), "{bound:?}");
    assert!(!text.contains("kind: ClusterRoleBinding"));

    let wide = world.seal(&["install"]).exits(0);
    assert!(!wide.stderr.contains("kubectl delete"), "{}", wide.stderr);
    assert!(wide.text().contains("kind: ClusterRoleBinding"));
}

/// Kinds that no namespace keeps apart.
const CLUSTER_WIDE: [&str; 4] =
    ["Namespace ", "CustomResourceDefinition ", "ClusterRole", "ValidatingAdmissionPolicy"];

/// With one name for both the second would take the first one's rights, and its uninstall everybody's.
#[test]
fn a_second_install_beside_the_first_shares_no_name_in_the_cluster_but_the_kinds() {
    let world = World::new();
    for command in ["install", "uninstall"] {
        let names = |namespace: &str| -> BTreeSet<String> {
            let text = world.seal(&[command, "--namespace", namespace]).exits(0).text();
            let all = text.split("---\n").map(kind_and_name);
            all.filter(|it| CLUSTER_WIDE.iter().any(|kind| it.starts_with(kind))).collect()
        };
        let (first, second) = (names("seal-system"), names("seal-b"));
        assert!(first.len() > 1, "{first:?}");
        let shared: Vec<_> = first.intersection(&second).collect();
        let kinds = ["clustersealedsecrets", "sealedsecrets"]
            .map(|kind| format!("CustomResourceDefinition {kind}.seal.dev"));
        let expected: Vec<_> = if command == "install" { kinds.iter().collect() } else { vec![] };
        assert_eq!(shared, expected);
    }
}

fn kind_and_name(manifest: &str) -> String {
    let line = |start: &str| {
        let line = manifest.lines().find_map(|line| line.strip_prefix(start));
        line.expect("every manifest has a kind and a name").to_owned()
    };
    format!("{} {}", line("kind: "), line("  name: "))
}
