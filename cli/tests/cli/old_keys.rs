//! `seal check --max-key-age`: who is sealed for with a key that is older, by the days that `.seal.yaml` notes.

use crate::world::{Ran, World, recipient};

/// A file for each of two rules, and days for the recipients.
fn repository(created: &str) -> World {
    let world = World::new();
    std::fs::remove_file(world.path("secret.json")).expect("the manifest");
    let known: String = ["cluster", "offline", "stranger"]
        .map(|name| format!("  {name}: {}\n", recipient(name)))
        .concat();
    let rules = "rules:\n- {path: \"dev/*\", to: [stranger, offline]}\n- to: [cluster, offline]\n";
    world.write(".seal.yaml", format!("recipients:\n{known}{rules}{created}"));
    for folder in ["prod", "dev"] {
        std::fs::create_dir(world.path(folder)).expect("a folder");
        for name in ["a", "b"] {
            let file = format!("{folder}/{name}.yaml");
            let place = ["--name", name, "-n", folder, "--from-file", "k=-", "-o", &file];
            world.seal_with(&place, b"x").exits(0);
        }
    }
    world
}

fn check(world: &World, more: &[&str]) -> Ran {
    world.seal(&[&["check", "--max-key-age"], more].concat())
}

#[test]
fn a_key_that_is_older_is_found_once_where_its_recipient_stands() {
    let world =
        repository("created: {cluster: 2001-01-01, offline: 2002-02-02, stranger: 9000-01-01}\n");
    let ran = check(&world, &["365d", "prod"]).exits(7);
    let text = ran.prints(".seal.yaml:2: OldKey: cluster (sha256:").text();
    assert!(text.contains("made on 2001-01-01, ") && text.contains("365 is the most"), "{text}");
    assert!(text.contains(".seal.yaml:3: OldKey: offline (sha256:"), "{text}");
    assert_eq!(text.lines().count(), 2, "{text}");
    check(&world, &["999999d", "prod"]).exits(0);
    world.seal(&["check"]).exits(0);
    let ran = check(&world, &["999999d", "dev"]).exits(7);
    ran.prints(".seal.yaml:4: OldKey: stranger").prints("made on 9000-01-01, which is to come");
}

#[test]
fn what_nobody_knows_is_not_taken_for_young() {
    let world = repository("");
    let ran = check(&world, &["365d", "dev"]).exits(7);
    ran.prints("stranger (sha256:").prints("nothing says when its key was made");
    let world = repository("created: {stranger: 2026-02-30}\n");
    check(&world, &["365d", "dev"]).exits(7).prints("2026-02-30, which is no day");
    std::fs::remove_file(world.path(".seal.yaml")).expect("the policy");
    check(&world, &["365d", "dev/a.yaml"])
        .exits(7)
        .prints("dev/a.yaml:1: OldKey: nothing says when");
}

#[test]
fn several_people_in_one_file_have_one_day_and_a_pull_request_does_not_make_keys_young() {
    let world = repository("created: {cluster: 2001-01-01}\n");
    world.write(
        "team.txt",
        format!("# alice\n{}\n# bob\n{}\n", recipient("cluster"), recipient("offline")),
    );
    world.write(".seal.yaml", "recipients:\n  team: {file: team.txt}\nrules: [{to: [team]}]\ncreated: {team: 2001-01-01}\n");
    let ran = check(&world, &["365d", "prod"]).exits(7);
    ran.prints(".seal.yaml:2: OldKey: alice of team (")
        .prints(".seal.yaml:2: OldKey: bob of team (");
    world.git(&["init", "--quiet", "--initial-branch=main"]);
    world.git(&["add", "."]);
    world.git(&["commit", "--quiet", "-m", "all"]);
    let young = world.read(".seal.yaml").replace("2001-01-01", "2026-11-30");
    world.write(".seal.yaml", young);
    check(&world, &["36500d", "prod", "--policy-from", "main"]).exits(0);
    check(&world, &["365d", "prod", "--policy-from", "main"]).exits(7).prints("2001-01-01");
    for wrong in ["365", "1y", "-1d", "d", "9999999d"] {
        world.seal(&["check", &format!("--max-key-age={wrong}")]).exits(2).says("--max-key-age");
    }
}

#[test]
fn a_repository_that_init_has_made_has_the_day_of_its_key() {
    let world = World::new();
    for name in [".seal.yaml", "secret.json"] {
        std::fs::remove_file(world.path(name)).expect("a file");
    }
    world.seal(&["init", "--offline-key", "../new.key"]).exits(0);
    let made = ["--name", "a", "-n", "prod", "--from-file", "k=-", "-o", "a.yaml"];
    world.seal_with(&made, b"x").exits(0);
    check(&world, &["1d"]).exits(0);
}
