//! Trees that nobody made for us: a hundred thousand files, links in circles, and text from Windows.

use std::fs;
use std::os::unix::fs::symlink;

use crate::world::World;

const FILES: usize = 100_000;
/// Files in one folder.
const WIDE: usize = 2_000;
/// A file system lets a file have some ten thousand names.
const NAMES: usize = 10_000;

/// A tree of other people's manifests, and a sealed file in every thousandth place of it.
fn large() -> (World, usize) {
    let world = World::new();
    world.seal(&["secret.json", "--scope-name", "*", "-o", "db.sealed.yaml"]).exits(0);
    fs::remove_file(world.path("secret.json")).expect("the manifest");
    let (sealed, policy) = (world.read("db.sealed.yaml"), world.read(".seal.yaml"));
    fs::remove_file(world.path("db.sealed.yaml")).expect("the sealed file");
    assert!(policy.contains("to: [cluster, offline]"));
    let mut count = 0;
    for number in 0..FILES {
        let path = world.path(&format!("apps/{}/{number}.yaml", number / WIDE));
        if number % WIDE == 0 {
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        }
        if number % 1000 == 0 {
            let text = sealed.replacen("name: db", &format!("name: db-{number}"), 1);
            fs::write(path, text).expect("a file");
            count += 1;
        } else if number % NAMES == 1 {
            fs::write(path, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")
                .expect("a file");
        } else {
            let first = number - number % NAMES + 1;
            let first = world.path(&format!("apps/{}/{first}.yaml", first / WIDE));
            fs::hard_link(first, path).expect("another name of a file");
        }
    }
    (world, count)
}

#[test]
fn a_hundred_thousand_files_are_checked_and_those_that_are_due_are_sealed_anew() {
    let (world, count) = large();
    let checked = world.seal(&["check"]).exits(0);
    checked.says(&format!("{count} sealed objects in {} files", FILES + 1));
    world.write(".seal.yaml", world.read(".seal.yaml").replace("[cluster, offline]", "[offline]"));
    let due = world.seal(&["reseal", "--check", "."]).exits(3);
    due.says("apps/0/0.yaml, ").says("and 80 more would change");
    world.seal(&["reseal", ".", "-i", "../offline.txt"]).exits(0).says("apps/0/0.yaml, ");
    world.seal(&["check"]).exits(0);
}

#[test]
fn links_that_lead_in_circles_end() {
    let world = World::sealed();
    fs::remove_file(world.path("secret.json")).expect("the manifest");
    world.write("apps/a.yaml", "kind: Other\n");
    symlink("..", world.path("apps/up")).expect("a link to the folder above");
    symlink("two", world.path("one")).expect("a link");
    symlink("one", world.path("two")).expect("a link that leads back");
    symlink(".", world.path("self")).expect("a link to its own folder");
    world.seal(&["check"]).exits(0).says("1 sealed object in 3 files");
    world.seal(&["check", "self"]).exits(0).says("1 sealed object in ");
    world.seal(&["reseal", "--check", "."]).exits(0);
    for args in [
        &["check", "one"][..],
        &["inspect", "one"],
        &["set", "one", "a"],
        &["reseal", "one", "--check"],
    ] {
        let ran = world.seal_with(args, b"x");
        assert!(
            matches!(ran.code, 1 | 2) && ran.stderr.contains("one"),
            "{args:?}: {}",
            ran.stderr
        );
    }
    let ran = world.seal(&["init"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}

#[test]
fn text_from_windows_is_read_everywhere() {
    let world = World::new();
    let windows = |name: &str| world.write(name, world.read(name).replace('\n', "\r\n"));
    windows(".seal.yaml");
    world.write("secret.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: prod}\nstringData:\n  password: made-up\n");
    windows("secret.yaml");
    world.seal(&["secret.yaml", "-o", "db.sealed.yaml"]).exits(0);
    windows("db.sealed.yaml");
    windows("../cluster.txt");
    assert_eq!(world.open("db.sealed.yaml", "password"), b"made-up");
    world.write("app.env", "TOKEN=t0ken\r\nMODE=on\r\n");
    for flag in ["--from-env-file", "--dotenv"] {
        world.seal(&["--name", "env", "-n", "prod", flag, "app.env", "-o", "env.yaml"]).exits(0);
        assert_eq!(world.open("env.yaml", "TOKEN"), b"t0ken", "{flag}");
        fs::remove_file(world.path("env.yaml")).expect("the sealed file");
    }
    world.write("to.txt", format!("# ops\r\n{}\r\n", crate::world::recipient("cluster")));
    world.seal(&["secret.yaml", "-R", "to.txt", "-o", "to.yaml"]).exits(0);
    for args in [
        &["inspect", "db.sealed.yaml"][..],
        &["diff", "db.sealed.yaml", "db.sealed.yaml"],
        &["reseal", "db.sealed.yaml", "-i", "../cluster.txt"],
        &["fmt", "db.sealed.yaml"],
        &["key", "recipient", "../cluster.txt"],
    ] {
        world.seal(args).exits(0);
    }
    world.seal_with(&["set", "db.sealed.yaml", "password"], b"other").exits(0);
    assert_eq!(world.open("db.sealed.yaml", "password"), b"other");
    fs::remove_file(world.path("secret.yaml")).expect("the manifest");
    fs::remove_file(world.path("secret.json")).expect("the manifest");
    fs::remove_file(world.path("to.yaml")).expect("a second one for that place");
    fs::remove_file(world.path("app.env")).expect("the env file");
    world.seal(&["check"]).exits(0);
}
