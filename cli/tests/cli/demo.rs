//! `seal demo`: the story works with nothing but the program, and leaves nothing behind.

use crate::world::World;

#[test]
fn the_story_runs_and_leaves_nothing_behind() {
    let world = World::new();
    std::fs::create_dir(world.path("../tmp")).expect("a folder");
    let mut command = world.command(&["demo"]);
    command.env("PATH", "/nonexistent").env("TMPDIR", world.path("../tmp"));
    let output = command.output().expect("it runs");
    let said = String::from_utf8(output.stdout).expect("text");
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    for step in [
        "$ seal init --offline-key ../offline.key",
        "$ seal secret.json -o db.sealed.yaml",
        "      payload: <",
        "$ seal set db.sealed.yaml --from-file password=../new",
        "  ~ password sealed anew",
        "--key password\ncorrect horse\n",
    ] {
        assert!(said.contains(step), "{step}: {said}");
    }
    assert_eq!(std::fs::read_dir(world.path("../tmp")).expect("a folder").count(), 0);
    let home = world.path("../home");
    let left = std::fs::read_dir(&home).map_or(0, Iterator::count);
    assert_eq!(left, usize::from(home.join(".cache").exists()), "nothing but what is remembered");
}

#[test]
fn where_no_key_may_be_made_it_says_what_to_do() {
    let world = World::new();
    std::fs::create_dir(world.path("tmp")).expect("a folder in the work tree");
    let output =
        world.command(&["demo"]).env("TMPDIR", world.path("tmp")).output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("TMPDIR=/tmp seal demo"), "{said}");
    assert_eq!(std::fs::read_dir(world.path("tmp")).expect("a folder").count(), 0);
}
