//! What a running controller notices.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use rustix::process::Signal;
use seal_core::key::Identity;

use super::rig::{CANARY, Rig, seal_for};

#[test]
fn a_merge_becomes_a_live_file() {
    let rig = Rig::new();
    rig.commit("README.md", "nothing yet");
    // Not HEAD: that is whatever branch somebody has checked out.
    let running = rig.watch(&["--git=repo", "--ref=main"]);
    running.until_logged("applied 0, unchanged 0, refused 0, pruned 0");
    rig.git(&["checkout", "--quiet", "-b", "secret"]);
    rig.commit("db.yaml", &rig.seal("prod/db", &[("password", CANARY)]));
    rig.git(&["checkout", "--quiet", "main"]);
    assert!(!rig.out("prod").exists(), "not merged, not live");
    rig.git(&["merge", "--quiet", "--no-ff", "--message=merge", "secret"]);
    let merged = rig.git(&["rev-parse", "HEAD"]);
    running.until_value("prod/db/password", CANARY);
    running.until_logged(&format!("commit {}: applied 1, unchanged 0, refused 0", &merged[..7]));
    assert_eq!(running.stop(Signal::TERM), 0);
}

#[test]
fn a_repository_without_a_commit_is_waited_for() {
    let rig = Rig::new();
    let running = rig.watch(&["--git=repo", "--ref=main"]);
    running.until_logged("main names no commit");
    rig.commit_objects(&["db"]);
    running.until_value("prod/db/password", "CANARY db");
    assert_eq!(running.stop(Signal::INT), 0);
}

#[test]
fn what_somebody_changes_on_disk_is_put_right() {
    let rig = Rig::new();
    rig.commit_objects(&["db"]);
    let running = rig.watch(&["--git=repo", "--ref=main"]);
    running.until_value("prod/db/password", "CANARY db");
    fs::write(rig.out("prod/db/password"), "edited").unwrap();
    running.until_value("prod/db/password", "CANARY db");
    fs::remove_dir_all(rig.out("prod")).unwrap();
    running.until_value("prod/db/password", "CANARY db");
}

#[test]
fn an_output_folder_that_is_moved_away_or_removed_is_made_again_and_the_old_one_is_left_alone() {
    for (layout, out, file) in
        [("tree", "out", "out/prod/db/TOKEN"), ("env", "out/vars.env", "out/vars.env")]
    {
        let rig = Rig::new();
        let holds = |file: &str, value: &str| {
            fs::read_to_string(rig.at(file)).is_ok_and(|text| text.contains(value))
        };
        rig.commit("db.yaml", &rig.seal("prod/db", &[("TOKEN", "the-first")]));
        let flags = [format!("--layout={layout}"), format!("--out={out}")];
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        let running = rig.watch_with(&["--git=repo", "--ref=main"], &flags);
        running.until("it is there", || holds(file, "the-first"));
        fs::rename(rig.at("out"), rig.at("old")).unwrap();
        running.until("it is there again", || holds(file, "the-first"));
        running.until_logged("another folder is at the path of OUT now");
        rig.commit("db.yaml", &rig.seal("prod/db", &[("TOKEN", CANARY)]));
        running.until("the new value is there", || holds(file, CANARY));
        assert!(holds(&file.replace("out/", "old/"), "the-first"), "{layout}: the old folder");
        fs::remove_dir_all(rig.at("out")).unwrap();
        fs::create_dir(rig.at("out")).unwrap();
        rig.tighten_out();
        running.until("it is there once more", || holds(file, CANARY));
        assert_eq!(running.stop(Signal::TERM), 0);
    }
}

