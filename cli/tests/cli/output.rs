//! Where output goes: whole files or none, modes kept, a closed pipe is no failure.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, symlink};
use std::process::Stdio;

use crate::world::{World, recipient};

#[test]
fn w_writes_beside_the_manifest_and_out_into_a_folder() {
    let world = World::new();
    world.seal(&["-w", "secret.json"]).exits(0).says("wrote secret.sealed.yaml");
    assert_eq!(world.open("secret.sealed.yaml", "password"), b"hunter2");
    world.seal(&[world.copy("multi.yaml"), "--out", "tree"]).exits(0);
    assert_eq!(world.open("tree/prod/one.sealed.yaml", "a"), b"1");
    assert_eq!(world.open("tree/staging/two.sealed.yaml", "b"), b"2");
    world
        .seal(&["secret.json", "secret.json", "--out", "tree"])
        .exits(2)
        .says("prod/db is sealed twice");
    world
        .seal_with(&["-w"], world.read("secret.json").as_bytes())
        .exits(2)
        .says("-o FILE names the output");
}

#[test]
fn w_takes_env_files_without_another_name() {
    let world = World::new();
    for name in [".env", ".env.production"] {
        world.write(name, "TOKEN=made-up\n");
        world.seal(&["--dotenv", name, "-w", "--name", "app", "-n", "prod"]).exits(0);
        assert_eq!(world.open(&format!("{name}.sealed.yaml"), "TOKEN"), b"made-up");
    }
    world.write("vars", "TOKEN=made-up\n");
    let refused = world.seal(&["--dotenv", "vars", "-w", "--name", "app", "-n", "prod"]);
    refused.exits(2).says("vars is not named X.json, X.yaml or X.env");
}

#[test]
fn a_failed_run_leaves_every_file_as_it_was() {
    let world = World::sealed();
    let (names, sealed) = (world.names(), world.read("db.sealed.yaml"));
    world.write(
        "bad.json",
        "{\"kind\": \"ConfigMap\", \"apiVersion\": \"v1\", \"metadata\": {\"name\": \"x\"}}",
    );
    world.seal(&["-w", "secret.json", "bad.json"]).exits(2).says("ConfigMap ?/x is not a Secret");
    world
        .seal(&["secret.json", "-o", "missing/s.yaml"])
        .exits(2)
        .says("cannot write missing/s.yaml");
    world.seal(&["secret.json", "-o", "secret.json"]).exits(2).says("would be gone");
    assert_eq!(world.read("db.sealed.yaml"), sealed);
    std::fs::remove_file(world.path("bad.json")).unwrap();
    assert_eq!(world.names(), names);
}

#[test]
fn a_files_mode_and_links_stay() {
    let world = World::sealed();
    world.set_mode("db.sealed.yaml", 0o640);
    symlink("db.sealed.yaml", world.path("link.yaml")).unwrap();
    world.seal_with(&["set", "link.yaml", "password"], b"x").exits(0);
    assert_eq!(world.mode("db.sealed.yaml"), 0o640);
    assert!(world.path("link.yaml").symlink_metadata().unwrap().is_symlink());
    assert_eq!(world.open("db.sealed.yaml", "password"), b"x");
}

#[test]
fn check_sees_everything_that_is_seen_without_a_key() {
    let world = World::sealed();
    let check = |args: &[&str]| {
        let all = [&["secret.json", "-o", "db.sealed.yaml", "--check"], args].concat();
        let before = world.read("db.sealed.yaml");
        let ran = world.seal(&all);
        assert_eq!(world.read("db.sealed.yaml"), before);
        ran
    };
    check(&[]).exits(0);
    check(&["--label", "a=b"]).exits(3).says("db.sealed.yaml (label a) would change");
    check(&["--scope-name", "*"]).exits(3);
    check(&["--clear", "username"]).exits(3);
    check(&["-r", &recipient("cluster")]).exits(3);
    world.seal(&["secret.json", "-o", "new.yaml", "--check"]).exits(3);
    assert!(!world.path("new.yaml").exists());
    world.seal(&["secret.json", "--check"]).exits(2);
    world.seal_with(&["set", "db.sealed.yaml", "password", "--check"], b"x").exits(3);
}

