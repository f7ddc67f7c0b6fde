//! Sealing a manifest again over its sealed file: what did not change stays, byte for byte.

use crate::world::World;

const AGAIN: [&str; 3] = ["secret.json", "-o", "db.sealed.yaml"];

/// The block of a key, every line of it.
fn block(text: &str, key: &str) -> String {
    let start = text.find(&format!("    {key}:\n")).expect("the block begins");
    let end = format!("    # end of {key}\n");
    let end = text.find(&end).expect("a comment ends it") + end.len();
    text[start..end].to_owned()
}

fn change_the_password(world: &World) {
    let manifest = world.read("secret.json");
    assert!(manifest.contains("hunter2") || manifest.contains("aHVudGVyMg=="), "{manifest}");
    let changed = manifest.replace("hunter2", "changed").replace("aHVudGVyMg==", "Y2hhbmdlZA==");
    world.write("secret.json", changed);
}

#[test]
fn the_same_manifest_leaves_the_file_as_it_is() {
    let world = World::sealed();
    let before = world.read("db.sealed.yaml");
    world.seal(&AGAIN).exits(0).says("unchanged: db.sealed.yaml");
    assert_eq!(world.read("db.sealed.yaml"), before);
    world.seal(&["secret.json", "-o", "db.sealed.yaml", "--check"]).exits(0);
}

#[test]
fn a_changed_value_changes_its_block_alone_and_comments_stay() {
    let world = World::sealed();
    world.write("db.sealed.yaml", format!("# kept\n{}", world.read("db.sealed.yaml")));
    let before = world.read("db.sealed.yaml");
    change_the_password(&world);
    world.seal(&AGAIN).exits(0).says("wrote db.sealed.yaml");
    let after = world.read("db.sealed.yaml");
    let without = |text: &str| text.replace(&block(text, "password"), "");
    assert_eq!(without(&after), without(&before));
    assert_eq!(world.open("db.sealed.yaml", "password"), b"changed");
    assert_eq!(world.open("db.sealed.yaml", "username"), b"admin");
    world.seal(&AGAIN).exits(0).says("unchanged: db.sealed.yaml");
    // What `seal set` has sealed is remembered as well.
    world.seal_with(&["set", "db.sealed.yaml", "username"], b"admin").exits(0);
    let set = world.read("db.sealed.yaml");
    world.seal(&AGAIN).exits(0).says("unchanged: db.sealed.yaml");
    assert_eq!(world.read("db.sealed.yaml"), set);
}

#[test]
fn without_a_memory_an_identity_shows_what_is_the_same() {
    let world = World::sealed();
    let before = world.read("db.sealed.yaml");
    std::fs::remove_dir_all(world.path("../home/.cache")).expect("what was remembered");
    change_the_password(&world);
    world.seal(&[AGAIN.as_slice(), &["-i", "../offline.txt"]].concat()).exits(0);
    let after = world.read("db.sealed.yaml");
    assert_eq!(block(&after, "username"), block(&before, "username"));
    assert_ne!(block(&after, "password"), block(&before, "password"));
    let mut command = world.command(&AGAIN);
    let output = command.env("SEAL_CACHE", "off").output().expect("the command runs");
    assert!(output.status.success());
    assert_ne!(block(&world.read("db.sealed.yaml"), "username"), block(&before, "username"));
}

#[test]
fn other_recipients_or_another_scope_are_sealed_for_anew() {
    let world = World::sealed();
    let before = world.read("db.sealed.yaml");
    world.write(".seal.yaml", world.read(".seal.yaml").replace("[cluster, offline]", "[cluster]"));
    world.seal(&AGAIN).exits(0).says("wrote db.sealed.yaml");
    let after = world.read("db.sealed.yaml");
    assert_ne!(block(&after, "username"), block(&before, "username"));
    world.seal(&[AGAIN.as_slice(), &["--scope-namespaces", "prod,staging"]].concat()).exits(0);
    assert_ne!(block(&world.read("db.sealed.yaml"), "username"), block(&after, "username"));
    assert_eq!(world.open("db.sealed.yaml", "username"), b"admin");
}

