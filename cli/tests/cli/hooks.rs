//! What the repository ships for others' gates runs the command as it is.

use std::fs;
use std::path::Path;

use crate::world::World;

fn shipped(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name))
        .expect("it is shipped")
}

/// The command behind a key of a YAML text.
fn command<'t>(text: &'t str, key: &str) -> &'t str {
    let line = text.lines().find_map(|line| line.trim().strip_prefix(key)).expect("its line");
    line.trim()
}

#[test]
fn the_hook_for_pre_commit_stops_a_commit_with_a_secret_in_clear() {
    let hooks = shipped(".pre-commit-hooks.yaml");
    let entry = command(&hooks, "entry:").strip_prefix("seal ").expect("our command");
    let args: Vec<&str> = entry.split(' ').collect();
    let world = World::new();
    world.git(&["init", "-q", "-b", "main", "."]);
    world.git(&["add", "secret.json"]);
    world.seal(&args).exits(7).prints("secret.json:1: Plaintext");
    world.git(&["rm", "-q", "--cached", "secret.json"]);
    world.seal(&args).exits(0);
}

#[test]
fn the_action_checks_against_the_branch_that_a_pull_request_goes_to() {
    let action = shipped("action.yml");
    let start = action.rfind("run: |\n").expect("its last step") + "run: |\n".len();
    let script: String =
        action[start..].lines().map(|line| format!("{}\n", line.trim_start())).collect();
    assert!(
        !script.contains("${{"),
        "what comes from outside goes through the environment: {script}"
    );
    let world = World::sealed();
    world.write(".gitignore", "secret.json\n");
    world.git(&["init", "-q", "-b", "main", "."]);
    world.git(&["add", "."]);
    world.git(&["commit", "-qm", "sealed"]);
    world.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
    world.write("api.yaml", world.read("secret.json"));
    world.write("../temp/seal/bin/.keep", "");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_seal"), world.path("../temp/seal/bin/seal"))
        .expect("a link");
    let mut bash = std::process::Command::new("bash");
    bash.args(["-e", "-o", "pipefail", "-c", &script]).current_dir(world.path("."));
    bash.env("RUNNER_TEMP", world.path("../temp"))
        .env("INPUT_PATH", ".")
        .env("INPUT_POLICY_FROM", "");
    let output =
        bash.env("INPUT_FORMAT", "github").env("BASE", "main").output().expect("bash runs");
    assert_eq!(output.status.code(), Some(7), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        said.starts_with("::error file=api.yaml,line=1,title=seal check%3A Plaintext::"),
        "{said}"
    );
}

#[test]
fn what_is_staged_must_not_be_for_the_place_of_a_committed_file_and_nothing_else_stops_a_commit() {
    let world = World::sealed();
    world.git(&["init", "-q", "-b", "main", "."]);
    world.write("apps/db.yaml", world.read("db.sealed.yaml"));
    world.git(&["add", "apps"]);
    world.git(&["commit", "-qm", "sealed"]);
    // A file that moves is for its place still.
    world.git(&["mv", "apps/db.yaml", "apps/moved.yaml"]);
    world.seal(&["check", "--staged"]).exits(0);
    world.git(&["add", "db.sealed.yaml"]);
    world.git(&["commit", "-qm", "moved", "--", "apps"]);
    let said = world.seal(&["check", "--staged"]).exits(7);
    let said =
        said.prints("db.sealed.yaml:1: Duplicate: prod/db is sealed here and in apps/moved.yaml:1");
    assert_eq!(said.text().lines().count(), 1, "{}", said.text());
    assert!(said.stderr.contains("1 sealed object in 1 file"), "{}", said.stderr);
    // Two that are committed already are not what this commit does.
    world.git(&["commit", "-qm", "twice"]);
    world.write("other.yaml", "kind: ConfigMap\n");
    world.git(&["add", "other.yaml"]);
    world.seal(&["check", "--staged"]).exits(0);
}
