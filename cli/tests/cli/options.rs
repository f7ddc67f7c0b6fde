//! Options that contradict each other: refused in either order, by name, before anything is written or asked.

use crate::world::World;

/// A command, and two options of it that cannot both be meant.
const PAIRS: [(&str, &str, &str); 18] = [
    ("secret.json", "-w", "-o new.yaml"),
    ("secret.json", "-w", "--out new"),
    ("secret.json", "--out new", "-o new.yaml"),
    ("secret.json -o new.yaml", "--trim", "--keep-newline"),
    ("set db.sealed.yaml password", "--trim", "--keep-newline"),
    ("open db.sealed.yaml -i ../cluster.txt --out new", "--layout tree", "--key password"),
    ("open db.sealed.yaml -i ../cluster.txt --out new", "--layout tree", "-o new.yaml"),
    ("reseal db.sealed.yaml", "-i ../cluster.txt", "--from-cluster"),
    ("check", "--staged", "db.sealed.yaml"),
    ("init", "--offline-key new.key", "--offline age1"),
    ("registry ghcr.io --name r -n prod", "--username u", "--gar-key key.json"),
    ("registry ghcr.io --name r -n prod", "--username u", "--from-docker-config config.json"),
    ("registry ghcr.io --name r -n prod --username u", "--prompt", "--password-file password"),
    ("git-setup", "--remove", "--pattern *.yaml"),
    ("status", "-A", "-n prod"),
    ("status", "-A", "db"),
    ("install", "--allow-cluster-wide", "--namespaces a"),
    ("wait", "-f db.sealed.yaml", "-n prod"),
];

#[test]
fn two_options_that_contradict_each_other_are_refused_in_either_order() {
    let world = World::sealed();
    world.git(&["init", "--quiet"]);
    let (names, sealed) = (world.names(), world.read("db.sealed.yaml"));
    for (command, one, other) in PAIRS {
        for line in [format!("{command} {one} {other}"), format!("{command} {other} {one}")] {
            let ran = world.seal_with(&line.split(' ').collect::<Vec<_>>(), b"x").exits(2);
            let says = |words: &str| ran.stderr.contains(words);
            let is_said = says("exclude each other") || says("is missing");
            assert!(is_said && says("hint: "), "seal {line}: {}", ran.stderr);
        }
    }
    assert_eq!((world.names(), world.read("db.sealed.yaml")), (names, sealed));
}
