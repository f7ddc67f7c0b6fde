//! `seal check --policy-from` and `--staged`: each change of who can open what is pointed out, however it is made.

use crate::world::{Ran, World, recipient};

const RULES: &str = "rules:\n- {path: \"prod/**\", to: [cluster, offline], namespace: prod}\n- {path: \"test/**\", to: [stranger, offline]}\n";

fn recipients() -> String {
    let known: String = ["cluster", "offline", "stranger"]
        .map(|name| format!("  {name}: {}\n", recipient(name)))
        .concat();
    format!("recipients:\n{known}")
}

/// A branch that has just begun, with a sealed file and the rules.
fn branch() -> World {
    World::branch(Some(&(recipients() + RULES)))
}

fn review(world: &World) -> Ran {
    world.seal(&["check", "--policy-from", "main"])
}

#[test]
fn each_change_of_a_rule_is_pointed_out_in_a_branch_and_in_a_commit() {
    let (cluster, stranger) = (recipient("cluster"), recipient("stranger"));
    let old = recipients() + RULES;
    let swapped = old
        .replace(&format!("cluster: {cluster}"), &format!("cluster: {stranger}"))
        .replace(&format!("stranger: {stranger}"), &format!("stranger: {cluster}"));
    let mut lines: Vec<&str> = RULES.lines().skip(1).collect();
    lines.reverse();
    let reversed = lines.join("\n") + "\n";
    for (new, words) in [
        (
            old.replace("[cluster, offline]", "[cluster, offline, stranger]"),
            "the rule for prod/**: + stranger",
        ),
        (old.replace("[cluster, offline]", "[cluster]"), "the rule for prod/**: - offline"),
        (old.replace(", namespace: prod", ""), "the rule for prod/**: namespace any"),
        (
            old.replace("namespace: prod", "namespace: prod, clear: [p]"),
            "the rule for prod/**: p stays in clear",
        ),
        (
            old.replace("namespace: prod", "namespace: prod, for: kestra"),
            "the rule for prod/**: for kestra",
        ),
        (format!("{old}allowClassic: true\n"), "allowClassic is true"),
        (
            old.replace("rules:\n", "rules:\n- {path: \"prod/*\", to: [stranger]}\n"),
            "+ a rule for prod/*: + stranger",
        ),
        (swapped, "+ cluster (sha256:"),
        (
            old.replace(
                "rules:\n",
                "rules:\n- {path: \"docs/**\", to: [offline], clear: [LEVEL]}\n",
            ),
            "+ a rule for docs/**: + offline, LEVEL stays in clear",
        ),
        (
            recipients() + "rules:\n- {path: \"docs/**\", to: [offline]}\n" + &reversed,
            "the order of its rules",
        ),
    ] {
        let world = branch();
        world.write(".seal.yaml", new);
        world.git(&["add", "--all"]);
        world.seal(&["check", "--staged"]).says("who can open what changes").says(words);
        world.commit_all();
        review(&world).says("seal: warning: .seal.yaml: who can open what changes").says(words);
    }
    let world = branch();
    world.write(".seal.yaml", format!("# another comment\n{old}"));
    world.commit_all();
    let said = review(&world).exits(0);
    assert!(!said.stderr.contains("who can open"), "{}", said.stderr);
}

#[test]
fn whom_a_sealed_file_is_for_next_is_said_where_a_nested_policy_goes() {
    let world = branch();
    world.write("prod/.seal.yaml", format!("{}rules:\n- to: [offline]\n", recipients()));
    world.write(".seal.yaml", recipients() + "rules:\n- to: [offline, stranger]\n");
    world.seal(&["reseal", ".", "-i", "../offline.txt"]).exits(0);
    world.git(&["switch", "--quiet", "main"]);
    world.commit_all();
    world.git(&["switch", "--quiet", "--create", "nested"]);
    world.git(&["rm", "--quiet", "prod/.seal.yaml"]);
    world.commit_all();
    let said = review(&world);
    said.says("prod/.seal.yaml: who can open what changes: it is gone")
        .says("what is sealed next into prod/db.yaml is for others: + stranger (sha256:");
}

