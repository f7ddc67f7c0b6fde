//! What goes, and what stays although it is gone from the source.

use std::fs;

use super::rig::{CANARY, Rig, altered};

#[test]
fn the_files_of_an_object_that_left_go_with_the_folders_we_made() {
    let rig = Rig::new();
    rig.commit_objects(&["a", "b", "c"]);
    rig.commit("s.yaml", &rig.seal("staging/s", &[("k", CANARY)]));
    rig.once().assert(0, &["applied 4"]);
    rig.delete(&["a.yaml", "s.yaml"]);
    rig.once().assert(0, &["unchanged 2, refused 0, pruned 2"]);
    assert!(!rig.out("prod/a").exists() && !rig.out("staging").exists());
    assert!(rig.out("prod/b/password").exists());
}

#[test]
fn a_foreign_file_and_its_folder_survive_a_prune() {
    let rig = Rig::new();
    rig.commit_objects(&["a", "b"]);
    rig.once().assert(0, &["applied 2"]);
    rig.write("out/prod/a/notes", "theirs");
    rig.delete(&["a.yaml"]);
    rig.once().assert(0, &["pruned 1"]);
    assert_eq!(rig.value("prod/a/notes"), "theirs");
    assert!(!rig.out("prod/a/password").exists());
}

#[test]
fn an_emptied_source_removes_nothing_until_it_is_allowed() {
    let rig = Rig::new();
    rig.commit_objects(&["a"]);
    rig.once().assert(0, &["applied 1"]);
    rig.delete(&["a.yaml"]);
    rig.once().assert(1, &["PruneBlocked", "1 of 1 objects", "--allow-prune"]);
    assert!(rig.out("prod/a/password").exists());
    rig.once_with(&["--git=repo", "--ref=main"], &["--allow-prune"]).assert(0, &["pruned 1"]);
    assert!(!rig.out("prod").exists());
}

#[test]
fn more_than_half_gone_at_once_removes_nothing_and_half_does() {
    let rig = Rig::new();
    rig.commit_objects(&["a", "b", "c", "d", "e", "f"]);
    rig.once().assert(0, &["applied 6"]);
    rig.delete(&["a.yaml", "b.yaml", "c.yaml", "d.yaml"]);
    rig.once().assert(1, &["PruneBlocked", "4 of 6", "pruned 0"]);
    assert!(rig.out("prod/a/password").exists());
    // Neither a part of it that comes back nor a new object makes it less of a mistake.
    rig.git(&["checkout", "--quiet", "HEAD^", "--", "c.yaml", "d.yaml"]);
    rig.commit_objects(&["g", "h"]);
    rig.once().assert(1, &["PruneBlocked", "2 of 6", "pruned 0"]);
    rig.git(&["checkout", "--quiet", "HEAD~2", "--", "a.yaml", "b.yaml"]);
    rig.commit_all();
    rig.once().assert(0, &["unchanged 8, refused 0, pruned 0"]);
    rig.delete(&["a.yaml", "b.yaml", "c.yaml", "d.yaml"]);
    rig.once().assert(0, &["unchanged 4, refused 0, pruned 4"]);
    assert!(!rig.out("prod/a").exists() && rig.out("prod/g/password").exists());
}

#[test]
fn new_files_in_the_same_commit_let_no_more_of_the_old_ones_go() {
    let rig = Rig::new();
    rig.commit_objects(&["a", "b", "c", "d"]);
    rig.once().assert(0, &["applied 4"]);
    rig.delete(&["a.yaml", "b.yaml", "c.yaml"]);
    rig.commit_objects(&["e", "f", "g", "h"]);
    rig.once().assert(1, &["PruneBlocked", "3 of 4", "applied 4", "pruned 0"]);
    assert!(rig.out("prod/a/password").exists() && rig.out("prod/h/password").exists());
}

#[test]
fn an_object_that_becomes_refused_keeps_its_last_good_files() {
    let rig = Rig::new();
    rig.commit_objects(&["a", "b"]);
    rig.once().assert(0, &["applied 2"]);
    let good = fs::read_to_string(rig.at("repo/a.yaml")).unwrap();
    let unknown = "sha256:00000000000000000000000000000000";
    let to_nobody = altered(&good, |sealed| sealed.spec.sealed_to = vec![unknown.into()]);
    let bad_header = altered(&good, |sealed| sealed.spec.header.as_mut().unwrap().truncate(40));
    let cut = good.replacen("  name: a\n", "  name: a\n<<<<<<< HEAD\n", 1);
    let suspended = altered(&good, |sealed| sealed.spec.suspend = Some(true));
    for (text, code, words) in [
        (to_nobody, 4, "NoMatchingKey"),
        (bad_header, 2, "Malformed"),
        (cut, 2, "Malformed"),
        ("seal.dev/v1: [".to_owned(), 2, "Malformed"),
        (format!("seal.dev/ {}", "x".repeat(2 * 1024 * 1024)), 2, "larger than 2 MiB"),
    ] {
        rig.commit("a.yaml", &text);
        rig.once().assert(code, &[words, "a.yaml", "unchanged 1, refused 1, pruned 0"]);
        assert_eq!(rig.value("prod/a/password"), "CANARY a", "{words}");
    }
    rig.commit("a.yaml", &suspended);
    rig.once().assert(0, &["unchanged 2, refused 0, pruned 0"]);
    assert_eq!(rig.value("prod/a/password"), "CANARY a", "suspended");
}
