//! `seal set` and `seal unset`: one value changes, every other line stays.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::Stdio;

use crate::world::{World, recipient};

fn lines(text: &str) -> BTreeSet<&str> {
    text.lines().collect()
}

/// Keys before and after the block of `key`, each with its lines.
fn around<'t>(text: &'t str, key: &str) -> (&'t str, &'t str) {
    let start = text.find(&format!("    {key}:\n")).expect("the block begins");
    let end = text.find(&format!("    # end of {key}\n")).expect("a comment ends it");
    (&text[..start], &text[end..])
}

fn is_mark(line: &str) -> bool {
    ["<<<<<<< ", "=======", ">>>>>>> "].iter().any(|mark| line.starts_with(mark))
}

#[test]
fn setting_a_value_changes_its_block_alone() {
    let world = World::sealed();
    let before = format!("# kept\n{}", world.read("db.sealed.yaml"));
    world.write("db.sealed.yaml", &before);
    world
        .seal_with(&["set", "db.sealed.yaml", "password"], b"new")
        .exits(0)
        .says("sealing for cluster (sha256:");
    let after = world.read("db.sealed.yaml");
    assert_eq!(around(&after, "password"), around(&before, "password"));
    assert_eq!(world.open("db.sealed.yaml", "password"), b"new");
    assert_eq!(world.open("db.sealed.yaml", "username"), b"admin");
}

#[test]
fn an_edit_of_a_file_with_windows_line_ends_keeps_them_in_every_line() {
    let world = World::sealed();
    let before = world.read("db.sealed.yaml").replace('\n', "\r\n");
    world.write("db.sealed.yaml", &before);
    world.seal_with(&["set", "db.sealed.yaml", "password"], b"new").exits(0);
    world.seal_with(&["set", "db.sealed.yaml", "third"], b"3").exits(0);
    world.seal(&["unset", "db.sealed.yaml", "username"]).exits(0);
    let after = world.read("db.sealed.yaml");
    assert_eq!(after.matches('\n').count(), after.matches("\r\n").count(), "{after:?}");
    assert_eq!(world.open("db.sealed.yaml", "password"), b"new");
}

#[test]
fn two_branches_that_set_another_value_each_merge_with_plain_git() {
    let world = World::sealed();
    world.git(&["init", "-q", "-b", "main", "."]);
    world.git(&["add", "db.sealed.yaml"]);
    world.git(&["commit", "-qm", "sealed"]);
    world.git(&["switch", "-qc", "other"]);
    world.seal_with(&["set", "db.sealed.yaml", "password"], b"theirs").exits(0);
    world.git(&["commit", "-qam", "the password"]);
    world.git(&["switch", "-q", "main"]);
    world.seal_with(&["set", "db.sealed.yaml", "username"], b"ours").exits(0);
    world.git(&["commit", "-qam", "the user"]);
    world.git(&["merge", "-q", "--no-edit", "other"]);
    assert_eq!(world.open("db.sealed.yaml", "password"), b"theirs");
    assert_eq!(world.open("db.sealed.yaml", "username"), b"ours");
    // Nothing is under the shared header any more: it is named as such, and stays for commits that are reverted.
    world.seal(&["inspect", "db.sealed.yaml"]).exits(0).prints("no value is under it any more");
    world.seal_with(&["set", "db.sealed.yaml", "password"], b"newest").exits(0);
    world.git(&["commit", "-qam", "the password again"]);
    world.git(&["revert", "--no-edit", ":/the user"]);
    assert_eq!(world.open("db.sealed.yaml", "password"), b"newest");
    assert_eq!(world.open("db.sealed.yaml", "username"), b"admin");
}

