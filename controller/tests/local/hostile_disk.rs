//! What somebody planted in the output folder is neither overwritten nor written through nor removed.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use super::rig::Rig;

#[test]
fn a_link_planted_as_a_folder_is_not_written_through() {
    let rig = Rig::new();
    rig.commit_objects(&["db"]);
    fs::create_dir_all(rig.at("elsewhere")).unwrap();
    for planted in ["out/prod", "out/prod/db"] {
        let _ = fs::remove_dir_all(rig.at("out"));
        fs::create_dir_all(rig.at(planted).parent().unwrap()).unwrap();
        rig.tighten_out();
        symlink(rig.at("elsewhere"), rig.at(planted)).unwrap();
        rig.once()
            .assert(1, &["NotOurs", "prod/db/password: a link or a file where a folder belongs"]);
        assert!(fs::read_dir(rig.at("elsewhere")).unwrap().next().is_none(), "{planted}");
        assert!(fs::symlink_metadata(rig.at(planted)).unwrap().is_symlink());
    }
}

#[test]
fn a_link_and_a_second_link_planted_as_a_file_keep_their_target() {
    let rig = Rig::new();
    rig.commit_objects(&["db"]);
    fs::create_dir_all(rig.out("prod/db")).unwrap();
    rig.tighten_out();
    rig.write("target", "theirs");
    symlink(rig.at("target"), rig.out("prod/db/password")).unwrap();
    rig.once().assert(1, &["NotOurs", "a symbolic link"]);
    fs::remove_file(rig.out("prod/db/password")).unwrap();
    fs::hard_link(rig.at("target"), rig.out("prod/db/password")).unwrap();
    rig.once().assert(1, &["NotOurs", "more than one link"]);
    assert_eq!(fs::read(rig.at("target")).unwrap(), b"theirs");
}

#[test]
fn a_file_of_ours_that_was_swapped_for_a_link_is_not_ours_any_more() {
    let rig = Rig::new();
    rig.commit_objects(&["db"]);
    rig.once().assert(0, &["applied 1"]);
    rig.write("target", "theirs");
    fs::remove_file(rig.out("prod/db/password")).unwrap();
    symlink(rig.at("target"), rig.out("prod/db/password")).unwrap();
    rig.once().assert(1, &["NotOurs"]);
    fs::remove_file(rig.out("prod/db/password")).unwrap();
    fs::hard_link(rig.at("target"), rig.out("prod/db/password")).unwrap();
    rig.once().assert(1, &["NotOurs"]);
    rig.commit("other.yaml", &rig.seal("prod/other", &[("k", "v")]));
    rig.delete(&["db.yaml"]);
    rig.once().assert(1, &["NotOurs", "applied 1", "pruned 0"]);
    assert_eq!(fs::read(rig.at("target")).unwrap(), b"theirs");
    assert!(rig.out("prod/db/password").exists());
}

#[test]
fn a_foreign_file_refuses_its_whole_object_and_no_other() {
    let rig = Rig::new();
    rig.write("repo/db.yaml", &rig.seal("prod/db", &[("a", "1"), ("b", "2")]));
    rig.commit_objects(&["web"]);
    rig.write("out/prod/db/b", "2");
    rig.tighten_out();
    rig.once()
        .assert(1, &["NotOurs", "prod/db/b: a file that is not ours", "applied 1", "refused 1"]);
    assert!(!rig.out("prod/db/a").exists(), "all or nothing");
    assert_eq!(rig.value("prod/db/b"), "2");
    assert_eq!(rig.value("prod/web/password"), "CANARY web");
}

#[test]
fn folders_that_others_may_write_to_are_refused() {
    let rig = Rig::new();
    rig.commit_objects(&["db"]);
    fs::create_dir(rig.at("out")).unwrap();
    for mode in [0o770, 0o707, 0o1777] {
        fs::set_permissions(rig.at("out"), PermissionsExt::from_mode(mode)).unwrap();
        rig.once().assert(2, &["the output folder out is writable by others", "chmod go-w"]);
        assert_eq!(rig.snapshot().len(), 1);
    }
    fs::set_permissions(rig.at("out"), PermissionsExt::from_mode(0o755)).unwrap();
    fs::create_dir(rig.out("prod")).unwrap();
    fs::set_permissions(rig.out("prod"), PermissionsExt::from_mode(0o777)).unwrap();
    rig.once().assert(1, &["NotOurs", "a folder that others may write to"]);
    assert!(!rig.out("prod/db").exists());
}

#[test]
fn a_mode_that_was_widened_is_put_right() {
    let rig = Rig::new();
    rig.commit_objects(&["db"]);
    rig.once().assert(0, &["applied 1"]);
    fs::set_permissions(rig.out("prod/db/password"), PermissionsExt::from_mode(0o644)).unwrap();
    rig.once().assert(0, &["applied 1"]);
    assert_eq!(fs::metadata(rig.out("prod/db/password")).unwrap().mode() & 0o7777, 0o600);
}

#[test]
fn an_inventory_that_was_edited_stops_everything() {
    let rig = Rig::new();
    rig.commit_objects(&["db"]);
    rig.once().assert(0, &["applied 1"]);
    let inventory = fs::read_to_string(rig.out(".seal-inventory.json")).unwrap();
    rig.write("out/.seal-inventory.json", &inventory.replace("prod/db/password", "../key.txt"));
    let run = rig.once();
    run.assert(2, &["the inventory .seal-inventory.json is not one that this version wrote"]);
    assert!(rig.at("key.txt").exists());
    fs::remove_file(rig.out(".seal-inventory.json")).unwrap();
    symlink(rig.at("key.txt"), rig.out(".seal-inventory.json")).unwrap();
    rig.once().assert(2, &["the inventory .seal-inventory.json is a symbolic link"]);
}

#[test]
fn two_controllers_never_share_an_output_folder() {
    let rig = Rig::new();
    rig.commit_objects(&["db"]);
    let running = rig.watch(&["--git=repo", "--ref=main"]);
    running.until_value("prod/db/password", "CANARY db");
    rig.once().assert(1, &["another process is writing"]);
}

#[test]
fn a_full_disk_leaves_each_object_as_it_was_and_the_next_try_heals() {
    let rig = Rig::new();
    rig.commit_objects(&["db"]);
    rig.once().assert(0, &["applied 1"]);
    let large = "x".repeat(100_000);
    rig.write("repo/db.yaml", &rig.seal("prod/db", &[("large", &large), ("password", "new")]));
    rig.commit("web.yaml", &rig.seal("prod/web", &[("k", "small")]));
    // No file may grow beyond a few kilobytes: what a full disk does, without one.
    let command = rig.command(&["--git=repo", "--ref=main"], &["--once"]);
    let output = std::process::Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$0\" \"$@\""])
        .arg(command.get_program())
        .args(command.get_args())
        .current_dir(rig.at("."))
        .output()
        .unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{log}");
    assert!(log.contains("Retrying") && log.contains("cannot write prod/db/large"), "{log}");
    assert_eq!(rig.value("prod/db/password"), "CANARY db", "all or nothing");
    assert_eq!(rig.value("prod/web/k"), "small", "the others go on");
    assert!(!rig.out(".seal-staging").exists() && !rig.out("prod/db/large").exists());
    rig.once().assert(0, &["applied 1, unchanged 1"]);
    assert_eq!(rig.value("prod/db/large"), large);
    assert_eq!(rig.value("prod/db/password"), "new");
}
