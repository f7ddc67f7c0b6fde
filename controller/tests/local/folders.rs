//! The layouts that faasd and Flyte read from a folder.

use std::fs;
use std::io::{Read, Seek};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use super::rig::{CANARY, Rig, Run, altered};

/// Inode, and the times of the last change of content and of anything.
fn stamp(path: &Path) -> (u64, i64, i64, i64, i64) {
    let meta = fs::metadata(path).unwrap();
    (meta.ino(), meta.mtime(), meta.mtime_nsec(), meta.ctime(), meta.ctime_nsec())
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn faasd(rig: &Rig) -> Run {
    rig.lay_out("faasd", "out")
}

#[test]
fn faasd_finds_a_file_for_each_secret_and_no_other_that_it_would_list() {
    let rig = Rig::new();
    let long = format!("prod/{}", "n".repeat(200));
    for (file, place) in [("a", "prod/api-key"), ("b", "staging/api-key"), ("c", &long)] {
        rig.write(&format!("repo/{file}.yaml"), &rig.seal(place, &[("key", CANARY)]));
    }
    rig.commit_all();
    faasd(&rig).assert(0, &["applied 3"]);
    assert_eq!(names(&rig.out("prod")), ["api-key".to_owned(), "n".repeat(200)]);
    assert_eq!(rig.value("staging/api-key"), CANARY);
    for (path, mode) in
        [("", 0o40755), ("prod", 0o40755), ("prod/api-key", 0o100644), (".seal-state", 0o40700)]
    {
        assert_eq!(fs::metadata(rig.out(path)).unwrap().mode(), mode, "{path}");
    }
    // A file at the top would be copied into the default namespace when faasd starts.
    let at_top = fs::read_dir(rig.at("out")).unwrap().map(Result::unwrap);
    assert!(at_top.into_iter().all(|entry| entry.file_type().unwrap().is_dir()));
}

#[test]
fn a_changed_secret_is_written_in_place_and_no_other_file_is_touched() {
    let rig = Rig::new();
    rig.commit_objects(&["a", "b", "c"]);
    faasd(&rig).assert(0, &["applied 3"]);
    let mut mounted = fs::File::open(rig.out("prod/a")).unwrap();
    let before = ["a", "b", "c"].map(|name| stamp(&rig.out(&format!("prod/{name}"))));
    for value in ["a longer value than the one before", "short", ""] {
        rig.commit("a.yaml", &rig.seal("prod/a", &[("password", value)]));
        faasd(&rig).assert(0, &["applied 1, unchanged 2"]);
        let mut seen = String::new();
        mounted.rewind().unwrap();
        mounted.read_to_string(&mut seen).unwrap();
        assert_eq!(seen, value, "whoever has the file sees the change");
        assert_eq!(stamp(&rig.out("prod/a")).0, before[0].0, "it is the same file");
    }
    faasd(&rig).assert(0, &["applied 0, unchanged 3"]);
    let after = ["b", "c"].map(|name| stamp(&rig.out(&format!("prod/{name}"))));
    assert_eq!(after, before[1..], "the others are not touched");
}

#[test]
fn a_wrong_mode_is_put_right_without_a_write() {
    let rig = Rig::new();
    rig.commit_objects(&["a"]);
    faasd(&rig).assert(0, &["applied 1"]);
    let before = stamp(&rig.out("prod/a"));
    fs::set_permissions(rig.out("prod/a"), PermissionsExt::from_mode(0o666)).unwrap();
    faasd(&rig).assert(0, &["applied 1"]);
    let after = stamp(&rig.out("prod/a"));
    assert_eq!((before.0, before.1, before.2), (after.0, after.1, after.2), "inode and mtime");
    assert_eq!(fs::metadata(rig.out("prod/a")).unwrap().mode() & 0o7777, 0o644);
}

#[test]
fn half_a_value_that_a_crash_left_is_ours_and_is_written_again() {
    let rig = Rig::new();
    rig.commit_objects(&["a"]);
    faasd(&rig).assert(0, &["applied 1"]);
    let inode = stamp(&rig.out("prod/a")).0;
    for left in ["CANA", "CANARY a and the end of a longer value", ""] {
        fs::write(rig.out("prod/a"), left).unwrap();
        faasd(&rig).assert(0, &["applied 1"]);
        assert_eq!(rig.value("prod/a"), "CANARY a");
        assert_eq!(stamp(&rig.out("prod/a")).0, inode);
    }
}

#[test]
fn a_disk_that_is_full_amid_a_write_in_place_gets_the_old_value_back() {
    let rig = Rig::new();
    rig.commit_objects(&["a"]);
    faasd(&rig).assert(0, &["applied 1"]);
    rig.commit("a.yaml", &rig.seal("prod/a", &[("password", &"x".repeat(100_000))]));
    // No file may grow beyond a few kilobytes: what a full disk does, without one.
    let command = rig.command(&["--git=repo", "--ref=main"], &["--once", "--layout=faasd"]);
    let output = std::process::Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$0\" \"$@\""])
        .arg(command.get_program())
        .args(command.get_args())
        .current_dir(rig.at("."))
        .output()
        .unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(log.contains("Retrying") && log.contains("cannot write prod/a"), "{log}");
    assert_eq!(rig.value("prod/a"), "CANARY a");
    faasd(&rig).assert(0, &["applied 1"]);
    assert_eq!(rig.value("prod/a").len(), 100_000);
}

