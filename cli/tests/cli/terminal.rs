//! What a person at a terminal sees and is asked. The terminal is that of util-linux's `script`.

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};

use crate::world::World;

const SEAL: &str = env!("CARGO_BIN_EXE_seal");

/// Starts a shell's line at a terminal of its own, in the repository.
fn start(world: &World, line: &str) -> Child {
    let mut command = Command::new("script");
    command.args(["-qefc", line, "/dev/null"]).current_dir(world.path("."));
    command.env("HOME", world.path("../home")).env("SHELL", "/bin/sh").env("SEAL", SEAL);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    command.spawn().expect("util-linux has `script`")
}

/// Runs a line at a terminal where this is typed: its exit code, and all that was shown.
fn at_terminal(world: &World, line: &str, typed: &str) -> (i32, String) {
    let mut child = start(world, line);
    child.stdin.as_mut().expect("a pipe").write_all(typed.as_bytes()).expect("it is typed");
    let output = child.wait_with_output().expect("the line ends");
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.code().expect("it was not killed"), shown)
}

#[test]
fn the_line_of_progress_is_gone_at_the_end() {
    let world = World::sealed();
    let (code, shown) = at_terminal(&world, "$SEAL check db.sealed.yaml", "");
    assert!(code == 0 && shown.contains("\r\u{1b}[Kseal: nothing found"), "{shown:?}");
}

#[test]
fn a_line_feed_is_asked_about_and_the_answer_decides() {
    let world = World::sealed();
    world.write("value", "made-up\n");
    for line in [
        "echo made-up | $SEAL set db.sealed.yaml password",
        "$SEAL set db.sealed.yaml --from-file password=value",
    ] {
        for (typed, value) in
            [("y\n", &b"made-up"[..]), ("n\n", b"made-up\n"), ("what\nYes\n", b"made-up")]
        {
            let (code, shown) = at_terminal(&world, line, typed);
            assert!(
                code == 0 && shown.contains("the value of password ends in a line feed"),
                "{shown}"
            );
            assert_eq!(world.open("db.sealed.yaml", "password"), value, "{line} {typed}");
        }
        let before = world.read("db.sealed.yaml");
        let (code, shown) = at_terminal(&world, line, "a\nb\nc\n");
        assert!(code == 2 && shown.contains("--keep-newline seals it"), "{shown}");
        assert_eq!(world.read("db.sealed.yaml"), before);
        for flag in ["--trim", "--keep-newline"] {
            let (code, shown) = at_terminal(&world, &format!("{line} {flag}"), "");
            assert!(code == 0 && !shown.contains("[y/n]"), "{shown}");
        }
    }
}

#[test]
fn one_answer_is_for_every_secret_of_a_run() {
    let world = World::new();
    let secret = |name: &str| {
        format!(
            "---\nkind: Secret\napiVersion: v1\nmetadata: {{name: {name}, namespace: prod}}\nstringData: {{password: \"made-up\\n\"}}\n"
        )
    };
    world.write("two.yaml", [secret("a"), secret("b")].concat());
    let (code, shown) = at_terminal(&world, "$SEAL two.yaml -o sealed.yaml", "y\n");
    assert_eq!((code, shown.matches("[y/n]").count()), (0, 1), "{shown}");
    assert!(
        shown.contains("prod/b: the line feed behind the value of password is taken off"),
        "{shown}"
    );
    for name in ["a", "b"] {
        let args =
            ["open", "sealed.yaml", "-i", "../cluster.txt", "--key", "password", "--name", name];
        let opened = world.seal(&args);
        assert_eq!(opened.exits(0).stdout, b"made-up", "{name}");
    }
}

#[test]
fn what_is_typed_for_a_value_is_not_shown() {
    let world = World::new();
    let line = "tty; $SEAL --name a -n prod --prompt password -o a.yaml";
    let mut child = start(&world, line);
    let mut stdout = child.stdout.take().expect("a pipe");
    let mut shown = String::new();
    let mut one = [0];
    while !shown.contains("(not shown): ") && stdout.read(&mut one).expect("it is shown") == 1 {
        shown.push(char::from(one[0]));
    }
    let terminal = shown.lines().next().expect("what `tty` says").trim().to_owned();
    // The question is shown before the terminal stops to show what is typed.
    loop {
        let state = Command::new("stty").args(["-F", &terminal, "-a"]).output().expect("coreutils");
        if String::from_utf8_lossy(&state.stdout).contains(" -echo ") {
            break;
        }
    }
    child.stdin.take().expect("a pipe").write_all(b"made-up-value\n").expect("it is typed");
    stdout.read_to_string(&mut shown).expect("the rest");
    assert!(child.wait().expect("it ends").success(), "{shown}");
    assert!(!shown.contains("made-up"), "{shown}");
    assert_eq!(world.open("a.yaml", "password"), b"made-up-value");
}
