//! `seal rename-key`: a value under another key, opened and sealed anew; every other line stays.

use crate::world::World;

const WITH: [&str; 2] = ["-i", "../cluster.txt"];

fn rename(world: &World, old: &str, new: &str) -> crate::world::Ran {
    world.seal(&[&["rename-key", "db.sealed.yaml", old, new], WITH.as_slice()].concat())
}

#[test]
fn a_renamed_key_has_its_value_and_no_other_line_changes() {
    let world = World::sealed();
    world.write("db.sealed.yaml", format!("# kept\n{}", world.read("db.sealed.yaml")));
    let before = world.read("db.sealed.yaml");
    rename(&world, "password", "pass.word").exits(0).says("sealing for cluster (sha256:");
    let after = world.read("db.sealed.yaml");
    let rest = |text: &str, key: &str| {
        let start = text.find(&format!("    {key}:\n")).expect("the block begins");
        let end = format!("    # end of {key}\n");
        let end = text.find(&end).expect("a comment ends it") + end.len();
        text[..start].to_owned() + &text[end..]
    };
    assert_eq!(rest(&after, "pass.word"), rest(&before, "password"));
    assert_eq!(world.open("db.sealed.yaml", "pass.word"), b"hunter2");
    assert_eq!(world.open("db.sealed.yaml", "username"), b"admin");
}

#[test]
fn a_key_that_is_not_there_and_one_that_is_there_already_are_refused() {
    let world = World::sealed();
    let before = world.read("db.sealed.yaml");
    rename(&world, "pasword", "new")
        .exits(2)
        .says("there is no key pasword")
        .says("did you mean password?");
    rename(&world, "password", "username").exits(2).says("there is a key username already");
    rename(&world, "password", "no key").exits(2).says("NEW belongs");
    assert_eq!(world.read("db.sealed.yaml"), before);
}

#[test]
fn the_comments_that_go_with_a_block_are_named() {
    let world = World::sealed();
    let text = world.read("db.sealed.yaml");
    let commented =
        text.replace("    password:\n", "    # of the database\n    password: # rotated\n");
    world.write("db.sealed.yaml", &commented);
    let is_it = |line: &str| line.contains("# of the database");
    let line = 1 + commented.lines().position(is_it).expect("it is there");
    rename(&world, "password", "pass").exits(0).says(&format!(
        "db.sealed.yaml: the comments of password go with its block: lines {line}, {} as it was",
        line + 1
    ));
    let silent = rename(&world, "username", "user").exits(0).stderr;
    assert!(!silent.contains("comments"), "{silent}");
}

#[test]
fn renaming_needs_an_identity_that_opens_the_value() {
    let world = World::sealed();
    let before = world.read("db.sealed.yaml");
    world.seal(&["rename-key", "db.sealed.yaml", "password", "new"]).exits(4).says("-i FILE");
    let stranger = ["rename-key", "db.sealed.yaml", "password", "new", "-i", "../stranger.txt"];
    world.seal(&stranger).exits(4).says("NoMatchingKey");
    let check = [&["rename-key", "db.sealed.yaml", "password", "new", "--check"], WITH.as_slice()];
    world.seal(&check.concat()).exits(3).says("would change");
    assert_eq!(world.read("db.sealed.yaml"), before);
}
