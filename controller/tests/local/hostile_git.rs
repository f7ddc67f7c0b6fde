//! A repository that others write to: it chooses content and names, and runs nothing.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::{Command, Stdio};

use seal_core::key::Identity;

use super::rig::{CANARY, Rig, seal_for};

#[test]
fn nothing_in_the_repository_s_configuration_is_run() {
    let rig = Rig::new();
    rig.write("repo/.gitattributes", "*.yaml filter=evil diff=evil merge=evil\n");
    rig.commit("db.yaml", &rig.seal("prod/db", &[("k", CANARY)]));
    // Git itself is not run any more from here on: it would run these.
    let script = rig.at("evil.sh");
    fs::write(&script, format!("#!/bin/sh\ntouch {}\ncat\n", rig.at("marker").display())).unwrap();
    fs::set_permissions(&script, PermissionsExt::from_mode(0o755)).unwrap();
    let script = script.display();
    let config = format!(
        "[core]\n repositoryformatversion = 0\n bare = false\n fsmonitor = {script}\n hooksPath = {hooks}\n pager = {script}\n sshCommand = {script}\n worktree = /\n attributesFile = /dev/null\n\
         [filter \"evil\"]\n smudge = {script}\n clean = {script}\n process = {script}\n required = true\n\
         [diff \"evil\"]\n textconv = {script}\n command = {script}\n[merge \"evil\"]\n driver = {script}\n\
         [credential]\n helper = !{script}\n[gpg]\n program = {script}\n[uploadpack]\n packObjectsHook = {script}\n\
         [alias]\n log = !{script}\n[include]\n path = {include}\n[extensions]\n partialClone = evil\n\
         [remote \"evil\"]\n url = ext::{script}\n promisor = true\n",
        hooks = rig.at("hooks").display(),
        include = rig.at("included").display(),
    );
    fs::write(rig.at("repo/.git/config"), config).unwrap();
    fs::write(rig.at("included"), format!("[core]\n fsmonitor = {script}\n")).unwrap();
    for folder in ["hooks", "repo/.git/hooks"] {
        fs::create_dir_all(rig.at(folder)).unwrap();
        for hook in
            ["post-checkout", "reference-transaction", "post-index-change", "fsmonitor-watchman"]
        {
            symlink(rig.at("evil.sh"), rig.at(folder).join(hook)).unwrap();
        }
    }
    rig.once().assert(0, &["applied 1"]);
    assert_eq!(rig.value("prod/db/k"), CANARY, "the blob as it is, through no filter");
    assert!(!rig.at("marker").exists(), "a command of the repository was run");
}

#[test]
fn a_configuration_that_does_not_parse_is_said_and_loses_nothing() {
    let rig = Rig::new();
    rig.commit_objects(&["db"]);
    rig.once().assert(0, &["applied 1"]);
    fs::write(rig.at("repo/.git/config"), "[core\nworktree = \0").unwrap();
    rig.once().assert(2, &["repo is not a Git repository that can be read"]);
    assert_eq!(rig.value("prod/db/password"), "CANARY db");
}

#[test]
fn links_and_submodules_are_ignored() {
    let rig = Rig::new();
    rig.write("elsewhere/db.yaml", &rig.seal("prod/db", &[("k", CANARY)]));
    symlink(rig.at("elsewhere/db.yaml"), rig.at("repo/db.yaml")).unwrap();
    symlink(rig.at("elsewhere"), rig.at("repo/folder")).unwrap();
    symlink("/proc/self/environ", rig.at("repo/env.yaml")).unwrap();
    rig.commit_all();
    let commit = rig.git(&["rev-parse", "HEAD"]);
    rig.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{commit},sub.yaml")]);
    rig.git(&["commit", "--quiet", "--message=a submodule"]);
    rig.once().assert(0, &["applied 0, unchanged 0, refused 0"]);
    rig.once_with(&["--git=repo", "--ref=main", "--path=folder"], &[])
        .assert(1, &["there is no folder folder"]);
    assert_eq!(rig.snapshot().len(), 1);
}

#[test]
fn an_lfs_pointer_is_no_sealed_file() {
    let rig = Rig::new();
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n";
    rig.commit("db.yaml", pointer);
    rig.once().assert(0, &["applied 0, unchanged 0, refused 0"]);
}

/// Writes an object of any content, as no well-behaved client would.
pub(crate) fn object(rig: &Rig, kind: &str, content: &[u8]) -> String {
    let mut child = Command::new("git")
        .args(["hash-object", "-t", kind, "-w", "--stdin", "--literally"])
        .current_dir(rig.at("repo"))
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), content).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

