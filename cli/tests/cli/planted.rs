//! What a pull request or another user plants so that `seal` looks elsewhere: repositories, links, Git's own settings.

use std::os::unix::fs::{MetadataExt, symlink};
use std::process::Command;

use crate::world::{World, recipient};

/// Seals a file for somebody whom no rule names.
fn for_a_stranger(world: &World, name: &str) -> String {
    let value = ["--name", name, "-n", "prod", "--from-file", "p=-", "-r", &recipient("stranger")];
    world.seal_with(&value, b"x").exits(0).text()
}

#[test]
fn a_bare_repository_in_the_tree_is_not_asked() {
    let world = World::branch(None);
    world.git(&["init", "--quiet", "--bare", "prod"]);
    let config =
        "[core]\nbare = false\nworktree = .\n[filter \"x\"]\nclean = \"touch ../../PWNED; cat\"\n";
    world.write("prod/config", config);
    world.write("prod/.gitattributes", "* filter=x\n");
    world.write("prod/eu/db.yaml", for_a_stranger(&world, "eu"));
    world.write(
        "prod/eu/.seal.yaml",
        format!("recipients: {{s: {}}}\nrules: [{{to: [s]}}]\n", recipient("stranger")),
    );
    world.git(&["add", "--force", "prod/HEAD", "prod/config", "prod/.gitattributes", "prod/eu"]);
    let mut command = world.command(&["check", "--policy-from", "main"]);
    let output = command.current_dir(world.path("prod/eu")).output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_ne!(output.status.code(), Some(0), "{said}");
    assert!(!world.path("PWNED").exists() && !world.path("../PWNED").exists());
}

#[test]
fn trust_is_not_borrowed_from_the_repository_above() {
    if std::fs::metadata("/proc/self").expect("a process").uid() != 0 {
        return; // nobody else gives a file away
    }
    let world = World::branch(None);
    world.write(
        "m/.seal.yaml",
        format!("recipients: {{s: {}}}\nrules: [{{to: [s]}}]\n", recipient("stranger")),
    );
    std::fs::create_dir(world.path("m/.git")).expect("an empty folder");
    let given =
        Command::new("chown").args(["-R", "65534", "m"]).current_dir(world.path(".")).status();
    assert!(given.expect("coreutils").success());
    let value = ["--name", "db", "-n", "prod", "--from-file", "p=-", "-o", "m/db.yaml"];
    world.seal_with(&value, b"x").exits(2).says("belongs to another user");
}