#[test]
fn a_secret_of_several_keys_is_refused_for_faasd_and_the_others_go_on() {
    let rig = Rig::new();
    rig.write("repo/two.yaml", &rig.seal("prod/two", &[("a", CANARY), ("b", CANARY)]));
    rig.commit_objects(&["one"]);
    faasd(&rig).assert(
        2,
        &["two.yaml", "prod/two has 2 keys (a, b)", "seal each value as a secret", "applied 1"],
    );
    assert_eq!(names(&rig.out("prod")), ["one"]);
}

#[test]
fn what_is_planted_where_a_secret_of_faasd_goes_is_not_written_through() {
    let rig = Rig::new();
    rig.commit_objects(&["a"]);
    faasd(&rig).assert(0, &["applied 1"]);
    rig.write("target", "theirs");
    let file = rig.out("prod/a");
    let plants: [(&str, &dyn Fn()); 4] = [
        ("a symbolic link", &|| symlink(rig.at("target"), &file).unwrap()),
        ("more than one link", &|| fs::hard_link(rig.at("target"), &file).unwrap()),
        ("not a regular file", &|| {
            let mode = rustix::fs::Mode::from_raw_mode(0o600);
            rustix::fs::mknodat(rustix::fs::CWD, &file, rustix::fs::FileType::Fifo, mode, 0)
                .unwrap();
        }),
        ("a file of another user", &|| {
            fs::write(&file, "theirs").unwrap();
            std::os::unix::fs::chown(&file, Some(12345), None).unwrap();
        }),
    ];
    let is_root = rustix::process::geteuid().is_root();
    for (what, plant) in plants.iter().take(if is_root { 4 } else { 3 }) {
        fs::remove_file(&file).unwrap();
        plant();
        faasd(&rig).assert(1, &["NotOurs", what]);
        assert_eq!(fs::read(rig.at("target")).unwrap(), b"theirs", "{what}");
    }
}

#[test]
fn a_secret_that_left_is_gone_for_faasd_too() {
    let rig = Rig::new();
    rig.commit_objects(&["a", "b"]);
    faasd(&rig).assert(0, &["applied 2"]);
    rig.delete(&["a.yaml"]);
    faasd(&rig).assert(0, &["pruned 1"]);
    assert_eq!(names(&rig.out("prod")), ["b"]);
}

#[test]
fn a_registry_s_credentials_are_no_secret_of_a_function() {
    let rig = Rig::new();
    let config = r#"{"auths": {"ghcr.io": {"auth": "dTpw"}}}"#;
    let registry = altered(&rig.seal("prod/reg", &[(".dockerconfigjson", config)]), |sealed| {
        sealed.spec.template.get_or_insert_default().type_ =
            Some("kubernetes.io/dockerconfigjson".into());
    });
    rig.write("repo/reg.yaml", &registry);
    rig.commit_objects(&["a"]);
    faasd(&rig).assert(0, &["applied 1", "left alone of other types 1"]);
    assert_eq!(names(&rig.out("prod")), ["a"]);
    // One that becomes such a Secret takes its file along.
    let moved = altered(&rig.seal("prod/a", &[(".dockerconfigjson", config)]), |sealed| {
        sealed.spec.template.get_or_insert_default().type_ =
            Some("kubernetes.io/dockerconfigjson".into());
    });
    rig.commit("a.yaml", &moved);
    faasd(&rig).assert(0, &["applied 1"]);
    assert!(!rig.out("prod").exists() || names(&rig.out("prod")).is_empty());
}

