//! What is written over what: a sealed file by its own objects, and nothing else without `--force`.

use std::fs;

use crate::world::{World, recipient};

#[test]
fn only_a_sealed_file_or_an_empty_one_is_replaced() {
    let world = World::new();
    let identity = world.read("../cluster.txt");
    world.write("notes.md", "# notes\n");
    world.write("config.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n");
    world.write("image.bin", [0xff, 0x00]);
    let r = recipient("cluster");
    for (file, why) in [
        ("../cluster.txt", "is no sealed file"),
        ("notes.md", "is no sealed file"),
        ("config.yaml", "is no sealed file"),
        ("image.bin", "is no sealed file"),
        (".seal.yaml", "is no sealed file"),
    ] {
        let before = fs::read(world.path(file)).unwrap();
        let ran = world.seal(&["secret.json", "-r", &r, "-o", file]).exits(2);
        ran.says(why).says("--force replaces this one");
        world.seal(&["secret.json", "-r", &r, "-o", file, "--check"]).exits(2).says(why);
        assert_eq!(fs::read(world.path(file)).unwrap(), before);
    }
    assert_eq!(world.read("../cluster.txt"), identity);
    world.write("empty.yaml", "");
    world.seal(&["secret.json", "-o", "empty.yaml"]).exits(0);
    world.seal(&["secret.json", "-o", "empty.yaml"]).exits(0);
    world.seal(&["secret.json", "-o", "notes.md", "--force"]).exits(0).says("wrote notes.md");
}

#[test]
fn a_link_that_leads_nowhere_is_somebodys_too() {
    let world = World::sealed();
    std::os::unix::fs::symlink("nowhere", world.path("link.yaml")).unwrap();
    let is_link = || world.path("link.yaml").symlink_metadata().unwrap().is_symlink();
    world.seal(&["secret.json", "-o", "link.yaml"]).exits(2).says("is a link that leads nowhere");
    let open = ["open", "db.sealed.yaml", "-i", "../cluster.txt", "-o", "link.yaml"];
    world.seal(&open).exits(2).says("exists and is not overwritten");
    assert!(is_link());
    world.seal(&["secret.json", "-o", "link.yaml", "--force"]).exits(0);
    assert!(!is_link() && !world.path("nowhere").exists());
}

#[test]
fn a_file_that_is_sealed_from_is_never_written_over() {
    let world = World::new();
    let before = world.read("secret.json");
    for force in [&[][..], &["--force"]] {
        let args = [&["secret.json", "-o", "./secret.json"], force].concat();
        world.seal(&args).exits(2).says("would be gone");
    }
    assert_eq!(world.read("secret.json"), before);
    world.write("pw", "hunter2");
    world.write("r.txt", recipient("cluster"));
    let values = ["--name", "db", "-n", "prod", "--from-file", "password=pw", "-R", "r.txt"];
    for file in ["pw", "r.txt"] {
        let args = [&values[..], &["-o", file, "--force"]].concat();
        world.seal(&args).exits(2).says("would be gone");
    }
    assert_eq!(world.read("pw"), "hunter2");
}

#[test]
fn objects_that_are_not_sealed_again_are_not_lost() {
    let world = World::new();
    let multi = world.copy("multi.yaml");
    world.seal(&[multi, "-o", "both.yaml"]).exits(0);
    let both = world.read("both.yaml");
    let ran = world.seal(&["secret.json", "-o", "both.yaml"]).exits(2);
    ran.says("both.yaml holds prod/one, which is not sealed in this run and would be gone");
    world.seal(&[multi, "-o", "both.yaml"]).exits(0);
    world.write("both.yaml", format!("{both}---\napiVersion: v1\nkind: ConfigMap\n"));
    world
        .seal(&[multi, "-o", "both.yaml"])
        .exits(2)
        .says("also holds ConfigMap, which would be gone");
    world.seal(&[multi, "-o", "both.yaml", "--force"]).exits(0);
    let twice = ["secret.json", "secret.json", "-o", "twice.yaml"];
    world.seal(&twice).exits(2).says("prod/db is sealed twice in this run");
}

#[test]
fn a_dash_is_standard_output() {
    let world = World::sealed();
    world.seal(&["secret.json", "-o", "-"]).exits(0).prints("kind: SealedSecret");
    let ran = world.seal(&["open", "db.sealed.yaml", "-i", "../cluster.txt", "-o", "-"]).exits(0);
    ran.prints("kind: Secret\n");
    world.seal(&["secret.json", "--out", "-"]).exits(2).says("--out takes a folder");
    let mut new = world.command(&["key", "new", "-o", "-"]);
    let output = new.current_dir(world.path("..")).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(!world.path("../-").exists());
    assert!(!world.path("-").exists());
}

