//! `seal reseal`: the same values for today's recipients, in a whole tree or in none of it.

use crate::world::{World, recipient};

const WITH: [&str; 2] = ["-i", "../offline.txt"];

fn reseal(world: &World, more: &[&str]) -> crate::world::Ran {
    world.seal(&[&["reseal"], more, &WITH].concat())
}

/// Puts `to` in the place of the recipients of the last rule, with all test recipients known.
fn rule(world: &World, to: &str) {
    let known: String = ["cluster", "offline", "stranger"]
        .map(|name| format!("  {name}: {}\n", recipient(name)))
        .concat();
    world.write(".seal.yaml", format!("recipients:\n{known}rules:\n- to: [{to}]\n"));
}

#[test]
fn a_tree_is_sealed_for_the_recipients_of_today_and_other_lines_stay() {
    let world = World::sealed();
    world.write("apps/a.yaml", format!("# kept\n{}", world.read("db.sealed.yaml")));
    world.seal(&["unset", "apps/a.yaml", "username"]).exits(0);
    world.seal_with(&["set", "apps/a.yaml", "token"], b"t0ken").exits(0);
    world.write("apps/other.yaml", "kind: ConfigMap\napiVersion: v1\nmetadata: {name: x}\n");
    world.write("README.md", "seal.dev/v1 is no manifest\n");
    world.write("apps/b.yaml", world.read("apps/a.yaml").replace("name: db", "name: b"));
    std::fs::remove_file(world.path("apps/b.yaml"))
        .expect("a copy under another name does not open");
    rule(&world, "cluster, offline, stranger");
    let said = reseal(&world, &["."]).exits(0);
    let said = said.says("stranger (sha256:").says("gains, by the fingerprints in the files:");
    let said =
        said.says("seal:   prod/db in apps/a.yaml\n").says("seal:   prod/db in db.sealed.yaml\n");
    said.says("wrote db.sealed.yaml, apps/a.yaml");
    assert!(world.read("apps/a.yaml").starts_with("# kept\n"));
    let opened = world.seal(&["open", "apps/a.yaml", "-i", "../stranger.txt", "--key", "token"]);
    assert_eq!(opened.exits(0).stdout, b"t0ken");
    assert_eq!(world.open("apps/a.yaml", "password"), b"hunter2");
    let headers = world.read("apps/a.yaml").matches("age-encryption.org/v1").count();
    assert_eq!(headers, 1, "all values stand under one header");
}

#[test]
fn what_is_sealed_for_today_s_recipients_is_not_touched_again() {
    let world = World::sealed();
    let before = world.read("db.sealed.yaml");
    reseal(&world, &["."]).exits(0).says("1 object is sealed for these recipients already");
    world.seal(&["reseal", "--check", "."]).exits(0);
    assert_eq!(world.read("db.sealed.yaml"), before);
    rule(&world, "offline");
    world.seal(&["reseal", "--check", "."]).exits(3).says("db.sealed.yaml would change");
    assert_eq!(world.read("db.sealed.yaml"), before);
    reseal(&world, &["."]).exits(0);
    let open = ["open", "db.sealed.yaml", "-i", "../cluster.txt"];
    world.seal(&open).exits(4).says("NoMatchingKey");
    world.seal(&["reseal", "--check", "."]).exits(0);
}

#[test]
fn of_a_tree_in_which_one_file_does_not_open_nothing_is_written_unless_asked() {
    let world = World::sealed();
    let sealed = world.read("db.sealed.yaml");
    world.copy("tls.yaml");
    let stranger = recipient("stranger");
    world.seal(&["tls.yaml", "-r", &stranger, "-o", "tls.sealed.yaml"]).exits(0);
    std::fs::remove_file(world.path("tls.yaml")).expect("the manifest");
    rule(&world, "cluster, offline, stranger");
    let failed = reseal(&world, &["."]).exits(4);
    failed.says("tls.sealed.yaml").says("NoMatchingKey").says("nothing was written");
    assert_eq!(world.read("db.sealed.yaml"), sealed);
    reseal(&world, &[".", "--keep-going"]).exits(4).says("1 files were written");
    assert_ne!(world.read("db.sealed.yaml"), sealed);
    assert_eq!(world.open("db.sealed.yaml", "password"), b"hunter2");
}

