//! Slips that people bring along from other programs, each with the answer that helps.

use std::fs::File;

use crate::world::World;

#[test]
fn a_policy_by_another_name_is_named() {
    let world = World::sealed();
    std::fs::rename(world.path(".seal.yaml"), world.path(".seal.yml")).expect("another name");
    let set = ["set", "db.sealed.yaml", "password"];
    world.seal_with(&set, b"x").exits(4).says(".seal.yml is not read: call it .seal.yaml");
    world.seal(&["check"]).exits(7).prints(".seal.yml:1: BadPolicy: it is not read");
}

#[test]
fn a_rule_that_is_for_no_file_is_noted() {
    let world = World::sealed();
    std::fs::remove_file(world.path("secret.json")).expect("the manifest");
    let policy = world.read(".seal.yaml");
    let rules = "rules:\n- {path: \"Prod/**\", to: [cluster]}\n- {path: \"*.yaml\", to: [cluster, offline]}\n";
    world.write(".seal.yaml", policy.replace("rules:\n", rules));
    world.seal(&["check"]).exits(0).says("rules[0] of .seal.yaml is for no file");
    let said = world.seal(&["check", "db.sealed.yaml"]).exits(0);
    assert!(!said.stderr.contains("is for no file"), "not all of the folder was looked at");
    world.write(
        ".seal.yaml",
        policy.replace("rules:\n", "rules:\n- {path: \"prod/.*\", to: [cluster]}\n"),
    );
    world.seal_with(&["set", "db.sealed.yaml", "a"], b"x").exits(2).says("regular expression");
    world.seal(&["check"]).exits(7).prints("BadPolicy");
}

#[test]
fn quiet_stands_before_a_command_too_and_other_flags_behind_it() {
    let world = World::sealed();
    let said = world.seal_with(&["--quiet", "set", "db.sealed.yaml", "password"], b"x").exits(0);
    assert_eq!(said.stderr, "");
    let to = crate::world::recipient("cluster");
    let ran = world.seal_with(&["-r", &to, "set", "db.sealed.yaml"], b"x").exits(2);
    ran.says("there is no file set").says("flags of the command stand behind it");
    world.seal(&["--quiet", "db.sealed.yaml"]).exits(6);
    world.seal(&["--validate", "db.sealed.yaml"]).exits(2).says("`seal check FILE`");
}

#[test]
fn quotes_in_an_env_file_of_kubectl_are_said_to_be_sealed() {
    let world = World::new();
    world.write("app.env", "ID=\"123#567\"\nPLAIN=a\"b\nONE='\n");
    let args = ["--name", "env", "-n", "prod", "--from-env-file", "app.env", "-o", "env.yaml"];
    let said = world.seal(&args).exits(0).says("app.env: the value of ID is in quotes");
    assert!(!said.stderr.contains("123#567"), "{}", said.stderr);
    assert_eq!(world.open("env.yaml", "ID"), b"\"123#567\"");
}

#[test]
fn a_file_that_a_shell_emptied_and_a_key_in_both_places_have_their_own_hints() {
    let world = World::new();
    world.copy("opaque.json");
    let out = File::create(world.path("opaque.json")).expect("what a shell does");
    let output = world.command(&["opaque.json"]).stdout(out).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.code() == Some(2) && said.contains("a shell empties the file behind >"),
        "{said}"
    );
    world.write("both.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: b}\ndata: {a: YmFy}\nstringData: {a: b}\n");
    world
        .seal(&["both.yaml"])
        .exits(2)
        .says("a is in data and in stringData")
        .says("take the other out");
}

#[test]
fn a_private_key_in_the_tree_is_found_unless_git_ignores_it_or_it_is_none() {
    let world = World::new();
    world.git(&["init", "--quiet"]);
    std::fs::remove_file(world.path("secret.json")).expect("the manifest");
    let identity = world.read("../cluster.txt");
    let line =
        1 + identity.lines().position(|it| it.starts_with("AGE-SECRET-KEY-")).expect("a key");
    world.write("keys/cluster.key", &identity);
    let said = world.seal(&["check"]).exits(7);
    let said = said.prints(&format!("keys/cluster.key:{line}: PrivateKey: "));
    assert!(!said.text().contains("AGE-SECRET-KEY"), "{}", said.text());
    world.git(&["add", "keys"]);
    world.seal(&["check", "--staged"]).exits(7).prints("PrivateKey");
    world.git(&["rm", "--quiet", "--cached", "-r", "keys"]);
    world.write(".gitignore", "*.key\n");
    world.seal(&["check"]).exits(0).says("ignored by Git: keys/cluster.key");
    world.write(
        "notes.md",
        "An identity begins with AGE-SECRET-KEY-1 or AGE-SECRET-KEY-PQ-1QQQQ…\n",
    );
    world.seal(&["check"]).exits(0);
}
