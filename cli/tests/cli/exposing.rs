//! `seal exposed`: what was ever sealed to a key, over all history.

use std::collections::BTreeSet;

use crate::world::{World, recipient};

fn fingerprint(world: &World, name: &str) -> String {
    let said = world.seal(&["inspect", "db.sealed.yaml"]).exits(0).text();
    let line = said.lines().find(|line| line.contains(&format!("{name} ("))).expect("its line");
    line[line.find("sha256:").expect("a fingerprint")..line.len() - 1].to_owned()
}

fn found(world: &World, fingerprint: &str) -> BTreeSet<(String, String, bool)> {
    let said = world.seal(&["exposed", "--json", fingerprint]).exits(0).text();
    let all: Vec<serde_json::Value> = serde_json::from_str(&said).expect("JSON");
    let each = |it: &serde_json::Value| {
        let path = it["path"].as_str().unwrap_or("-").to_owned();
        let keys: Vec<&str> = it["keys"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|key| key.as_str().expect("a key"))
            .collect();
        (path, keys.join(","), it["inHead"].as_bool().expect("a boolean"))
    };
    all.iter().map(each).collect()
}

fn row(path: &str, keys: &str, is_in_head: bool) -> (String, String, bool) {
    (path.to_owned(), keys.to_owned(), is_in_head)
}

#[test]
fn everything_that_was_ever_sealed_to_a_key_is_found_wherever_history_has_it() {
    let world = World::sealed();
    world.git(&["init", "-q", "-b", "main", "."]);
    let cluster = fingerprint(&world, "cluster");
    world.git(&["add", "db.sealed.yaml"]);
    world.git(&["commit", "-qm", "sealed"]);
    // In a branch that was deleted, in a stash, and in the index alone.
    world.git(&["switch", "-qc", "gone"]);
    world.seal_with(&["set", "db.sealed.yaml", "branch"], b"x").exits(0);
    world.git(&["commit", "-qam", "in a branch"]);
    world.git(&["switch", "-q", "main"]);
    world.git(&["branch", "-qD", "gone"]);
    world.seal_with(&["set", "db.sealed.yaml", "stashed"], b"x").exits(0);
    world.git(&["stash", "-q"]);
    world.seal(&["secret.json", "-o", "staged.sealed.yaml"]).exits(0);
    world.git(&["add", "staged.sealed.yaml"]);
    // HEAD has it for somebody else, in a file that has moved.
    let stranger = recipient("stranger");
    world.write(
        ".seal.yaml",
        format!("recipients: {{stranger: {stranger}}}\nrules: [{{to: [stranger]}}]\n"),
    );
    world.seal(&["secret.json", "-o", "moved.yaml"]).exits(0);
    world.git(&["rm", "-q", "db.sealed.yaml"]);
    world.git(&["add", "moved.yaml"]);
    world.git(&["commit", "-qm", "for somebody else", "--", "moved.yaml", "db.sealed.yaml"]);
    world.git(&["gc", "-q"]);
    let everything = [
        row("db.sealed.yaml", "branch,password,stashed,username", false),
        row("staged.sealed.yaml", "password,username", false),
    ];
    assert_eq!(found(&world, &cluster), BTreeSet::from(everything));
    assert_eq!(
        found(&world, &stranger),
        BTreeSet::from([row("moved.yaml", "password,username", true)])
    );
    world.seal(&["exposed", &cluster]).exits(0).prints("prod/db").says("6 values were sealed to");
}

#[test]
fn a_history_that_is_cut_is_a_failure_after_what_was_found() {
    let world = World::sealed();
    world.git(&["init", "-q", "-b", "main", "."]);
    let cluster = fingerprint(&world, "cluster");
    world.git(&["add", "db.sealed.yaml"]);
    world.git(&["commit", "-qm", "one"]);
    world.seal_with(&["set", "db.sealed.yaml", "password"], b"x").exits(0);
    world.git(&["commit", "-qam", "two"]);
    let url = format!("file://{}", world.path(".git").display());
    world.git(&["clone", "-q", "--depth", "1", &url, "../shallow"]);
    let said = world.seal(&["exposed", &cluster, "--repository", "../shallow"]).exits(1);
    said.prints("db.sealed.yaml").says("this clone is shallow").says("--unshallow");
    world.git(&["clone", "-q", "--bare", &url, "../bare"]);
    world.seal(&["exposed", &cluster, "--repository", "../bare"]).exits(0).prints("db.sealed.yaml");
}