pub(crate) fn tree(rig: &Rig, entries: &[(&str, &[u8], &str)]) -> String {
    let mut content = Vec::new();
    for (mode, name, id) in entries {
        content.extend_from_slice(mode.as_bytes());
        content.push(b' ');
        content.extend_from_slice(name);
        content.push(0);
        let hex = |at: usize| u8::from_str_radix(&id[at..at + 2], 16).unwrap();
        content.extend((0..id.len()).step_by(2).map(hex));
    }
    object(rig, "tree", &content)
}

pub(crate) fn set_head(rig: &Rig, tree: &str) {
    let who = "x <x@x> 1 +0000";
    let commit = format!("tree {tree}\nauthor {who}\ncommitter {who}\n\nhostile\n");
    let commit = object(rig, "commit", commit.as_bytes());
    fs::write(rig.at("repo/.git/refs/heads/main"), format!("{commit}\n")).unwrap();
}

#[test]
fn names_in_a_tree_decide_no_path_and_cannot_forge_a_log_line() {
    let rig = Rig::new();
    let good = object(&rig, "blob", rig.seal("prod/db", &[("k", CANARY)]).as_bytes());
    let theirs = seal_for(&Identity::generate(), None, "prod/x", &[("k", CANARY)]);
    let refused = object(&rig, "blob", theirs.as_bytes());
    let inner = tree(&rig, &[("100644", b"../../../planted.yaml", &good)]);
    let forged = b"x\n\x1b[31m2026 INFO commit 0000000.yaml";
    set_head(&rig, &tree(&rig, &[("40000", b"..", &inner), ("100644", forged, &refused)]));
    let run = rig.once();
    run.assert(4, &["applied 1", "refused 1", "NoMatchingKey"]);
    assert!(!run.log.contains('\x1b'), "{}", run.log);
    assert!(
        run.log.lines().all(|line| !line.starts_with("\x1b") && !line.starts_with("2026 INFO"))
    );
    assert_eq!(rig.value("prod/db/k"), CANARY, "the place comes from the sealed file alone");
    assert!(!rig.at("planted.yaml").exists() && !rig.at("../planted.yaml").exists());
}

#[test]
fn a_tree_that_expands_without_end_is_beyond_a_limit_and_loses_nothing() {
    let rig = Rig::new();
    rig.commit_objects(&["db"]);
    rig.once().assert(0, &["applied 1"]);
    let blob = object(&rig, "blob", b"x");
    let mut id = tree(&rig, &[("100644", b"x", &blob)]);
    for _ in 0..30 {
        id = tree(&rig, &[("40000", b"a", &id), ("40000", b"b", &id), ("40000", b"c", &id)]);
    }
    set_head(&rig, &id);
    rig.once().assert(1, &["beyond a limit", "--path"]);
    for _ in 0..100 {
        id = tree(&rig, &[("40000", b"a", &id)]);
    }
    set_head(&rig, &id);
    rig.once().assert(1, &["beyond a limit: folders within folders"]);
    assert_eq!(rig.value("prod/db/password"), "CANARY db");
}

#[test]
fn damaged_and_missing_objects_lose_nothing_and_never_panic() {
    let rig = Rig::new();
    rig.commit_objects(&["db"]);
    rig.once().assert(0, &["applied 1"]);
    let gone = "0123456789012345678901234567890123456789";
    let tag_of_nothing = object(&rig, "tag", b"garbage");
    for head in [tag_of_nothing, object(&rig, "blob", b"x"), gone.to_owned()] {
        fs::write(rig.at("repo/.git/refs/heads/main"), format!("{head}\n")).unwrap();
        rig.once().assert(1, &["names no commit"]);
    }
    let garbage = object(&rig, "tree", b"100644 x");
    for tree in [tree(&rig, &[("100644", b"db.yaml", gone)]), garbage, gone.to_owned()] {
        set_head(&rig, &tree);
        rig.once().assert(1, &["cannot be read: an object is missing or damaged"]);
    }
    assert_eq!(rig.value("prod/db/password"), "CANARY db");
}

#[test]
fn a_replaced_object_is_read_as_it_was_committed() {
    let rig = Rig::new();
    rig.commit("db.yaml", &rig.seal("prod/db", &[("k", "committed")]));
    let committed = rig.git(&["rev-parse", "HEAD:db.yaml"]);
    let other = object(&rig, "blob", rig.seal("prod/db", &[("k", "replaced")]).as_bytes());
    rig.git(&["replace", &committed, &other]);
    rig.once().assert(0, &["applied 1"]);
    assert_eq!(rig.value("prod/db/k"), "committed");
}
