//! `seal --cluster`: one sealed object for several namespaces, through every command that takes a sealed file.

use crate::world::World;

const OPEN: [&str; 4] = ["open", "all.yaml", "-i", "../cluster.txt"];

fn sealed(args: &[&str]) -> World {
    let world = World::new();
    let all = ["--cluster", "--name", "db", "--from-file", "password=-", "-o", "all.yaml"];
    world.seal_with(&[&all[..], args].concat(), b"hunter2").exits(0);
    world
}

#[test]
fn one_file_opens_in_each_namespace_that_it_lists_and_in_no_other() {
    let world = sealed(&["--scope-namespaces", "b,a"]);
    let text = world.read("all.yaml");
    assert!(text.contains("kind: ClusterSealedSecret\nmetadata:\n  name: db\n"), "{text}");
    world.seal(&["inspect", "all.yaml"]).exits(0).prints("ClusterSealedSecret db\n").prints("a, b");
    let both = world.seal(&OPEN).exits(0).text();
    assert!(both.contains("namespace: a\n") && both.contains("namespace: b\n"), "{both}");
    let one = world.seal(&[&OPEN[..], &["-n", "b"]].concat()).exits(0).text();
    assert!(one.contains("namespace: b\n") && !one.contains("namespace: a\n"), "{one}");
    world.seal(&[&OPEN[..], &["-n", "c"]].concat()).exits(2).says("there is no object");
    assert_eq!(world.open("all.yaml", "password"), b"hunter2");
}

#[test]
fn it_is_edited_and_formatted_as_any_sealed_file() {
    let world = sealed(&["--scope-namespaces", "a,b"]);
    world.seal_with(&["set", "all.yaml", "password"], b"x").exits(2).says("wider than its place");
    let wide = ["--scope-namespaces", "a,b", "--scope-name", "db"];
    world.seal_with(&[&["set", "all.yaml", "password"], &wide[..]].concat(), b"new").exits(0);
    world.seal_with(&[&["set", "all.yaml", "user"], &wide[..]].concat(), b"me").exits(0);
    assert_eq!(world.open("all.yaml", "password"), b"new");
    world.seal(&["unset", "all.yaml", "user"]).exits(0);
    let before = world.read("all.yaml");
    world.seal(&["fmt", "all.yaml"]).exits(0);
    assert_eq!(world.read("all.yaml"), before);
    assert!(before.contains("kind: ClusterSealedSecret\n"));
}

#[test]
fn labels_choose_among_every_namespace_alone() {
    let world = sealed(&[
        "--scope-namespaces",
        "*",
        "--namespace-selector",
        "team=a",
        "--namespace-selector",
        "pull",
    ]);
    let text = world.read("all.yaml");
    assert!(text.contains("  namespaceSelector:\n    matchLabels:\n      team: a\n"), "{text}");
    world.seal(&["inspect", "all.yaml"]).exits(0).prints("namespaces with team=a; pull Exists");
    world.seal(&OPEN).exits(2).says("-n NS says for which");
    world.seal(&[&OPEN[..], &["-n", "any"]].concat()).exits(0).prints("namespace: any\n");
    let cluster = ["--cluster", "--name", "db", "--from-file", "a=-", "-o", "x.yaml"];
    for (args, why) in [
        (vec![], "does not say which namespaces"),
        (vec!["--scope-namespaces", "*"], "goes with --scope-namespaces '*' alone"),
        (
            vec!["--scope-namespaces", "a", "--namespace-selector", "b=c"],
            "goes with --scope-namespaces '*' alone",
        ),
    ] {
        world.seal_with(&[&cluster[..], &args].concat(), b"v").exits(2).says(why);
    }
}

#[test]
fn a_hand_that_slips_in_the_file_is_told_so() {
    let world = sealed(&["--scope-namespaces", "a,b"]);
    let text = world.read("all.yaml");
    for (from, to, why) in [
        ("kind: ClusterSealedSecret", "kind: SealedSecret", "metadata.namespace is missing"),
        ("  name: db\nspec", "  name: db\n  namespace: a\nspec", "is in no namespace"),
        (
            "  scope:",
            "  namespaceSelector: {matchLabels: {a: b}}\n  scope:",
            "and spec.scope.namespaces lists some",
        ),
        (
            "  scope:",
            "  namespaceSelector: {matchLabel: {a: b}}\n  scope:",
            "unknown field spec.namespaceSelector.matchLabel",
        ),
        (
            "  scope:",
            "  namespaceSelector: {matchExpressions: [[a, Exists]]}\n  scope:",
            "is of the wrong type: a list",
        ),
    ] {
        assert!(text.contains(from), "{from}");
        world.write("slip.yaml", text.replacen(from, to, 1));
        world.seal(&["inspect", "slip.yaml"]).exits(2).says(why);
    }
}

#[test]
fn marks_of_gitops_tools_are_left_out_and_named() {
    let world = World::new();
    let manifest = "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: a, labels: {app.kubernetes.io/instance: x, app: shop}}\nstringData: {a: b}\n";
    let args = ["--cluster", "--scope-namespaces", "a,b", "-o", "all.yaml", "-"];
    world
        .seal_with(&args, manifest.as_bytes())
        .exits(0)
        .says("left out app.kubernetes.io/instance");
    let text = world.read("all.yaml");
    assert!(text.contains("app: shop") && !text.contains("instance"), "{text}");
}

#[test]
fn projects_and_domains_of_flyte_are_one_file() {
    let world = World::new();
    let args = [
        "--for",
        "flyte",
        "--project",
        "p",
        "--project",
        "q",
        "--domain",
        "dev",
        "--domain",
        "prod",
    ];
    let rest = ["--group", "g", "--from-file", "k=-", "--out", "sealed"];
    world.seal_with(&[&args[..], &rest].concat(), b"v").exits(0).says("in their next pod");
    let shown = world.seal(&["inspect", "sealed/g.sealed.yaml"]).exits(0);
    shown.prints("in the namespaces p-dev, p-prod, q-dev, q-prod, under the name g");
    let two = ["--for", "flyte2", "--project", "p", "--project", "q", "--domain", "dev"];
    let rest = ["--name", "n", "--from-file", "-"];
    world.seal_with(&[&two[..], &rest].concat(), b"v").exits(2).says("under a name of its own");
}