#[test]
fn an_output_folder_that_turns_into_a_place_of_others_is_not_written_to() {
    let rig = Rig::new();
    rig.write("files/db.yaml", &rig.seal("prod/db", &[("TOKEN", "the-first")]));
    let running = rig.watch(&["--dir=files"]);
    running.until_value("prod/db/TOKEN", "the-first");
    // Writable by others, then a link into the source: at the start both are refused.
    fs::set_permissions(rig.at("out"), PermissionsExt::from_mode(0o777)).unwrap();
    running.until_logged("is writable by others");
    rig.write("files/db.yaml", &rig.seal("prod/db", &[("TOKEN", CANARY)]));
    fs::rename(rig.at("out"), rig.at("old")).unwrap();
    symlink(rig.at("files"), rig.at("out")).unwrap();
    running.until_logged("lies inside");
    assert!(!rig.at("files/prod").exists());
    assert_eq!(fs::read_to_string(rig.at("old/prod/db/TOKEN")).unwrap(), "the-first");
    fs::remove_file(rig.at("out")).unwrap();
    running.until_value("prod/db/TOKEN", CANARY);
}

#[test]
fn a_foreign_file_that_is_moved_away_makes_room_at_once() {
    let rig = Rig::new();
    rig.commit_objects(&["db"]);
    rig.write("out/prod/db/password", "theirs");
    rig.tighten_out();
    let running = rig.watch(&["--git=repo", "--ref=main"]);
    running.until_logged("NotOurs");
    assert_eq!(rig.value("prod/db/password"), "theirs");
    fs::rename(rig.out("prod/db/password"), rig.at("theirs")).unwrap();
    running.until_value("prod/db/password", "CANARY db");
}

#[test]
fn a_key_that_arrives_later_heals_at_once() {
    let rig = Rig::new();
    let later = Identity::generate();
    rig.commit("db.yaml", &seal_for(&later, None, "prod/db", &[("k", CANARY)]));
    let running = rig.watch(&["--git=repo", "--ref=main"]);
    running.until_logged("NoMatchingKey");
    rig.write_identity("key.txt", &later);
    running.until_value("prod/db/k", CANARY);
}

#[test]
fn a_refusal_is_logged_once_and_again_when_it_changes() {
    let rig = Rig::new();
    let theirs = |place| seal_for(&Identity::generate(), None, place, &[("k", "1")]);
    rig.commit("a.yaml", &theirs("prod/a"));
    let running = rig.watch(&["--git=repo", "--ref=main"]);
    running.until_logged("a.yaml");
    rig.commit("b.yaml", &theirs("prod/b"));
    running.until_logged("b.yaml");
    assert_eq!(running.log().matches("a.yaml").count(), 1, "{}", running.log());
}

#[test]
fn a_file_in_a_folder_is_noticed_changed_and_removed() {
    let rig = Rig::new();
    rig.write("files/db.yaml", &rig.seal("prod/db", &[("k", "one")]));
    rig.write("files/web.yaml", &rig.seal("prod/web", &[("k", "one")]));
    let running = rig.watch(&["--dir=files"]);
    running.until_value("prod/db/k", "one");
    rig.write("files/db.yaml", &rig.seal("prod/db", &[("k", "two")]));
    running.until_value("prod/db/k", "two");
    fs::remove_file(rig.at("files/db.yaml")).unwrap();
    running.until("prod/db is gone", || !rig.out("prod/db").exists());
    assert_eq!(rig.value("prod/web/k"), "one");
}

#[test]
fn a_reader_never_sees_half_a_value() {
    let rig = Rig::new();
    let (long, longer) = ("a".repeat(300_000), "b".repeat(400_000));
    rig.commit("db.yaml", &rig.seal("prod/db", &[("k", &long)]));
    let running = rig.watch(&["--git=repo", "--ref=main"]);
    running.until_value("prod/db/k", &long);
    rig.commit("db.yaml", &rig.seal("prod/db", &[("k", &longer)]));
    running.until("the new value is there", || {
        let value = fs::read_to_string(rig.out("prod/db/k")).expect("it is there all the time");
        assert!(value == long || value == longer, "half a value");
        value == longer
    });
}