#[test]
fn a_conflict_of_one_key_is_named_by_its_line_and_by_what_to_keep() {
    let world = World::sealed();
    let sides = ["ours", "theirs"].map(|side| {
        world.write("side.yaml", world.read("db.sealed.yaml"));
        world.seal_with(&["set", "side.yaml", "password"], side.as_bytes()).exits(0);
        world.read("side.yaml")
    });
    world.write("base", world.read("db.sealed.yaml"));
    world.write("theirs", &sides[1]);
    world.write("db.sealed.yaml", &sides[0]);
    let mut merge = std::process::Command::new("git");
    merge.args(["merge-file", "db.sealed.yaml", "base", "theirs"]).current_dir(world.path("."));
    assert_eq!(merge.status().expect("git runs").code(), Some(1), "one conflict");

    let conflict = world.read("db.sealed.yaml");
    let line = 1 + conflict.lines().position(|line| line.starts_with("<<<<<<< ")).expect("a mark");
    for command in [&["set", "db.sealed.yaml", "username"][..], &["inspect", "db.sealed.yaml"]] {
        let ran = world.seal_with(command, b"x").exits(2);
        ran.says(&format!(
            "line {line}: not valid YAML or JSON: a merge conflict that is not resolved, in prod/db"
        ))
        .says("of one key keep one side's block whole");
    }
    assert_eq!(world.read("db.sealed.yaml"), conflict, "nothing was changed");

    let both: Vec<&str> = conflict.lines().filter(|line| !is_mark(line)).collect();
    world.write("db.sealed.yaml", both.join("\n"));
    world
        .seal(&["inspect", "db.sealed.yaml"])
        .exits(2)
        .says("the key payload stands twice in one map, in the block of password of prod/db")
        .says("keep one of the two whole");
}

#[test]
fn what_another_run_changed_meanwhile_is_kept() {
    let world = World::sealed();
    world.write("../r.txt", recipient("cluster"));
    let mut slow = world.command(&["set", "db.sealed.yaml", "password", "-R", "../r.txt"]);
    let mut slow = slow.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("seal runs");
    // It reads the file before the value, of which a pipe takes no more than 64 KiB before it is read.
    let mut value = slow.stdin.take().expect("a pipe");
    value.write_all(&vec![b'v'; 256 * 1024]).unwrap();
    let set = ["set", "db.sealed.yaml", "username", "-R", "../r.txt"];
    world.seal_with(&set, b"quick").exits(0);
    drop(value);
    let output = slow.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert_eq!(stderr.matches("sealing for").count(), 1, "{stderr}");
    assert_eq!(world.open("db.sealed.yaml", "username"), b"quick");
    assert_eq!(world.open("db.sealed.yaml", "password"), vec![b'v'; 256 * 1024]);
}

#[test]
fn a_payload_where_its_block_belongs_is_named_by_its_key() {
    let world = World::sealed();
    let text =
        world.read("db.sealed.yaml").replace("    password:\n      payload: ", "    password: ");
    world.write("db.sealed.yaml", text);
    world
        .seal(&["inspect", "db.sealed.yaml"])
        .exits(2)
        .says("prod/db: the block of password is of the wrong type")
        .says("put the lines of that block back");
}

#[test]
fn an_emptied_block_is_named_by_its_key_and_line() {
    let world = World::sealed();
    let text = world.read("db.sealed.yaml");
    let line = 1 + text.lines().position(|line| line == "    username:").expect("its block");
    let payload = text.lines().nth(line).expect("its payload").to_owned();
    for emptied in ["", "      payload:\n", "      payload: \"\"\n", "      sealedTo: []\n"] {
        world.write("s.yaml", text.replace(&format!("{payload}\n"), emptied));
        let ran = world.seal_with(&["set", "s.yaml", "password"], b"x").exits(2);
        ran.says(&format!("line {line}: prod/db: the block of username"))
            .says("put the lines of that block back");
    }
}

#[test]
fn a_value_is_kept_byte_for_byte() {
    let world = World::sealed();
    for value in [&b"t\n"[..], b"\n", b"a\nb\n", b"\xff\x00"] {
        world.seal_with(&["set", "db.sealed.yaml", "token"], value).exits(0);
        assert_eq!(world.open("db.sealed.yaml", "token"), value);
    }
}

#[test]
fn a_new_key_is_said_with_the_keys_there_are() {
    let world = World::sealed();
    let ran = world.seal_with(&["set", "db.sealed.yaml", "pasword"], b"x").exits(0);
    ran.says("pasword is a new key").says("did you mean password? it has password, username");
    let ran = world.seal_with(&["set", "db.sealed.yaml", "password"], b"x").exits(0);
    assert!(!ran.stderr.contains("new key"), "{}", ran.stderr);
    let check = world.seal_with(&["set", "db.sealed.yaml", "password", "--check"], b"x").exits(3);
    check.says("would change: prod/db: password sealed anew");
}