#[test]
fn a_layout_does_not_take_over_the_output_of_another() {
    let rig = Rig::new();
    rig.commit_objects(&["a"]);
    rig.lay_out("flyte", "out").assert(0, &["applied 1"]);
    rig.lay_out("tree", "out").assert(2, &["of another layout: one output has one layout"]);
    faasd(&rig).assert(0, &["applied 1"]);
}

#[test]
fn flyte_finds_group_and_key_in_lower_case() {
    let rig = Rig::new();
    rig.commit("u.yaml", &rig.seal("prod/user-info", &[("User_Secret", CANARY), ("b", "\u{0}")]));
    rig.lay_out("flyte", "out").assert(0, &["applied 1"]);
    assert_eq!(rig.value("user-info/user_secret"), CANARY);
    for (path, mode) in [("user-info", 0o40700), ("user-info/user_secret", 0o100600)] {
        assert_eq!(fs::metadata(rig.out(path)).unwrap().mode(), mode, "{path}");
    }
}

#[test]
fn one_group_of_two_namespaces_is_of_neither_and_keeps_its_last_good_files() {
    let rig = Rig::new();
    rig.commit("a.yaml", &rig.seal("prod/group", &[("key", "good"), ("own", "1")]));
    rig.lay_out("flyte", "out").assert(0, &["applied 1"]);
    rig.write("repo/a.yaml", &rig.seal("prod/group", &[("key", "new"), ("own", "2")]));
    rig.commit("b.yaml", &rig.seal("staging/group", &[("KEY", CANARY)]));
    let run = rig.lay_out("flyte", "out");
    run.assert(
        2,
        &[
            "Duplicate",
            "group/key would come of prod/group (key key) and of staging/group (key KEY)",
            "a.yaml",
            "b.yaml",
            "refused 2",
        ],
    );
    assert_eq!((rig.value("group/key"), rig.value("group/own")), ("good".into(), "1".into()));
    rig.commit("b.yaml", &rig.seal("staging/group", &[("other", "3")]));
    rig.lay_out("flyte", "out").assert(0, &["applied 2"]);
    assert_eq!((rig.value("group/key"), rig.value("group/other")), ("new".into(), "3".into()));
}

#[test]
fn keys_that_are_one_in_lower_case_are_refused() {
    let rig = Rig::new();
    rig.commit("a.yaml", &rig.seal("prod/group", &[("key", CANARY), ("KEY", CANARY)]));
    rig.lay_out("flyte", "out").assert(2, &["prod/group (key KEY) and of prod/group (key key)"]);
    assert!(!rig.out("group").exists());
}

#[test]
fn a_group_that_moves_to_another_namespace_is_there_all_the_time() {
    let rig = Rig::new();
    rig.commit("a.yaml", &rig.seal("prod/group", &[("key", "one"), ("gone", "x")]));
    rig.commit_objects(&["b", "c"]);
    rig.lay_out("flyte", "out").assert(0, &["applied 3"]);
    rig.commit("a.yaml", &rig.seal("staging/group", &[("key", "two")]));
    rig.lay_out("flyte", "out").assert(0, &["applied 1, unchanged 2, refused 0, pruned 1"]);
    assert_eq!(names(&rig.out("group")), ["key"]);
    assert_eq!(rig.value("group/key"), "two");
    rig.lay_out("flyte", "out").assert(0, &["unchanged 3"]);
    // A key alone, from one object to another.
    rig.write("repo/a.yaml", &rig.seal("staging/group", &[("other", "1")]));
    rig.commit("d.yaml", &rig.seal("prod/group", &[("key", "three")]));
    rig.lay_out("flyte", "out").assert(0, &["applied 2"]);
    assert_eq!(rig.value("group/key"), "three");
    assert_eq!(names(&rig.out("group")), ["key", "other"]);
}

#[test]
fn a_group_whose_object_is_damaged_is_not_handed_to_another() {
    let rig = Rig::new();
    rig.commit("a.yaml", &rig.seal("prod/group", &[("key", "good")]));
    rig.lay_out("flyte", "out").assert(0, &["applied 1"]);
    rig.write("repo/a.yaml", "apiVersion: seal.dev/v1\nkind: SealedSecret\n<<<<<<< HEAD\n");
    rig.commit("b.yaml", &rig.seal("staging/group", &[("key", CANARY)]));
    rig.lay_out("flyte", "out").assert(2, &["Malformed", "NotOurs", "refused 2"]);
    assert_eq!(rig.value("group/key"), "good");
}