#[test]
fn a_closed_pipe_ends_in_silence() {
    let world = World::new();
    // Larger than any pipe's buffer, so that the writer meets the closed end.
    world.write("blob", vec![b'x'; 900_000]);
    let args = ["-n", "prod", "--name", "app", "--from-file", "blob"];
    let mut child =
        world.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = [0; 10];
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut first).unwrap();
    drop(stdout);
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert!(child.wait().unwrap().success(), "{stderr}");
    assert!(!stderr.contains("error") && !stderr.contains("panic"), "{stderr}");
}

#[test]
fn a_full_disk_is_named_and_changes_nothing() {
    let world = World::sealed();
    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = world.command(&["secret.json"]).stdout(full).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr.contains("cannot write standard output: no space left on the device"),
        "{stderr}"
    );
    let ran = world.seal(&["secret.json", "-r", &recipient("cluster"), "-o", "/dev/full"]).exits(1);
    ran.says("cannot write /dev/full: no space left on the device").says("no file was changed");
}

#[test]
fn one_full_device_among_the_outputs_leaves_every_file_as_it_was() {
    let world = World::new();
    std::fs::create_dir_all(world.path("../o/prod")).unwrap();
    world.write("a.json", world.read("secret.json").replace("\"db\"", "\"a\""));
    world.write("b.json", world.read("secret.json").replace("\"db\"", "\"b\""));
    std::os::unix::fs::symlink("/dev/full", world.path("../o/prod/b.sealed.yaml")).unwrap();
    let r = recipient("cluster");
    let ran = world.seal(&["a.json", "b.json", "-r", &r, "--out", "../o"]);
    ran.exits(1).says("no space left on the device").says("no file was changed");
    assert!(!world.path("../o/prod/a.sealed.yaml").exists());
}

#[test]
fn sealing_the_same_again_with_nothing_to_write_touches_nothing() {
    let world = World::sealed();
    let open = ["open", "db.sealed.yaml", "-i", "../cluster.txt", "-o", "../plain.yaml"];
    world.seal(&open).exits(0);
    let first = std::fs::metadata(world.path("../plain.yaml")).unwrap();
    world.seal(&open).exits(0);
    let second = std::fs::metadata(world.path("../plain.yaml")).unwrap();
    assert_eq!(first.ino(), second.ino());
}

#[test]
fn a_link_that_leads_out_of_the_work_tree_is_no_way_to_overwrite_a_file() {
    let world = World::sealed();
    let cluster = recipient("cluster");
    let to = |args: &[&str]| {
        let sealed = ["secret.json", "-r", &cluster];
        world.seal(&[&sealed, args].concat())
    };
    world.write("../precious", "theirs");
    symlink("../precious", world.path("secret.sealed.yaml")).unwrap();
    to(&["-w"]).exits(2).says("leads out of its Git work tree");
    assert_eq!(world.read("../precious"), "theirs");

    std::fs::create_dir(world.path("../elsewhere")).unwrap();
    symlink("../elsewhere", world.path("folder")).unwrap();
    to(&["-o", "folder/db.yaml"]).exits(2).says("leads out of its Git work tree");
    assert!(!world.path("../elsewhere/db.yaml").exists());
    // Saying so is another thing.
    to(&["-o", "../elsewhere/db.yaml"]).exits(0);
}

#[test]
fn what_is_appended_to_a_file_is_a_document_of_its_own() {
    let world = World::new();
    world.write("two.json", world.read("secret.json").replace("\"db\"", "\"two\""));
    for manifest in ["secret.json", "two.json"] {
        let file = File::options().append(true).create(true).open(world.path("all.sealed.yaml"));
        let mut command = world.command(&[manifest]);
        assert!(command.stdout(file.unwrap()).status().unwrap().success());
    }
    let ran = world.seal(&["inspect", "all.sealed.yaml"]).exits(0);
    ran.prints("SealedSecret prod/db").prints("SealedSecret prod/two");
    assert!(world.read("all.sealed.yaml").starts_with("apiVersion:"));
}