#[test]
fn the_comment_above_a_value_goes_with_it_and_others_stay() {
    let world = World::sealed();
    let text = world
        .read("db.sealed.yaml")
        .replace("    username:", "    # rotated in May\n    # by ops\n    username:");
    let text = text.replace("    password:", "    # all of them\n\n    password:");
    world.write("db.sealed.yaml", &text);
    world.seal(&["unset", "db.sealed.yaml", "username"]).exits(0);
    let after = world.read("db.sealed.yaml");
    assert!(!after.contains("rotated") && !after.contains("by ops"), "{after}");
    assert!(after.contains("# all of them") && after.contains("# end of password"), "{after}");
}

#[test]
fn the_limits_of_a_file_are_those_of_each_object() {
    let world = World::new();
    let manifest = |number: u32| {
        format!(
            "---\napiVersion: v1\nkind: Secret\nmetadata: {{name: s{number}, namespace: prod}}\nstringData: {{a: b}}\n"
        )
    };
    world.write("many.yaml", (0..700).map(manifest).collect::<String>());
    world.seal(&["many.yaml", "-o", "many.sealed.yaml"]).exits(0);
    assert!(world.read("many.sealed.yaml").len() > 1_400_000);
    let set = ["set", "many.sealed.yaml", "a", "--name", "s699"];
    let ran = world.seal_with(&set, b"new").exits(0);
    assert!(!ran.stderr.contains("larger than"), "{}", ran.stderr);
}

#[test]
fn an_object_that_stands_twice_is_named_as_that() {
    let world = World::sealed();
    let text = world.read("db.sealed.yaml");
    world.write("db.sealed.yaml", format!("{text}---\n{text}"));
    let twice = world.seal_with(&["set", "db.sealed.yaml", "password"], b"x").exits(2);
    twice.says("prod/db stands in db.sealed.yaml more than once").says("take one of them out");
    let none =
        world.seal_with(&["set", "db.sealed.yaml", "password", "--name", "x"], b"x").exits(2);
    none.says("there is no x in db.sealed.yaml").says("it has prod/db");
}

#[test]
fn several_values_of_one_command_have_a_header_each_and_all_of_a_file_share_one() {
    let world = World::sealed();
    world.write("vars", "A=1\nB=2\n");
    world
        .seal(&["set", "db.sealed.yaml", "--from-env-file", "vars", "--from-file", "c=vars"])
        .exits(0);
    assert_eq!(world.read("db.sealed.yaml").matches("header: |-").count(), 4);
    assert_eq!(world.open("db.sealed.yaml", "B"), b"2");

    world.write("all", "A=1\nB=2\nc=3\npassword=4\nusername=5\n");
    world.seal(&["set", "db.sealed.yaml", "--from-env-file", "all"]).exits(0);
    assert_eq!(world.read("db.sealed.yaml").matches("header: |-").count(), 1);
    assert_eq!(world.open("db.sealed.yaml", "password"), b"4");
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
    let missing = world.seal(&["unset", "db.sealed.yaml", "pasword", "username"]).exits(2);
    missing
        .says("there is no key pasword")
        .says("did you mean password? it has password, username");
    world.seal(&["unset", "db.sealed.yaml", "nope", "--check"]).exits(2);
    assert_eq!(world.read("db.sealed.yaml"), before);
    world
        .seal(&["unset", "db.sealed.yaml", "password", "--check"])
        .exits(3)
        .says("would change: prod/db: without password");
    assert_eq!(world.read("db.sealed.yaml"), before);
    world.seal(&["unset", "db.sealed.yaml", "password"]).exits(0);
    let after = world.read("db.sealed.yaml");
    assert_eq!(lines(&before).difference(&lines(&after)).count(), 3, "key, payload, comment");
    world.seal(&["unset", "db.sealed.yaml", "username"]).exits(0).says("no sealed value is left");
    assert!(world.read("db.sealed.yaml").contains("\n  values: {}\n"));
    world.seal_with(&["set", "db.sealed.yaml", "token"], b"new").exits(0);
    assert_eq!(world.open("db.sealed.yaml", "token"), b"new");
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
