//! Where the command is started: files that are called as its commands are, and folders that nobody may write to.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;

use crate::world::{World, recipient};

#[test]
fn a_file_may_be_called_as_a_command_is() {
    let world = World::new();
    let manifest = world.read("secret.json");
    for name in ["set", "check", "open", "key", "help", "-r"] {
        world.write(&format!("./{name}"), &manifest);
        let file = format!("./{name}");
        world.seal(&[&file, "-o", "out.yaml"]).exits(0);
        world.write(&file, world.read("out.yaml"));
        fs::remove_file(world.path("out.yaml")).expect("the output");
        world.seal(&["inspect", &file]).exits(0);
        world.seal(&["check", &file]).exits(0).says("1 sealed object in 1 file");
        world.seal_with(&["set", &file, "set"], b"x").exits(0);
        assert_eq!(world.open(&file, "set"), b"x", "{name}");
        world.seal(&["reseal", &file, "-i", "../cluster.txt"]).exits(0);
        world.seal(&["--", name]).exits(6).says("is already sealed");
        fs::remove_file(world.path(name)).expect("the file");
    }
}

/// Runs `seal` as somebody who is not root, for whom modes count.
fn as_anybody(world: &World, args: &[&str]) -> (i32, String) {
    let is_root = fs::metadata("/proc/self").expect("a process").uid() == 0;
    let mut command = if is_root {
        // Where the tests are built others may not look.
        let program = world.path("../seal");
        if !program.exists() {
            fs::copy(env!("CARGO_BIN_EXE_seal"), &program).expect("a copy of the program");
        }
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(program);
        command
    } else {
        Command::new(env!("CARGO_BIN_EXE_seal"))
    };
    command.args(args).current_dir(world.path(".")).env("HOME", "/nonexistent");
    let output = command.output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code().expect("it was not killed"), said)
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
}

#[test]
fn into_a_folder_that_is_read_only_nothing_is_written_and_that_is_said() {
    let world = World::sealed();
    let before = world.read("db.sealed.yaml");
    mode(&world.path(".."), 0o755);
    mode(&world.path("."), 0o555);
    let to = recipient("offline");
    for args in [
        &["set", "db.sealed.yaml", "--from-file", "password=secret.json", "-r", &to][..],
        &["unset", "db.sealed.yaml", "password"],
        &["secret.json", "-r", &to, "-o", "new.yaml"],
        &["secret.json", "-r", &to, "-w"],
        &["secret.json", "-r", &to, "--out", "new"],
        &["fmt", "db.sealed.yaml"],
        &["init"],
        &["git-setup"],
    ] {
        let (code, said) = as_anybody(&world, args);
        // What changes nothing needs no right to write.
        let is_unchanged = code == 0 && matches!(args[0], "fmt" | "init");
        assert!(is_unchanged || matches!(code, 1 | 2), "{args:?}: {code}: {said}");
        assert!(is_unchanged || said.contains("seal: error: "), "{args:?}: {said}");
    }
    let (code, said) = as_anybody(&world, &["secret.json", "-r", &to, "-o", "new.yaml"]);
    assert!(code == 1 && said.contains("permission denied"), "{said}");
    let (code, said) = as_anybody(&world, &["check", "db.sealed.yaml"]);
    assert_eq!(code, 0, "{said}");
    mode(&world.path("."), 0o755);
    assert_eq!(world.names(), [".git", ".seal.yaml", "db.sealed.yaml", "secret.json"]);
    assert_eq!(world.read("db.sealed.yaml"), before);
}

#[test]
fn a_work_tree_of_somebody_else_is_believed_where_git_was_told_so() {
    if fs::metadata("/proc/self").expect("a process").uid() != 0 {
        return; // nobody else gives a file away
    }
    let world = World::new();
    fs::remove_dir(world.path(".git")).expect("an empty folder");
    world.git(&["init", "--quiet"]);
    world.seal(&["secret.json", "-o", "db.sealed.yaml"]).exits(0);
    fs::remove_file(world.path("secret.json")).expect("the manifest");
    let give = |path: &str| {
        let status =
            Command::new("chown").args(["-R", "65534", path]).current_dir(world.path(".")).status();
        assert!(status.expect("coreutils").success());
    };
    let set = || world.seal_with(&["set", "db.sealed.yaml", "password"], b"x");
    let trust = "[safe]\n\tdirectory = *\n";
    world.write("../home/.gitconfig", trust);
    give(".seal.yaml");
    set().exits(2).says(".seal.yaml belongs to another user");
    give(".");
    set().exits(0);
    assert_eq!(
        fs::metadata(world.path("db.sealed.yaml")).expect("a file").uid(),
        65534,
        "it stays theirs"
    );
    world.set_mode(".seal.yaml", 0o666);
    set().exits(2).says(".seal.yaml can be written by others");
    world.set_mode(".seal.yaml", 0o644);
    world.write("../home/.gitconfig", "");
    set().exits(2).says("belongs to another user").says("safe.directory");
    // What seals nothing asks nobody's leave.
    world.seal(&["check", "."]).exits(0).says("1 sealed object in");
}