#[test]
fn settings_of_git_hide_nothing_from_a_hook() {
    let world = World::branch(None);
    world.write("prod/other.yaml", for_a_stranger(&world, "other"));
    world.commit_all();
    world.git(&["reset", "--quiet", "--soft", "HEAD~1"]);
    for (variable, value) in [
        ("GIT_LITERAL_PATHSPECS", "1"),
        ("GIT_NOGLOB_PATHSPECS", "1"),
        ("GIT_ICASE_PATHSPECS", "1"),
    ] {
        let output = world.command(&["check", "--staged"]).env(variable, value).output();
        assert_eq!(output.expect("it ends").status.code(), Some(7), "{variable}");
    }
    world.git(&["config", "diff.relative", "true"]);
    let mut command = world.command(&["check", "--staged"]);
    let output = command.current_dir(world.path("prod")).output().expect("it ends");
    assert_eq!(output.status.code(), Some(7), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_submodule_that_is_to_be_ignored_is_pointed_out() {
    let world = World::branch(None);
    world.git(&["switch", "--quiet", "main"]);
    world.git(&["init", "--quiet", "../module"]);
    world.git(&["-C", "../module", "commit", "--quiet", "--allow-empty", "-m", "begun"]);
    let url = world.path("../module").display().to_string();
    world.git(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", &url, "lib"]);
    world.commit_all();
    world.git(&["switch", "--quiet", "--create", "bump"]);
    world.git(&["-C", "lib", "commit", "--quiet", "--allow-empty", "-m", "next"]);
    world.git(&["config", "-f", ".gitmodules", "submodule.lib.ignore", "all"]);
    world.git(&[
        "update-index",
        "--add",
        "--cacheinfo",
        &format!("160000,{},lib", head(&world, "lib")),
    ]);
    world.git(&["commit", "--quiet", "-am", "bumped"]);
    world.seal(&["check", "--policy-from", "main"]).says("lib: a submodule changes");
}

fn head(world: &World, folder: &str) -> String {
    world.git_says(&["-C", folder, "rev-parse", "HEAD"], 0).trim().to_owned()
}

#[test]
fn a_link_in_the_place_of_a_policy_or_of_recipients_is_a_finding() {
    let world = World::branch(None);
    world.write("policy.yaml", world.read(".seal.yaml"));
    std::fs::remove_file(world.path(".seal.yaml")).expect("the policy");
    symlink("policy.yaml", world.path(".seal.yaml")).expect("a link");
    world.git(&["add", "--all"]);
    world.seal(&["check", "--staged"]).exits(7).prints("BadPolicy").prints("is a link in Git");
    let world = World::branch(None);
    world.write("shared/off.txt", format!("{}\n", recipient("offline")));
    symlink("shared", world.path("keys")).expect("a link");
    world.write(
        ".seal.yaml",
        "recipients: {offline: {file: keys/off.txt}}\nrules: [{to: [offline]}]\n",
    );
    world.git(&["add", "--all"]);
    world
        .seal(&["check", "--staged"])
        .exits(7)
        .prints("BadPolicy")
        .prints("keys/off.txt is a link in Git, or behind one");
}

#[test]
fn a_name_that_is_to_be_filled_in_and_a_path_without_a_rule_hide_no_recipient() {
    let world = World::branch(None);
    let sealed = for_a_stranger(&world, "tpl");
    world.write("prod/tpl.yaml", sealed.replacen("name: tpl", "name: \"tpl{{ .Values.x }}\"", 1));
    world.commit_all();
    world
        .seal(&["check", "--policy-from", "main"])
        .exits(7)
        .prints("prod/tpl.yaml:")
        .prints("NotByPolicy");

    let world = World::branch(None);
    world.git(&["switch", "--quiet", "main"]);
    let policy = world.read(".seal.yaml").replace("- to:", "- path: \"prod/**\"\n  to:");
    world.write(".seal.yaml", policy);
    world.commit_all();
    world.git(&["switch", "--quiet", "--create", "elsewhere"]);
    world.write("prod2/db.yaml", for_a_stranger(&world, "db"));
    world.commit_all();
    world
        .seal(&["check", "--policy-from", "main"])
        .exits(7)
        .prints("prod2/db.yaml:")
        .prints("no rule of .seal.yaml is for this path");
}

#[test]
fn nothing_is_written_into_another_work_tree_behind_a_link() {
    let world = World::new();
    world.write("../other/.seal.yaml", world.read(".seal.yaml"));
    world.git(&["init", "--quiet", "../other"]);
    symlink("../other", world.path("x")).expect("a link");
    let value = ["--name", "e", "-n", "prod", "--from-file", "p=-", "-o", "x/e.sealed.yaml"];
    world.seal_with(&value, b"x").exits(2).says("leads out of its Git work tree");
    assert!(!world.path("../other/e.sealed.yaml").exists());
}

#[test]
fn a_recipient_without_a_hint_is_found_by_its_stanza() {
    let world = World::branch(None);
    let args = ["--name", "two", "-n", "prod", "--from-file", "p=-"];
    let to: Vec<String> = ["cluster", "offline", "stranger"]
        .iter()
        .flat_map(|it| ["-r".to_owned(), recipient(it)])
        .collect();
    let to: Vec<&str> = to.iter().map(String::as_str).collect();
    let sealed = world.seal_with(&[&args[..], &to].concat(), b"x").exits(0).text();
    let hint = seal_core::key::Fingerprint::of(&recipient("stranger")).to_string();
    let hidden: String = sealed
        .lines()
        .filter(|line| line.trim() != format!("- {hint}"))
        .map(|line| format!("{line}\n"))
        .collect();
    let hidden = hidden.replace(&format!(", {hint}"), "").replace(&format!("{hint}, "), "");
    assert!(!hidden.contains(&hint), "{hidden}");
    world.write("prod/two.yaml", hidden);
    world
        .seal(&["check"])
        .exits(7)
        .prints("prod/two.yaml:")
        .prints("is for 3, whom its sealedTo does not all name");
}
