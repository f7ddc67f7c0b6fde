//! How much is said: nothing but warnings and errors with `--quiet`, and progress on a terminal alone (`terminal.rs`).

use crate::world::World;

#[test]
fn quiet_leaves_warnings_and_errors() {
    let world = World::new();
    let said = world.seal(&["secret.json", "-o", "db.yaml", "--quiet"]).exits(0);
    assert_eq!(said.stderr, "");
    let wide = ["secret.json", "-o", "wide.yaml", "--scope-name", "*", "--quiet"];
    let said = world.seal(&wide).exits(0);
    assert!(said.stderr.lines().all(|line| line.starts_with("seal: warning: ")), "{}", said.stderr);
    assert!(!said.stderr.is_empty());
    world.seal(&["set", "absent.yaml", "key", "--quiet"]).exits(2).says("seal: error: ");
    assert_eq!(world.seal(&["check", "db.yaml", "--quiet"]).exits(0).stderr, "");
    let line = ["set", "db.yaml", "password", "--quiet"];
    world.seal_with(&line, b"made-up\n").exits(0).says("password ends in a line feed");
    let chosen = world.seal_with(&[&line[..], &["--keep-newline"]].concat(), b"made-up\n");
    assert_eq!(chosen.exits(0).stderr, "");
}

#[test]
fn nothing_is_said_of_progress_where_no_terminal_is() {
    let world = World::sealed();
    let said = world.seal(&["check", "."]);
    assert!(!said.stderr.contains('\r') && !said.stderr.contains('\u{1b}'), "{:?}", said.stderr);
}