#[test]
fn ciphertext_that_somebody_else_put_there_is_not_taken_for_ours() {
    let world = World::sealed();
    world.write(
        "theirs.json",
        world.read("secret.json").replace("hunter2", "theirs").replace("aHVudGVyMg==", "dGhlaXJz"),
    );
    let mut command = world.command(&["theirs.json", "-o", "db.sealed.yaml"]);
    let output = command.env("HOME", world.path("../another")).output().expect("the command runs");
    assert!(output.status.success());
    let theirs = world.read("db.sealed.yaml");
    world.seal(&AGAIN).exits(0).says("wrote db.sealed.yaml");
    assert_ne!(world.read("db.sealed.yaml"), theirs);
    assert_eq!(world.open("db.sealed.yaml", "password"), b"hunter2");
}

#[test]
fn what_is_remembered_is_closed_to_others_and_says_no_value() {
    let world = World::sealed();
    assert_eq!(world.mode("../home/.cache/seal"), 0o700);
    for name in ["key", "sealed"] {
        let path = format!("../home/.cache/seal/{name}");
        assert_eq!(world.mode(&path), 0o600, "{name}");
        let bytes = std::fs::read(world.path(&path)).expect("what is remembered");
        let holds = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
        assert!(!holds(b"hunter2") && !holds(b"password") && !holds(b"prod"), "{name}");
    }
    // A key that others could read is not used: nothing is known, and everything is sealed anew.
    world.set_mode("../home/.cache/seal/key", 0o644);
    let before = world.read("db.sealed.yaml");
    world.seal(&AGAIN).exits(0).says("wrote db.sealed.yaml");
    assert_ne!(world.read("db.sealed.yaml"), before);
    // One that was cut when it was written is made anew, and what is no pair is passed over.
    world.write("../home/.cache/seal/key", "");
    world.write("../home/.cache/seal/sealed", "no pairs");
    world.set_mode("../home/.cache/seal/key", 0o600);
    world.seal(&AGAIN).exits(0).says("wrote db.sealed.yaml");
    world.seal(&AGAIN).exits(0).says("unchanged: db.sealed.yaml");
    // A folder that others may write into is none of ours; what is no whole path switches it off.
    world.set_mode("../home/.cache/seal", 0o777);
    world.seal(&AGAIN).exits(0).says("wrote db.sealed.yaml");
    for off in ["off", "OFF", "0"] {
        let names = world.names();
        let output =
            world.command(&AGAIN).env("SEAL_CACHE", off).output().expect("the command runs");
        assert!(output.status.success());
        assert_eq!(world.names(), names);
    }
}

#[test]
fn what_is_known_already_is_not_remembered_twice() {
    let world = World::sealed();
    let size =
        || std::fs::metadata(world.path("../home/.cache/seal/sealed")).expect("a file").len();
    let once = size();
    world.seal(&AGAIN).exits(0).says("unchanged: db.sealed.yaml");
    world.seal(&[AGAIN.as_slice(), &["-i", "../offline.txt"]].concat()).exits(0);
    assert_eq!(size(), once);
    change_the_password(&world);
    world.seal(&AGAIN).exits(0).says("wrote db.sealed.yaml");
    assert_eq!(size(), once + 64, "one pair");
}

#[test]
fn a_value_that_sealing_again_takes_out_is_named() {
    let world = World::sealed();
    world.write("v", "v");
    let one = |file: &str, more: &[&str]| {
        let args = ["--name", "db", "-n", "prod", "--type", "Opaque", "--from-file", "new=v", "-o"];
        world.seal(&[&args, [file].as_slice(), more].concat())
    };
    let gone = "prod/db: password, username are no longer in it; `seal set FILE KEY` adds to what is there";
    one("db.sealed.yaml", &["--check"]).exits(3).says(gone);
    one("db.sealed.yaml", &[]).exits(0).says(gone);
    let nothing_goes = one("db.sealed.yaml", &[]).exits(0).stderr;
    assert!(!nothing_goes.contains("no longer"), "{nothing_goes}");
    let object = world.seal(&["inspect", "db.sealed.yaml"]).exits(0);
    assert!(!object.text().contains("password"), "{}", object.text());
}