#[test]
fn what_is_no_fingerprint_and_a_folder_without_history_are_refused() {
    let world = World::sealed();
    world.seal(&["exposed", "sha256:12"]).exits(2).says("neither a fingerprint nor a recipient");
    let nobody = "sha256:00000000000000000000000000000000";
    world.seal(&["exposed", nobody, "--repository", ".."]).exits(2).says("no Git repository");
    std::fs::remove_dir(world.path(".git")).expect("an empty folder");
    world.git(&["init", "-q", "."]);
    world.seal(&["exposed", nobody]).exits(0).says("nothing was ever sealed to");
}

#[test]
fn what_names_the_key_and_does_not_read_is_a_failure_and_named() {
    let world = World::sealed();
    world.git(&["init", "-q", "-b", "main", "."]);
    let cluster = fingerprint(&world, "cluster");
    let text = world.read("db.sealed.yaml");
    world.write("chart.yaml", text.replacen("  name: db\n", "  name: {{ .Values.name }}\n", 1));
    world.write("unknown.yaml", text.replace("  scope:\n", "  unknown: 1\n  scope:\n"));
    let json = format!(
        "{{\"apiVersion\": \"seal.dev/v1\", \"sealedTo\": [\"{cluster}\"], \"payload\": \""
    );
    world.write("cut.json", json);
    world.git(&["add", "db.sealed.yaml", "chart.yaml", "unknown.yaml", "cut.json"]);
    world.git(&["commit", "-qm", "sealed"]);
    let said = world.seal(&["exposed", &cluster]).exits(1).prints("db.sealed.yaml");
    said.says("cannot be read: chart.yaml, cut.json, unknown.yaml");
}

#[test]
fn a_partial_clone_says_so_after_what_it_has() {
    let world = World::sealed();
    world.git(&["init", "-q", "-b", "main", "."]);
    let cluster = fingerprint(&world, "cluster");
    world.git(&["add", "db.sealed.yaml"]);
    world.git(&["commit", "-qm", "one"]);
    world.seal_with(&["set", "db.sealed.yaml", "token"], b"x").exits(0);
    world.git(&["commit", "-qam", "two"]);
    world.git(&["config", "uploadpack.allowFilter", "true"]);
    let url = format!("file://{}", world.path(".git").display());
    world.git(&["clone", "-q", "--filter=blob:none", &url, "../partial"]);
    let said = world.seal(&["exposed", &cluster, "--repository", "../partial"]).exits(1);
    said.says("this clone is partial").prints("password, token, username");
}

#[test]
fn a_conflict_that_was_solved_is_no_failure_for_ever() {
    let world = World::sealed();
    world.git(&["init", "-q", "-b", "main", "."]);
    let cluster = fingerprint(&world, "cluster");
    world.git(&["add", "db.sealed.yaml"]);
    world.git(&["commit", "-qm", "one"]);
    world.git(&["switch", "-qc", "other"]);
    world.seal_with(&["set", "db.sealed.yaml", "password"], b"theirs").exits(0);
    world.seal_with(&["set", "db.sealed.yaml", "token"], b"theirs").exits(0);
    world.git(&["commit", "-qam", "two"]);
    world.git(&["switch", "-q", "main"]);
    world.seal_with(&["set", "db.sealed.yaml", "password"], b"ours").exits(0);
    world.git(&["commit", "-qam", "three"]);
    world.git_says(&["merge", "-q", "other"], 1);
    world.git(&["add", "db.sealed.yaml"]); // the marks as well
    world.git(&["checkout", "-q", "--theirs", "--", "db.sealed.yaml"]);
    world.git(&["reset", "-q", "--hard"]);
    world
        .seal(&["exposed", &cluster])
        .exits(0)
        .prints("(in no commit)")
        .prints("password, token, username");
}

#[test]
fn a_file_is_named_where_it_lies_now_whatever_characters_its_name_has() {
    let world = World::sealed();
    world.git(&["init", "-q", "-b", "main", "."]);
    let cluster = fingerprint(&world, "cluster");
    world.git(&["add", "db.sealed.yaml"]);
    world.git(&["commit", "-qm", "one"]);
    for name in ["moved.yaml", "prod one/dätä.yaml", "two\nlines.yaml"] {
        std::fs::create_dir_all(world.path("prod one")).expect("a folder");
        let before = found(&world, &cluster).pop_first().expect("a row").0;
        world.git(&["mv", &before, name]);
        world.git(&["commit", "-qm", "moved"]);
        assert_eq!(found(&world, &cluster), BTreeSet::from([row(name, "password,username", true)]));
    }
}