#[test]
fn ciphertext_that_was_copied_to_the_folder_of_other_recipients_is_not_sealed_for_them() {
    let world = World::new();
    let rules = "rules:\n- {path: \"prod/**\", to: [cluster, offline]}\n- {path: \"dev/**\", to: [stranger, offline]}\n";
    let known: String = ["cluster", "offline", "stranger"]
        .map(|name| format!("  {name}: {}\n", recipient(name)))
        .concat();
    world.write(".seal.yaml", format!("recipients:\n{known}{rules}"));
    world.write("prod/x", "");
    world.seal(&["secret.json", "-o", "prod/db.yaml"]).exits(0);
    world.write("dev/db.yaml", world.read("prod/db.yaml"));
    let before = world.read("dev/db.yaml");
    reseal(&world, &["."]).exits(2).says("dev/db.yaml").says("prod/db.yaml").says("byte for byte");
    // Whatever part of the work tree is named.
    reseal(&world, &["dev"]).exits(2).says("byte for byte");
    reseal(&world, &["dev/db.yaml", "--keep-going"]).exits(2);
    assert_eq!(world.read("dev/db.yaml"), before);
    // However the original was made to look.
    let original = world.read("prod/db.yaml");
    let spelled = original
        .replace("apiVersion: seal.dev/v1", "apiVersion: \"seal.de\\x76/v1\"")
        .replace("kind: SealedSecret", "kind: \"Sealed\\x53ecret\"");
    let padded = format!("{original}# {}\n", "x".repeat(2 * 1024 * 1024));
    let payload = original.rfind("payload: ").expect("a payload") + "payload: ".len();
    let (head, tail) = original.split_at(payload);
    let line = tail.lines().next().unwrap_or_default();
    let codes: String = line.bytes().map(|byte| format!("\\x{byte:02x}")).collect();
    let escaped =
        format!("{}\"{codes}\"{}", head.replacen("scope:", "scopes:", 1), &tail[line.len()..]);
    for (name, text) in [
        ("prod/db.yaml", spelled),
        ("prod/.seal-db.yaml", original.clone()),
        ("prod/db.yaml", original.replacen("name: db", "name: other", 1)),
        ("prod/db.yaml", original.replacen("spec:", "spec:\n  unknown: 1", 1)),
        ("prod/db.txt", original[..original.len() - 40].to_owned()),
        ("prod/db.yaml", padded),
        ("prod/db.yaml", escaped),
    ] {
        std::fs::remove_dir_all(world.path("prod")).expect("the folder");
        world.write(name, text);
        for paths in [&["dev"][..], &[".", "--keep-going"]] {
            let ran = reseal(&world, paths);
            assert_ne!(ran.code, 0, "{name}");
            assert_eq!(world.read("dev/db.yaml"), before, "{name}: {}", ran.stderr);
        }
    }
    world.write("prod/db.yaml", &original);
    world.write("prod/.seal.yaml", "recipients: {\n");
    reseal(&world, &["dev"]).exits(2).says("does not read");
}

#[test]
fn values_that_were_sealed_for_a_wider_scope_keep_it() {
    let world = World::new();
    let wide = ["secret.json", "-o", "db.yaml", "--scope-namespaces", "prod,staging"];
    world.seal(&wide).exits(0);
    rule(&world, "cluster, offline, stranger");
    reseal(&world, &["db.yaml"]).exits(0);
    world.seal(&["inspect", "db.yaml"]).exits(0).prints("prod, staging");
    // A scope that was widened in the file does not open, and is so not sealed for.
    world.write(
        "db.yaml",
        world.read("db.yaml").replace("    - staging\n", "    - staging\n    - zzz\n"),
    );
    rule(&world, "offline");
    reseal(&world, &["db.yaml"]).exits(5).says("NotSealedForThis");
}

#[test]
fn resealing_without_an_identity_or_a_cluster_says_what_is_missing() {
    let world = World::sealed();
    rule(&world, "offline");
    world.seal(&["reseal", "."]).exits(4).says("no identity").says("-i FILE");
    world.seal(&["reseal", "none.yaml", "-i", "../offline.txt"]).exits(2).says("none.yaml");
    world
        .seal(&["reseal", "secret.json", "-i", "../offline.txt"])
        .exits(2)
        .says("no sealed object");
}

#[test]
fn a_tree_without_a_sealed_file_is_not_done_in_silence() {
    let world = World::new();
    std::fs::create_dir(world.path("empty")).expect("a folder");
    world.seal(&["reseal", "empty", "--check"]).exits(0).says("no sealed object in 0 files");
    reseal(&world, &["."]).exits(0).says("there is no sealed object in 2 files");
}

#[test]
fn a_file_that_no_controller_takes_is_not_said_to_be_done() {
    let world = World::sealed();
    let text = world.read("db.sealed.yaml");
    world.write("db.sealed.yaml", text.replacen("  name: db\n", "  name: other\n", 1));
    reseal(&world, &["."]).exits(5).says("WrongPlace");
    world.seal(&["reseal", "--check", "--keep-going", "."]).exits(5);
}

#[test]
fn a_run_that_is_stopped_leaves_nothing_of_its_own_behind() {
    let world = World::new();
    for number in 0..200 {
        let name = format!("n{number}");
        let path = format!("many/{name}.yaml");
        world.write(&path, "");
        world
            .seal_with(&["--name", &name, "-n", "prod", "--from-file", "a=-", "-o", &path], b"x")
            .exits(0);
    }
    rule(&world, "cluster, offline, stranger");
    let mut child =
        world.command(&["reseal", ".", "-i", "../offline.txt"]).spawn().expect("it starts");
    let is_begun = || {
        let entries = std::fs::read_dir(world.path("many")).expect("the folder");
        entries.count() > 200
    };
    while !is_begun() && child.try_wait().expect("it is there").is_none() {}
    let pid = i32::try_from(child.id()).expect("a process");
    let _ = rustix::process::kill_process(
        rustix::process::Pid::from_raw(pid).expect("a process"),
        rustix::process::Signal::TERM,
    );
    let ended = child.wait().expect("it ends").code();
    assert!(matches!(ended, Some(0 | 143)), "done before the signal, or ended by it: {ended:?}");
    assert_eq!(std::fs::read_dir(world.path("many")).expect("the folder").count(), 200);
}
