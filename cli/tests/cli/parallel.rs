//! Many runs that change one file at the same time: each is made, and none is lost.

use std::process::Stdio;

use crate::world::World;

#[test]
fn values_that_are_set_and_unset_at_once_are_all_in_the_file() {
    let world = World::sealed();
    let keys: Vec<String> = (0..20).map(|number| format!("key-{number}")).collect();
    let mut runs = Vec::new();
    for key in &keys {
        world.write(key, format!("value of {key}"));
        let from = format!("{key}={key}");
        let mut command = world.command(&["set", "db.sealed.yaml", "--from-file", &from]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        runs.push(command.spawn().expect("seal runs"));
    }
    let mut unset = world.command(&["unset", "db.sealed.yaml", "username"]);
    runs.push(unset.stderr(Stdio::piped()).spawn().expect("seal runs"));
    for run in runs {
        let output = run.wait_with_output().expect("it ends");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    for key in &keys {
        let value = format!("value of {key}");
        assert_eq!(world.open("db.sealed.yaml", key), value.as_bytes());
    }
    assert_eq!(world.open("db.sealed.yaml", "password"), b"hunter2");
    assert!(!world.read("db.sealed.yaml").contains("username:"));
}
