//! For whom it is sealed: from the command line, else from `.seal.yaml`, and from nowhere else.

use crate::world::{World, recipient};

fn rules(rules: &str) -> String {
    format!(
        "recipients:\n  cluster: {}\n  offline: {}\n  classic: {}\nrules:\n{rules}",
        recipient("cluster"),
        recipient("offline"),
        recipient("classic")
    )
}

#[test]
fn the_first_rule_that_matches_decides() {
    let world = World::new();
    world.write(".seal.yaml", rules("- {path: 'prod/**', to: [cluster, offline], namespace: prod, clear: [username, absent]}\n- {path: '*.yaml', to: [offline]}\n"));
    world.write("prod/a/s.json", world.read("secret.json").replace("\"namespace\": \"prod\",", ""));
    let ran = world
        .seal(&["prod/a/s.json", "--path", "prod/a/s.yaml"])
        .exits(0)
        .says("sealing for cluster (sha256:")
        .says("from .seal.yaml");
    ran.prints("  namespace: prod\n").prints("      username: admin\n");
    world.seal(&["secret.json", "-o", "x.yaml"]).exits(0).says("sealing for offline (sha256:");
    world
        .seal(&["secret.json", "-o", "x.yml"])
        .exits(4)
        .says("no rule of .seal.yaml matches x.yml");
    world.write("prod/b.json", world.read("secret.json").replace("\"prod\"", "\"dev\""));
    world.seal(&["-w", "prod/b.json"]).exits(2).says("is for prod");
}

#[test]
fn standard_input_belongs_to_the_working_directory() {
    let world = World::new();
    let manifest = world.read("secret.json");
    world.seal_with(&["-"], manifest.as_bytes()).exits(0).says("from .seal.yaml");
    world.write("../outside.json", &manifest);
    world.seal(&["../outside.json"]).exits(4).says("those above count only in a Git work tree");
    world.seal(&["../outside.json", "-o", "s.yaml"]).exits(0);
}

#[test]
fn a_policy_above_the_work_tree_does_not_count() {
    let world = World::new();
    std::fs::rename(world.path(".seal.yaml"), world.path("../.seal.yaml")).unwrap();
    world.seal(&["secret.json"]).exits(4).says("there is no .seal.yaml");
}

/// A `.seal.yaml` with one recipient.
fn only(name: &str) -> String {
    format!("recipients: {{{name}: {}}}\nrules: [{{to: [{name}]}}]\n", recipient(name))
}

#[test]
fn a_nested_policy_only_takes_recipients_away() {
    let world = World::new();
    world.write("team/s.json", world.read("secret.json"));
    let nested = |text: &str| {
        world.write("team/.seal.yaml", text);
        world.seal(&["team/s.json"])
    };
    nested(&only("offline")).exits(0).says("sealing for offline (").says("from team/.seal.yaml");
    nested(&only("stranger")).exits(2).says("team/.seal.yaml adds stranger (sha256:");
    let clear = only("offline").replace("{to:", "{clear: [password], to:");
    nested(&clear).exits(2).says("leaves password in clear");
}

#[test]
fn classic_recipients_need_a_word() {
    let world = World::new();
    let classic = recipient("classic");
    world
        .seal(&["secret.json", "-r", &classic])
        .exits(0)
        .says("seal: warning: a classic recipient");
    world.write(".seal.yaml", rules("- {to: [classic]}\n"));
    world.seal(&["secret.json"]).exits(2).says("recipient classic: it is classic");
    world.write(".seal.yaml", rules("- {to: [classic]}\nallowClassic: true\n"));
    let ran = world.seal(&["secret.json", "-o", "s.yaml"]).exits(0);
    ran.says("seal: warning: a classic recipient");
    let opened = world.seal(&["open", "s.yaml", "-i", "../classic.txt", "--key", "password"]);
    assert_eq!(opened.exits(0).stdout, b"hunter2");
    let both = ["secret.json", "-r", &classic, "-r", &recipient("cluster")];
    world.seal(&both).exits(2).says("recipients of different strength");
}

#[test]
fn recipients_come_from_files_too() {
    let world = World::new();
    world.write("r.txt", format!("# ours\n\n{}\n", recipient("stranger")));
    world
        .seal(&["secret.json", "-R", "r.txt", "-o", "s.yaml"])
        .exits(0)
        .says("from the command line");
    world.seal(&["open", "s.yaml", "-i", "../stranger.txt"]).exits(0);
    world.write(".seal.yaml", "recipients: {us: {file: r.txt}}\nrules: [{to: [us]}]\n");
    world.seal(&["secret.json"]).exits(0).says("sealing for us (sha256:");
    world.write("r.txt", "# nobody\n");
    world.seal(&["secret.json"]).exits(4).says("r.txt has no recipient");
}

#[test]
fn a_plugin_is_started_from_the_command_line_alone() {
    let world = World::new();
    let plugin = "age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3t";
    world.write(".seal.yaml", format!("recipients: {{key: {plugin}}}\nrules: [{{to: [key]}}]\n"));
    world.seal(&["secret.json"]).exits(2).says("a repository never starts one");
    world
        .seal(&["secret.json", "-r", plugin])
        .exits(2)
        .says("age-plugin-yubikey is not on the PATH");
}

/// A plugin that wraps nothing: it answers with one fixed stanza, as the plugin protocol has it, and ends.
const PLUGIN: &str = "#!/bin/sh
while read -r line; do case \"$line\" in '-> done'*) read -r _; break;; esac; done
printf -- '-> recipient-stanza 0 test arg\\nAAAA\\n'
read -r _; read -r _
printf -- '-> done\\n\\n'
";

#[test]
fn a_plugin_named_on_the_command_line_wraps_the_file_key() {
    let world = World::new();
    world.write("../bin/age-plugin-test", PLUGIN);
    world.set_mode("../bin/age-plugin-test", 0o755);
    let path = format!("{}:{}", world.path("../bin").display(), std::env::var("PATH").unwrap());
    let mut seal = world.command(&["secret.json", "-r", "age1test1pzry9x8qysjnnw", "-o", "s.yaml"]);
    let output = seal.env("PATH", path).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(
        world.read("s.yaml").contains("\n    -> test arg\n    AAAA\n"),
        "{}",
        world.read("s.yaml")
    );
}

#[test]
fn a_private_key_where_a_recipient_belongs_is_not_repeated() {
    let world = World::new();
    let file = world.read("../cluster.txt");
    let identity = file.lines().last().unwrap();
    let tail = &identity[30..60];
    world.write(".seal.yaml", format!("recipients: {{a: {identity}}}\nrules: [{{to: [a]}}]\n"));
    for args in [
        vec!["secret.json", "-r", identity],
        vec!["secret.json"],
        vec!["secret.json", "-R", "../cluster.txt"],
    ] {
        let ran = world.seal(&args).exits(2).says("a private key stands where a recipient belongs");
        assert!(!ran.stderr.contains(tail), "{}", ran.stderr);
    }
}
