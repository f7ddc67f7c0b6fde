//! What a rule of `.seal.yaml` says of a platform and a namespace: it shapes what is sealed as flags do, and `seal check`
//! holds what is there against it.

use std::fs;

use crate::world::{Ran, World, recipient};

/// A repository with these rules, which know `cluster`, and no manifest in it.
fn with_rules(rules: &str) -> World {
    let world = World::new();
    fs::remove_file(world.path("secret.json")).expect("it was there");
    for folder in ["fn", "kestra", "prod", "one", "two"] {
        fs::create_dir(world.path(folder)).expect("a folder");
    }
    set_rules(&world, rules);
    world
}

fn set_rules(world: &World, rules: &str) {
    let cluster = recipient("cluster");
    world.write(".seal.yaml", format!("recipients: {{cluster: {cluster}}}\nrules:\n{rules}"));
}

fn seal(world: &World, args: &[&str]) -> Ran {
    world.seal_with(&[args, &["--from-file", "-"]].concat(), b"hunter2")
}

#[test]
fn a_value_without_a_key_takes_that_of_the_rules_platform() {
    let world = with_rules(
        "- {path: 'fn/*', to: [cluster], for: openfaas}\n- {path: 'kestra/*', to: [cluster], for: kestra}\n- {to: [cluster]}\n",
    );
    seal(&world, &["--name", "tok", "-o", "fn/tok.yaml"]).exits(0);
    assert_eq!(world.open("fn/tok.yaml", "tok"), b"hunter2");
    seal(&world, &["--name", "tok", "--key", "api", "-o", "fn/api.yaml"]).exits(0);
    assert_eq!(world.open("fn/api.yaml", "api"), b"hunter2");
    for (args, why) in [
        (vec!["--name", "tok", "-n", "a", "-o", "kestra/a.yaml"], "has no name to be a key"),
        (vec!["--name", "tok", "-n", "a", "-o", "a.yaml"], "has no name to be a key"),
        (vec!["--name", "tok", "--multi", "-o", "fn/b.yaml"], "has no name to be a key"),
        (vec!["--from-file", "-", "--name", "tok", "-o", "fn/b.yaml"], "is named twice"),
        (vec!["-n", "a", "-o", "a.yaml"], "values without a manifest need a name"),
    ] {
        seal(&world, &args).exits(2).says(why);
    }
    assert!(!world.path("a.yaml").exists() && !world.path("fn/b.yaml").exists());
    let empty = world.seal_with(&["--name", "t", "-o", "fn/b.yaml", "--from-file", "-"], b"");
    empty.exits(2).says("standard input holds nothing, and the value of value would be empty");
}

#[test]
fn what_a_rule_is_not_for_is_found() {
    let world = with_rules("- {to: [cluster]}\n");
    let openfaas = ["--for", "openfaas", "--name", "tok"];
    seal(&world, &[&openfaas[..], &["-o", "fn/tok.yaml"]].concat()).exits(0);
    let plain = ["--name", "db", "-n", "prod", "--from-file", "password=-"];
    world.seal_with(&[&plain[..], &["-o", "prod/db.yaml"]].concat(), b"x").exits(0);
    let registry = ["registry", "ghcr.io", "--username", "u", "--name", "r", "-n", "prod"];
    world.seal_with(&[&registry[..], &["-o", "prod/r.yaml"]].concat(), b"p").exits(0);
    let check = || world.seal(&["check"]);
    check().exits(0);
    set_rules(&world, "- {path: 'fn/*', to: [cluster], for: openfaas}\n- {to: [cluster]}\n");
    check().exits(0);
    set_rules(&world, "- {path: 'fn/*', to: [cluster], for: kestra}\n- {to: [cluster]}\n");
    let other = "fn/tok.yaml:4: NotByPolicy: openfaas-fn/tok: the rule of .seal.yaml for this path, rules[0], is for kestra, and it was sealed for openfaas";
    check().exits(7).prints(other).says("1 thing found: 3 sealed objects");
    set_rules(&world, "- {path: 'prod/*', to: [cluster], for: kestra}\n- {to: [cluster]}\n");
    let unshaped = "is for kestra, and it was not sealed so: seal it again with --for kestra";
    let ran = check().exits(7).prints("prod/db.yaml:3: NotByPolicy: prod/db: ").prints(unshaped);
    assert!(!ran.text().contains("prod/r.yaml"), "Kestra has no list of registries");
    set_rules(&world, "- {path: 'prod/*', to: [cluster], namespace: stage}\n- {to: [cluster]}\n");
    let place = "prod/db.yaml:5: NotByPolicy: prod/db: the rule of .seal.yaml for this path, rules[0], is for the namespace stage, not prod";
    check().exits(7).prints(place).prints("prod/r.yaml:");
    let wide = world.read("prod/db.yaml").replace("    - prod\n", "    - prod\n    - stage\n");
    world.write("prod/db.yaml", wide);
    set_rules(&world, "- {path: 'prod/*', to: [cluster], namespace: prod}\n- {to: [cluster]}\n");
    let scope = "is for the namespace prod, and its scope has stage";
    check().exits(7).prints("prod/db.yaml:7: NotByPolicy: ").prints(scope);
    for wider in ["prod,stage", "*"] {
        let args = [&plain[..], &["--scope-namespaces", wider, "-o", "prod/wide.yaml"]].concat();
        world
            .seal_with(&args, b"x")
            .exits(2)
            .says("and the rule of .seal.yaml for this path is for prod");
    }
    // Without a rule for the path flags said for whom; standard input has no path.
    set_rules(&world, "- {path: 'a/*', to: [cluster], namespace: stage}\n");
    check().exits(0);
    set_rules(&world, "- {to: [cluster], namespace: stage}\n");
    let text = world.read("prod/db.yaml");
    world.seal_with(&["check", "-"], text.as_bytes()).exits(0);
}

#[test]
fn a_policy_by_which_nothing_can_be_sealed_is_found_once() {
    let world = with_rules("- {to: [cluster]}\n");
    let seal = |file: &str| {
        let args = ["--name", "db", "-n", "prod", "--from-file", "password=-", "-o", file];
        world.seal_with(&args, b"x").exits(0);
    };
    seal("one/a.yaml");
    fs::copy(world.path("one/a.yaml"), world.path("two/b.yaml")).unwrap();
    let moved = world.read("two/b.yaml").replace("name: db", "name: other");
    world.write("two/b.yaml", moved.replace("/db", "/other"));
    let broken = |text: &str, found: &str| {
        world.write(".seal.yaml", text);
        let ran = world.seal(&["check", "one", "two"]).exits(7).prints(found);
        assert_eq!(ran.text().matches("BadPolicy").count(), 1, "{}", ran.text());
    };
    broken("recipients: {}\nrulez: []\n", ".seal.yaml:1: BadPolicy: unknown field rulez");
    broken("recipients: {}\n\trules: []\n", ".seal.yaml:2: BadPolicy: ");
    broken("", ".seal.yaml:1: BadPolicy: it has no rules");
    broken("rules: [{to: []}]\n", ".seal.yaml:1: BadPolicy: a rule names nobody to seal for");
    set_rules(&world, "- {to: [cluster]}\n");
    let stranger = recipient("stranger");
    world.write(
        "one/.seal.yaml",
        format!("recipients: {{us: {stranger}}}\nrules: [{{to: [us]}}]\n"),
    );
    let ran = world.seal(&["check"]).exits(7);
    ran.prints("one/.seal.yaml:1: BadPolicy: one/.seal.yaml adds us").says("1 thing found");
}