#[test]
fn opening_replaces_nothing() {
    let world = World::sealed();
    let (sealed, identity) = (world.read("db.sealed.yaml"), world.read("../cluster.txt"));
    world.write("../plain.yaml", "precious");
    let open = |to: &str, more: &[&str]| {
        world.seal(&[&["open", "db.sealed.yaml", "-i", "../cluster.txt", "-o", to], more].concat())
    };
    for force in [&[][..], &["--force"]] {
        open("../cluster.txt", force).exits(2).says("would be gone");
        open("db.sealed.yaml", force).exits(2).says("would be gone");
    }
    open("../offline.txt", &[]).exits(2).says("exists and is not overwritten");
    open("../plain.yaml", &[]).exits(2).says("--force replaces this one");
    assert_eq!(world.read("../plain.yaml"), "precious");
    assert_eq!((world.read("db.sealed.yaml"), world.read("../cluster.txt")), (sealed, identity));
    open("../plain.yaml", &["--force"]).exits(0);
    assert!(world.read("../plain.yaml").contains("kind: Secret"));
    assert_eq!(world.mode("../plain.yaml"), 0o600);
}

#[test]
fn plaintext_in_a_work_tree_is_warned_of_whatever_writes_it() {
    let world = World::sealed();
    let open = ["open", "db.sealed.yaml", "-i", "../cluster.txt"];
    let warning = "is plaintext in a Git work tree";
    world.seal(&[&open[..], &["-o", "plain.yaml"]].concat()).exits(0).says(warning);
    world.set_mode(".", 0o755);
    world.seal(&[&open[..], &["--layout", "tree", "--out", "out"]].concat()).exits(0).says(warning);
    let ran = world.seal(&[&open[..], &["--layout", "tree", "--out", "../out"]].concat()).exits(0);
    assert!(!ran.stderr.contains(warning), "{}", ran.stderr);
}

/// A sealed file as people keep one: with what a manifest of a Secret cannot say.
fn kept() -> World {
    let world = World::new();
    let flags = ["--label", "app=db", "--scope-namespaces", "prod,dev", "--clear", "username"];
    world.seal(&[&["secret.json", "-o", "db.sealed.yaml"], &flags[..]].concat()).exits(0);
    let sealed = world.read("db.sealed.yaml");
    let own = "metadata:\n  annotations:\n    argocd.argoproj.io/sync-wave: \"-1\"\n  labels:\n    team: a\n";
    let more = "spec:\n  suspend: true\n  onConflict: AdoptEmpty\n";
    let sealed = sealed.replacen("metadata:\n", own, 1).replacen("spec:\n", more, 1);
    world.write("db.sealed.yaml", format!("# whose this is\n{sealed}"));
    world
}

#[test]
fn sealing_again_keeps_what_the_file_says_for_itself() {
    let world = kept();
    let flags = ["--label", "app=db", "--scope-namespaces", "prod,dev", "--clear", "username"];
    let again = [&["secret.json", "-o", "db.sealed.yaml"], &flags[..]].concat();
    world.seal(&[&again[..], &["--check"]].concat()).exits(0);
    let ran = world.seal(&again).exits(0);
    assert!(!ran.stderr.contains("no longer in the file"), "{}", ran.stderr);
    let text = world.read("db.sealed.yaml");
    for kept in [
        "# whose this is",
        "argocd.argoproj.io/sync-wave: \"-1\"",
        "team: a",
        "suspend: true",
        "onConflict: AdoptEmpty",
    ] {
        assert!(text.contains(kept), "{kept} is gone:\n{text}");
    }
    world.seal(&again).exits(0);
}

#[test]
fn sealing_again_names_what_is_gone() {
    let world = kept();
    let ran = world.seal(&["secret.json", "-o", "db.sealed.yaml", "--check"]).exits(3);
    let ran = ran
        .says("db.sealed.yaml (label app, username in clear, value username, scope) would change");
    assert!(!ran.stderr.contains("no longer"), "{}", ran.stderr);
    let ran = world.seal(&["secret.json", "-o", "db.sealed.yaml", "--force"]).exits(0);
    let ran = ran.says("its comments are left out: line 1;");
    ran.says("prod/db: no longer in the file: label app, username in clear, scope dev,prod/db");
    let ran = world.seal(&["secret.json", "-o", "db.sealed.yaml", "--scope-name", "*"]).exits(0);
    assert!(!ran.stderr.contains("no longer"), "{}", ran.stderr);
}

