//! What is no file: a pipe that the shell hands over is read to its end, everything else is refused at once.

use std::process::Command;

use crate::world::{World, recipient};

fn pipe(world: &World, name: &str) {
    let made = Command::new("mkfifo").arg(world.path(name)).status().expect("mkfifo runs");
    assert!(made.success());
}

#[test]
fn a_named_pipe_or_a_device_is_refused_at_once_wherever_a_file_is_read() {
    let world = World::sealed();
    pipe(&world, "../pipe");
    for path in ["../pipe", "/dev/zero", "/dev/tty"] {
        let from_file = format!("k={path}");
        for args in [
            &[path][..],
            &["--name", "x", "-n", "prod", "--from-file", &from_file],
            &["--name", "x", "-n", "prod", "--from-env-file", path],
            &["set", path, "k"],
            &["set", "db.sealed.yaml", "password", "-R", path],
            &["inspect", path],
            &["open", path, "-i", "../cluster.txt"],
            &["open", "db.sealed.yaml", "-i", path],
        ] {
            let ran = world.seal(args);
            assert!(ran.code != 0 && ran.stdout.is_empty(), "{args:?}: {ran:?}");
            if path != "/dev/tty" {
                ran.exits(2).says("not a file");
            }
        }
    }
}

#[test]
fn a_policy_that_is_a_pipe_is_refused_at_once() {
    let world = World::new();
    std::fs::remove_file(world.path(".seal.yaml")).unwrap();
    pipe(&world, ".seal.yaml");
    world.seal(&["secret.json"]).exits(2).says("is not a file");
}

#[test]
fn a_pipe_that_the_shell_hands_over_is_read_to_its_end() {
    let world = World::sealed();
    world.write("../r.txt", recipient("cluster"));
    for (script, printed) in [
        (r#""$0" open db.sealed.yaml -i <(cat ../cluster.txt) --key password"#, "hunter2"),
        (r#""$0" open <(cat db.sealed.yaml) -i ../cluster.txt --key password"#, "hunter2"),
        (
            r#""$0" <(cat secret.json) -R <(cat ../r.txt) | "$0" open - -i ../cluster.txt --key password"#,
            "hunter2",
        ),
        (
            r#"mkfifo ../p; cat ../cluster.txt > ../p & "$0" open db.sealed.yaml -i - --key username < ../p"#,
            "admin",
        ),
        (
            r#""$0" --name x -n prod --from-file k=/dev/null --allow-empty | "$0" open - -i ../cluster.txt --key k"#,
            "",
        ),
    ] {
        let mut command = Command::new("bash");
        command.args(["-c", script, env!("CARGO_BIN_EXE_seal")]).current_dir(world.path("."));
        let output = command.output().expect("bash runs");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{script}: {stderr}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), printed, "{script}: {stderr}");
    }
}
