//! `seal set` and `seal unset`: one value changes, every other line stays.

use std::collections::BTreeSet;

use crate::world::{World, recipient};

fn lines(text: &str) -> BTreeSet<&str> {
    text.lines().collect()
}

#[test]
fn setting_a_value_leaves_every_other_line() {
    let world = World::sealed();
    let before = format!("# kept\n{}", world.read("db.sealed.yaml"));
    world.write("db.sealed.yaml", &before);
    world
        .seal_with(&["set", "db.sealed.yaml", "password"], b"new")
        .exits(0)
        .says("sealing for cluster (sha256:");
    let after = world.read("db.sealed.yaml");
    let gone: Vec<_> = lines(&before).difference(&lines(&after)).map(|line| line.trim()).collect();
    assert!(matches!(gone.as_slice(), [line] if line.starts_with("password: ")), "{gone:?}");
    assert_eq!(world.open("db.sealed.yaml", "password"), b"new");
    assert_eq!(world.open("db.sealed.yaml", "username"), b"admin");
}

#[test]
fn a_value_is_kept_byte_for_byte_and_a_line_feed_is_mentioned() {
    let world = World::sealed();
    let note = "the value of token ends in a line feed";
    world.seal_with(&["set", "db.sealed.yaml", "token"], b"t\n").exits(0).says(note);
    assert_eq!(world.open("db.sealed.yaml", "token"), b"t\n");
    for silent in [&b"\n"[..], b"a\nb\n", b"\xff\x00", b""] {
        let ran = world.seal_with(&["set", "db.sealed.yaml", "token"], silent).exits(0);
        assert!(!ran.stderr.contains("line feed"), "{}", ran.stderr);
        assert_eq!(world.open("db.sealed.yaml", "token"), silent);
    }
}

#[test]
fn several_values_of_one_command_share_an_envelope() {
    let world = World::sealed();
    world.write("vars", "A=1\nB=2\n");
    world
        .seal(&["set", "db.sealed.yaml", "--from-env-file", "vars", "--from-file", "c=vars"])
        .exits(0);
    assert_eq!(world.read("db.sealed.yaml").matches("- sealedTo:").count(), 2);
    assert_eq!(world.open("db.sealed.yaml", "B"), b"2");
}

#[test]
fn a_widened_scope_is_not_sealed_for_unless_it_is_repeated() {
    let world = World::new();
    world.seal(&["secret.json", "--scope-namespaces", "prod,evil", "-o", "s.yaml"]).exits(0);
    let refused = world.seal_with(&["set", "s.yaml", "password"], b"new").exits(2);
    refused.says("wider than its place").says("--scope-namespaces 'evil,prod'");
    world
        .seal_with(&["set", "s.yaml", "password", "--scope-namespaces", "prod,evil"], b"new")
        .exits(0);
    world.seal_with(&["set", "s.yaml", "password", "--scope-name", "*"], b"new").exits(2);
}

#[test]
fn a_file_of_another_namespace_than_the_rules_is_not_edited() {
    let world = World::sealed();
    world.write(
        ".seal.yaml",
        world.read(".seal.yaml").replace("- to:", "- namespace: staging\n  to:"),
    );
    world
        .seal_with(&["set", "db.sealed.yaml", "password"], b"x")
        .exits(2)
        .says("for the namespace staging");
}

#[test]
fn other_recipients_than_the_files_are_mentioned() {
    let world = World::sealed();
    let stranger = recipient("stranger");
    let ran =
        world.seal_with(&["set", "db.sealed.yaml", "password", "-r", &stranger], b"x").exits(0);
    ran.says("its other values are sealed to");
}

#[test]
fn unsetting_takes_a_value_out_and_an_absent_key_changes_nothing() {
    let world = World::sealed();
    let before = world.read("db.sealed.yaml");
    world.seal(&["unset", "db.sealed.yaml", "nope"]).exits(0).says("there is no nope");
    world.seal(&["unset", "db.sealed.yaml", "nope", "--check"]).exits(0);
    assert_eq!(world.read("db.sealed.yaml"), before);
    world.seal(&["unset", "db.sealed.yaml", "password", "--check"]).exits(3).says("would change");
    assert_eq!(world.read("db.sealed.yaml"), before);
    world.seal(&["unset", "db.sealed.yaml", "password"]).exits(0);
    let after = world.read("db.sealed.yaml");
    assert_eq!(lines(&before).difference(&lines(&after)).count(), 1);
    world.seal(&["unset", "db.sealed.yaml", "username"]).exits(0);
    assert!(world.read("db.sealed.yaml").ends_with("envelopes: []\n"));
}

#[test]
fn a_key_in_clear_is_not_sealed_beside_itself() {
    let world = World::new();
    world.seal(&["secret.json", "--clear", "username", "-o", "s.yaml"]).exits(0);
    world.seal_with(&["set", "s.yaml", "username"], b"x").exits(2).says("username stands in clear");
    world.seal(&["unset", "s.yaml", "username"]).exits(2).says("username stands in clear");
}

#[test]
fn one_of_several_objects_is_named() {
    let world = World::new();
    world.seal(&[world.copy("list.json"), "-o", "s.yaml"]).exits(0);
    world.seal_with(&["set", "s.yaml", "a"], b"x").exits(2).says("it has prod/one, prod/two");
    world.seal_with(&["set", "s.yaml", "a", "--name", "one"], b"x").exits(0);
    let one =
        world.seal(&["open", "s.yaml", "-i", "../cluster.txt", "--name", "one", "--key", "a"]);
    assert_eq!(one.exits(0).stdout, b"x");
}

#[test]
fn a_type_is_asked_what_it_needs_before_a_value_is_changed() {
    let world = World::new();
    world.seal(&[world.copy("docker-registry.json"), "-o", "s.yaml"]).exits(0);
    world
        .seal_with(&["set", "s.yaml", ".dockerconfigjson"], b"{")
        .exits(2)
        .says("is not a JSON object");
    world.seal_with(&["set", "s.yaml", ".dockerconfigjson"], b"{\"auths\":{}}").exits(0);
}
