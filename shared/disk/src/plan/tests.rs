//! The decisions, one by one, without a disk.

use super::*;

fn path(text: &str) -> RelPath {
    RelPath::try_from(text.to_owned()).unwrap()
}

fn entry(from: &str, files: &[&str]) -> Entry {
    let files = files.iter().map(|file| path(file)).collect();
    Entry { from: from.into(), files, ..Entry::default() }
}

fn file(at: &str, found: Found) -> (RelPath, LaidFile, Found) {
    let laid = LaidFile {
        path: at.split('/').map(str::to_owned).collect(),
        mode: 0o600,
        value: b"value".as_slice().into(),
    };
    (path(at), laid, found)
}

#[test]
fn an_absent_file_is_written_and_a_same_one_is_left() {
    let Plan::Write(write) = object("a/b", "x", None, vec![file("a/b/k", Found::Absent)], false)
    else {
        panic!("nothing is there yet")
    };
    assert!(write.put[0].how == How::New && write.remove.is_empty());
    let known = entry("x", &["a/b/k"]);
    let plan = object("a/b", "x", Some(&known), vec![file("a/b/k", Found::Same)], false);
    assert!(matches!(plan, Plan::Leave));
}

#[test]
fn a_file_outside_the_inventory_is_not_ours_even_with_the_same_content() {
    for found in [Found::Same, Found::Differs, Found::Odd("a symbolic link")] {
        let plan = object("a/b", "x", None, vec![file("a/b/k", found)], false);
        assert!(matches!(plan, Plan::Refuse(DiskError::NotOurs { .. })), "{found:?}");
    }
}

#[test]
fn one_odd_file_refuses_the_whole_object() {
    let known = entry("x", &["a/b/k", "a/b/l"]);
    let files = vec![file("a/b/k", Found::Differs), file("a/b/l", Found::Odd("a symbolic link"))];
    assert!(matches!(object("a/b", "x", Some(&known), files, false), Plan::Refuse(_)));
}

#[test]
fn a_key_that_went_is_removed_and_a_moved_sealed_file_changes_no_file() {
    let known = entry("x", &["a/b/k", "a/b/l"]);
    let Plan::Write(write) =
        object("a/b", "x", Some(&known), vec![file("a/b/k", Found::Same)], false)
    else {
        panic!("a key went")
    };
    assert_eq!(write.remove, BTreeSet::from([path("a/b/l")]));
    let known = entry("old", &["a/b/k"]);
    let Plan::Write(write) =
        object("a/b", "new", Some(&known), vec![file("a/b/k", Found::Same)], false)
    else {
        panic!("the inventory must learn the path")
    };
    assert!(!write.changes_files());
}
