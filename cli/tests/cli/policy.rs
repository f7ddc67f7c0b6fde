//! Which rule of which `.seal.yaml` counts, and whose word is taken: what is written decides, and what a review sees.

use std::fs::{self, File};
use std::os::unix::fs::symlink;

use crate::world::{Ran, World, recipient};

/// A `.seal.yaml` that has the cluster under `clusters/prod`, and the offline key elsewhere.
fn by_path() -> World {
    let world = World::new();
    with_rules(
        &world,
        "- {path: 'clusters/prod/**', to: [cluster], namespace: prod, clear: [username]}\n- {to: [offline]}\n",
    );
    world
}

fn with_rules(world: &World, rules: &str) {
    let (cluster, offline) = (recipient("cluster"), recipient("offline"));
    let recipients = format!("recipients:\n  cluster: {cluster}\n  offline: {offline}\n");
    world.write(".seal.yaml", format!("{recipients}rules:\n{rules}"));
}

/// Runs `seal` with its standard output redirected into a file.
fn into_file(world: &World, args: &[&str], file: &str) -> Ran {
    let path = world.path(file);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    let out = File::create(path).expect("a file");
    let output = world.command(args).stdout(out).output().expect("the command runs");
    let stderr = String::from_utf8(output.stderr).expect("text on standard error");
    Ran { code: output.status.code().expect("it was not killed"), stdout: Vec::new(), stderr }
}

#[test]
fn the_file_that_is_written_decides_whatever_names_it() {
    let world = by_path();
    fs::create_dir_all(world.path("clusters/prod/in")).unwrap();
    world.write("clusters/prod/in/s.json", world.read("secret.json"));
    let is_prod = |ran: Ran, file: &str| {
        ran.exits(0).says("sealing for cluster (");
        assert!(world.read(file).contains("      username: admin\n"), "{}", world.read(file));
    };
    let db = "clusters/prod/db.sealed.yaml";
    is_prod(world.seal(&["secret.json", "-o", db]), db);
    is_prod(world.seal(&["-w", "clusters/prod/in/s.json"]), "clusters/prod/in/s.sealed.yaml");
    is_prod(world.seal(&["secret.json", "--out", "clusters"]), db);
    is_prod(into_file(&world, &["secret.json"], db), db);
    let ran = world.seal(&["secret.json", "--path", db]).exits(0).says("sealing for cluster (");
    ran.prints("      username: admin\n");
    // What is read says nothing about where it will lie.
    let input = "clusters/prod/in/s.json";
    into_file(&world, &[input], "dev.yaml").exits(0).says("sealing for offline (");
    world.seal(&[input, "-o", "o.yaml"]).exits(0).says("sealing for offline (");
    world.seal(&[input, "--out", "out"]).exits(0).says("sealing for offline (");
}

#[test]
fn each_written_file_chooses_for_itself() {
    let world = World::new();
    with_rules(
        &world,
        "- {path: '**/prod/**', to: [cluster], namespace: prod}\n- {to: [offline]}\n",
    );
    let nested = format!(
        "recipients: {{offline: {}}}\nrules: [{{to: [offline], namespace: other}}]\n",
        recipient("offline")
    );
    world.write("tree/staging/.seal.yaml", nested);
    let ran = world.seal(&[world.copy("multi.yaml"), "--out", "tree"]);
    ran.exits(2).says("Secret staging/two").says("its namespace is staging");
    assert!(!world.path("tree/prod").exists());
    fs::remove_file(world.path("tree/staging/.seal.yaml")).unwrap();
    let ran = world.seal(&["multi.yaml", "--out", "tree"]).exits(0);
    ran.says("tree/prod/one.sealed.yaml: sealing for cluster (")
        .says("tree/staging/two.sealed.yaml: sealing for offline (");
    assert_eq!(world.open("tree/prod/one.sealed.yaml", "a"), b"1");
    world.seal(&["open", "tree/staging/two.sealed.yaml", "-i", "../cluster.txt"]).exits(4);
    world.seal(&["open", "tree/staging/two.sealed.yaml", "-i", "../offline.txt"]).exits(0);
}

#[test]
fn a_pipe_has_no_path_that_rules_could_go_by() {
    let world = by_path();
    let manifest = world.read("secret.json");
    for args in [vec!["secret.json"], vec!["-"], vec!["secret.json", "-o", "-"]] {
        let ran = world.seal_with(&args, manifest.as_bytes()).exits(2);
        ran.says("go by the path of the file that is written").says("-o FILE").says("--path FILE");
    }
    world.seal(&["secret.json", "-r", &recipient("offline")]).exits(0);
    world
        .seal_with(&["--path", "clusters/prod/x"], manifest.as_bytes())
        .exits(0)
        .says("for cluster (");
    world.seal(&["secret.json", "--path", "x", "-o", "y"]).exits(2).says("a file is written");
    for folder in [".", "clusters/prod/"] {
        world.seal(&["secret.json", "--path", folder]).exits(2).says("--path names a folder");
    }
    with_rules(&world, "- {to: [offline]}\n- {path: x, to: [cluster]}\n");
    world.seal(&["secret.json"]).exits(0).says("sealing for offline (");
}