/// `seal open FILE | seal -o FILE` is how a file is sealed for other recipients.
#[test]
fn sealing_again_never_narrows_where_a_file_opens_or_drops_an_annotation_unless_told() {
    let world = World::new();
    let scope = ["--scope-namespaces", "dev,prod", "--scope-name", "*"];
    let annotated = ["--annotation", "reloader.example/match=true"];
    let first = ["secret.json", "-o", "db.sealed.yaml"];
    world.seal(&[&first[..], &scope, &annotated].concat()).exits(0);
    let before = world.read("db.sealed.yaml");
    let open = ["open", "db.sealed.yaml", "-i", "../cluster.txt"];
    let opened = world.seal(&open).exits(0).stdout;

    let ran = world.seal_with(&["-o", "db.sealed.yaml"], &opened).exits(2);
    ran.says("prod/db: db.sealed.yaml is for the scope dev,prod/*, and would be for prod/db")
        .says("--scope-namespaces 'dev,prod' --scope-name '*' keeps the scope");
    let ran = world.seal_with(&[&["-o", "db.sealed.yaml"], &scope[..]].concat(), &opened).exits(2);
    ran.says("gives the Secret the annotation reloader.example/match, which would be gone")
        .says("--annotation reloader.example/match keeps");
    assert_eq!(world.read("db.sealed.yaml"), before);

    let kept = ["--annotation", "reloader.example/match", "-o", "db.sealed.yaml"];
    let ran = world.seal_with(&[&kept[..], &scope].concat(), &opened).exits(0);
    assert!(!ran.stderr.contains("no longer"), "{}", ran.stderr);
    assert!(world.read("db.sealed.yaml").contains("reloader.example/match: \"true\""));
    world
        .seal_with(&["-o", "db.sealed.yaml", "--force"], &opened)
        .exits(0)
        .says("no longer in the file");
}

#[test]
fn a_type_left_out_is_opaque() {
    let world = World::sealed();
    world.seal(&["secret.json", "-o", "db.sealed.yaml", "--type", "Opaque", "--check"]).exits(0);
    world
        .seal(&["secret.json", "-o", "db.sealed.yaml", "--type", "x", "--check"])
        .exits(3)
        .says("(type)");
}

#[test]
fn each_choice_for_a_secret_that_is_there_is_written_down_and_no_other() {
    let world = World::new();
    world
        .seal(&["secret.json", "--on-conflict", "x"])
        .exits(2)
        .says("takes one of Refuse, AdoptEmpty, Adopt, Merge");
    for choice in ["Refuse", "AdoptEmpty", "Adopt", "Merge"] {
        let text = world.seal(&["secret.json", "--on-conflict", choice]).exits(0).text();
        assert!(text.contains(&format!("onConflict: {choice}\n")), "{text}");
    }
}

#[test]
fn what_is_merged_sets_keys_alone_and_says_what_the_others_have_to_do() {
    let world = World::new();
    world
        .seal(&["secret.json", "--on-conflict", "Merge"])
        .exits(0)
        .says("kubectl annotate secret -n prod db seal.dev/accepts=merge");
    world
        .seal(&["secret.json", "--on-conflict", "Merge", "--label", "a=b"])
        .exits(2)
        .says("sets keys alone");
}

#[test]
fn a_file_that_somebody_made_read_only_stays_as_it_is() {
    let world = World::sealed();
    let before = world.read("db.sealed.yaml");
    world.set_mode("db.sealed.yaml", 0o444);
    for args in [
        &["set", "db.sealed.yaml", "password"][..],
        &["unset", "db.sealed.yaml", "password"],
        &["secret.json", "-r", &crate::world::recipient("offline"), "-o", "db.sealed.yaml"],
    ] {
        let refused = world.seal_with(args, b"x").exits(1);
        refused.says("cannot write db.sealed.yaml: permission denied").says("`ls -l` says who may");
        assert_eq!(world.read("db.sealed.yaml"), before);
        assert_eq!(world.mode("db.sealed.yaml"), 0o444);
    }
    world.seal(&["reseal", "db.sealed.yaml", "-i", "../cluster.txt"]).exits(0).says("already");
}
