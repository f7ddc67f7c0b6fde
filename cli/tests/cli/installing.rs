//! `seal install`, as text.

use crate::world::World;

#[test]
fn an_install_for_some_namespaces_says_how_the_rights_of_a_wider_one_are_taken_back() {
    let world = World::new();
    let narrow = world
        .seal(&["install", "--namespaces", "prod,stage"])
        .exits(0)
        .says("prod, stage must exist")
        .says("kubectl delete clusterrolebinding seal-controller")
        .says("kubectl delete clusterrole seal-controller");
    let text = narrow.text();
    let bound: Vec<&str> = text.lines().filter(|line| line.contains("ClusterRole")).collect();
    assert!(bound.iter().all(|line| line.trim() == "kind: ClusterRole"), "{bound:?}");
    assert!(!text.contains("kind: ClusterRoleBinding"));

    let wide = world.seal(&["install"]).exits(0);
    assert!(!wide.stderr.contains("kubectl delete"), "{}", wide.stderr);
    assert!(wide.text().contains("kind: ClusterRoleBinding"));
}