#[test]
fn standard_input_under_its_other_names_belongs_to_the_working_directory() {
    let world = World::new();
    let values = ["--name", "db", "-n", "prod", "--from-env-file", "/dev/stdin"];
    world.seal_with(&values, b"A=1\n").exits(0).says("from .seal.yaml");
    let twice = [&values[..], &["--from-file", "k=-"]].concat();
    world.seal_with(&twice, b"A=1\n").exits(2).says("standard input is named twice");
}

#[test]
fn a_path_that_can_match_no_file_is_refused_before_anything_is_sealed() {
    let world = World::new();
    for path in
        ["./clusters/**", "/clusters/**", "clusters/", "../repo/**", "clusters**", "!x", "a//b"]
    {
        with_rules(&world, &format!("- {{path: '{path}', to: [cluster]}}\n- {{to: [offline]}}\n"));
        let ran = world.seal(&["secret.json", "-o", "clusters.yaml"]).exits(2);
        ran.says(".seal.yaml: rules[0].path: ");
    }
    assert!(!world.path("clusters.yaml").exists());
}

#[test]
fn a_path_that_names_a_folder_is_refused_for_the_files_in_it() {
    let world = World::new();
    with_rules(&world, "- {path: clusters/prod, to: [cluster]}\n- {to: [offline]}\n");
    fs::create_dir_all(world.path("clusters/prod")).unwrap();
    let ran = world.seal(&["secret.json", "-o", "clusters/prod/db.yaml"]).exits(2);
    ran.says("rules[0].path is clusters/prod, a folder").says("clusters/prod/** matches");
    world.seal(&["secret.json", "-o", "clusters/db.yaml"]).exits(0).says("for offline (");
}

/// Every path that `.seal.yaml` takes has a meaning: the table of the documentation, and what is odd.
#[test]
fn the_documented_paths_match_what_is_documented() {
    let world = World::new();
    fs::create_dir_all(world.path("prod/eu")).unwrap();
    for (path, matches) in [
        ("*.yaml", [true, false, false]),
        ("**/*.yaml", [true, true, true]),
        ("prod/*", [false, true, false]),
        ("prod/**", [false, true, true]),
        ("**", [true, true, true]),
        ("prod/**/db.yaml", [false, true, true]),
        ("{prod,dev}/d?.[x-z]aml", [false, true, false]),
    ] {
        with_rules(&world, &format!("- {{path: '{path}', to: [cluster]}}\n- {{to: [offline]}}\n"));
        for (file, matches) in ["db.yaml", "prod/db.yaml", "prod/eu/db.yaml"].iter().zip(matches) {
            let who = if matches { "sealing for cluster (" } else { "sealing for offline (" };
            world.seal(&["secret.json", "-o", file]).exits(0).says(who);
        }
    }
}

#[test]
fn a_policy_that_somebody_else_could_change_is_refused() {
    let world = World::new();
    world.write("keys/r.txt", recipient("offline"));
    let us = "recipients: {us: {file: keys/r.txt}}\nrules: [{to: [us]}]\n";
    let seal = || world.seal(&["secret.json", "-o", "s.yaml", "--check"]);
    world.write(".seal.yaml", us);
    seal().exits(3);
    for (file, safe, open) in [
        (".seal.yaml", 0o644, 0o666),
        (".", 0o755, 0o777),
        ("keys/r.txt", 0o644, 0o646),
        ("keys", 0o755, 0o757),
    ] {
        world.set_mode(file, open);
        seal().exits(2).says("can be written by others").says("chmod go-w");
        world.seal(&["fetch"]).exits(if file.starts_with("keys") { 4 } else { 2 });
        world.set_mode(file, safe);
    }
    seal().exits(3);
}

#[test]
fn recipients_that_no_review_sees_are_refused() {
    let world = World::new();
    world.write("../out.txt", recipient("stranger"));
    world.write(".git/in.txt", recipient("stranger"));
    symlink("../out.txt", world.path("link.txt")).unwrap();
    symlink("..", world.path("up")).unwrap();
    let absolute = world.path("../out.txt");
    for file in ["../out.txt", "link.txt", "up/out.txt", ".git/in.txt", absolute.to_str().unwrap()]
    {
        world.write(
            ".seal.yaml",
            format!("recipients: {{us: {{file: {file}}}}}\nrules: [{{to: [us]}}]\n"),
        );
        world.seal(&["secret.json"]).exits(2).says("where no review sees who is in it");
    }
    fs::rename(world.path(".seal.yaml"), world.path("../theirs.yaml")).unwrap();
    symlink("../theirs.yaml", world.path(".seal.yaml")).unwrap();
    world.seal(&["secret.json"]).exits(2).says(".seal.yaml lies outside of ");
}