#[test]
fn a_file_of_recipients_counts_wherever_it_lies_and_however_it_is_named() {
    for name in ["../keys/team.txt", "x/../../keys/team.txt"] {
        let world = branch();
        std::fs::create_dir_all(world.path("prod/x")).expect("a folder");
        world.write("keys/team.txt", format!("{}\n", recipient("offline")));
        world.write("prod/x/.keep", "");
        world.write(
            "prod/.seal.yaml",
            format!("recipients: {{team: {{file: {name}}}}}\nrules: [{{to: [team]}}]\n"),
        );
        world.git(&["switch", "--quiet", "main"]);
        world.commit_all();
        world.git(&["switch", "--quiet", "--create", "team"]);
        let both = format!("{}\n{}\n", recipient("offline"), recipient("stranger"));
        world.write("keys/team.txt", both);
        world.commit_all();
        review(&world)
            .says("prod/.seal.yaml: who can open what changes: + line 2 of team (sha256:");
    }
}

#[test]
fn what_a_file_leaves_in_clear_is_held_against_the_rule() {
    let world = branch();
    let sealed = world.read("prod/db.yaml");
    let clear =
        sealed.replacen("spec:\n", "spec:\n  template: {stringData: {password: hunter2}}\n", 1);
    world.write("prod/db.yaml", clear);
    let said = review(&world)
        .exits(7)
        .prints("NotByPolicy")
        .prints("leaves no value of password in clear");
    assert!(!said.text().contains("hunter2"));
    world.write(
        ".seal.yaml",
        (recipients() + RULES).replace("namespace: prod", "namespace: prod, clear: [password]"),
    );
    world.seal(&["check"]).exits(0);
    review(&world).exits(7);
}

#[test]
fn what_a_branch_has_not_changed_does_not_stop_it() {
    let world = branch();
    world.git(&["switch", "--quiet", "main"]);
    world.write(
        ".seal.yaml",
        (recipients() + RULES).replace("[cluster, offline]", "[cluster, offline, stranger]"),
    );
    world.commit_all();
    world.git(&["switch", "--quiet", "--create", "unrelated"]);
    world.write("notes.md", "unrelated\n");
    world.commit_all();
    review(&world)
        .exits(0)
        .says("not as the policy says, and not changed here")
        .says("prod/db.yaml");
    world.seal_with(&["set", "prod/db.yaml", "q", "-r", &recipient("cluster")], b"x").exits(0);
    world.commit_all();
    review(&world).exits(7).prints("where this branch changes the policy, that is merged first");
    world
        .seal(&["check", "--policy-from", "absent"])
        .exits(2)
        .says("there is no commit absent here");
    // A folder and its rule may have another name: nobody gains anything.
    world.git(&["switch", "--quiet", "main"]);
    world.git(&["switch", "--quiet", "--create", "renamed"]);
    world.git(&["mv", "prod", "live"]);
    world.write(".seal.yaml", world.read(".seal.yaml").replace("prod/**", "live/**"));
    world.commit_all();
    let said = review(&world);
    assert!(
        !said.stderr.contains("is for others") && !said.stderr.contains("is for no file"),
        "{}",
        said.stderr
    );
}

#[test]
fn a_submodule_that_changes_is_pointed_out() {
    let world = branch();
    world.git(&["init", "--quiet", "../module"]);
    world.git(&["-C", "../module", "commit", "--quiet", "--allow-empty", "-m", "begun"]);
    let add =
        ["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", "../module", "lib"];
    let url = world.path("../module").display().to_string();
    let add: Vec<&str> =
        add.iter().map(|it| if *it == "../module" { url.as_str() } else { it }).collect();
    world.git(&add);
    world.seal(&["check", "--staged"]).says("lib: a submodule changes");
    world.commit_all();
    review(&world).says("lib: a submodule changes").says("not looked into: lib");
}