#[test]
fn people_of_one_file_are_told_apart() {
    let world = World::new();
    let (a, b) = (recipient("cluster"), recipient("offline"));
    world.write("team.txt", format!("# our people\n\n# alice@example.com\n{a}\n{b}\n"));
    world.write(".seal.yaml", "recipients: {team: {file: team.txt}}\nrules: [{to: [team]}]\n");
    let ran = world.seal(&["secret.json", "-o", "s.yaml"]).exits(0);
    ran.says("sealing for alice@example.com of team (sha256:").says("and line 5 of team (sha256:");
}

#[test]
fn set_says_for_which_place_and_whom_by_name() {
    let world = World::sealed();
    let set = |more: &[&str]| {
        world.seal_with(&[&["set", "db.sealed.yaml", "password"], more].concat(), b"x").exits(0)
    };
    set(&[]).says("seal: prod/db: sealing for cluster (sha256:").says("from .seal.yaml");
    let ran = set(&["-r", &recipient("cluster")]).says("prod/db: sealing for cluster (sha256:");
    ran.says("from the command line").says("its other values are sealed to offline (sha256:");
    fs::remove_file(world.path(".seal.yaml")).unwrap();
    let mut set = world.command(&["set", "db.sealed.yaml", "password"]);
    let output = set.stdin(std::process::Stdio::null()).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(4), "{stderr}");
    assert!(stderr.contains("hint: ") && !stderr.contains("-o FILE"), "{stderr}");
}

#[test]
fn a_file_of_recipients_that_came_with_a_repository_starts_no_plugin() {
    let world = World::new();
    let plugin = "age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3t";
    world.write("r.txt", plugin);
    world.write("../r.txt", plugin);
    world.seal(&["secret.json", "-R", "r.txt"]).exits(2).says("a repository never starts one");
    world.seal(&["secret.json", "-R", "../r.txt"]).exits(2).says("is not on the PATH");
}

#[test]
fn a_rule_names_the_platform_of_its_path_and_a_flag_that_says_another_is_refused() {
    let world = World::new();
    with_rules(
        &world,
        "- {path: 'kestra/*', to: [cluster], namespace: kestra, for: kestra}\n- {path: 'fn/**', to: [cluster], for: openfaas}\n- {to: [offline]}\n",
    );
    fs::create_dir_all(world.path("kestra")).unwrap();
    let seal =
        |args: &[&str]| world.seal_with(&[args, &["--from-file", "token=-"]].concat(), b"hunter2");
    let file = "kestra/a.yaml";
    seal(&["--name", "a", "-o", file]).exits(0).says("kestra/a: for kestra: ");
    assert!(world.read(file).contains("seal.dev/for: kestra"));
    assert_eq!(world.open(file, "SECRET_TOKEN"), b"aHVudGVyMg==");
    seal(&["--name", "a", "-o", file, "--for", "kestra"]).exits(0);
    seal(&["--name", "a", "-n", "kestra", "-o", file, "--for", "pachyderm"])
        .exits(2)
        .says("--for pachyderm is not what the rule of .seal.yaml for this path says: kestra");
    seal(&["--name", "a", "-n", "kestra", "-o", file, "--multi"])
        .exits(2)
        .says("--multi means nothing for kestra");
    seal(&["--name", "a", "-n", "b", "-o", "b.yaml", "--multi"])
        .exits(2)
        .says("--multi means nothing without --for PLATFORM");
    // What was not sealed so is not edited as if it were.
    fs::remove_file(world.path(file)).unwrap();
    seal(&["--name", "a", "-n", "kestra", "-o", "other.yaml"]).exits(0);
    fs::rename(world.path("other.yaml"), world.path(file)).unwrap();
    world
        .seal_with(&["set", file, "token"], b"x")
        .exits(2)
        .says("for this path is for kestra, and the file was not sealed so");
    // A rule goes by the file, and --out names the file by the place that the rule may change.
    seal(&["--name", "a", "-n", "x", "--out", "fn"])
        .exits(2)
        .says("OpenFaaS reads the secrets of one namespace");
    seal(&["--name", "a", "--for", "openfaas", "--out", "fn"]).exits(0);
    assert!(world.path("fn/openfaas-fn/a.sealed.yaml").exists());
    let registry = ["registry", "ghcr.io", "--username", "u", "--name", "r"];
    world
        .seal_with(&[&registry[..], &["-o", "fn/r.yaml"]].concat(), b"p")
        .exits(0)
        .says("for openfaas: functions that name it");
    world.seal_with(&[&registry[..], &["-o", "kestra/r.yaml"]].concat(), b"p").exits(0);
    assert!(!world.read("kestra/r.yaml").contains("seal.dev/for"));
}

#[test]
fn a_nested_rule_states_no_other_platform() {
    let world = World::new();
    with_rules(&world, "- {to: [cluster], for: kestra}\n");
    let cluster = recipient("cluster");
    world.write(
        "a/.seal.yaml",
        format!("recipients: {{c: {cluster}}}\nrules: [{{to: [c], for: openfaas}}]\n"),
    );
    world
        .seal(&["secret.json", "-o", "a/x.yaml"])
        .exits(2)
        .says("a/.seal.yaml states `for: openfaas`, which .seal.yaml does not give");
}
